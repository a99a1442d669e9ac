/* Figure "loss curves": one panel per horizon of a cell, coloured by LR, the smoothed curves over the raw
 * ones. The curve of the hovered and of the selected trial is lit. Also the small curve in a trial's
 * tooltip. */
(() => {
  "use strict";
  const {data, trials, el, format, known} = page;
  const mostCurves = 300;  // of a cell; beyond that an even choice by LR
  const smoothing = 0.03;  // of the horizon: time constant of the moving average, in tokens
  const panelHeight = 260, panelWidth = 300; // pixels
  const early = 0.12;      // of the horizon: losses before that do not set the loss axis

  // ---- the curves, once ----

  /* Exponential moving average in tokens, which begins at the first loss. */
  function smooth(tokens, loss, scale) {
    let mean = loss[0];
    return loss.map((v, i) => {
      if (i > 0) mean += (1 - Math.exp(-(tokens[i] - tokens[i - 1]) / scale)) * (v - mean);
      return mean;
    });
  }
  const curveOf = new Map(); // index of a trial -> {trial, tokens, loss, smooth}
  const {trial: ids = [], tokens: allTokens = [], loss: allLosses = []} = data.curves || {};
  ids.forEach((id, i) => {
    const index = page.indexOf(id), keep = allTokens[i].map((v, k) => v > 0 && known(allLosses[i][k]));
    if (index === undefined) return;
    const tokens = allTokens[i].filter((v, k) => keep[k]), loss = allLosses[i].filter((v, k) => keep[k]);
    if (tokens.length > 0)
      curveOf.set(index, {trial: trials[index], tokens, loss, smooth: smooth(tokens, loss, smoothing * trials[index].tokens)});
  });
  const cellOf = trial => known(trial.cell) ? trial.cell : null;
  const cells = [...new Set([...curveOf.values()].map(curve => cellOf(curve.trial)))].sort((a, b) => (a === null) - (b === null) || a - b);

  const view = {cell: cells[0], log: page.state.get("curves-log", false) === true, x: new Map(), y: null};
  let holder = null, nodes = null, lights = [];

  // ---- one panel ----

  function choose(list, most) {
    if (list.length <= most) return list;
    return d3.range(most).map(i => list[Math.floor((i + 0.5) * list.length / most)]);
  }

  /* Losses around the ends of the curves; a diverging one does not stretch the axis. */
  function lossDomain(list) {
    const steady = list.filter(curve => curve.trial.state !== "diverged"), from = steady.length > 0 ? steady : list;
    const values = from.flatMap(({tokens, smooth: mean, trial}) => mean.filter((v, i) => tokens[i] >= early * trial.tokens)).sort(d3.ascending);
    return page.padded(values.length > 0 ? [values[0], d3.quantile(values, 0.995)] : list.flatMap(curve => curve.smooth), "loss");
  }

  function panel(inside, size, tokens, list, drawn, yDomain) {
    const first = d3.min(list, curve => curve.tokens[0]), x = view.x.get(tokens) || [view.log ? first : 0, tokens];
    const name = page.cellName(view.cell);
    const frame = page.frame(inside, size, {label: `Loss curves of ${list.length} trials, ${format.tokens(tokens)} tokens${name ? `, ${name}` : ""}. ` +
      "Arrow keys go through the trials.",
    x: {kind: view.log ? "tokens" : "linear", domain: x, label: "tokens"}, y: {kind: "loss", domain: view.y || yDomain, label: "loss (nats)"}});
    if (!view.log) frame.svg.selectAll(".axis.x .tick text").text(format.tokens);
    const {plot, x: X, y: Y} = frame;
    const line = (curve, losses) => d3.line().x(i => X(curve.tokens[i])).y(i => Y(losses[i]))(d3.range(losses.length));
    const end = curve => [X(curve.tokens[curve.tokens.length - 1]), Y(curve.smooth[curve.smooth.length - 1])];
    const cross = ([cx, cy]) => `M${cx - 4},${cy - 4}l8,8m0,-8l-8,8`;
    const base = plot.append("g").attr("fill", "none"), colour = curve => page.color.lr(curve.trial.lr);
    base.append("g").selectAll("path").data(drawn).join("path").attr("d", curve => line(curve, curve.loss)).attr("stroke", colour)
      .attr("stroke-opacity", 0.22).attr("stroke-width", 1);
    base.append("g").selectAll("path").data(drawn).join("path").attr("data-trial", curve => curve.trial.id).attr("d", curve => line(curve, curve.smooth))
      .attr("stroke", colour).attr("stroke-width", drawn.length > 60 ? 1 : 1.6);
    const ended = drawn.filter(curve => curve.trial.state === "diverged");
    base.append("g").attr("class", "ends").selectAll("path").data(ended).join("path").attr("d", curve => cross(clip(frame, end(curve))))
      .attr("stroke", colour).attr("stroke-width", 2);

    // The lit ones: a line of the ground's colour below, so that it stands out.
    const lit = ["selected", "hovered"].map(state => ["var(--ground)", null].map((stroke, i) => plot.append("path").attr("class", state)
      .attr("fill", "none").attr("stroke", stroke).attr("stroke-width", i === 0 ? 7 : 3.5).attr("pointer-events", "none")));
    const own = new Map(list.map(curve => [curve.trial.index, curve]));
    const show = ([halo, top], curve) => {
      halo.attr("d", curve ? line(curve, curve.smooth) : null);
      top.attr("d", curve ? line(curve, curve.smooth) + (curve.trial.state === "diverged" ? cross(clip(frame, end(curve))) : "") : null)
        .attr("stroke", curve ? colour(curve) : null).attr("data-trial", curve ? curve.trial.id : null).classed("lit", Boolean(curve));
    };
    const points = () => drawn.flatMap(curve => curve.tokens.map((v, i) => ({index: curve.trial.index, x: X(v), y: Y(curve.smooth[i])})))
      .filter(point => point.x >= 0 && point.x <= frame.width && point.y >= 0 && point.y <= frame.height);
    const ends = () => drawn.map(curve => ({index: curve.trial.index, x: end(curve)[0], y: end(curve)[1]}));
    page.explore(frame, {points, stops: ends, reach: 18, reset, zoom(x1, y1) {
      if (x1) view.x.set(tokens, x1);
      if (y1) view.y = y1;
      paint();
    }});
    return (hovered, selected) => {
      const over = own.get(hovered);
      base.attr("opacity", over ? 0.25 : null);
      show(lit[0], own.get(selected));
      show(lit[1], over);
    };
  }
  const clip = (frame, [x, y]) => [Math.min(frame.width - 5, Math.max(5, x)), Math.min(frame.height - 5, Math.max(5, y))];

  // ---- panels ----

  function paint() {
    if (!holder) return;
    const node = page.nodeOf(holder), focused = [...node.querySelectorAll("svg")].indexOf(document.activeElement);
    const own = [...curveOf.values()].filter(curve => cellOf(curve.trial) === view.cell).sort((a, b) => a.trial.lr - b.trial.lr);
    const horizons = [...new Set(own.map(curve => curve.trial.tokens))].sort(d3.ascending);
    const grid = el("div", {class: "panels"}), yDomain = lossDomain(own);
    page.balance(grid, node.clientWidth, horizons.length, panelWidth);
    node.replaceChildren(grid);
    const inside = horizons.map(tokens => {
      const plot = el("div", {class: "panel-plot"});
      plot.style.height = `${panelHeight}px`;
      grid.append(el("figure", {class: "panel"}, el("figcaption", {}, `${format.tokens(tokens)} tokens`), plot));
      return plot;
    });
    const width = inside.length > 0 ? inside[0].clientWidth : 0;
    let drawnCount = 0;
    lights = horizons.map((tokens, i) => {
      const list = own.filter(curve => curve.trial.tokens === tokens), drawn = choose(list, Math.max(8, Math.floor(mostCurves / horizons.length)));
      drawnCount += drawn.length;
      return panel(inside[i], {width, height: panelHeight}, tokens, list, drawn, yDomain);
    });
    const svgs = node.querySelectorAll("svg");
    if (focused >= 0 && svgs[focused]) svgs[focused].focus();
    nodes.reset.disabled = view.x.size === 0 && !view.y;
    nodes.note.textContent = drawnCount < own.length ? `${drawnCount} of ${own.length} curves are drawn, evenly chosen by LR; hover any trial elsewhere to see its curve.` : "";
    light();
  }
  const light = () => lights.forEach(one => one(page.hovered, page.selected));
  function reset() {
    if (view.x.size === 0 && !view.y) return;
    view.x.clear();
    view.y = null;
    paint();
  }
  function setCell(cell) {
    view.cell = cell;
    view.x.clear();
    view.y = null;
    paint();
  }

  // ---- controls ----

  function colourBar() {
    const lrs = trials.map(trial => trial.lr).filter(lr => lr > 0), [low, high] = d3.extent(lrs), width = 220;
    if (!(high > low)) return;
    const scale = page.scale("lr", [low, high], [0, width]), steps = 44, text = page.tickText("lr");
    const svg = d3.create("svg").attr("width", width + 40).attr("height", 30).attr("role", "img")
      .attr("aria-label", `Colours: learning rates from ${format.lr(low)} to ${format.lr(high)}`);
    const g = svg.append("g").attr("transform", "translate(20,1)");
    g.selectAll("rect").data(d3.range(steps)).join("rect").attr("x", i => i * width / steps).attr("width", width / steps + 0.5).attr("height", 9)
      .attr("fill", i => page.color.lr(scale.invert((i + 0.5) * width / steps)));
    g.append("g").attr("class", "axis").attr("transform", "translate(0,9)")
      .call(d3.axisBottom(scale).tickValues(page.ticks(scale, "lr")).tickFormat(text).tickSize(4).tickPadding(2)).select(".domain").remove();
    nodes.bar.replaceChildren("learning rate", svg.node());
  }

  function tools(given) {
    const bar = page.nodeOf(given);
    nodes = {bar: el("span", {class: "colour-bar"}), note: el("p", {class: "note", role: "status"}),
      reset: el("button", {type: "button", class: "reset", disabled: true, onclick: reset}, "Reset zoom")};
    if (cells.length > 1) {
      const value = page.chooser(bar, {id: "curves-cell", label: "model", change: chosen => setCell(chosen === "target" ? null : Number(chosen)),
        options: cells.map(cell => [cell === null ? "target" : String(cell), cell === null ? "target (confirmation)" : page.cellName(cell)])});
      view.cell = value === "target" ? null : Number(value);
    }
    const button = el("button", {type: "button", "aria-pressed": String(view.log), onclick: () => {
      view.log = !view.log;
      view.x.clear();
      page.state.set("curves-log", view.log);
      button.setAttribute("aria-pressed", String(view.log));
      paint();
    }}, "log tokens");
    bar.append(button, nodes.reset, nodes.bar, nodes.note);
  }

  page.selection.on("trial.curves", light).on("select.curves", index => {
    const chooser = document.getElementById("curves-cell"), cell = index === null ? view.cell : cellOf(trials[index]);
    if (chooser && cell !== view.cell && curveOf.has(index)) {
      chooser.value = cell === null ? "target" : String(cell);
      setCell(cell);
    }
    light();
  });

  page.figure({id: "curves", title: "Loss curves", span: "full", flow: true,
    caption: `Training loss: a moving average over ${100 * smoothing} % of the tokens, and the losses themselves behind it. ` +
      "A cross ends a diverged trial.",
    needs: () => curveOf.size > 0, tools,
    draw(given) {
      holder = given;
      colourBar();
      paint();
    }});

  // ---- the small curve in a tooltip ----

  page.extra.push(index => {
    const curve = curveOf.get(index), width = 180, height = 46;
    if (!curve || curve.tokens.length < 2) return null;
    const X = d3.scaleLinear([0, curve.trial.tokens], [1, width - 1]), sorted = curve.loss.slice().sort(d3.ascending);
    const Y = d3.scaleLinear([sorted[0], Math.max(d3.quantile(sorted, 0.9), sorted[0] + 1e-6)], [height - 2, 4]);
    const line = losses => d3.line().x(i => X(curve.tokens[i])).y(i => Y(losses[i]))(d3.range(losses.length));
    const svg = d3.create("svg").attr("class", "spark").attr("width", width).attr("height", height).attr("role", "img").attr("aria-label", "loss curve")
      .attr("fill", "none").attr("stroke", "currentColor");
    svg.append("path").attr("d", line(curve.loss)).attr("stroke-opacity", 0.4);
    svg.append("path").attr("d", line(curve.smooth)).attr("stroke-width", 1.8);
    return svg.node();
  });
})();
