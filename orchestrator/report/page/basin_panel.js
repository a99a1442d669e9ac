/* page.basins.panel(holder, size, cell, {x, y, lanes, canvas}): one cell's panel of the figure
 * "loss against learning rate", or the target's own (null). x, y: domains, y of nats above the
 * optimum; lanes: whether each horizon has its own row of triangles; canvas: points on a canvas.
 * Returns f(hovered, selected), which moves the rings around these trials. */
(() => {
  "use strict";
  const {format, known, attributes} = page;
  const {basins} = page, {view, hasLoss, horizons} = basins; // basins.zoom: set by basins.js
  const lane = 9;        // pixels: a row of triangles at the top, of intervals at the bottom
  const targetRoom = 36; // pixels below the losses for the target's optimum and its label
  const symbol = (type, area) => d3.symbol().type(type).size(area)();
  const colourOf = group => page.color.horizon(group.tokens);

  // ---- trials ----

  /* Marks of the trials in the frame: {index, trial, group, x, y, kind}. */
  function place(frame, own, strip, lanes) {
    const marks = [];
    for (const group of own) {
      const later = page.now === null ? group.confirm : [];
      for (const trial of [...basins.shown(group), ...later]) {
        const x = frame.x(trial.lr);
        const y = hasLoss(trial) ? frame.y(trial.loss - basins.level(group)) : NaN;
        const isConfirm = trial.purpose !== "search", isAbove = !(y >= strip - 2);
        if (x < -1 || x > frame.width + 1 || y > frame.height + 1 || isConfirm && isAbove) continue;
        const kind = isConfirm ? "confirm" : !isAbove ? group.hollow(trial) ? "hollow" : "point"
          : hasLoss(trial) ? "above" : "diverged";
        const row = lanes > 1 ? horizons.indexOf(group.tokens) : 0;
        marks.push({index: trial.index, trial, group, kind, x, y: isAbove ? 7 + row * lane : y});
      }
    }
    return marks;
  }
  const isPoint = mark => mark.kind === "point" || mark.kind === "hollow";
  const isFilled = mark => mark.kind === "point" || mark.kind === "diverged";

  function drawCanvas(holder, frame, marks, radius) {
    const [canvas, pen] = page.canvas(frame.svg.attr("width"), frame.svg.attr("height"));
    const ground = getComputedStyle(document.body).backgroundColor;
    canvas.className = "under";
    canvas.dataset.points = marks.length;
    holder.prepend(canvas);
    pen.translate(frame.left, frame.top);
    for (const mark of marks) {
      pen.beginPath();
      pen.arc(mark.x, mark.y, radius, 0, 2 * Math.PI);
      pen.strokeStyle = pen.fillStyle = colourOf(mark.group);
      if (!isFilled(mark)) pen.fillStyle = ground;
      pen.fill();
      pen.stroke();
    }
  }

  function drawTrials(holder, frame, marks, radius, onCanvas) {
    const up = symbol(d3.symbolTriangle, 40), square = symbol(d3.symbolSquare, 60);
    const draw = (list, tag) =>
      attributes(frame.plot.append("g").selectAll(tag).data(list).join(tag), {
        "data-trial": mark => mark.trial.id, class: mark => `trial ${mark.kind}`,
        stroke: mark => colourOf(mark.group),
        fill: mark => isFilled(mark) ? colourOf(mark.group) : "var(--ground)"});
    const points = marks.filter(isPoint), others = marks.filter(mark => !isPoint(mark));
    if (onCanvas) drawCanvas(holder, frame, points, radius);
    else attributes(draw(points, "circle"), {cx: mark => mark.x, cy: mark => mark.y, r: radius});
    attributes(draw(others, "path"), {d: mark => mark.kind === "confirm" ? square : up,
      transform: mark => `translate(${mark.x},${mark.y})`});
  }

  // ---- optima ----

  /* Diamond and 90 % interval at the height y. Returns its mark for page.explore. */
  function drawOptimum({plot, x: X}, best, y, colour, lines) {
    const [low, high] = (best.ci90 || []).map(lr => lr > 0 ? X(lr) : NaN), x = X(best.lr);
    const g = plot.append("g").attr("class", "optimum").attr("stroke", colour);
    const interval = `M${low},${y}H${high}M${low},${y - 4}v8M${high},${y - 4}v8`;
    if (known(low) && known(high)) g.append("path").attr("d", interval);
    page.put(g, "path", {class: "diamond", d: symbol(d3.symbolDiamond, 64),
      transform: `translate(${x},${y})`});
    return {x, y, lines: [...lines, ["LR", format.lr(best.lr, 3)],
      ["90 % interval", format.interval(best.ci90)]]};
  }

  // ---- target ----

  /* Its level is not predicted: among losses its curve touches `floor`, which is below all others,
   * and is drawn where it stays below them. */
  function drawTargetCurve({plot}, now, above, floor, shape, own) {
    const {curve} = now;
    if (page.now !== null || !curve || curve.lr.length < 2) return;
    if (above) page.put(plot, "path", {class: "band target", d: shape.band(curve, 0)});
    const base = above ? 0 : d3.min(curve.loss) - floor;
    const isBelow = (lr, i) => above || own.every(({curve: other}) => !other || lr < other.lr[0] ||
      lr > other.lr[other.lr.length - 1] || curve.loss[i] - base < basins.lossAt(other, lr));
    page.put(plot, "path", {class: "target", d: shape.line(curve, base, isBelow)});
  }

  function drawTargetOptimum(frame, now, above, y) {
    const lines = [`Target, ${format.tokens(now.tokens)} tokens`];
    if (!above) lines.push("its loss is not predicted");
    const mark = drawOptimum(frame, now, y, "var(--ink)", lines);
    const text = above ? "target" : "target: level not predicted", width = text.length * 6.8;
    const [left, right] = (now.ci90 || []).map(lr => lr > 0 ? frame.x(lr) : mark.x);
    const label = frame.over.append("text").attr("class", "label halo").text(text);
    if (!above) {
      const x = Math.max(width / 2 + 4, Math.min(frame.width - width / 2 - 4, mark.x));
      attributes(label, {x, y: y + 20, "text-anchor": "middle"});
    } else if (right + 10 + width < frame.width) attributes(label, {x: right + 6, y: y + 4});
    else if (left - 10 - width > 0)
      attributes(label, {x: left - 6, y: y + 4, "text-anchor": "end"});
    else label.remove();
    return mark;
  }

  // ---- panel ----

  /* Domain of the losses with room above it for triangles, and below it for optima. */
  function layOut(size, cell, domains, now) {
    const isTarget = cell === null, above = view.above || isTarget, key = above ? "all" : cell;
    const lanes = domains.lanes ? horizons.length : 1, strip = lanes * lane + 5;
    const rows = isTarget ? 0 : horizons.length, shelf = above ? rows * lane + (now ? 22 : 6)
      : now ? targetRoom : 6;
    const losses = above ? domains.y : basins.lossDomain([cell]), full = losses || [0, 1];
    const zoomed = basins.zoom.get(`y ${key}`);
    const room = below => Math.max(40, size.height - 66 - strip - below);
    const floor = full[0] - 6 * (full[1] - full[0]) / room(shelf);
    const below = zoomed && !above ? 0 : shelf, [low, high] = zoomed || full;
    const unit = (high - low) / room(below);
    return {above, key, lanes, strip, floor, domain: [low - below * unit, high + strip * unit],
      ticks: losses ? [above ? low : low - below * unit, high] : [0, -1]}; // none
  }

  basins.panel = (holder, size, cell, domains) => {
    const own = basins.of(cell), name = cell === null ? "target" : page.cellName(cell);
    const now = cell === null || cell === basins.targetCell ? basins.targetNow() : null;
    const {above, key, lanes, strip, floor, domain, ticks} = layOut(size, cell, domains, now);
    const frame = page.frame(holder, size, {
      label: `Loss against learning rate${name ? `, ${name}` : ""}, ${own.length} horizons. ` +
        "Arrow keys go through the trials.",
      x: {kind: "lr", domain: basins.zoom.get("x") || domains.x, label: "learning rate"},
      y: {kind: "loss", domain,
        label: above ? "nats above the optimum" : "validation loss (nats)"}});
    frame.svg.selectAll(".axis.y .tick, .grid .h")
      .filter(v => v < ticks[0] - 1e-9 || v > ticks[1] + 1e-9).remove();
    const {plot, x: X, y: Y} = frame;
    const shape = {
      line: ({lr: lrs, loss}, base, isShown = () => true) => d3.line().x(lr => X(lr))
        .y((lr, i) => Y(loss[i] - base)).defined(isShown)(lrs),
      band: ({lr: lrs, low, high}, base) => d3.area().x(lr => X(lr))
        .y0((lr, i) => Y(low[i] - base)).y1((lr, i) => Y(high[i] - base))(lrs),
    };

    // Curves of the final fit: faint, and without bands, while the slider is at an earlier round.
    for (const group of own.filter(one => one.curve)) {
      const base = basins.level(group), colour = colourOf(group), faint = page.now !== null;
      const band = shape.band(group.curve, base), line = shape.line(group.curve, base);
      if (!faint) page.put(plot, "path", {class: "band", d: band, fill: colour});
      page.put(plot, "path", {class: faint ? "curve faint" : "curve", d: line,
        stroke: colour});
    }
    if (now) drawTargetCurve(frame, now, above, floor, shape, own);
    page.put(plot, "rect", {class: "strip", width: frame.width, height: strip});

    const trials = place(frame, own, strip, lanes), marks = [...trials];
    const radius = trials.length > 1000 ? 2.2 : trials.length > 200 || size.width < 420 ? 3 : 4;
    drawTrials(holder, frame, trials, radius, domains.canvas);
    for (const group of own) {
      const seen = basins.lowest(basins.shown(group)), best = basins.optimum(group);
      if (seen) page.put(plot, "circle", {class: "lowest", cx: X(seen.lr),
        cy: Y(seen.loss - basins.level(group)), r: radius + 4, stroke: colourOf(group)});
      if (!best || !(best.lr > 0) || !known(group.floor)) continue;
      const rank = horizons.length - 1 - horizons.indexOf(group.tokens);
      const y = above ? frame.height - (now ? 21 : 6) - lane * rank
        : Y(group.curve ? basins.lossAt(group.curve, best.lr) : group.floor);
      marks.push(drawOptimum(frame, best, y, colourOf(group),
        [`Fitted optimum, ${format.tokens(group.tokens)} tokens`, group.fit.note].filter(Boolean)));
    }
    if (now) marks.push(drawTargetOptimum(frame, now, above, above ? frame.height - 8 : Y(floor)));

    page.explore(frame, {points: () => marks, stops: () => trials, reset: basins.zoom.reset,
      drag: basins.zoom.drag("x", `y ${key}`)});
    return page.lights(frame, trials);
  };
})();
