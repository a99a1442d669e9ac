/* Best LR, ratios and weight decay at the target's tokens against each axis of the plan. A line joins
 * the cells that differ along that axis only. */
(() => {
  "use strict";
  const {data, known, format, cells} = page;
  const answer = data.answer || {}, rows = answer.cells || [], target = answer.target || {};
  const ratioOf = key => ({value: row => (row[key] || {}).value, ends: row => (row[key] || {}).ci90});
  const quantities = [
    {key: "lr", text: "best LR", kind: "lr", value: row => row.lr, ends: row => row.ci90},
    {key: "embedding_lr_ratio", text: "best embedding ratio", kind: "ratio", ...ratioOf("embedding_lr_ratio")},
    {key: "output_lr_ratio", text: "best output ratio", kind: "ratio", ...ratioOf("output_lr_ratio")},
    {key: "vector_lr_ratio", text: "best norms ratio", kind: "ratio", ...ratioOf("vector_lr_ratio")},
    {key: "best_weight_decay", text: "best weight decay", kind: "ratio", ...ratioOf("best_weight_decay")},
  ];
  const ofTarget = {width: "width", depth: "n_layers", vocab: "vocab", batch_tokens: "batch_tokens", weight_decay: "weight_decay"};
  const numeric = cells.axes.filter(axis => cells.values(axis).filter(known).length > 1);
  const shows = (what, cell) => rows[cell] && known(what.value(rows[cell])) && what.value(rows[cell]) > 0;
  const both = ends => Array.isArray(ends) && known(ends[0]) && known(ends[1]);
  const items = numeric.flatMap(axis => quantities.filter(what => cells.all.filter(cell => shows(what, cell)).length > 1)
    .map(what => ({axis, what})));
  const published = [[1, "slope 1 (muP)"], [0.5, "slope ½ (large vocab.)"]];

  /* Cells that differ along `axis` only: [{others: text, cells: [...]}], each ascending. */
  function groups({axis, what}) {
    const others = cells.axes.filter(other => other !== axis), found = new Map();
    for (const cell of cells.all) {
      if (!shows(what, cell) || !known(cells.value(cell, axis))) continue;
      const key = cells.name(cell, others);
      if (!found.has(key)) found.set(key, {others: key, short: others.map(other => cells.short(other, cells.value(cell, other))).join(", "), cells: []});
      found.get(key).cells.push(cell);
    }
    for (const group of found.values())
      group.cells.sort((a, b) => cells.value(a, axis) - cells.value(b, axis));
    return [...found.values()];
  }

  /* Parametrization first, then the embedding's exponent. */
  function styles(axis) {
    const order = ["parametrization", "embedding_lr_exponent"];
    const others = cells.axes.filter(other => other !== axis)
      .sort((a, b) => (order.indexOf(b) >= 0) - (order.indexOf(a) >= 0));
    return {colourAxis: others[0], dashAxis: others[1], color: cells.colors(others[0]), dash: cells.dashes(others[1])};
  }

  function references({axis, what}) {
    if (axis !== "width" || what.key !== "embedding_lr_ratio") return [];
    const widths = cells.all.filter(cell => shows(what, cell)).map(cell => cells.value(cell, axis));
    const [low, high] = d3.extent([...widths, known(target.width) && target.width > 0 ? target.width : widths[0]]);
    const least = cells.all.filter(cell => shows(what, cell) && cells.value(cell, axis) === d3.min(widths));
    const anchor = Math.exp(d3.mean(least, cell => Math.log(what.value(rows[cell])))), from = d3.min(widths);
    return published.map(([slope, text]) => ({text, points: [low, high].map(v => [v, anchor * (v / from) ** slope])}));
  }

  function targetPoint({axis, what}) {
    const x = target[ofTarget[axis]];
    const y = what.key === "lr" ? target.lr : what.key === "best_weight_decay" ? null : (target[what.key] || {}).value;
    const ends = what.key === "lr" ? target.ci90 : (target[what.key] || {}).ci90;
    return known(x) && x > 0 && known(y) && y > 0 ? {x, y, ends} : null;
  }

  function drawPanel(holder, size, item) {
    const {axis, what} = item, list = groups(item), {colourAxis, dashAxis, color, dash} = styles(axis);
    const guides = references(item), goal = targetPoint(item), xs = cells.values(axis).filter(v => known(v) && v > 0);
    const core = [...list.flatMap(group => group.cells.map(cell => what.value(rows[cell]))),
      ...guides.flatMap(guide => guide.points.map(point => point[1])), ...(goal ? [goal.y] : [])];
    const [low, high] = d3.extent(core);
    const ends = list.flatMap(group => group.cells.flatMap(cell => both(what.ends(rows[cell])) ? what.ends(rows[cell]) : []))
      .map(v => Math.min(high * 3, Math.max(low / 3, v)));
    const labelled = size.width >= 330 && list.length <= 12;
    const labels = labelled ? list.map(group => ({group, text: group.short || "", colour: color(cells.value(group.cells[0], colourAxis))}))
      .filter(label => label.text) : [];
    if (size.width >= 330) labels.push(...guides.map(guide => ({guide, text: guide.text, colour: "var(--edge)", textColour: "var(--soft)"})));
    if (goal && size.width >= 330) labels.push({text: "target", bold: true, colour: "none"});
    const frame = page.frame(holder, size, {
      label: `${what.text} against ${cells.title(axis)}`,
      x: {kind: "count", domain: page.padded([...xs, ...(goal ? [goal.x] : [])], "count", 0.07), label: cells.title(axis), values: goal ? [...xs, goal.x] : xs},
      y: {kind: what.kind, domain: page.padded([low, high, ...ends], what.kind, 0.05), label: what.text},
      margin: {right: labels.length > 0 ? 4 + page.labelRoom(labels, size.width * 0.45) : 14}});
    const tell = page.marks(frame.svg);
    const line = d3.line().x(point => frame.x(point[0])).y(point => frame.y(point[1]));
    for (const guide of guides)
      frame.plot.append("path").attr("class", "published").attr("d", line(guide.points)).style("stroke", "var(--edge)").style("fill", "none");
    list.forEach((group, i) => {
      const first = group.cells[0], colour = color(colourAxis && cells.value(first, colourAxis));
      const shift = (i - (list.length - 1) / 2) * Math.min(5, 30 / list.length);
      const place = cell => [frame.x(cells.value(cell, axis)) + shift, frame.y(what.value(rows[cell]))];
      frame.plot.append("path").attr("d", d3.line()(group.cells.map(place))).style("stroke", colour).style("fill", "none")
        .style("stroke-width", 1.7).attr("stroke-dasharray", dashAxis ? dash(cells.value(first, dashAxis)) || null : null);
      for (const cell of group.cells) {
        const [x, y] = place(cell), interval = what.ends(rows[cell]);
        if (both(interval)) page.whisker(frame.plot, {x, y0: frame.y(interval[0]), y1: frame.y(interval[1]), colour, width: 1}).style("stroke-opacity", 0.6);
        const dot = frame.plot.append("circle").attr("cx", x).attr("cy", y).attr("r", 4).style("fill", colour);
        tell(dot, () => [["model", page.cellName(cell)], [what.text, (what.kind === "lr" ? format.lr : format.ratio)(what.value(rows[cell]))],
          ["90 % interval", format.interval(interval, what.kind === "lr" ? format.lr : format.ratio)],
          ...(known(rows[cell].trials) ? [["trials", String(rows[cell].trials)]] : [])]);
      }
    });
    if (goal) {
      if (both(goal.ends)) page.whisker(frame.plot, {x: frame.x(goal.x), y0: frame.y(goal.ends[0]), y1: frame.y(goal.ends[1]), colour: "var(--ink)", width: 3});
      const mark = frame.plot.append("path").attr("transform", `translate(${frame.x(goal.x)},${frame.y(goal.y)})`)
        .attr("d", d3.symbol().type(d3.symbolDiamond).size(100)()).style("fill", "var(--accent)").style("stroke", "var(--ink)");
      tell(mark, () => [["target", cells.text(axis, goal.x)], [what.text, (what.kind === "lr" ? format.lr : format.ratio)(goal.y)]]);
    }
    for (const label of labels)
      label.y = label.group ? frame.y(what.value(rows[label.group.cells[label.group.cells.length - 1]]))
        : label.guide ? frame.y(label.guide.points[1][1]) : frame.y(goal.y);
    page.endLabels(frame, labels, 14);
  }

  page.figure({id: "axes", title: "Best values against the plan's axes", span: items.length > 1 ? "full" : 1, flow: true,
    caption: `At ${format.tokens(target.tokens)} tokens, with 90 % intervals. A line joins models that differ along that axis only.`,
    needs: () => items.length > 0,
    draw(holder, {width}) {
      const shared = new Map(items.map(({axis}) => styles(axis)).map(style => [`${style.colourAxis} ${style.dashAxis}`, style]));
      if (shared.size === 1 || width < 420)
        for (const style of shared.values()) cells.key(holder, style.colourAxis, style.dashAxis);
      const most = Math.max(1, Math.floor((width + 20) / 360)), columns = Math.ceil(items.length / Math.ceil(items.length / most));
      page.panels(holder, {id: "axes", items, least: Math.floor((width + 20) / columns - 20) - 1, height: 290,
        name: item => `${item.what.text} against ${cells.title(item.axis)}`, draw: drawPanel});
    },
    table: () => ({titles: ["model", ...quantities.flatMap(what => [what.text, "90 % interval"])],
      rows: cells.all.filter(cell => rows[cell]).map(cell => [page.cellName(cell), ...quantities.flatMap(what => {
        const form = what.kind === "lr" ? format.lr : format.ratio;
        return [form(what.value(rows[cell])), format.interval(what.ends(rows[cell]), form)];
      })])})});
})();
