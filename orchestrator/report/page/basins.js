/* Figure "loss against learning rate": its controls, its key, and the choice of panels. What is
 * shown is in basin_model.js, one panel in basin_panel.js. */
(() => {
  "use strict";
  const {data, trials, el, format, attributes, basins} = page, {view, horizons} = basins;
  const manyPoints = 2000; // from here on, points are drawn on a canvas
  const mostPanels = 12, mostNarrow = 6, narrow = 700; // on a page of fewer pixels: mostNarrow
  const mostLanes = 6;     // horizons with a row of their own for diverged trials
  const several = data.cells.length > 1;
  let lights = [], holder = null, size = null, nodes = null, shownCells = null;

  // ---- panels ----

  function redraw() {
    if (!holder) return;
    const chosen = shownCells().filter(cell => basins.cells.includes(cell));
    const own = basins.target && basins.target.curve && basins.targetCell === null ? [null] : [];
    const all = [...chosen, ...own], most = size.width < narrow ? mostNarrow : mostPanels;
    const points = d3.sum(chosen, cell => d3.sum(basins.of(cell), group => group.own.length));
    const domains = {x: basins.lrDomain(all), y: basins.lossDomain(view.above ? all : own),
      lanes: !several && horizons.length <= mostLanes, canvas: points > manyPoints};
    const name = cell => cell !== null ? page.cellName(cell)
      : `target, ${format.tokens(basins.target.tokens)} tokens`;
    lights = [];
    const draw = (inside, each, cell) => lights.push(basins.panel(inside, each, cell, domains));
    page.repaint(holder, node => several ? page.panels(node, {id: "basins", items: all, name, most,
      least: 250, height: 270, draw}) : draw(node, size, 0));
    nodes.note.textContent = notDrawn(chosen);
    nodes.posterior.textContent = posterior();
    light();
  }
  const light = () => lights.forEach(one => one(page.hovered, page.selected));
  basins.zoom = page.zoom("basins-zoom", redraw);

  function notDrawn(chosen) {
    const count = (n, one, more = "") => n > 0 ? [page.plural(n, one) + more] : [];
    const without = trials.filter(({purpose, state}) => purpose === "search" &&
      state !== "done" && state !== "diverged").length;
    const list = [...count(data.cells.length - basins.cells.length, "model", " without trials"),
      ...count(basins.cells.length - chosen.length, "other model"),
      ...count(without, "trial", " without a loss (failed, or not finished)")];
    return list.length > 0 ? `Not shown: ${list.join(", ")}.` : "";
  }

  // ---- key ----

  const posterior = () =>
    page.now === null ? "posterior mean, 90 % band" : "posterior mean of the final fit";

  function drawKey() {
    const colour = page.color.horizon(horizons[horizons.length - 1]);
    const has = test => basins.groups.some(test);
    const item = (text, ...marks) => {
      const svg = page.svg(28, 16);
      for (const [tag, values] of marks)
        page.put(svg, tag, {stroke: colour, fill: "none", "stroke-width": 1.6, ...values});
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
      has(group => group.own.some(basins.hasLoss)) ? item("lowest loss seen",
        ["circle", {...dot, r: 3}], ["circle", {...hollow, r: 6.5}]) : null,
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
    const {last} = page.rounds, said = el("output");
    const input = el("input", {type: "range", min: 1, max: last, step: 1,
      "aria-label": "Show trials up to round", oninput: () => page.round(Number(input.value))});
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
    return el("div", {id: "rounds"}, el("label", {}, "Rounds ", input), said);
  }

  // ---- controls ----

  function tools(bar) {
    nodes = {chips: el("span", {class: "chips", role: "group", "aria-label": "Horizons"}),
      key: el("p", {class: "legend"}), posterior: el("span"),
      note: el("p", {class: "note", role: "status"})};
    const anew = () => {
      basins.zoom.clear();
      redraw();
    };
    shownCells = page.cells.choosers(bar, "basins", mostPanels, anew);
    view.above = page.toggle(bar, {id: "basins-above", text: "nats above each optimum", change(on) {
      view.above = on;
      anew();
    }});
    bar.append(nodes.chips, basins.zoom.button);
    if (page.rounds.last > 1) bar.append(slider());
    bar.append(nodes.key, nodes.note);
  }

  page.selection.on("trial.basins", light).on("select.basins", light);

  page.figure({id: "basins", title: "Loss against learning rate", span: several ? "full" : 2,
    flow: several, height: width => Math.max(340, Math.min(560, 0.55 * width)),
    caption: "Every trial, and for each horizon the fitted loss with its optimum. " +
      "Drag to zoom; double click or Escape to go back.",
    needs: () => basins.groups.some(group => group.own.length > 0), tools,
    draw(given, givenSize) {
      [holder, size] = [given, givenSize];
      drawChips();
      drawKey();
      redraw();
    },
    table: () => ({
      titles: ["model", "tokens", "trials", "diverged", page.lowest, "at LR", "optimum",
        "90 % interval", "loss there"],
      rows: data.fits.map(fit => [page.cellName(fit.cell), format.tokens(fit.tokens), fit.trials,
        fit.diverged, format.loss(fit.lowest_loss), format.lr(fit.lowest_lr, 3),
        format.lr(fit.lr_opt, 3), format.interval(fit.ci90), format.loss(fit.loss_min)]),
    })});
})();
