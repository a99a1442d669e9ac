/* page.basins.panel(holder, size, cell, {x, y, canvas}): one cell's panel of the figure "loss against
 * learning rate", or the target's alone (null); x, y: domains, y of nats above the optimum; canvas: points
 * on a canvas.
 * Returns f(hovered, selected), which moves the rings around these trials. */
(() => {
  "use strict";
  const {el, format, known} = page;
  const basins = page.basins, {view, hasLoss} = basins;
  const lane = 9;          // pixels: a row of triangles at the top, of intervals at the bottom
  const targetRoom = 36;   // pixels below the losses for the target's optimum and its label

  // ---- marks ----

  /* Diamond and 90 % interval at the height y. Returns a mark for page.explore. */
  function whisker(g, X, best, y, colour, lines) {
    const [low, high] = (best.ci90 || []).map(lr => lr > 0 ? X(lr) : NaN), x = X(best.lr);
    const group = g.append("g").attr("class", "optimum").attr("stroke", colour).attr("fill", "none");
    if (known(low) && known(high))
      group.append("path").attr("d", `M${low},${y}H${high}M${low},${y - 4}v8M${high},${y - 4}v8`).attr("stroke-width", 1.6);
    group.append("path").attr("d", d3.symbol().type(d3.symbolDiamond).size(64)()).attr("transform", `translate(${x},${y})`)
      .attr("fill", "var(--ground)").attr("stroke-width", 2);
    return {x, y, lines: [...lines, ["LR", format.lr(best.lr, 3)], ["90 % interval", format.interval(best.ci90)]]};
  }

  function drawCanvas(holder, frame, points, radius) {
    const scale = Math.max(1, window.devicePixelRatio || 1), node = page.nodeOf(holder), svg = frame.svg;
    const width = Number(svg.attr("width")), height = Number(svg.attr("height"));
    const canvas = el("canvas", {"data-points": points.length, "aria-hidden": "true"});
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.cssText = `position: absolute; left: 0; top: 0; width: ${width}px; height: ${height}px`;
    node.style.position = "relative";
    node.prepend(canvas);
    const pen = canvas.getContext("2d"), ground = getComputedStyle(document.body).backgroundColor;
    pen.scale(scale, scale);
    pen.translate(frame.left, frame.top);
    pen.lineWidth = 1.1;
    for (const {x, y, group, trial} of points) {
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.strokeStyle = pen.fillStyle = page.color.horizon(group.tokens);
      if (group.hollow(trial)) pen.fillStyle = ground;
      pen.fill();
      pen.stroke();
    }
  }

  function drawPoints(holder, frame, points, radius, onCanvas) {
    const paint = point => page.color.horizon(point.group.tokens), hollow = point => point.group.hollow(point.trial);
    const inside = points.filter(point => !point.outside && !point.square), mark = (list, tag) => frame.plot.append("g")
      .selectAll(tag).data(list).join(tag).attr("data-trial", point => point.trial.id).attr("stroke", paint).attr("stroke-width", 1.3);
    if (onCanvas) drawCanvas(holder, frame, inside, radius);
    else mark(inside, "circle").attr("cx", point => point.x).attr("cy", point => point.y).attr("r", radius)
      .attr("class", point => hollow(point) ? "hollow" : null)
      .attr("fill", point => hollow(point) ? "var(--ground)" : paint(point)).attr("fill-opacity", 0.85);
    const up = d3.symbol().type(d3.symbolTriangle).size(40)(), square = d3.symbol().type(d3.symbolSquare).size(60)();
    mark(points.filter(point => point.outside || point.square), "path").attr("d", point => point.square ? square : up)
      .attr("class", point => point.square ? "confirm" : hasLoss(point.trial) ? "above" : "diverged")
      .attr("transform", point => `translate(${point.x},${point.y})`)
      .attr("fill", point => point.square || hasLoss(point.trial) ? "var(--ground)" : paint(point));
  }

  function place(frame, groups, strip, lanes) {
    const list = [];
    for (const group of groups) for (const trial of [...basins.shown(group), ...(page.now === null ? group.confirm : [])]) {
      const x = frame.x(trial.lr), y = hasLoss(trial) ? frame.y(trial.loss - basins.level(group)) : NaN;
      const square = trial.purpose !== "search", outside = !(y >= strip - 2);
      if (x < -1 || x > frame.width + 1 || y > frame.height + 1 || square && outside) continue;
      const row = lanes > 1 ? basins.horizons.indexOf(group.tokens) : 0;
      list.push({index: trial.index, trial, group, square, outside, x, y: outside ? 7 + row * lane : y});
    }
    return list;
  }

  /* The part of the target's curve that lies below all others. */
  function under(curve, floor, own) {
    const spans = (other, lr) => lr >= other.lr[0] && lr <= other.lr[other.lr.length - 1];
    const keep = curve.lr.map((lr, i) => own.every(({curve: other}) =>
      !other || !spans(other, lr) || floor + curve.loss[i] < basins.lossAt(other, lr)));
    return {lr: curve.lr.filter((v, i) => keep[i]), loss: curve.loss.filter((v, i) => keep[i])};
  }

  /* The target's level is not predicted: among losses its curve lies below all others, at `floor`. */
  function drawTargetCurve({plot}, now, above, floor, lines, own) {
    const given = page.now === null && now.curve && now.curve.lr.length > 1 ? now.curve : null;
    if (!given) return;
    const curve = above ? given : under(given, floor, own), base = above ? 0 : -floor;
    if (above) plot.append("path").attr("d", lines.area(curve, base)).attr("fill", "var(--ink)").attr("fill-opacity", 0.1);
    plot.append("path").attr("class", "target").attr("d", lines.line(curve, base)).attr("fill", "none")
      .attr("stroke", "var(--ink)").attr("stroke-width", 1.8).attr("stroke-dasharray", "6 4");
  }

  function drawTargetOptimum({plot, over, width}, X, now, above, y) {
    const mark = whisker(plot, X, now, y, "var(--ink)", [`Target, ${format.tokens(now.tokens)} tokens`,
      ...(above ? [] : ["its loss is not predicted"])]);
    const text = above ? "target" : "target: level not predicted", half = text.length * 3.4;
    const [left, right] = now.ci90 && now.ci90[0] > 0 && now.ci90[1] > 0 ? now.ci90.map(lr => X(lr)) : [mark.x, mark.x];
    const fits = right + 10 + 2 * half < width;
    const label = over.append("text").attr("class", "label").text(text).attr("pointer-events", "none").attr("paint-order", "stroke")
      .attr("stroke", "var(--ground)").attr("stroke-width", 3).attr("stroke-linejoin", "round");
    if (above) label.attr("x", fits ? right + 6 : left - 6).attr("text-anchor", fits ? "start" : "end").attr("y", y + 4);
    else label.attr("x", Math.max(half + 4, Math.min(width - half - 4, mark.x))).attr("text-anchor", "middle").attr("y", y + 20);
    return mark;
  }

  // ---- panel ----

  basins.panel = (holder, size, cell, domains) => {
    const own = basins.of(cell), {horizons} = basins, lanes = horizons.length <= 6 ? horizons.length : 1;
    const isTarget = cell === null, above = view.above || isTarget, zoomKey = above ? "all" : cell;
    const now = isTarget || cell === basins.targetCell ? basins.targetNow() : null;
    // The domain of the losses, and room above it for triangles, below it for optima.
    const strip = lanes * lane + 5, rows = isTarget ? 0 : horizons.length;
    const shelf = above ? rows * lane + (now ? 22 : 6) : now ? targetRoom : 0;
    const full = above ? domains.y : basins.lossDomain([cell]), inside = size.height - 66;
    const room = below => Math.max(40, inside - strip - below);
    const floor = full[0] - 6 * (full[1] - full[0]) / room(shelf), zoomed = view.y.get(zoomKey);
    const below = zoomed && !above ? 0 : shelf, [low, high] = zoomed || full, unit = (high - low) / room(below);
    const name = isTarget ? "target" : page.cellName(cell);
    const frame = page.frame(holder, size, {
      label: `Loss against learning rate${name ? `, ${name}` : ""}, ${own.length} horizons. Arrow keys go through the trials.`,
      x: {kind: "lr", domain: view.x || domains.x, label: "learning rate"},
      y: {kind: "loss", domain: [low - below * unit, high + strip * unit], label: above ? "nats above the optimum" : "validation loss (nats)"}});
    const {plot, x: X, y: Y} = frame, marks = [];
    const isBeyond = v => v > high + 1e-9 || v < (above ? low : low - below * unit) - 1e-9;
    frame.svg.selectAll(".axis.y .tick, .grid .h").filter(isBeyond).remove();

    // Curves and bands of the final fit: faint while the slider is at an earlier round.
    const lines = {
      line: (curve, base) => d3.line().x(lr => X(lr)).y((lr, i) => Y(curve.loss[i] - base))(curve.lr),
      area: (curve, base) => d3.area().x(lr => X(lr)).y0((lr, i) => Y(curve.low[i] - base))
        .y1((lr, i) => Y(curve.high[i] - base))(curve.lr),
    };
    const faint = page.now !== null;
    for (const group of own.filter(one => one.curve)) {
      const colour = page.color.horizon(group.tokens), base = basins.level(group);
      if (!faint) plot.append("path").attr("d", lines.area(group.curve, base)).attr("fill", colour).attr("fill-opacity", 0.16);
      plot.append("path").attr("class", "curve").attr("d", lines.line(group.curve, base)).attr("fill", "none")
        .attr("stroke", colour).attr("stroke-width", 2).attr("stroke-opacity", faint ? 0.35 : 1);
    }
    if (now) drawTargetCurve(frame, now, above, floor, lines, own);
    plot.append("rect").attr("class", "strip").attr("width", frame.width).attr("height", strip).attr("fill", "var(--card)");

    const points = place(frame, own, strip, lanes);
    const radius = points.length > 1000 ? 2.2 : points.length > 200 || size.width < 420 ? 3 : 4;
    drawPoints(holder, frame, points, radius, domains.canvas);
    marks.push(...points);
    for (const group of own) {
      const colour = page.color.horizon(group.tokens), seen = basins.lowest(basins.shown(group)), best = basins.optimum(group);
      if (seen) plot.append("circle").attr("class", "lowest").attr("cx", X(seen.lr)).attr("cy", Y(seen.loss - basins.level(group)))
        .attr("r", radius + 4).attr("fill", "none").attr("stroke", colour).attr("stroke-width", 1.8);
      if (!best || !(best.lr > 0)) continue;
      const row = frame.height - (now ? 21 : 6) - lane * (horizons.length - 1 - horizons.indexOf(group.tokens));
      const height = above ? row : Y(group.curve ? basins.lossAt(group.curve, best.lr) : group.floor);
      marks.push(whisker(plot, X, best, height, colour, [`Fitted optimum, ${format.tokens(group.tokens)} tokens`,
        ...(group.fit.note ? [group.fit.note] : [])]));
    }
    if (now) marks.push(drawTargetOptimum(frame, X, now, above, above ? frame.height - 8 : Y(floor)));

    const where = new Map(points.map(point => [point.index, [point.x, point.y]]));
    page.explore(frame, {points: () => marks, reset: basins.reset, zoom(x, y) {
      if (x) view.x = x;
      if (y) view.y.set(zoomKey, y);
      basins.redraw();
    }});
    return page.lights(frame, index => where.get(index));
  };
})();
