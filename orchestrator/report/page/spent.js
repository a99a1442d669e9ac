/* What the budget bought: the target's predicted LR with its interval before each round, over the
 * tokens spent until then; and how much of each limit is used. */
(() => {
  "use strict";
  const {data, known, format} = page;
  const rounds = (data.rounds || [])
    .filter(round => known(round.lr) && round.lr > 0 && round.tokens > 0);
  const drawn = new Set(rounds.map(round => round.tokens)).size > 1;
  const forms = {tokens: format.tokens, wall: format.seconds, share_of_target: format.percent,
    core_hours: v => String(Number(v.toPrecision(3))), flops: v => format.lr(v, 3)};
  const names = {wall: "time", core_hours: "core hours", share_of_target: "share of target",
    flops: "FLOPs"};
  const limits = Object.entries(data.budget || {})
    .filter(([, of]) => of && known(of.limit) && of.limit > 0 && known(of.used))
    .map(([key, of]) => ({key, name: names[key] || key, form: forms[key] || format.count, ...of}));
  const barHeight = 30;

  function drawBars(holder, width, top) {
    const text = of => `${of.form(of.used)} of ${of.form(of.limit)}`;
    const left = 14 + d3.max(limits, of => page.textWidth(of.name));
    const room = Math.max(20, width - left - 14 - d3.max(limits, of => page.textWidth(text(of))));
    const svg = page.put(d3.select(holder), "svg", {role: "img", class: "budget",
      "aria-label": `Budget: ${limits.map(of => `${of.name} ${text(of)}`).join(", ")}`,
      width, height: limits.length * barHeight, style: `top: ${top}px`});
    limits.forEach((of, i) => {
      const y = (i + 0.5) * barHeight, bar = {x: left, y: y - 7, height: 14, rx: 2};
      page.put(svg, "text", {x: left - 10, y, dy: ".35em", "text-anchor": "end"}, of.name);
      page.put(svg, "rect", {class: "bar edge", width: room, ...bar});
      page.put(svg, "rect", {fill: of.used >= of.limit ? "var(--warn)" : "var(--accent)",
        width: room * Math.min(1, of.used / of.limit), ...bar});
      page.put(svg, "text", {x: left + room + 10, y, dy: ".35em"}, text(of));
    });
  }

  function drawRounds(holder, size) {
    const lrs = rounds.map(round => round.lr);
    const ends = rounds.flatMap(round => page.ends(round.ci90));
    const last = rounds[rounds.length - 1], label = {text: format.lr(last.lr), bold: true};
    const frame = page.frame(holder, size, {
      label: "Predicted learning rate of the target over tokens spent: " +
        lrs.map(lr => format.lr(lr)).join(", "),
      x: {kind: "tokens", domain: page.padded(rounds.map(round => round.tokens), "tokens", 0.05),
        label: "tokens spent"},
      y: {kind: "lr", domain: page.reaching(lrs, ends, 8, "lr", 0.05),
        label: "predicted learning rate"},
      margin: {right: page.labelRoom([label], 120)}});
    const x = round => frame.x(round.tokens), y = round => frame.y(round.lr);
    const area = d3.area().x(x).y0(round => frame.y(round.ci90[0]))
      .y1(round => frame.y(round.ci90[1]));
    page.put(frame.plot, "path", {class: "band", fill: "var(--accent)",
      d: area(rounds.filter(round => page.ends(round.ci90).length > 0))});
    page.put(frame.plot, "path",
      {class: "line", stroke: "var(--accent)", d: d3.line().x(x).y(y)(rounds)});
    const then = page.knownThen();
    let free = -Infinity;
    for (const round of rounds) {
      const lit = then === null ? !known(round.round) : round === then, at = x(round);
      page.put(frame.plot, "circle", {class: "dot", cx: at, cy: y(round), r: lit ? 7 : 4.5,
        stroke: "var(--accent)", fill: lit ? "var(--accent)" : "var(--ground)"});
      if (!known(round.round) || at - free < 18) continue;
      page.put(frame.over, "text", {x: at, y: frame.height - 6, "text-anchor": "middle",
        style: "fill: var(--soft); font-size: 11px"}, round.round);
      free = at;
    }
    label.y = y(last);
    page.endLabels(frame, [label]);
    page.explore(frame, {points: () => rounds.map(round => ({x: x(round), y: y(round), lines: [
      [known(round.round) ? `before round ${round.round}` : "at the end", ""],
      ["tokens spent", format.tokens(round.tokens)], ["predicted LR", format.lr(round.lr)],
      ["90 % interval", format.interval(round.ci90)]]}))});
  }

  page.figure({id: "spent", title: drawn ? "Prediction against tokens spent" : "Budget",
    height: drawn ? 300 + limits.length * barHeight : limits.length * barHeight,
    caption: drawn
      ? "The target's LR as known before each round (numbers) and at the end; 90\u00a0% intervals."
      : "",
    needs: () => drawn || limits.length > 0,
    draw(holder, size) {
      const bars = limits.length > 0 ? limits.length * barHeight + 6 : 0;
      if (drawn) drawRounds(holder, {width: size.width, height: size.height - bars});
      if (bars) drawBars(holder, size.width, drawn ? size.height - bars + 6 : 0);
    },
    table: drawn ? () => ({titles: ["round", "tokens spent", "predicted LR", "90 % interval"],
      rows: rounds.map(round => [known(round.round) ? `before ${round.round}` : "end",
        format.tokens(round.tokens), format.lr(round.lr), format.interval(round.ci90)])}) : null});
  page.selection.on("round.spent", () => page.redraw("spent"));
})();
