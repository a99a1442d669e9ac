/* What the budget bought: the target's predicted LR with its interval before each round, over the
 * tokens spent until then; and how much of each limit is used. */
(() => {
  "use strict";
  const {data, known, format} = page;
  const both = ends => Array.isArray(ends) && known(ends[0]) && known(ends[1]);
  const rounds = (data.rounds || [])
    .filter(round => known(round.lr) && round.lr > 0 && round.tokens > 0);
  const drawn = rounds.length > 1;
  const forms = {tokens: format.tokens, trials: format.count, flops: v => known(v)
    ? v.toExponential(2).replace("e+", "e") : "–",
    core_hours: v => known(v) ? String(Number(v.toPrecision(3))) : "–", wall_s: format.seconds,
      share_of_target: format.percent};
  const names = {wall_s: "time", wall: "time", core_hours: "core hours",
    share_of_target: "share of target", flops: "FLOPs"};
  forms.wall = format.seconds;
  const limits = Object.entries(data.budget || {})
    .filter(([, of]) => of && known(of.limit) && of.limit > 0 && known(of.used))
    .map(([key, of]) => ({key, name: names[key] || key, form: forms[key] || format.count, ...of}));
  const barHeight = 30;

  function drawBars(holder, width, top) {
    const left = 14 + d3.max(limits, of => page.textWidth(of.name)),
      text = of => `${of.form(of.used)} of ${of.form(of.limit)}`;
    const right = 14 + d3.max(limits, of => page.textWidth(text(of))),
      room = Math.max(20, width - left - right);
    const svg = d3.select(page.nodeOf(holder)).append("svg").attr("role", "img")
      .attr("class", "budget").style("top", `${top}px`)
      .attr("aria-label", `Budget: ${limits.map(of => `${of.name} ${text(of)}`).join(", ")}`)
      .attr("width", width).attr("height", limits.length * barHeight);
    const rows = svg.selectAll("g").data(limits).join("g")
      .attr("transform", (of, i) => `translate(0,${i * barHeight + barHeight / 2})`);
    rows.append("text").attr("x", left - 10).attr("text-anchor", "end").attr("dy", ".35em")
      .text(of => of.name);
    rows.append("rect").attr("x", left).attr("y", -7).attr("width", room).attr("height", 14)
      .attr("rx", 2)
      .style("fill", "var(--card)").style("stroke", "var(--edge)");
    rows.append("rect").attr("x", left).attr("y", -7).attr("height", 14).attr("rx", 2)
      .attr("width", of => room * Math.min(1, of.used / of.limit))
      .style("fill", of => of.used >= of.limit ? "var(--warn)" : "var(--accent)");
    rows.append("text").attr("x", left + room + 10).attr("dy", ".35em").text(text);
  }

  function drawRounds(holder, size) {
    const lrs = rounds.map(round => round.lr), [low, high] = d3.extent(lrs);
    const ends = rounds.flatMap(round => both(round.ci90) ? round.ci90 : [])
      .map(v => Math.max(low / 8, Math.min(high * 8, v)));
    const last = rounds[rounds.length - 1],
      label = {text: format.lr(last.lr), bold: true, colour: "none"};
    const frame = page.frame(holder, size, {
      label: "Predicted learning rate of the target over tokens spent: " +
        rounds.map(round => format.lr(round.lr)).join(", "),
      x: {kind: "tokens", domain: page.padded(rounds.map(round => round.tokens), "tokens", 0.05),
        label: "tokens spent"},
      y: {kind: "lr", domain: page.padded([...lrs, ...ends], "lr", 0.05),
        label: "predicted learning rate"},
      margin: {right: page.labelRoom([label], 120)}});
    const {x, y} = frame, tell = page.marks(frame.svg);
    frame.plot.append("path").datum(rounds.filter(round => both(round.ci90))).attr("class", "band")
      .style("fill", "var(--accent)").style("fill-opacity", 0.15)
      .attr("d", d3.area().x(round => x(round.tokens)).y0(round => y(round.ci90[0]))
      .y1(round => y(round.ci90[1])));
    frame.plot.append("path").datum(rounds).style("fill", "none").style("stroke", "var(--accent)")
      .style("stroke-width", 2)
      .attr("d", d3.line().x(round => x(round.tokens)).y(round => y(round.lr)));
    const shown = d3.max(rounds, round => known(page.now) && known(round.round) &&
      round.round <= page.now + 1 ? round.round : undefined);
    const lit = round => known(page.now) ? round.round === shown : !known(round.round);
    const dots = frame.plot.selectAll("circle").data(rounds).join("circle")
      .attr("cx", round => x(round.tokens)).attr("cy", round => y(round.lr))
      .attr("r", round => lit(round) ? 7 : 4.5).style("cursor", "pointer")
      .style("fill", round => lit(round) ? "var(--accent)" : "var(--ground)")
      .style("stroke", "var(--accent)").style("stroke-width", 2)
      .on("click", round => page.round(known(round.round) ? round.round - 1 : page.rounds.last));
    tell(dots, round => [[known(round.round) ? `before round ${round.round}` : "at the end", ""],
      ["tokens spent", format.tokens(round.tokens)],
      ["predicted LR", format.lr(round.lr)], ["90 % interval", format.interval(round.ci90)]]);
    let free = -Infinity;
    frame.over.selectAll("text").data(rounds.filter(round => known(round.round)).filter(round => {
      const fits = x(round.tokens) - free > 18;
      if (fits) free = x(round.tokens);
      return fits;
    })).join("text").attr("x", round => x(round.tokens)).attr("y", frame.height - 6)
      .attr("text-anchor", "middle")
      .style("fill", "var(--soft)").style("font-size", "11px").text(round => round.round);
    label.y = y(last.lr);
    page.endLabels(frame, [label]);
  }

  page.figure({id: "spent", title: drawn ? "Prediction against tokens spent" : "Budget",
    height: drawn ? 300 + limits.length * barHeight : limits.length * barHeight,
    caption: drawn
      ? "The target's LR as known before each round (numbers) and at the end, with 90\u00a0% intervals."
      : "",
    needs: () => drawn || limits.length > 0,
    draw(holder, size) {
      const bars = limits.length > 0 ? limits.length * barHeight + 6 : 0;
      if (drawn) drawRounds(holder, {width: size.width, height: size.height - bars});
      if (bars) drawBars(holder, size.width, drawn ? size.height - bars + 6 : 0);
    },
    table: drawn ? () => ({titles: ["round", "tokens spent", "predicted LR", "90 % interval"],
      rows: rounds.map(round =>
      [known(round.round) ? `before ${round.round}` : "end", format.tokens(round.tokens),
        format.lr(round.lr), format.interval(round.ci90)])}) : null});
  page.selection.on("round.spent", () => page.redraw("spent"));
})();
