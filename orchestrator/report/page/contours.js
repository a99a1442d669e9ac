/* Loss over LR and a ratio (or weight decay) of each cell at its longest horizon: nats above the
 * least, the optimum with its intervals, and the trials. */
(() => {
  "use strict";
  const {data, known, format, cells} = page;
  const levels = [0.003, 0.01, 0.03, 0.1, 0.3], many = data.cells.length > 1;
  const contours = (data.contours || [])
    .filter(contour => contour.lr.length > 1 && contour.values.length > 1);
  const kinds = [...new Set(contours.map(contour => contour.ratio))],
    title = ratio => page.ratios[ratio] || ratio;
  let shown = () => cells.all, kind = kinds[0];

  /* Value at a place between the grid's points, which are log-spaced. */
  const between = list => at => {
    const i = Math.max(0, Math.min(list.length - 2, Math.floor(at)));
    return list[i] * (list[i + 1] / list[i]) ** Math.max(0, Math.min(1, at - i));
  };

  /* Where the loss is within `level` of the least: rings of places in pixels, for the area, and
   * their parts inside the grid, for the line. */
  function within(frame, contour, level) {
    const least = d3.min(contour.loss.filter(known)), nx = contour.lr.length;
    const toLr = between(contour.lr), toValue = between(contour.values), ny = contour.values.length;
    const below = contour.loss.map(loss => known(loss) ? least - loss : -1e3);
    const shape = d3.contours().size([nx, ny]).thresholds([-level])(below)[0];
    const rings = [], lines = [];
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

  /* Where the optimum is, or at the frame's edge towards it; its intervals as a cross. */
  function drawOptimum(frame, {lr, value, lr_ci90, value_ci90}) {
    const x = frame.x.copy().clamp(true), y = frame.y.copy().clamp(true), edge = 7;
    const within = (at, most) => Math.max(edge, Math.min(most - edge, at));
    const at = {x: within(x(lr), frame.width), y: within(y(value), frame.height)};
    const bar = (ends, path) => page.ends(ends).length > 0 ? path(...ends) : "";
    page.put(frame.plot, "path", {class: "cross",
      d: bar(lr_ci90, (low, high) => `M${x(low)},${at.y}H${x(high)}`) +
        bar(value_ci90, (low, high) => `M${at.x},${y(low)}V${y(high)}`)});
    page.put(frame.plot, "circle", {class: "cross", cx: at.x, cy: at.y, r: 5});
    return {...at, lines: [["best LR", `${format.lr(lr)} (${format.interval(lr_ci90)})`],
      [`best ${title(kind)}`,
        `${format.ratio(value)} (${format.interval(value_ci90, format.ratio)})`]]};
  }

  function drawTrials(frame, contour) {
    const points = page.trials.filter(trial => trial.cell === contour.cell &&
      trial.tokens === contour.tokens && trial.lr > 0 && trial[kind] > 0)
      .map(trial => ({index: trial.index, x: frame.x(trial.lr), y: frame.y(trial[kind]), trial}));
    for (const {x, y, trial} of points)
      page.put(frame.plot, ...(trial.state === "diverged"
        ? ["path", {stroke: "var(--bad)", "stroke-width": 1.8, "data-trial": trial.id,
          d: `M${x - 3},${y - 3}l6,6m0,-6l-6,6`}]
        : ["circle", {cx: x, cy: y, r: 2.8, fill: "var(--ink)", stroke: "var(--ground)",
          "data-trial": trial.id}]));
    return points;
  }

  /* The grid's part of the frame; around it, "not tried". */
  function drawGround(frame, {lr, values}) {
    const {width, height} = frame, [left, right] = d3.extent(lr).map(frame.x);
    const [bottom, top] = d3.extent(values).map(frame.y);
    page.put(frame.plot, "rect", {class: "outside", width, height});
    page.put(frame.plot, "rect", {class: "inside", x: left, y: top, width: right - left,
      height: bottom - top});
    const strips = [[4, top / 2, top, 0], [4, (height + bottom) / 2, height - bottom, 0],
      [left / 2, height - 4, left, -90], [(width + right) / 2, height - 4, width - right, -90]];
    for (const [x, y, room, angle] of strips.filter(strip => strip[2] > 14).slice(0, 1))
      page.put(frame.plot, "text", {class: "label", dy: ".35em",
        transform: `translate(${x},${y}) rotate(${angle})`}, "not tried");
  }

  /* The grid, the optimum up to two octaves beyond it, and its interval up to one. */
  function reach(list, best, ends) {
    const [low, high] = d3.extent(list);
    const near = (v, most) => Math.max(low / most, Math.min(high * most, v));
    const all = [near(best / 1.15, 4), near(best * 1.15, 4)];
    all.push(...page.ends(ends).map(v => near(v, 2)));
    return d3.extent([low, high, ...all.filter(known)]);
  }

  function drawPanel(holder, size, contour, lights) {
    const {optimum, lr, values} = contour;
    const frame = page.frame(holder, size, {grid: false,
      label: `Loss over learning rate and ${title(kind)}, ${page.cellName(contour.cell)}: ` +
        `least at ${format.lr(optimum.lr)} and ${format.ratio(optimum.value)}`,
      x: {kind: "lr", domain: reach(lr, optimum.lr, optimum.lr_ci90), label: "learning rate"},
      y: {kind: "ratio", domain: reach(values, optimum.value, optimum.value_ci90),
        label: title(kind)}});
    const shapes = levels.map(level => within(frame, contour, level));
    const path = line => `M${line.map(point => point.map(v => v.toFixed(1))).join("L")}`;
    drawGround(frame, contour);
    for (const {rings, lines} of shapes.slice().reverse()) {
      page.put(frame.plot, "path", {class: "contour", d: rings.map(path).join("Z")});
      page.put(frame.plot, "path", {class: "level", d: lines.map(path).join("")});
    }
    const points = drawTrials(frame, contour), best = drawOptimum(frame, optimum);
    const placed = [[best.x, best.y]];
    levels.forEach((level, i) => {
      const place = labelPlace(frame, shapes[i].lines, placed);
      if (!place) return;
      placed.push(place);
      page.put(frame.over, "text", {class: "over-lines", x: place[0], y: place[1], dy: ".35em",
        "text-anchor": "middle", style: "font-size: 11px"}, String(level));
    });
    page.explore(frame, {points: () => [...points, best]});
    lights.push(page.lights(frame, points));
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
      if (items.length === 0) holder
        .append(page.el("p", {class: "caption"}, "No such model has enough trials for contours."));
      page.panels(holder, {id: "contours", items, most: width < 600 ? 4 : 12, least: 280,
        height: items.length === 1 ? Math.min(420, Math.max(280, width * 0.6)) : 240,
        name: contour => page.cellName(contour.cell),
          draw: (inside, size, contour) => drawPanel(inside, size, contour, lights)});
      const show = () => lights.forEach(light => light(page.hovered, page.selected));
      page.selection.on("trial.contours", show).on("select.contours", show);
      show();
    }});
})();
