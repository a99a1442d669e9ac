/* Loss over LR and a ratio (or weight decay) of each cell at its longest horizon: nats above the
 * least, the optimum with its intervals, and the trials. */
(() => {
  "use strict";
  const {data, known, format, cells} = page;
  const levels = [0.003, 0.01, 0.03, 0.1, 0.3], many = data.cells.length > 1;
  const names = {embedding_lr_ratio: "embedding ratio", output_lr_ratio: "output ratio",
    vector_lr_ratio: "norms ratio", weight_decay: "weight decay"};
  const contours = (data.contours || [])
    .filter(contour => contour.lr.length > 1 && contour.values.length > 1);
  const kinds = [...new Set(contours.map(contour => contour.ratio))],
    title = ratio => names[ratio] || ratio;
  const both = ends => Array.isArray(ends) && known(ends[0]) && known(ends[1]);
  let shown = () => cells.all, kind = kinds[0];

  /* Value at a place between the grid's points, which are log-spaced. */
  const between = list => at => {
    const i = Math.max(0, Math.min(list.length - 2, Math.floor(at)));
    return list[i] * (list[i + 1] / list[i]) ** Math.max(0, Math.min(1, at - i));
  };

  /* Where the loss is within `level` of the least: rings of places in pixels, for the area, and
   * their parts inside the grid, for the line. */
  function within(frame, contour, level) {
    const least = d3.min(contour.loss.filter(known)), toLr = between(contour.lr),
      toValue = between(contour.values);
    const below = contour.loss.map(loss => known(loss) ? least - loss : -1e3),
      [nx, ny] = [contour.lr.length, contour.values.length];
    const shape = d3.contours().size([nx, ny]).thresholds([-level])(below)[0], rings = [],
      lines = [];
    for (const ring of shape.coordinates.flat()) {
      const points = ring.map(([i, j]) => [frame.x(toLr(i - 0.5)), frame.y(toValue(j - 0.5))]);
      const edge = ring.map(([i, j]) => i <= 0.5 || j <= 0.5 || i >= nx - 0.5 || j >= ny - 0.5);
      rings.push(points);
      points.forEach((point, k) => {
        if (k === 0 || edge[k - 1] && edge[k]) lines.push([]);
        lines[lines.length - 1].push(point);
      });
    }
    return {rings, lines: lines.filter(line => line.length > 1)};
  }

  /* The place of a level's label: on its line, as far as possible from the other labels. */
  function labelPlace(frame, lines, placed) {
    let best = null, most = 22;
    for (const ring of lines)
      for (const [x, y] of ring) {
        if (x < 18 || x > frame.width - 18 || y < 10 || y > frame.height - 10) continue;
        const room = d3.min(placed, other => Math.hypot((x - other[0]) / 1.6, y - other[1]));
        if (room > most) [best, most] = [[x, y], room];
      }
    return best;
  }

  function drawOptimum(frame, tell, optimum) {
    const inside = (scale, v) => Math.max(d3.min(scale.range()),
      Math.min(d3.max(scale.range()), scale(v)));
    const x = inside(frame.x, optimum.lr), y = inside(frame.y, optimum.value);
    const g = frame.plot.append("g").attr("class", "optimum").style("stroke", "var(--ink)")
      .style("stroke-width", 2.5).style("fill", "none");
    if (both(optimum.lr_ci90)) g.append("path")
      .attr("d",
      `M${inside(frame.x, optimum.lr_ci90[0])},${y}H${inside(frame.x, optimum.lr_ci90[1])}`);
    if (both(optimum.value_ci90)) g.append("path")
      .attr("d",
      `M${x},${inside(frame.y, optimum.value_ci90[0])}V${inside(frame.y, optimum.value_ci90[1])}`);
    g.append("circle").attr("cx", x).attr("cy", y).attr("r", 5).style("fill", "var(--ground)");
    tell(g, () => [["best LR", `${format.lr(optimum.lr)} (${format.interval(optimum.lr_ci90)})`],
      [`best ${title(kind)}`,
        `${format.ratio(optimum.value)} (${format.interval(optimum.value_ci90, format.ratio)})`]]);
  }

  function drawTrials(frame, contour) {
    const trials = page.trials.filter(trial => trial.cell === contour.cell &&
      trial.tokens === contour.tokens &&
      trial.lr > 0 && trial[contour.ratio] > 0);
    const points = trials.map(trial =>
      ({trial, index: trial.index, x: frame.x(trial.lr), y: frame.y(trial[contour.ratio])}))
      .filter(point => point.x >= 0 && point.x <= frame.width && point.y >= 0 &&
      point.y <= frame.height);
    const done = points.filter(point => point.trial.state !== "diverged"),
      diverged = points.filter(point => point.trial.state === "diverged");
    const listen = selection => selection.attr("data-trial", point => point.trial.id)
      .on("mouseenter", point => page.hover(point.index, d3.event))
      .on("mouseleave", () => page.hover(null))
      .on("click", point => page.select(point.index));
    listen(frame.plot.append("g").selectAll("circle").data(done).join("circle")
      .attr("cx", point => point.x).attr("cy", point => point.y)
      .attr("r", 2.8).style("fill", "var(--ink)").style("stroke", "var(--ground)")
      .style("stroke-width", 0.8));
    listen(frame.plot.append("g").selectAll("path").data(diverged).join("path")
      .attr("d", point => `M${point.x - 3},${point.y - 3}l6,6m0,-6l-6,6`)
      .style("stroke", "var(--bad)").style("stroke-width", 1.8).style("fill", "none"));
    const ring = frame.over.append("circle").attr("r", 6.5).style("fill", "none")
      .style("stroke", "var(--accent)").style("stroke-width", 2.5)
      .style("display", "none").style("pointer-events", "none");
    page.keys(frame.svg.node(),
      () => points.map(({index, x, y}) => ({index, x: x + frame.left, y: y + frame.top})));
    return index => {
      const found = index === null ? null : points.find(point => point.index === index);
      ring.style("display", found ? null : "none");
      if (found) ring.attr("cx", found.x).attr("cy", found.y);
    };
  }

  function drawPanel(holder, size, contour, lights) {
    const {optimum} = contour, near = (list, v) => known(v) && v > list[0] / 2 &&
      v < list[list.length - 1] * 2 ? [v / 1.15, v * 1.15] : [];
    const frame = page.frame(holder, size, {
      label: `Loss over learning rate and ${title(kind)}, ${page.cellName(contour.cell)}: ` +
        `least at ${format.lr(optimum.lr)} and ${format.ratio(optimum.value)}`,
      x: {kind: "lr", domain: d3.extent([...contour.lr, ...near(contour.lr, optimum.lr)]),
        label: "learning rate"},
      y: {kind: "ratio", domain: d3.extent([...contour.values,
        ...near(contour.values, optimum.value)]), label: title(kind)}, grid: false});
    const placed = [[frame.x(optimum.lr), frame.y(optimum.value)]],
      shapes = levels.map(level => within(frame, contour, level));
    const path = line =>
      `M${line.map(point => `${point[0].toFixed(1)},${point[1].toFixed(1)}`).join("L")}`;
    for (let i = levels.length - 1; i >= 0; i--) {
      frame.plot.append("path").attr("class", "contour")
        .attr("d", shapes[i].rings.map(path).join("Z")).style("fill", "var(--accent)")
        .style("fill-opacity", 0.14).style("fill-rule", "evenodd");
      frame.plot.append("path").attr("d", shapes[i].lines.map(path).join("")).style("fill", "none")
        .style("stroke", "var(--accent)");
    }
    lights.push(drawTrials(frame, contour));
    drawOptimum(frame, (selection, text) => selection.on("mouseenter",
      () => page.tip(text(), d3.event)).on("mouseleave", () => page.tip(null)), optimum);
    levels.forEach((level, i) => {
      const place = labelPlace(frame, shapes[i].lines, placed);
      if (!place) return;
      placed.push(place);
      page.halo(frame.over.append("text")).attr("class", "level").attr("x", place[0])
        .attr("y", place[1]).attr("dy", ".35em")
        .attr("text-anchor", "middle").style("font-size", "11px").style("pointer-events", "none")
        .text(String(level));
    });
  }

  page.figure({id: "contours", title: many ? "Loss over learning rate and ratio"
    : `Loss over learning rate and ${title(kind)}`,
    span: contours.length > 1 ? "full" : 1, flow: true,
    caption: "Nats above the least loss, of the longest horizon; other ratios at their best. " +
      "Cross: fitted optimum with 90\u00a0% intervals. " +
      "Dots: trials; crosses: diverged.",
    needs: () => contours.length > 0,
    tools(holder) {
      if (kinds.length > 1)
        kind = page.chooser(holder,
          {id: "contours-ratio", label: "against",
          options: kinds.map(ratio => [ratio, title(ratio)]),
          change: ratio => {
            kind = ratio;
            page.redraw("contours");
          }});
      if (many) shown = cells.choosers(holder, "contours", 12, () => page.redraw("contours"));
    },
    draw(holder, {width}) {
      const list = shown(), lights = [],
        items = contours.filter(contour => contour.ratio === kind && list.includes(contour.cell));
      if (items.length === 0) page.nodeOf(holder)
        .append(page.el("p", {class: "caption"}, "No such model has enough trials for contours."));
      page.panels(holder, {id: "contours", items, most: width < 600 ? 4 : 12, least: 280,
        height: items.length === 1 ? Math.min(420, Math.max(280, width * 0.6)) : 240,
        name: contour => page.cellName(contour.cell),
          draw: (inside, size, contour) => drawPanel(inside, size, contour, lights)});
      page.selection.on("trial.contours", index => lights.forEach(light => light(index)));
    }});
})();
