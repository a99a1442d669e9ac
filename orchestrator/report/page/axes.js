/* Best LR, ratios and weight decay at the target's tokens against each axis of the plan. A line
 * joins the cells that differ along that axis only; of the embedding ratio over the width also the
 * published slopes. */
(() => {
  "use strict";
  const {data, known, format, cells} = page;
  const answer = data.answer || {}, rows = answer.cells || [], target = answer.target || {};
  const quantities = [
    {key: "lr", text: "best LR", kind: "lr", form: format.lr, value: row => row.lr,
      ends: row => row.ci90},
    ...Object.entries(page.ratios).map(([name, text]) => {
      const key = name === "weight_decay" ? "best_weight_decay" : name;
      return {key, text: `best ${text}`, kind: "ratio", form: format.ratio,
        value: row => (row[key] || {}).value, ends: row => (row[key] || {}).ci90};
    })];
  const published = [[1, "slope 1 (muP)"], [0.5, "slope ½ (large vocab.)"]];
  /* The target's name of an axis, where it differs. */
  const ofTarget = {depth: "n_layers"};
  const positive = v => known(v) && v > 0;
  const shows = (what, cell) => rows[cell] && positive(what.value(rows[cell]));
  const logMean = values => Math.exp(d3.mean(values, Math.log));

  const numeric = cells.axes.filter(axis => cells.values(axis).filter(known).length > 1);
  const items = numeric.flatMap(axis => quantities
    .filter(what => cells.all.filter(cell => shows(what, cell)).length > 1)
    .map(what => ({axis, what, cells: cells.all.filter(cell =>
      shows(what, cell) && positive(cells.value(cell, axis)))})));

  /* [[cell, ...], ...]: cells that differ along the axis only, ascending along it. */
  function groups(item) {
    const others = cells.axes.filter(other => other !== item.axis), found = new Map();
    for (const cell of item.cells) {
      const name = cells.name(cell, others);
      found.set(name, [...(found.get(name) || []), cell]);
    }
    const order = (a, b) => cells.value(a, item.axis) - cells.value(b, item.axis);
    return [...found.values()].map(group => group.sort(order));
  }

  /* The parametrization is the colour, if it varies; then the embedding's exponent. */
  function styleOf(axis) {
    const first = ["parametrization", "embedding_lr_exponent"];
    const others = cells.axes.filter(other => other !== axis)
      .sort((a, b) => first.includes(b) - first.includes(a));
    const [color, dash] = [cells.colors(others[0]), cells.dashes(others[1])];
    return {others, color: cell => color(cells.value(cell, others[0])),
      dash: cell => others.length > 1 ? dash(cells.value(cell, others[1])) || null : null};
  }

  /* The published slopes, through the mean ratio of the smallest width. */
  function references({axis, what, cells: shown}) {
    if (axis !== "width" || what.key !== "embedding_lr_ratio") return [];
    const widths = shown.map(cell => cells.value(cell, axis)), from = d3.min(widths);
    const to = Math.max(d3.max(widths), positive(target.width) ? target.width : 0);
    const smallest = shown.filter(cell => cells.value(cell, axis) === from);
    const anchor = logMean(smallest.map(cell => what.value(rows[cell])));
    return published.map(([slope, text]) =>
      ({text, points: [[from, anchor], [to, anchor * (to / from) ** slope]]}));
  }

  function targetPoint({axis, what}) {
    const x = target[ofTarget[axis] || axis], lr = what.key === "lr";
    const y = lr ? target.lr : (target[what.key] || {}).value;
    return positive(x) && positive(y)
      ? {x, y, ends: lr ? target.ci90 : target[what.key].ci90} : null;
  }

  // ---- one panel ----

  /* Domains of both axes: all points, and intervals as far as a factor of 3 beyond them. */
  function domains({axis, what, cells: shown}, guides, goal) {
    const goals = goal ? [goal] : [], xs = shown.map(cell => cells.value(cell, axis));
    const points = [...shown.map(cell => what.value(rows[cell])), ...goals.map(point => point.y),
      ...guides.flatMap(guide => guide.points.map(point => point[1]))];
    const ends = shown.flatMap(cell => what.ends(rows[cell]) || []).filter(positive);
    const values = [...new Set([...xs, ...goals.map(point => point.x)])];
    return {values, x: page.padded(values, "count", 0.08),
      y: page.reaching(points, ends, 3, what.kind, 0.05)};
  }

  function labelsOf(item, list, style, guides, goal) {
    const short = cell => style.others.map(axis => cells.short(axis, cells.value(cell, axis)));
    const labels = list.length > 12 ? [] : list.map(group => {
      const last = group[group.length - 1];
      return {text: short(last).join(", "), colour: style.color(last),
        value: item.what.value(rows[last])};
    });
    for (const guide of guides)
      labels.push({text: guide.text, colour: "var(--edge)", textColour: "var(--soft)",
        value: guide.points[1][1]});
    if (goal) labels.push({text: "target", bold: true, value: goal.y});
    return labels.filter(label => label.text);
  }

  function drawGroup(frame, marks, {axis, what}, group, shift, stroke, dash) {
    const points = group.map(cell => {
      const row = rows[cell];
      return {x: frame.x(cells.value(cell, axis)) + shift, y: frame.y(what.value(row)), row,
        lines: [["model", page.cellName(cell)], [what.text, what.form(what.value(row))],
          ["90 % interval", format.interval(what.ends(row), what.form)],
          ...(known(row.trials) ? [["trials", String(row.trials)]] : [])]};
    });
    page.put(frame.plot, "path", {class: "line", stroke, "stroke-dasharray": dash,
      d: d3.line().x(point => point.x).y(point => point.y)(points)});
    for (const {x, y, row} of points) {
      page.whisker(frame.plot, frame, {x, ends: what.ends(row), stroke, width: 0.8});
      page.put(frame.plot, "circle", {cx: x, cy: y, r: 4, fill: stroke});
    }
    marks.push(...points);
  }

  function drawTarget(frame, marks, {axis, what}, goal) {
    const x = frame.x(goal.x), y = frame.y(goal.y);
    page.goal(frame, {x, y, ends: goal.ends, size: 100});
    marks.push({x, y, lines: [["target", cells.text(axis, goal.x)], [what.text, what.form(goal.y)],
      ["90 % interval", format.interval(goal.ends, what.form)]]});
  }

  function drawPanel(holder, size, item) {
    const {axis, what} = item, list = groups(item), style = styleOf(axis), count = list.length;
    const guides = references(item), goal = targetPoint(item), of = domains(item, guides, goal);
    const labels = size.width >= 330 ? labelsOf(item, list, style, guides, goal) : [];
    const frame = page.frame(holder, size, {
      label: `${what.text} against ${cells.title(axis)}`,
      x: {kind: "count", domain: of.x, label: cells.title(axis), values: of.values},
      y: {kind: what.kind, domain: of.y, label: what.text},
      margin: {right: labels.length > 0 ? 4 + page.labelRoom(labels, size.width * 0.45) : 14}});
    const line = d3.line().x(point => frame.x(point[0])).y(point => frame.y(point[1])), marks = [];
    for (const guide of guides)
      page.put(frame.plot, "path", {class: "published", d: line(guide.points)});
    const apart = Math.min(5, 30 / count, 0.1 * frame.width / count);
    list.forEach((group, i) => drawGroup(frame, marks, item, group, (i - (count - 1) / 2) * apart,
      style.color(group[0]), style.dash(group[0])));
    if (goal) drawTarget(frame, marks, item, goal);
    for (const label of labels) label.y = frame.y(label.value);
    page.endLabels(frame, labels, 14);
    page.explore(frame, {points: () => marks});
  }

  // ---- figure ----

  const title = item => `${item.what.text} against ${cells.title(item.axis)}`;

  page.figure({id: "axes", title: "Best values against the plan's axes",
    span: items.length > 1 ? "full" : 1, flow: true,
    caption: `At ${format.tokens(target.tokens)} tokens, with 90\u00a0% intervals. A line joins ` +
      "models that differ along that axis only.",
    needs: () => items.length > 0,
    draw(holder, {width}) {
      const keys = new Map(numeric.map(axis => styleOf(axis).others.slice(0, 2))
        .map(pair => [pair.join(" "), pair]));
      if (keys.size === 1 || width < 330)
        for (const [colour, dash] of keys.values()) cells.key(holder, colour, dash);
      page.panels(holder, {id: "axes", items, name: title, least: 340, height: 290,
        draw: drawPanel});
    },
    table: () => ({titles: ["model", ...quantities.flatMap(what => [what.text, "90 % interval"])],
      rows: cells.all.filter(cell => rows[cell]).map(cell => [page.cellName(cell),
        ...quantities.flatMap(what => [what.form(what.value(rows[cell])),
          format.interval(what.ends(rows[cell]), what.form)])])})});
})();
