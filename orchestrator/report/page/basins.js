/* Figure "loss against learning rate": its controls, and the choice of panels. The marks are in
 * basin_model.js, one panel in basin_panel.js. */
(() => {
  "use strict";
  const {data, trials, el, format} = page;
  const basins = page.basins, {view} = basins;
  const manyPoints = 2000; // from here on, points are drawn on a canvas
  const mostPanels = 12, mostNarrow = 6, narrow = 700, panelHeight = 270, panelWidth = 300; // pixels
  const playStep = 900;    // ms
  const axisNames = {width: "width", depth: "depth", vocab: "vocabulary", batch_tokens: "batch", parametrization: "parametrization",
    weight_decay: "weight decay", embedding_lr_exponent: "embedding exponent"};
  const several = data.cells.length > 1, chosenAxes = {};
  let lights = [], holder = null, size = null, nodes = null;

  // ---- panels ----

  const most = () => size.width < narrow ? mostNarrow : mostPanels;
  function matching() {
    return data.cells.map((cell, i) => i).filter(i => Object.entries(chosenAxes).every(([axis, value]) =>
      value === "" || String(data.cells[i].axes[axis]) === value));
  }

  function paint() {
    if (!holder) return;
    const node = page.nodeOf(holder), focused = [...node.querySelectorAll("svg")].indexOf(document.activeElement);
    node.replaceChildren();
    const own = basins.target && basins.target.curve && basins.targetCell === null ? [null] : [];
    const cells = [...matching().slice(0, most() - own.length), ...own];
    const points = d3.sum(cells, cell => d3.sum(basins.of(cell), group => group.own.length));
    const domains = {x: basins.lrDomain(cells), y: basins.lossDomain(view.above ? cells : own), canvas: points > manyPoints};
    if (!several) lights = [basins.panel(holder, size, 0, domains)];
    else {
      const grid = el("div", {class: "panels"});
      page.balance(grid, size.width, cells.length, panelWidth);
      node.append(grid);
      const inside = cells.map(cell => {
        const plot = el("div", {class: "panel-plot"});
        plot.style.height = `${panelHeight}px`;
        grid.append(el("figure", {class: "panel"}, el("figcaption", {}, cell === null
          ? `target, ${format.tokens(basins.target.tokens)} tokens` : page.cellName(cell)), plot));
        return plot;
      });
      const width = inside.length > 0 ? inside[0].clientWidth : 0;
      lights = cells.map((cell, i) => basins.panel(inside[i], {width, height: panelHeight}, cell, domains));
    }
    const svgs = node.querySelectorAll("svg");
    if (focused >= 0 && svgs[focused]) svgs[focused].focus();
    nodes.reset.disabled = !view.x && view.y.size === 0;
    nodes.note.textContent = notes(cells.filter(cell => cell !== null)).join(" ");
    if (nodes.posterior) nodes.posterior.textContent = posteriorText();
    light();
  }
  const light = () => lights.forEach(one => one(page.hovered, page.selected));
  basins.redraw = paint;
  basins.reset = () => {
    if (!view.x && view.y.size === 0) return;
    view.x = null;
    view.y.clear();
    paint();
  };

  function notes(cells) {
    const lines = [], all = data.cells.length;
    if (cells.length < all)
      lines.push(cells.length === 0 ? "No model has these values." : `${cells.length} of ${all} models are shown; choose others above.`);
    const silent = trials.filter(trial => trial.purpose === "search" && trial.state !== "done" && trial.state !== "diverged").length;
    if (silent > 0) lines.push(`${silent} ${silent === 1 ? "trial has" : "trials have"} no loss (failed, or not finished) and ${silent === 1 ? "is" : "are"} not drawn.`);
    return lines;
  }

  // ---- key ----

  const posteriorText = () => page.now === null ? "posterior mean, 90 % band" : "posterior mean of the final fit";
  function key() {
    const colour = page.color.horizon(basins.horizons[basins.horizons.length - 1]);
    const all = basins.groups, own = all.flatMap(group => group.own), some = test => own.some(test);
    const item = (text, ...marks) => {
      const svg = d3.create("svg").attr("width", 26).attr("height", 16).attr("aria-hidden", "true");
      for (const [tag, attributes] of marks) {
        const mark = svg.append(tag);
        for (const [name, value] of Object.entries({stroke: colour, fill: "none", ...attributes})) mark.attr(name, value);
      }
      return el("span", {class: "entry"}, svg.node(), text);
    };
    const at = {cx: 13, cy: 8, r: 4}, symbol = type => ({d: d3.symbol().type(type).size(48)(), transform: "translate(13,8)"});
    const dash = {d: "M1,8H25", "stroke-width": 2};
    const entries = [item("trial", ["circle", {...at, fill: colour}])];
    if (all.some(group => group.own.some(group.hollow))) entries.push(item("trial with other ratios than the best", ["circle", at]));
    entries.push(item("lowest loss seen", ["circle", {...at, r: 3, fill: colour}], ["circle", {...at, r: 6.5, "stroke-width": 1.8}]));
    if (all.some(group => group.fit)) entries.push(item("fitted optimum, 90 % interval", ["path", {d: "M1,8H25M1,4v8M25,4v8", "stroke-width": 1.6}],
      ["path", {...symbol(d3.symbolDiamond), fill: "var(--ground)", "stroke-width": 2}]));
    if (all.some(group => group.curve)) entries.push(item(nodes.posterior = el("span", {}, posteriorText()),
      ["rect", {width: 26, height: 12, y: 2, fill: colour, "fill-opacity": 0.2, stroke: "none"}], ["path", dash]));
    if (basins.target) entries.push(item("predicted for the target", ["path", {...dash, stroke: "var(--ink)", "stroke-dasharray": "6 4"}]));
    if (some(trial => !basins.hasLoss(trial))) entries.push(item("diverged", ["path", {...symbol(d3.symbolTriangle), fill: colour}]));
    entries.push(item("loss above the frame", ["path", symbol(d3.symbolTriangle)]));
    if (all.some(group => group.confirm.length > 0)) entries.push(item("confirmation, not used in the fit", ["path", symbol(d3.symbolSquare)]));
    nodes.key.replaceChildren(...entries);
  }

  // ---- controls ----

  function chips() {
    const buttons = basins.horizons.map(tokens => {
      const swatch = el("span", {class: "swatch"});
      swatch.style.background = page.color.horizon(tokens);
      return el("button", {type: "button", class: "chip", "aria-pressed": String(!view.muted.has(tokens)),
        title: "Click: hide or show. Double click, or Shift: only this one.", onclick: event => toggle(tokens, event.shiftKey),
        ondblclick: () => toggle(tokens, true)}, swatch, format.tokens(tokens));
    });
    nodes.chips.replaceChildren("tokens ", ...buttons);
  }
  function toggle(tokens, alone) {
    const others = basins.horizons.filter(one => one !== tokens);
    if (alone) {
      const isAlone = !view.muted.has(tokens) && others.every(one => view.muted.has(one));
      view.muted = new Set(isAlone ? [] : others);
    } else if (!view.muted.delete(tokens)) view.muted.add(tokens);
    if (view.muted.size === basins.horizons.length) view.muted.clear();
    page.state.set("basins-muted", [...view.muted]);
    [...nodes.chips.querySelectorAll("button")].forEach((chip, i) =>
      chip.setAttribute("aria-pressed", String(!view.muted.has(basins.horizons[i]))));
    paint();
  }

  function slider() {
    const {last} = page.rounds;
    if (last < 2) return null;
    let timer = null;
    const input = el("input", {type: "range", min: 1, max: last, step: 1, "aria-label": "Show trials up to round",
      oninput: () => page.round(Number(input.value))});
    const said = el("output", {}), play = el("button", {type: "button", onclick: () => timer ? stop() : start()}, "Play");
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
      input.value = page.rounds.now;
      const now = basins.targetNow(), text = `${page.rounds.now} of ${last}`;
      said.textContent = now ? `${text}: target ${format.lr(now.lr)} (${format.interval(now.ci90)})` : text;
    }
    page.selection.on("round.basins", () => {
      show();
      paint();
    });
    show();
    return el("div", {id: "rounds"}, el("label", {}, "Rounds ", input), play, said);
  }

  function viewButtons() {
    const choices = [[false, "loss"], [true, "nats above each optimum"]];
    const buttons = choices.map(([above, text]) => el("button", {type: "button", "aria-pressed": String(view.above === above), onclick: () => {
      view.above = above;
      view.y.clear();
      page.state.set("basins-above", above);
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(choices[i][0] === above)));
      paint();
    }}, text));
    return el("span", {class: "switch", role: "group", "aria-label": "Loss axis"}, buttons);
  }

  function tools(given) {
    const bar = page.nodeOf(given);
    nodes = {chips: el("span", {class: "chips", role: "group", "aria-label": "Horizons"}), key: el("p", {class: "legend"}),
      note: el("p", {class: "note", role: "status"}), reset: el("button", {type: "button", class: "reset", disabled: true, onclick: basins.reset}, "Reset zoom")};
    if (data.cells.length > mostPanels || data.cells.length > mostNarrow && innerWidth < narrow)
      for (const axis of data.varies || []) {
        const values = [...new Set(data.cells.map(cell => cell.axes[axis]))].sort(d3.ascending);
        chosenAxes[axis] = page.chooser(bar, {id: `basins-${axis}`, label: axisNames[axis] || axis,
          options: [["", "all"], ...values.map(value => [String(value), value === null ? "–" : axis === "batch_tokens" ? format.tokens(value) : String(value)])],
          change: value => {
            chosenAxes[axis] = value;
            view.y.clear();
            paint();
          }});
      }
    bar.append(viewButtons(), nodes.chips, nodes.reset);
    const rounds = slider();
    if (rounds) bar.append(rounds);
    bar.append(nodes.key, nodes.note);
  }

  page.selection.on("trial.basins", light).on("select.basins", light);

  page.figure({id: "basins", title: "Loss against learning rate", span: several ? "full" : 2, flow: several,
    caption: "Every trial, and for each horizon the fitted loss with its optimum. Drag to zoom; double click or Escape to go back.",
    height: width => Math.max(340, Math.min(560, 0.55 * width)),
    needs: () => basins.groups.length > 0, tools,
    draw(given, given_size) {
      [holder, size] = [given, given_size];
      chips();
      key();
      paint();
    },
    table: () => ({
      titles: ["model", "tokens", "trials", "diverged", "lowest loss", "at LR", "optimum", "90 % interval", "loss there"],
      rows: data.fits.map(fit => [page.cellName(fit.cell), format.tokens(fit.tokens), fit.trials, fit.diverged, format.loss(fit.lowest_loss),
        format.lr(fit.lowest_lr, 3), format.lr(fit.lr_opt, 3), format.interval(fit.ci90), format.loss(fit.loss_min)]),
    })});
})();
