/* Figure "loss against learning rate": its controls, its key, and the choice of panels. What is
 * shown is in basin_model.js, one panel in basin_panel.js. */
(() => {
  "use strict";
  const {data, trials, el, format, attributes, basins} = page, {view, horizons} = basins;
  const manyPoints = 2000; // from here on, points are drawn on a canvas
  const mostPanels = 12, mostNarrow = 6, narrow = 700; // on a page of fewer pixels: mostNarrow
  const panelSize = {width: 300, height: 270};         // pixels, at least
  const mostLanes = 6;     // horizons with a row of their own for diverged trials
  const playStep = 900;    // ms
  const several = data.cells.length > 1, chosenAxes = {};
  const axisNames = {vocab: "vocabulary", batch_tokens: "batch", weight_decay: "weight decay",
    embedding_lr_exponent: "embedding exponent"};
  let lights = [], holder = null, size = null, nodes = null;

  // ---- panels ----

  const most = () => size.width < narrow ? mostNarrow : mostPanels;
  const isChosen = cell => Object.entries(chosenAxes).every(([axis, value]) =>
    value === "" || String(cell.axes[axis]) === value);

  function drawPanels(node, cells, domains) {
    const {size: each, plots} = page.smallPanels(node, cells.map(cell => cell !== null
      ? page.cellName(cell) : `target, ${format.tokens(basins.target.tokens)} tokens`), panelSize);
    return plots.map((plot, i) => basins.panel(plot, each, cells[i], domains));
  }

  function redraw() {
    if (!holder) return;
    const chosen = data.cells.map((cell, i) => i).filter(i => isChosen(data.cells[i]));
    const own = basins.target && basins.target.curve && basins.targetCell === null ? [null] : [];
    const cells = chosen.slice(0, most() - own.length), all = [...cells, ...own];
    const points = d3.sum(cells, cell => d3.sum(basins.of(cell), group => group.own.length));
    const domains = {x: basins.lrDomain(all), y: basins.lossDomain(view.above ? all : own),
      lanes: !several && horizons.length <= mostLanes, canvas: points > manyPoints};
    page.repaint(holder, node => {
      lights = several ? drawPanels(node, all, domains) : [basins.panel(holder, size, 0, domains)];
    });
    nodes.reset.disabled = !isZoomed();
    nodes.note.textContent = notes(cells).join(" ");
    nodes.posterior.textContent = posterior();
    light();
  }
  const light = () => lights.forEach(one => one(page.hovered, page.selected));
  const isZoomed = () => view.x !== null || view.y.size > 0;
  function reset() {
    if (!isZoomed()) return;
    view.x = null;
    view.y.clear();
    redraw();
  }
  Object.assign(basins, {redraw, reset});

  function notes(cells) {
    const lines = [], all = data.cells.length;
    if (cells.length === 0) lines.push("No model has these values.");
    else if (cells.length < all)
      lines.push(`${cells.length} of ${all} models are shown; choose others above.`);
    const silent = trials.filter(trial => trial.purpose === "search" && trial.state !== "done" &&
      trial.state !== "diverged").length;
    if (silent === 1) lines.push("1 trial has no loss (failed, or not finished) and is not drawn.");
    if (silent > 1)
      lines.push(`${silent} trials have no loss (failed, or not finished) and are not drawn.`);
    return lines;
  }

  // ---- key ----

  const posterior = () =>
    page.now === null ? "posterior mean, 90 % band" : "posterior mean of the final fit";

  function drawKey() {
    const colour = page.color.horizon(horizons[horizons.length - 1]);
    const has = test => basins.groups.some(test);
    const item = (text, ...marks) => {
      const svg = attributes(d3.create("svg"), {width: 28, height: 16, "aria-hidden": "true"});
      for (const [tag, values] of marks)
        attributes(svg.append(tag), {stroke: colour, fill: "none", "stroke-width": 1.6, ...values});
      return el("span", {class: "entry"}, svg.node(), text);
    };
    const dot = {cx: 14, cy: 8, r: 4, fill: colour}, hollow = {...dot, fill: "none"};
    const dash = {d: "M1,8H27", "stroke-width": 2};
    const sign = type => ({d: d3.symbol().type(type).size(48)(), transform: "translate(14,8)"});
    const triangle = sign(d3.symbolTriangle);
    nodes.key.replaceChildren(...[
      item("trial", ["circle", dot]),
      has(group => group.own.some(group.hollow))
        ? item("trial with other ratios than the best", ["circle", hollow]) : null,
      item("lowest loss seen", ["circle", {...dot, r: 3}], ["circle", {...hollow, r: 6.5}]),
      has(group => group.fit) ? item("fitted optimum, 90 % interval",
        ["path", {d: "M1,8H27M1,4v8M27,4v8"}],
        ["path", {...sign(d3.symbolDiamond), fill: "var(--ground)"}]) : null,
      has(group => group.curve) ? item(nodes.posterior,
        ["rect", {width: 28, height: 12, y: 2, fill: colour, "fill-opacity": 0.2, stroke: "none"}],
        ["path", dash]) : null,
      basins.target ? item("predicted for the target",
        ["path", {...dash, stroke: "var(--ink)", "stroke-dasharray": "6 4"}]) : null,
      has(group => !group.own.every(basins.hasLoss))
        ? item("diverged", ["path", {...triangle, fill: colour}]) : null,
      item("loss above the frame", ["path", triangle]),
      has(group => group.confirm.length > 0)
        ? item("confirmation, not used in the fit", ["path", sign(d3.symbolSquare)]) : null,
    ].filter(Boolean));
  }

  // ---- horizons ----

  function drawChips() {
    nodes.chips.replaceChildren("tokens", ...horizons.map(tokens => {
      const swatch = el("span", {class: "swatch"});
      swatch.style.background = page.color.horizon(tokens);
      return el("button", {type: "button", class: "chip",
        "aria-pressed": String(!view.muted.has(tokens)),
        title: "Click: hide or show. Double click, or Shift: only this one.",
        onclick: event => toggle(tokens, event.shiftKey), ondblclick: () => toggle(tokens, true)},
      swatch, format.tokens(tokens));
    }));
  }
  function toggle(tokens, alone) {
    const others = horizons.filter(one => one !== tokens), {muted} = view;
    const isAlone = !muted.has(tokens) && others.every(one => muted.has(one));
    if (alone) view.muted = new Set(isAlone ? [] : others);
    else if (!muted.delete(tokens)) muted.add(tokens);
    if (view.muted.size === horizons.length) view.muted.clear();
    page.state.set("basins-muted", [...view.muted]);
    nodes.chips.querySelectorAll("button").forEach((chip, i) =>
      chip.setAttribute("aria-pressed", String(!view.muted.has(horizons[i]))));
    redraw();
  }

  // ---- rounds ----

  function slider() {
    const {last} = page.rounds;
    let timer = null;
    const input = el("input", {type: "range", min: 1, max: last, step: 1,
      "aria-label": "Show trials up to round", oninput: () => page.round(Number(input.value))});
    const said = el("output");
    const play = el("button", {type: "button", onclick: () => timer ? stop() : start()}, "Play");
    function stop() {
      clearInterval(timer);
      timer = null;
      play.textContent = "Play";
    }
    function start() {
      if (page.rounds.now === last) page.round(1);
      play.textContent = "Pause";
      timer = setInterval(() => {
        page.round(page.rounds.now + 1);
        if (page.rounds.now === last) stop();
      }, playStep);
    }
    function show() {
      const now = basins.targetNow(), text = `${page.rounds.now} of ${last}`;
      input.value = page.rounds.now;
      said.textContent = !now ? text
        : `${text}: target ${format.lr(now.lr)} (${format.interval(now.ci90)})`;
    }
    page.selection.on("round.basins", () => {
      show();
      redraw();
    });
    show();
    return el("div", {id: "rounds"}, el("label", {}, "Rounds ", input), play, said);
  }

  // ---- controls ----

  function viewButtons() {
    const choices = [[false, "loss"], [true, "nats above each optimum"]];
    const press = above => {
      view.above = above;
      view.y.clear();
      page.state.set("basins-above", above);
      buttons.forEach((button, i) =>
        button.setAttribute("aria-pressed", String(choices[i][0] === above)));
      redraw();
    };
    const buttons = choices.map(([above, text]) => el("button", {type: "button",
      "aria-pressed": String(view.above === above), onclick: () => press(above)}, text));
    return el("span", {class: "switch", role: "group", "aria-label": "Loss axis"}, buttons);
  }

  function axisChooser(bar, axis) {
    const values = [...new Set(data.cells.map(cell => cell.axes[axis]))].sort(d3.ascending);
    const text = value => value === null ? "–" : axis === "batch_tokens" ? format.tokens(value)
      : String(value);
    chosenAxes[axis] = page.chooser(bar, {id: `basins-${axis}`, label: axisNames[axis] || axis,
      options: [["", "all"], ...values.map(value => [String(value), text(value)])],
      change(value) {
        chosenAxes[axis] = value;
        view.y.clear();
        redraw();
      }});
  }

  function tools(given) {
    const bar = page.nodeOf(given), many = data.cells.length;
    nodes = {chips: el("span", {class: "chips", role: "group", "aria-label": "Horizons"}),
      key: el("p", {class: "legend"}), posterior: el("span"),
      note: el("p", {class: "note", role: "status"}),
      reset: el("button", {type: "button", class: "reset", onclick: reset}, "Reset zoom")};
    if (many > mostPanels || many > mostNarrow && window.innerWidth < narrow)
      (data.varies || []).forEach(axis => axisChooser(bar, axis));
    bar.append(viewButtons(), nodes.chips, nodes.reset);
    if (page.rounds.last > 1) bar.append(slider());
    bar.append(nodes.key, nodes.note);
  }

  page.selection.on("trial.basins", light).on("select.basins", light);

  page.figure({id: "basins", title: "Loss against learning rate", span: several ? "full" : 2,
    flow: several, height: width => Math.max(340, Math.min(560, 0.55 * width)),
    caption: "Every trial, and for each horizon the fitted loss with its optimum. " +
      "Drag to zoom; double click or Escape to go back.",
    needs: () => basins.groups.length > 0, tools,
    draw(given, givenSize) {
      [holder, size] = [given, givenSize];
      drawChips();
      drawKey();
      redraw();
    },
    table: () => ({
      titles: ["model", "tokens", "trials", "diverged", "lowest loss", "at LR", "optimum",
        "90 % interval", "loss there"],
      rows: data.fits.map(fit => [page.cellName(fit.cell), format.tokens(fit.tokens), fit.trials,
        fit.diverged, format.loss(fit.lowest_loss), format.lr(fit.lowest_lr, 3),
        format.lr(fit.lr_opt, 3), format.interval(fit.ci90), format.loss(fit.loss_min)]),
    })});
})();
