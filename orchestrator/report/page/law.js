/* Best LR against tokens: the fitted optima, the law with its band, the target's prediction, the
 * back-test and what was measured at the target. Of an earlier round of the slider: what was known
 * before the next one; the law is then shown faintly. */
(() => {
  "use strict";
  const {data, known, format, cells} = page;
  const {target} = data, answer = data.answer || {}, many = data.cells.length > 1;
  const nearest = answer.nearest_cell || 0;
  const hollow = new Set(["interpolated", "flat", "at edge"]);
  const positive = v => known(v) && v > 0;
  const confirmed = answer.confirm || [];
  let shown = () => cells.all, legend = null;

  const exponent = v => format.fixed(-v, 2);
  const power = (beta, interval) => `tokens^${exponent(beta)}` +
    format.bracket(page.ends(interval).slice().reverse(), exponent);

  /* The optima and the target's prediction after the slider's round, which is before the next. */
  function knowledge() {
    const round = page.knownThen();
    return round ? {fits: round.fits || [], target: {...target, ...round, tokens: target.tokens}}
      : {fits: data.fits, target, final: true};
  }

  function backTest(list) {
    const found = (answer.law || {}).holdout, joint = (answer.joint || {}).holdout;
    const test = found ? {...found, cell: nearest} : joint;
    return test && known(test.lr_predicted) && known(test.lr_measured) && list.includes(test.cell)
      ? test : null;
  }

  /* All LRs that the figure shows now and at the end, and the intervals at the end as far as a
   * factor of 4 beyond them: the slider moves the marks, not the axis. */
  function domain(now, list, test) {
    const points = [now.target.lr, target.lr], of = item => list.includes(item.cell);
    for (const fit of [...now.fits, ...data.fits].filter(of))
      points.push(fit.lr_opt, fit.lowest_lr);
    for (const law of data.law.filter(of)) points.push(...d3.extent(law.line.lr));
    if (test) points.push(test.lr_predicted, test.lr_measured);
    for (const {trainings} of confirmed) points.push(...trainings.map(training => training.lr));
    const ends = [target, ...data.fits.filter(of)].flatMap(item => page.ends(item.ci90));
    return page.reaching(points.filter(positive), ends, 4, "lr", 0.06);
  }

  // ---- parts: each draws, and adds its marks [{x, y, lines}] ----

  function drawLaw(frame, law, stroke, {band, final}) {
    const {tokens, lr, low, high} = law.line;
    const points = d3.zip(tokens, lr, low, high).filter(point => point.every(known));
    const area = d3.area().x(p => frame.x(p[0])).y0(p => frame.y(p[2])).y1(p => frame.y(p[3]));
    const g = page.put(frame.plot, "g", {opacity: final ? 1 : 0.35});
    if (band) page.put(g, "path", {class: "band", fill: stroke, d: area(points)});
    page.put(g, "path", {class: "line", stroke, d: area.lineY0().y(p => frame.y(p[1]))(points),
      "stroke-dasharray": many ? cells.dash(law.cell) || null : null});
  }

  /* The exponent, along the line: beyond the longest horizon where it has room. */
  function drawExponent(frame, law, longest) {
    const {tokens, lr} = law.line, last = tokens.length - 1, of = answer.law || {};
    const [x0, x2] = [frame.x(tokens[0]), frame.x(tokens[last])], y0 = frame.y(lr[0]);
    const beta = known(of.beta) ? of.beta : law.beta, slope = (frame.y(lr[last]) - y0) / (x2 - x0);
    if (!known(beta) || !known(slope)) return;
    const x1 = Math.max(x0, frame.x(longest));
    const places = [power(beta, known(of.beta) && of.beta_ci90), power(beta)]
      .flatMap(text => [[text, x1], [text, x0]]);
    const fits = ([text, from]) => (x2 - from) * Math.hypot(1, slope) > page.textWidth(text) + 50;
    const place = places.filter(([, from]) => from === x1).find(fits) || places.find(fits);
    if (!place) return;
    const middle = (place[1] + x2) / 2 - 4, angle = Math.atan(slope) * 180 / Math.PI;
    page.put(frame.plot, "text", {class: "over-lines exponent", "text-anchor": "middle",
      dy: slope < 0 ? "1.4em" : "-.6em",
      transform: `translate(${middle},${y0 + (middle - x0) * slope}) rotate(${angle})`}, place[0]);
  }

  function drawFit(frame, marks, fit, shift, most) {
    const stroke = many ? cells.color(fit.cell) : page.color.horizon(fit.tokens);
    const x = frame.x(fit.tokens) + shift, y = frame.y(fit.lr_opt), g = frame.plot;
    page.whisker(g, frame, {x, ends: fit.ci90, stroke});
    if (positive(fit.lowest_lr))
      page.put(g, "circle", {class: "seen", cx: x, cy: frame.y(fit.lowest_lr), r: 3});
    const size = 2.2 + 0.9 * Math.sqrt(known(fit.trials) ? fit.trials : 4);
    page.put(g, "circle", {class: "dot", cx: x, cy: y, stroke,
      r: Math.min(most, size) * (many ? 0.75 : 1),
      fill: hollow.has(fit.note) ? "var(--ground)" : stroke});
    const some = (title, text, given) => given ? [[title, text]] : [];
    marks.push({x, y, lines: [...some("model", page.cellName(fit.cell), many),
      ["tokens", format.tokens(fit.tokens)], ["best LR", format.lr(fit.lr_opt)],
      ["90 % interval", format.interval(fit.ci90)], ...some("", fit.note, fit.note),
      ...some(`${page.lowest}, at`, format.lr(fit.lowest_lr), positive(fit.lowest_lr)),
      ...some("trials", String(fit.trials), known(fit.trials)),
      ...some("diverged", String(fit.diverged), fit.diverged)]});
  }

  /* An arrow from the LR that the shorter horizons predict to the one measured; its word at the
   * lower or upper edge, whichever is farther. */
  function drawBackTest(frame, marks, test, shift) {
    const x = frame.x(test.tokens) - 13 - shift, from = frame.y(test.lr_predicted);
    const to = frame.y(test.lr_measured), middle = (from + to) / 2;
    const word = (answer.confidence || {}).back_test;
    const judged = {passed: "var(--good)", failed: "var(--bad)"}[word], color = judged ||
      "var(--ink)";
    const text = judged ? `back-test ${word}` : "back-test", half = page.textWidth(text) / 2;
    const above = middle > frame.height / 2, edge = above ? 14 : frame.height - 8;
    const head = Math.abs(to - from) > 5 ? 5 * Math.sign(to - from) : 0;
    const g = page.put(frame.plot, "g", {class: "back-test", stroke: color});
    page.put(g, "path", {"stroke-width": 1, "stroke-dasharray": "1 3",
      d: `M${x},${above ? edge + 4 : edge - 12}V${middle}`});
    page.put(g, "path", {d: `M${x - 7},${from}H${x + 5}M${x},${from}V${to}` +
      `M${x - 4},${to - head}L${x},${to}L${x + 4},${to - head}`});
    page.put(frame.plot, "text", {class: "over-lines", "text-anchor": "middle", y: edge,
      x: Math.max(half, Math.min(frame.width - half, x)), style: `fill: ${color}`}, text);
    marks.push({x, y: middle, lines: [[text, ""], ["at tokens", format.tokens(test.tokens)],
      ["predicted from shorter horizons", format.lr(test.lr_predicted)],
      ["measured", format.lr(test.lr_measured)]]});
  }

  function drawConfirms(frame, marks) {
    const square = d3.symbol().type(d3.symbolSquare);
    for (const confirm of confirmed) {
      const lowest = d3.min(confirm.trainings, training => training.loss === null
        ? undefined : training.loss);
      for (const training of confirm.trainings.filter(item => positive(item.lr))) {
        const x = frame.x(confirm.tokens) - 14, y = frame.y(training.lr);
        const best = known(training.loss) && training.loss === lowest;
        page.put(frame.plot, "path", {class: "confirm", transform: `translate(${x},${y})`,
          d: training.diverged ? "M-4,-4L4,4M4,-4L-4,4" : square.size(best ? 60 : 26)(),
          fill: best ? "var(--ink)" : "var(--ground)"});
        marks.push({x, y, lines: [["measured", best ? "lowest loss" : ""],
          ...(confirm.parametrization && many ? [["", confirm.parametrization]] : []),
          ["tokens", format.tokens(confirm.tokens)], ["LR", format.lr(training.lr)],
          ["loss", training.diverged ? "diverged" : format.loss(training.loss)]]});
      }
    }
  }

  function drawTarget(frame, marks, {tokens, lr, ci90}) {
    const x = frame.x(tokens), y = frame.y(lr);
    page.goal(frame, {x, y, ends: ci90, size: 130});
    marks.push({x, y, lines: [["target", format.tokens(tokens)],
      ["predicted LR", format.lr(lr, 3)], ["90 % interval", format.interval(ci90)]]});
  }

  // ---- figure ----

  /* Names of the lines, and the target's LR, which stand right of the plot. */
  function labelsOf(now, list, laws, wide) {
    const differs = axis => new Set(list.map(cell => cells.value(cell, axis))).size > 1;
    const free = cells.axes.filter(differs);
    const named = many && wide && list.length <= 12;
    const name = cell => free.map(axis => cells.short(axis, cells.value(cell, axis))).join(", ");
    const labels = named
      ? laws.map(law => ({law, text: name(law.cell), colour: cells.color(law.cell)})) : [];
    if (!positive(now.target.lr)) return labels;
    labels.push({text: format.lr(now.target.lr), bold: true});
    if (wide && !named && page.ends(now.target.ci90).length > 0)
      labels.push({below: 1, text: format.interval(now.target.ci90), textColour: "var(--soft)"});
    return labels;
  }

  function draw(holder, size) {
    const now = knowledge(), list = shown(), test = now.final ? backTest(list) : null;
    const fits = now.fits.filter(fit => list.includes(fit.cell) && positive(fit.lr_opt));
    const laws = data.law.filter(law => list.includes(law.cell));
    const labels = labelsOf(now, list, laws, size.width >= 560);
    const tokens = [...new Set([...fits, target, ...confirmed].map(item => item.tokens))]
      .filter(known);
    const frame = page.frame(holder, size, {
      label: `Best learning rate against tokens: ${fits.length} fitted optima, ` +
        `predicted ${format.lr(now.target.lr)} at ${format.tokens(target.tokens)} tokens`,
      x: {kind: "tokens", domain: page.padded(tokens, "tokens", many ? 0.09 : 0.06),
        label: "tokens", values: tokens},
      y: {kind: "lr", domain: domain(now, list, test), label: "best learning rate"},
      margin: {right: page.labelRoom(labels, size.width * 0.4)}});
    const marks = [], first = list.includes(nearest) ? nearest : list[0];
    const main = laws.find(law => law.cell === first);
    for (const law of laws)
      drawLaw(frame, law, many ? cells.color(law.cell) : "var(--accent)",
        {band: law === main, final: now.final});
    const half = (list.length - 1) / 2;
    const dodge = many ? Math.min(4, 28 / list.length, 0.09 * frame.width / list.length) : 0;
    const places = [...new Set(fits.map(fit => frame.x(fit.tokens)))].sort(d3.ascending);
    const most = Math.max(3,
      Math.min(8, 0.5 * d3.min(d3.pairs(places), pair => pair[1] - pair[0]) || 8));
    for (const fit of fits)
      drawFit(frame, marks, fit, (list.indexOf(fit.cell) - half) * dodge, most);
    if (main && now.final)
      drawExponent(frame, main, d3.max(fits, fit => fit.tokens) || main.line.tokens[0]);
    if (test) drawBackTest(frame, marks, test, half * dodge);
    if (now.final) drawConfirms(frame, marks);
    if (positive(now.target.lr)) drawTarget(frame, marks, now.target);
    for (const label of labels) {
      const line = label.law && label.law.line.lr;
      label.y = frame.y(line ? line[line.length - 1] : now.target.lr) + (label.below || 0);
    }
    page.endLabels(frame, labels);
    page.explore(frame, {points: () => marks});
    if (legend) {
      legend.replaceChildren();
      cells.key(legend, cells.axes[0], cells.axes[1]);
    }
  }

  const lengths = new Set([...data.fits.filter(fit => known(fit.lr_opt)).map(fit => fit.tokens),
    target && target.tokens].filter(known));
  page.figure({id: "law", title: "Best learning rate against tokens", height: 340,
    span: () => many && !page.printing() ? 2 : 1,
    caption: "Points: fitted optima with 90\u00a0% interval, larger with more trials, hollow " +
      `where interpolated, flat or at the edge. Small ring: ${page.lowest}. ` +
      (many ? "Lines: medians of the laws; band: 90\u00a0% of the nearest model's. "
        : "Line and band: median and 90\u00a0% of the law. ") +
      "Diamond: prediction for the target" +
      (confirmed.length > 0
        ? ". Squares: measured at the target, the lowest filled." : "."),
    needs: () => data.fits.some(fit => known(fit.lr_opt)) && lengths.size > 1,
    tools(holder) {
      if (!many) return;
      shown = cells.choosers(holder, "law", 12, () => page.redraw("law"));
      legend = page.el("div");
      holder.append(legend);
    },
    draw,
    table: () => ({titles: [...(many ? ["model"] : []), "tokens", "best LR", "90 % interval",
      `LR of the ${page.lowest}`, "trials", "note"],
      rows: data.fits.map(fit => [...(many ? [page.cellName(fit.cell)] : []),
        format.tokens(fit.tokens), format.lr(fit.lr_opt),
        format.interval(fit.ci90), format.lr(fit.lowest_lr), fit.trials, fit.note])})});
  page.selection.on("round.law", () => page.redraw("law"));
})();
