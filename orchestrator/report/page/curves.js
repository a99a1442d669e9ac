/* Figure "loss curves": one panel per horizon of a cell, coloured by LR, the smoothed curves over
 * the raw ones. The curves of the hovered and of the selected trial are lit. Also the small curve
 * in a trial's tooltip. */
(() => {
  "use strict";
  const {data, trials, el, format, known, attributes} = page;
  const mostCurves = 300;  // of a cell: beyond that an even choice
  const smoothing = 0.03;  // of the horizon: time constant of the moving average, in tokens
  const early = 0.12;      // of the horizon: losses before that do not set the loss axis

  // ---- the curves, once ----

  /* Exponential moving average in tokens, which begins at the first loss. */
  function smooth(tokens, loss, scale) {
    let mean = loss[0];
    return loss.map((v, i) => {
      if (i > 0) mean += (1 - Math.exp((tokens[i - 1] - tokens[i]) / scale)) * (v - mean);
      return mean;
    });
  }
  const curveOf = new Map(); // index of a trial -> {trial, tokens, loss, mean}
  const given = {trial: [], tokens: [], loss: [], ...data.curves};
  /* A number in place of an array: the same as those of that index. */
  given.tokens = given.tokens.map((own, i, all) => Array.isArray(own) ? own : all[own]);
  given.trial.forEach((id, i) => {
    const trial = trials[page.indexOf(id)], rows = d3.range(given.tokens[i].length)
      .filter(row => given.tokens[i][row] > 0 && known(given.loss[i][row]));
    if (!trial || rows.length === 0) return;
    const [tokens, loss] = [given.tokens, given.loss].map(all => rows.map(row => all[i][row]));
    const mean = smooth(tokens, loss, smoothing * trial.tokens);
    curveOf.set(trial.index, {trial, tokens, loss, mean});
  });
  const curves = [...curveOf.values()].sort((a, b) => a.trial.lr - b.trial.lr);
  const cellOf = trial => known(trial.cell) ? trial.cell : null; // null: confirmation
  const cells = [...new Set(curves.map(curve => cellOf(curve.trial)))]
    .sort((a, b) => (a === null) - (b === null) || a - b);

  const view = {cell: cells[0], log: false};
  let holder = null, nodes = null, lights = [];

  const choose = (list, most) => list.length <= most ? list
    : d3.range(most).map(i => list[Math.round(i * (list.length - 1) / (most - 1))]);

  /* Around the later part of the curves; a diverging one does not stretch the axis. */
  function lossDomain(list) {
    const steady = list.filter(curve => curve.trial.state !== "diverged");
    const late = (steady.length > 0 ? steady : list).flatMap(({tokens, mean, trial}) =>
      mean.filter((v, i) => tokens[i] >= early * trial.tokens)).sort(d3.ascending);
    return page.padded(late.length > 0 ? [late[0], d3.quantile(late, 0.995)]
      : list.flatMap(curve => curve.mean), "loss");
  }

  // ---- one panel ----

  const colourOf = curve => page.color.lr(curve.trial.lr);
  const hasDiverged = curve => curve.trial.state === "diverged";

  function panel(inside, size, tokens, list, drawn, yDomain) {
    const start = view.log ? d3.min(list, curve => curve.tokens[0]) : 0;
    const name = page.cellName(view.cell), many = drawn.length > 60;
    const frame = page.frame(inside, size, {
      label: `Loss curves of ${list.length} trials, ${format.tokens(tokens)} tokens` +
        `${name ? `, ${name}` : ""}. Arrow keys go through the trials.`,
      x: {kind: view.log ? "tokens" : "linear", domain: zoom.get(`x ${tokens}`) || [start, tokens],
        label: "tokens"},
      y: {kind: "loss", domain: zoom.get("y") || yDomain, label: "loss (nats)"}});
    if (!view.log) frame.svg.selectAll(".axis.x .tick text").text(format.tokens);
    const {plot, x: X, y: Y, width, height} = frame;
    const line = (curve, losses) => d3.line().x(v => X(v)).y((v, i) => Y(losses[i]))(curve.tokens);
    const within = (v, most) => Math.min(most - 5, Math.max(5, v));
    const end = ({tokens: at, mean}) => [within(X(at[at.length - 1]), width),
      within(Y(mean[mean.length - 1]), height)];
    const cross = curve => hasDiverged(curve) ? `M${end(curve).map(v => v - 4)}l8,8m0,-8l-8,8` : "";

    const all = plot.append("g").attr("class", many ? "loss-curves many" : "loss-curves");
    const paths = (name, list, d) => attributes(all.append("g").attr("class", name)
      .selectAll("path").data(list).join("path"), {d, stroke: colourOf});
    paths("raw", drawn, curve => line(curve, curve.loss));
    const means = paths("mean", drawn, curve => line(curve, curve.mean))
      .attr("data-trial", curve => curve.trial.id);
    paths("ends", drawn.filter(hasDiverged), cross);

    // The lit ones lie over a line of the ground's colour.
    const own = new Map(list.map(curve => [curve.trial.index, curve]));
    const lit = ["selected", "hovered"].map(name =>
      ["halo", "over"].map(part => plot.append("path").attr("class", `${part} ${name}`)));
    const show = (parts, curve) => parts.forEach(path => attributes(path, {
      d: curve ? line(curve, curve.mean) + cross(curve) : null,
      stroke: curve ? colourOf(curve) : null}));

    const points = () => drawn.flatMap(({trial, tokens: at, mean}) =>
      at.map((v, i) => ({index: trial.index, x: X(v), y: Y(mean[i])})))
      .filter(({x, y}) => x >= 0 && x <= width && y >= 0 && y <= height);
    const stops = () => drawn.map(curve => {
      const [x, y] = end(curve);
      return {index: curve.trial.index, x, y};
    });
    page.explore(frame, {points, stops, reach: 18, reset: zoom.reset,
      drag: zoom.drag(`x ${tokens}`, "y")});
    return (hovered, selected) => {
      all.classed("faded", own.has(hovered));
      means.classed("lit", ({trial: {index}}) => index === hovered || index === selected);
      show(lit[0], own.get(selected));
      show(lit[1], own.get(hovered));
    };
  }

  // ---- panels ----

  function redraw() {
    if (!holder) return;
    const own = curves.filter(curve => cellOf(curve.trial) === view.cell);
    const horizons = [...new Set(own.map(curve => curve.trial.tokens))].sort(d3.ascending);
    const most = Math.max(8, Math.floor(mostCurves / horizons.length)), yDomain = lossDomain(own);
    lights = [];
    page.repaint(holder, node => page.panels(node, {id: "curves", items: horizons, least: 260,
      height: 260, name: tokens => `${format.tokens(tokens)} tokens`, draw(inside, size, tokens) {
        const list = own.filter(curve => curve.trial.tokens === tokens);
        lights.push(panel(inside, size, tokens, list, choose(list, most), yDomain));
      }}));
    const isThinned = horizons.some(tokens =>
      own.filter(curve => curve.trial.tokens === tokens).length > most);
    nodes.note.textContent = !isThinned ? "" :
      `${most} curves a horizon are drawn, an even choice by LR. A trial's tooltip shows its own.`;
    light();
  }
  const light = () => lights.forEach(one => one(page.hovered, page.selected));
  const zoom = page.zoom("curves-zoom", redraw);
  function drawAnew() {
    zoom.clear();
    redraw();
  }

  // ---- controls ----

  function drawColours() {
    const [low, high] = d3.extent(trials.map(trial => trial.lr).filter(lr => lr > 0));
    const width = 220, steps = 44, scale = page.scale("lr", [low, high], [0, width]);
    if (!(high > low)) return;
    const svg = page.svg(width + 40, 30,
      `Colours: learning rates from ${format.lr(low)} to ${format.lr(high)}`);
    const g = svg.append("g").attr("transform", "translate(20,1)");
    attributes(g.selectAll("rect").data(d3.range(steps)).join("rect"), {height: 9,
      x: i => i * width / steps, width: width / steps + 0.5,
      fill: i => page.color.lr(scale.invert((i + 0.5) * width / steps))});
    const axis = d3.axisBottom(scale).tickValues(page.ticks(scale, "lr"))
      .tickFormat(page.tickText("lr")).tickSize(4).tickPadding(2);
    g.append("g").attr("class", "axis").attr("transform", "translate(0,9)").call(axis)
      .select(".domain").remove();
    nodes.colours.replaceChildren("learning rate", svg.node());
  }

  const keyOf = cell => cell === null ? "target" : String(cell);
  function setCell(key) {
    view.cell = key === "target" ? null : Number(key);
    drawAnew();
  }
  function tools(bar) {
    nodes = {colours: el("span", {class: "colours"}),
      note: el("p", {class: "note", role: "status"})};
    if (cells.length > 1) {
      const key = page.chooser(bar, {id: "curves-cell", label: "model", change: setCell,
        options: cells.map(cell => [keyOf(cell), cell === null ? "target (confirmation)"
          : page.cellName(cell) || "searched"])});
      view.cell = key === "target" ? null : Number(key);
    }
    view.log = page.toggle(bar, {id: "curves-log", text: "log tokens", change(on) {
      view.log = on;
      drawAnew();
    }});
    bar.append(zoom.button, nodes.colours, nodes.note);
  }

  page.selection.on("trial.curves", light).on("select.curves", index => {
    const chooser = document.getElementById("curves-cell"), cell = index === null ? view.cell
      : cellOf(trials[index]);
    if (chooser && cell !== view.cell && curveOf.has(index)) {
      chooser.value = keyOf(cell);
      setCell(chooser.value);
    } else light();
  });

  page.figure({id: "curves", title: "Loss curves", span: "full", flow: true,
    caption: `Training loss: a moving average over ${100 * smoothing} % of the tokens, and the ` +
      "losses themselves behind it. A cross ends a diverged trial.",
    needs: () => curves.length > 0, tools,
    draw(given) {
      holder = given;
      drawColours();
      redraw();
    }});

  // ---- the small curve in a tooltip ----

  page.extra.push(index => {
    const curve = curveOf.get(index), width = 180, height = 46;
    if (!curve || curve.tokens.length < 2) return null;
    const sorted = curve.loss.slice().sort(d3.ascending), low = sorted[0];
    const high = Math.max(d3.quantile(sorted, 0.9), low + 1e-6);
    const X = d3.scaleLinear([0, curve.trial.tokens], [1, width - 1]);
    const Y = d3.scaleLinear([low, high], [height - 2, 4]);
    const svg = page.svg(width, height, "loss curve").attr("class", "spark");
    for (const [name, losses] of [["raw", curve.loss], ["mean", curve.mean]])
      svg.append("path").attr("class", name).attr("d",
        d3.line().x(v => X(v)).y((v, i) => Y(losses[i]))(curve.tokens));
    return svg.node();
  });
})();
