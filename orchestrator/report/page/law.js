/* Best LR against tokens: the fitted optima, the law with its band, the target's prediction, the
 * back-test and what was measured at the target. Of an earlier round of the slider: what was known
 * before the next one; the law is then shown faintly. */
(() => {
  "use strict";
  const {data, known, format, cells} = page;
  const {target} = data, answer = data.answer || {}, many = data.cells.length > 1;
  const nearest = answer.nearest_cell || 0,
    lineOf = cell => data.law.find(law => law.cell === cell);
  const hollow = new Set(["interpolated", "flat", "at edge"]);
  const positive = v => known(v) && v > 0;
  const both = ends => Array.isArray(ends) && known(ends[0]) && known(ends[1]);
  const confirmed = () => (answer.confirm || []).map(confirm => ({...confirm,
    lowest: d3.min(confirm.trainings, training => known(training.loss) ? training.loss
      : undefined)}));
  let shown = () => cells.all, legend = null;

  const power = (value, ends) => `tokens^${format.fixed(-value, 2)}` +
    (both(ends) ? ` (${format.fixed(-ends[1], 2)} to ${format.fixed(-ends[0], 2)})` : "");

  /* The optima and the target's prediction after the slider's round, which is before the next. */
  function knowledge() {
    const {now, last} = page.rounds;
    const before = (data.rounds || [])
      .filter(round => known(round.round) && round.round <= now + 1);
    const round = now < last && before[before.length - 1];
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
    for (const fit of [...now.fits, ...data.fits].filter(of)) points.push(fit.lr_opt,
      fit.lowest_lr);
    for (const law of data.law.filter(of)) points.push(...d3.extent(law.line.lr));
    if (test) points.push(test.lr_predicted, test.lr_measured);
    for (const confirm of confirmed())
      points.push(...confirm.trainings.map(training => training.lr));
    const [low, high] = d3.extent(points.filter(positive));
    const ends = [target, ...data.fits.filter(of)].flatMap(item => both(item.ci90) ? item.ci90
      : []);
    const limited = ends.map(v => Math.min(high * 4, Math.max(low / 4, v)));
    return page.padded([low, high, ...limited], "lr", 0.06);
  }

  // ---- parts ----

  function drawLaw(frame, law, colour, {band, final}) {
    const points = law.line.tokens.map((tokens, i) => [frame.x(tokens), law.line.lr[i],
      law.line.low[i], law.line.high[i]])
      .filter(point => point.every(known));
    const opacity = final ? 1 : 0.35;
    if (band)
      frame.plot.append("path").datum(points).attr("class", "band").style("fill", colour)
        .style("fill-opacity", 0.14 * opacity)
        .attr("d", d3.area().x(p => p[0]).y0(p => frame.y(p[2])).y1(p => frame.y(p[3])));
    frame.plot.append("path").datum(points).attr("class", "law").style("stroke", colour)
      .style("stroke-opacity", opacity)
      .style("stroke-width", 2).style("fill", "none")
      .attr("stroke-dasharray", many ? cells.dash(law.cell) || null : null)
      .attr("d", d3.line().x(p => p[0]).y(p => frame.y(p[1])));
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
    const middle = (place[1] + x2) / 2 - 4, height = y0 + (middle - x0) * slope;
    page.halo(frame.plot.append("text")).attr("class", "exponent").attr("text-anchor", "middle")
      .attr("dy", slope < 0 ? "1.4em" : "-.6em").text(place[0])
      .attr("transform",
        `translate(${middle},${height}) rotate(${Math.atan(slope) * 180 / Math.PI})`);
  }

  function drawFit(frame, tell, fit, shift, most) {
    const colour = many ? cells.color(fit.cell) : page.color.horizon(fit.tokens),
      x = frame.x(fit.tokens) + shift;
    const g = frame.plot.append("g");
    page.whisker(g, frame.y, {x, ends: fit.ci90, colour});
    if (positive(fit.lowest_lr))
      g.append("circle").attr("class", "seen").attr("cx", x).attr("cy", frame.y(fit.lowest_lr))
        .attr("r", 3).style("fill", "none").style("stroke", "var(--soft)").style("stroke-width", 1);
    const size = 2.2 + 0.9 * Math.sqrt(known(fit.trials) ? fit.trials : 4);
    const radius = Math.min(most, size) * (many ? 0.75 : 1);
    const dot = g.append("circle").attr("class", "optimum").attr("cx", x)
      .attr("cy", frame.y(fit.lr_opt)).attr("r", radius)
      .style("fill", hollow.has(fit.note) ? "var(--ground)" : colour).style("stroke", colour)
      .style("stroke-width", 2);
    tell(dot, () => [...(many ? [["model", page.cellName(fit.cell)]] : []),
      ["tokens", format.tokens(fit.tokens)],
      ["best LR", format.lr(fit.lr_opt)], ["90 % interval", format.interval(fit.ci90)],
      ...(fit.note ? [["", fit.note]] : []),
      ...(known(fit.lowest_lr) ? [["lowest seen at", format.lr(fit.lowest_lr)]] : []),
      ...(known(fit.trials) ? [["trials", String(fit.trials)]] : []),
      ...(fit.diverged ? [["diverged", String(fit.diverged)]] : [])]);
  }

  /* An arrow from the LR that the shorter horizons predict to the one measured. */
  function drawBackTest(frame, tell, test, shift) {
    const x = frame.x(test.tokens) - 13 - shift, from = frame.y(test.lr_predicted),
      to = frame.y(test.lr_measured);
    const word = (answer.confidence || {}).back_test, good = word === "passed";
    const colour = good ? "var(--good)" : word === "failed" ? "var(--bad)" : "var(--ink)";
    const g = frame.plot.append("g").attr("class", "back-test").style("stroke", colour)
      .style("stroke-width", 2).style("fill", "none");
    const step = Math.sign(to - from) || 1, above = (from + to) / 2 > frame.height / 2,
      edge = above ? 14 : frame.height - 8;
    g.append("path").attr("d", `M${x},${above ? edge + 4 : edge - 12}V${(from + to) / 2}`)
      .style("stroke-width", 1).style("stroke-dasharray", "1 3");
    g.append("path").attr("d", `M${x - 7},${from}H${x + 5}M${x},${from}V${to}` +
      (Math.abs(to - from) > 5 ? `M${x - 4},${to - 5 * step}L${x},${to}L${x + 4},${to - 5 * step}`
        : `M${x - 3},${to}H${x + 3}`));
    const text = word === "passed" || word === "failed" ? `back-test ${word}` : "back-test",
      half = 3.4 * text.length;
    page.halo(g.append("text")).attr("x", Math.max(half, Math.min(frame.width - half, x)))
      .attr("y", edge)
      .attr("text-anchor", "middle").style("fill", colour).text(text);
    tell(g, () => [["back-test", word === "none" ? "" : word || ""],
      ["at tokens", format.tokens(test.tokens)],
      ["predicted from shorter horizons", format.lr(test.lr_predicted)],
        ["measured", format.lr(test.lr_measured)]]);
  }

  function drawConfirms(frame, tell) {
    for (const confirm of confirmed())
      for (const training of confirm.trainings) {
        if (!known(training.lr)) continue;
        const best = training.loss === confirm.lowest && known(training.loss), size = best ? 60
          : 26;
        const mark = frame.plot.append("path").attr("class", "confirm")
          .attr("transform", `translate(${frame.x(confirm.tokens) - 14},${frame.y(training.lr)})`)
          .attr("d", training.diverged ? "M-4,-4L4,4M4,-4L-4,4" : d3.symbol().type(d3.symbolSquare)
          .size(size)())
          .style("stroke", "var(--ink)").style("stroke-width", 1.5)
          .style("fill", best ? "var(--ink)" : "var(--ground)");
        tell(mark, () => [["measured", best ? "lowest loss" : ""],
          ...(confirm.parametrization && many ? [["", confirm.parametrization]] : []),
          ["tokens", format.tokens(confirm.tokens)], ["LR", format.lr(training.lr)],
          ["loss", training.diverged ? "diverged" : format.loss(training.loss)]]);
      }
  }

  function drawTarget(frame, tell, now) {
    const x = frame.x(now.tokens), y = frame.y(now.lr);
    page.whisker(frame.plot, frame.y, {x, ends: now.ci90, colour: "var(--ink)", width: 3});
    const mark = page.diamond(frame.plot, x, y, 130).attr("class", "goal");
    tell(mark, () => [["target", format.tokens(now.tokens)],
      ["predicted LR", format.lr(now.lr, 3)], ["90 % interval", format.interval(now.ci90)]]);
  }

  // ---- figure ----

  /* Names of the lines, and the target's LR, which stand right of the plot. */
  function labelsOf(now, list, laws, wide) {
    const free = cells.axes.filter(axis => new Set(list.map(cell => cells.value(cell, axis)))
      .size > 1);
    const named = many && wide && list.length <= 12;
    const name = cell => free.map(axis => cells.short(axis, cells.value(cell, axis))).join(", ");
    const labels = named
      ? laws.map(law => ({law, text: name(law.cell), colour: cells.color(law.cell)})) : [];
    if (!positive(now.target.lr)) return labels;
    labels.push({text: format.lr(now.target.lr), bold: true, colour: "none"});
    if (wide && !named && both(now.target.ci90))
      labels.push({below: 1, text: format.interval(now.target.ci90), colour: "none",
        textColour: "var(--soft)"});
    return labels;
  }

  function draw(holder, size) {
    const now = knowledge(), list = shown(), test = now.final ? backTest(list) : null;
    const fits = now.fits.filter(fit => list.includes(fit.cell) && positive(fit.lr_opt));
    const laws = data.law.filter(law => list.includes(law.cell));
    const labels = labelsOf(now, list, laws, size.width >= 560);
    const tokens = [...new Set([...fits, target, ...confirmed()].map(item => item.tokens))]
      .filter(known);
    const frame = page.frame(holder, size, {
      label: `Best learning rate against tokens: ${fits.length} fitted optima, ` +
        `predicted ${format.lr(now.target.lr)} at ${format.tokens(target.tokens)} tokens`,
      x: {kind: "tokens", domain: page.padded(tokens, "tokens", 0.06), label: "tokens",
        values: tokens},
      y: {kind: "lr", domain: domain(now, list, test), label: "best learning rate"},
      margin: {right: page.labelRoom(labels, size.width * 0.4)}});
    const tell = page.marks(frame.svg), main = lineOf(list.includes(nearest) ? nearest : list[0]);
    for (const law of laws)
      drawLaw(frame, law, many ? cells.color(law.cell) : "var(--accent)",
        {band: law === main, final: now.final});
    const half = (list.length - 1) / 2;
    const dodge = many ? Math.min(4, 28 / list.length, 0.09 * frame.width / list.length) : 0;
    const places = [...new Set(fits.map(fit => frame.x(fit.tokens)))].sort(d3.ascending);
    const most = Math.max(3,
      Math.min(8, 0.5 * d3.min(d3.pairs(places), pair => pair[1] - pair[0]) || 8));
    for (const fit of fits)
      drawFit(frame, tell, fit, (list.indexOf(fit.cell) - half) * dodge, most);
    if (main && now.final)
      drawExponent(frame, main, d3.max(fits, fit => fit.tokens) || main.line.tokens[0]);
    if (test) drawBackTest(frame, tell, test, half * dodge);
    if (now.final) drawConfirms(frame, tell);
    if (positive(now.target.lr)) drawTarget(frame, tell, now.target);
    for (const label of labels) {
      const line = label.law && label.law.line.lr;
      label.y = frame.y(line ? line[line.length - 1] : now.target.lr) + (label.below || 0);
    }
    page.endLabels(frame, labels);
    if (legend) {
      legend.replaceChildren();
      cells.key(legend, cells.axes[0], cells.axes[1]);
    }
  }

  const lengths = new Set([...data.fits.filter(fit => known(fit.lr_opt)).map(fit => fit.tokens),
    target && target.tokens].filter(known));
  page.figure({id: "law", title: "Best learning rate against tokens", height: 340,
    span: many ? 2 : 1,
    caption: "Points: fitted optima with 90\u00a0% interval, larger with more trials, hollow where " +
      "interpolated, flat or at the edge. Small ring: lowest loss seen. Band: 90\u00a0% of the law. " +
      "Diamond: prediction for the target" +
      ((answer.confirm || []).length > 0
        ? ". Squares: measured at the target, the lowest filled." : "."),
    needs: () => data.fits.some(fit => known(fit.lr_opt)) && lengths.size > 1,
    tools(holder) {
      if (!many) return;
      shown = cells.choosers(holder, "law", 12, () => page.redraw("law"));
      legend = page.el("div");
      page.nodeOf(holder).append(legend);
    },
    draw,
    table: () => ({titles: [...(many ? ["model"] : []), "tokens", "best LR", "90 % interval",
      "lowest seen", "trials", "note"],
      rows: data.fits.map(fit => [...(many ? [page.cellName(fit.cell)] : []),
        format.tokens(fit.tokens), format.lr(fit.lr_opt),
        format.interval(fit.ci90), format.lr(fit.lowest_lr), fit.trials, fit.note])})});
  page.selection.on("round.law", () => page.redraw("law"));
})();
