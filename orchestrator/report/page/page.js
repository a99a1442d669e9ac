/* Core of the page: data, formats, colours, state, selection, layout. Every other file adds figures
 * to it. What other files use (plot.js adds scales, axes and panels, documented there):
 *
 *   page.data               the JSON of the page (docs/report-data.md)
 *   page.trials             [{index, id, round, cell, purpose, lr, ..., tokens, loss, ...}]: the
 *                           columns of data.trials as objects, data.trials.same included
 *   page.indexOf(id)        index of a trial by its number in the journal, or undefined. data.curves,
 *                           data.attempts, data.outputs and the attribute data-trial have numbers
 *                           (ids); hover and select take indices
 *   page.trial(index)       page.trials[index]
 *   page.describe(index)    lines of a trial's tooltip: [[label, text], ...]
 *   page.extra              [f(index) -> node or null]: shown in a trial's tooltip below its lines
 *   page.horizons           tokens of the horizons, ascending
 *   page.cellName(index)    "" with one cell; "target" for a confirmation (null)
 *
 *   page.format.lr(v, digits = 2), .tokens(v), .count(v), .loss(v), .ratio(v), .seconds(v),
 *     .time (the same), .fixed(v, digits), .percent(share), .interval([a, b], format)
 *                           text; "–" for an unknown number
 *   page.known(v)           whether v is a finite number
 *
 *   page.color.horizon(tokens), page.color.lr(lr)   colours ("rgb(...)") of the current theme,
 *     colour-blind safe sequential scales with a contrast of 3:1 or more; a longer horizon, a higher
 *     LR stands out more from the ground.  page.color.series(i): 6 distinct ones. Everything else: classes of page.css, or its variables, such as
 *     "var(--ink)", "var(--soft)", "var(--line)", "var(--accent)", "var(--good)", "var(--warn)".
 *
 *   page.figure({id, title, caption, span, height, needs, tools, draw, table, flow, once})
 *     caption: text, or a function (data) -> text or node;  needs(data) -> whether there is anything
 *     to draw;  span: columns it wants, 1 (default), 2, "full", or a function of those there are;  height: pixels of the drawing at
 *     least, a number (default 320) or a function of the width. In a row of figures all are as high as
 *     the highest: draw to size.height.  draw(holder, {width, height}): called with an empty holder
 *     (d3 selection of a <div>) at the start and again after a resize, a change of the theme, and for print.
 *     tools(holder): called once (d3 selection); sliders and choosers above the drawing.
 *     table(data) -> {titles: [...], rows: [[...], ...]}: the numbers, folded below the drawing.
 *     flow: true: the content has a height of its own (tables, panels).  once: true: never redrawn.
 *   page.redraw(id)         draws one figure again; without id all
 *
 *   page.selection          d3.dispatch("trial", "select", "round"): use names, so that drawing again
 *                           replaces the old listener: page.selection.on("trial.curves", index => ...)
 *   page.hover(index | null, at)   shows the tooltip and tells "trial"; at: event, [x, y] or element
 *   page.select(index | null)   chooses a trial and tells "select": the table shows its row (a click
 *                           on a point); page.selected
 *   page.hovered, page.selected, page.rounds {now, last}, page.now (round, or null: the last one)
 *   page.round(n)           sets the slider's round and tells "round"
 *   page.tip(lines | null, at)     the tooltip alone; lines: texts or [label, text]
 *   page.keys(node, list)   makes a drawing reachable by keyboard: arrows hover the trials of
 *                           list() -> [{index, x, y}] (in node's pixels) from left to right
 *
 *   page.el(tag, attributes, ...children)   an element; "on..." attributes are listeners, texts are
 *                           text nodes
 *   page.prose(text)        children for el(): no line break splits a number such as 1e-2
 *   page.chooser(holder, {id, label, options: [[value, text], ...], change})  a labelled <select>
 *                           that is kept over a reload; returns the chosen value
 *   page.state.get(key, otherwise), page.state.set(key, value)   kept over a reload
 *   page.save(name, text, type)   downloads a text
 *   page.isDark(), page.printing()   theme; whether the drawing is for paper
 *
 * All texts come from outside: text nodes and attributes only, never innerHTML. */
const page = (() => {
  "use strict";
  const order = ["answer", "basins", "support", "law", "axes", "exponents", "contours", "curves", "spent", "workers",
    "trials", "output", "about"];
  const data = JSON.parse(document.getElementById("data").textContent);
  const known = v => typeof v === "number" && isFinite(v);

  // ---- elements ----

  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.flat().filter(child => child !== null && child !== undefined));
    return node;
  }

  /* Numbers such as 1e-2 that no line break splits. */
  const prose = text => text.split(/(\d[\d.]*e-?\d+)/).map((part, i) => i % 2 ? el("span", {class: "number"}, part) : part);

  // ---- numbers as text, as the terminal shows them ----

  const none = "–";
  const general = (v, digits) => String(Number(v.toPrecision(digits)));
  const minus = text => text.replace(/^-/, "\u2212");
  const format = {
    lr: (v, digits = 2) => known(v) ? v.toExponential(digits - 1).replace("e+", "e") : none,
    tokens(v) {
      if (!known(v) || v < 0) return none;
      const units = ["", "k", "M", "B", "T"];
      let unit = 0;
      for (; v >= 999.5 && unit + 1 < units.length; unit++) v /= 1000;
      return v >= 999.5 ? `${v.toExponential(2).replace("e+", "e")}T` : general(v, 3) + units[unit];
    },
    count: v => !known(v) ? none : v < 10000 ? String(v) : format.tokens(v),
    loss: v => !known(v) ? none : Math.abs(v) < 1000 ? v.toFixed(4) : v.toExponential(3).replace("e+", "e"),
    ratio: v => !known(v) ? none : Math.abs(v) >= 99.5 && Math.abs(v) < 9999.5 ? v.toFixed(0) : general(v, 2),
    fixed(v, digits) {
      if (!known(v)) return none;
      return minus((Math.abs(v) < 0.5 * 10 ** -digits ? 0 : v).toFixed(digits));
    },
    percent: share => !known(share) ? none : `${general(100 * share, 2)} %`,
    seconds(v) {
      if (!known(v) || v < 0) return none;
      if (v < 59.5) return `${v < 9.95 ? v.toFixed(1) : v.toFixed(0)} s`;
      const s = Math.round(v), m = Math.floor(s / 60), h = Math.floor(m / 60);
      return h >= 24 ? `${Math.floor(h / 24)} d ${h % 24} h` : h > 0 ? `${h} h ${m % 60} min` : `${m} min ${s % 60} s`;
    },
    interval: (ends, one = format.lr) =>
      Array.isArray(ends) && known(ends[0]) && known(ends[1]) ? `${one(ends[0])} to ${one(ends[1])}` : none,
  };

  // ---- trials ----

  const {same = {}, ...columns} = data.trials;
  const trials = (columns.id || []).map((id, index) => {
    const trial = {index, ...same};
    for (const name in columns) trial[name] = columns[name][index];
    return trial;
  });
  const indices = new Map(trials.map(trial => [trial.id, trial.index]));
  const ascending = values => [...new Set(values)].filter(known).sort(d3.ascending);
  const fitted = ascending(data.fits.map(fit => fit.tokens));
  const horizons = fitted.length > 0 ? fitted : ascending(trials.map(trial => trial.tokens));
  const cellName = cell => cell === null || cell === undefined ? "target" : (data.cells[cell] || {name: ""}).name;

  const ratios = [["embedding_lr_ratio", "embedding ratio"], ["output_lr_ratio", "output ratio"],
    ["vector_lr_ratio", "norms ratio"], ["weight_decay", "weight decay"]];
  function describe(index) {
    const t = trials[index], lines = [["trial", String(t.id)], ["LR", format.lr(t.lr, 3)]];
    for (const [key, label] of ratios)
      if (columns[key] && known(t[key])) lines.push([label, format.ratio(t[key])]);
    lines.push(["tokens", format.tokens(t.tokens)]);
    if (data.cells.length > 1) lines.push(["model", cellName(t.cell)]);
    lines.push(t.state === "done" ? ["loss", format.loss(t.loss)] : ["state", t.state]);
    if (known(t.round)) lines.push(["round", String(t.round)]);
    if (known(t.seed) && columns.seed) lines.push(["seed", String(t.seed)]);
    if (known(t.seconds)) lines.push(["time", format.seconds(t.seconds)]);
    if (t.message) lines.push(["", t.message.slice(0, 200)]);
    return lines;
  }

  // ---- state over a reload ----

  /* sessionStorage, or the address where the browser refuses that to files. */
  const state = (() => {
    const key = `lrsearch ${location.pathname}`, mark = "#state=";
    let kept = {};
    const read = text => {
      try {
        Object.assign(kept, JSON.parse(text));
      } catch (error) { /* damaged: begin anew */ }
    };
    try {
      read(sessionStorage.getItem(key));
    } catch (error) { /* refused */ }
    if (location.hash.startsWith(mark)) read(decodeURIComponent(location.hash.slice(mark.length)));
    return {
      get: (name, otherwise) => Object.hasOwn(kept, name) ? kept[name] : otherwise,
      set(name, value) {
        kept[name] = value;
        const text = JSON.stringify(kept);
        try {
          sessionStorage.setItem(key, text);
        } catch (error) {
          history.replaceState(null, "", mark + encodeURIComponent(text));
        }
      },
    };
  })();

  // ---- theme and colours ----

  let printing = false;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => !printing && (state.get("theme") || (prefersDark.matches ? "dark" : "light")) === "dark";
  const logPlace = (v, low, high) => high > low ? Math.min(1, Math.max(0, Math.log(v / low) / Math.log(high / low))) : 1;
  /* Parts of the colour maps with a contrast of at least 3:1 to the ground. */
  const lrs = trials.map(trial => trial.lr).filter(lr => lr > 0).sort(d3.ascending);
  const commonLrs = lrs.length > 0 ? [d3.quantile(lrs, 0.05), d3.quantile(lrs, 0.95)] : null;
  const darkLrs = d3.piecewise(d3.interpolateLab, ["#0b3d91", "#3b82c4", "#7a7f8a", "#c2620e", "#8a2a00"]);
  const lightLrs = d3.piecewise(d3.interpolateLab, ["#a8d1ff", "#5aa2f0", "#9aa0aa", "#f09a4a", "#ffd0a0"]);
  const color = {
    horizon(tokens) {
      const rank = horizons.indexOf(tokens), last = horizons.length - 1;
      const t = rank >= 0 && last > 0 ? rank / last : logPlace(tokens, horizons[0], horizons[last]);
      return d3.interpolatePlasma(isDark() ? 0.42 + 0.53 * t : 0.63 - 0.61 * t);
    },
    /* blue for the lowest, grey, orange for the highest; the 5 % at either end share its colour */
    lr(lr) {
      const t = commonLrs && lr > 0 ? logPlace(lr, commonLrs[0], commonLrs[1]) : 0.5;
      return (isDark() ? lightLrs : darkLrs)(t);
    },
    /* Okabe and Ito's colours, darker or lighter where the ground asks for it */
    series: i => (isDark() ? ["#56b4e9", "#e69f00", "#2fc08f", "#f0e442", "#d987b4", "#c0c6d0"]
      : ["#0072b2", "#b25a00", "#00785a", "#6d5fc7", "#b0507f", "#50565f"])[i % 6],
  };
  function setTheme(theme) {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  }
  setTheme(state.get("theme"));

  // ---- tooltip, selection ----

  const selection = d3.dispatch("trial", "select", "round");
  const tipBox = el("div", {id: "tip", role: "status", hidden: true});
  function place(at) {
    if (at instanceof Element) {
      const box = at.getBoundingClientRect();
      return [box.x + box.width / 2, box.y + box.height / 2];
    }
    return Array.isArray(at) ? at : [at.clientX, at.clientY];
  }
  function tip(lines, at, more) {
    tipBox.hidden = !lines || !at;
    if (tipBox.hidden) return;
    tipBox.replaceChildren(...lines.map(line => Array.isArray(line)
      ? el("div", {}, el("span", {}, line[0]), " ", line[1]) : el("div", {}, line)));
    if (more) tipBox.append(...more);
    const [x, y] = place(at), box = tipBox.getBoundingClientRect();
    const below = y + 16 + box.height <= innerHeight;
    tipBox.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 4))}px`;
    tipBox.style.top = `${Math.max(4, below ? y + 14 : y - box.height - 10)}px`;
  }
  function hover(index, at) {
    const found = index !== null && index !== undefined && trials[index] ? index : null;
    const more = found === null ? [] : core.extra.map(one => one(found)).filter(Boolean);
    tip(found === null ? null : describe(found), at, more);
    if (found === core.hovered) return;
    core.hovered = found;
    selection.call("trial", null, found);
  }
  function select(index) {
    core.selected = trials[index] ? index : null;
    selection.call("select", null, core.selected);
  }
  const lastRound = d3.max(trials, trial => trial.purpose === "confirm" ? null : trial.round) || 1;
  const rounds = {last: lastRound, now: lastRound};
  const keptRound = state.get("round", null); // null: the last one, also when rounds are added
  if (known(keptRound)) rounds.now = Math.min(lastRound, Math.max(1, keptRound));
  function round(n) {
    rounds.now = Math.min(lastRound, Math.max(1, n));
    state.set("round", rounds.now === lastRound ? null : rounds.now);
    selection.call("round", null, rounds.now);
  }
  function keys(node, list) {
    const steps = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1};
    node.setAttribute("tabindex", "0");
    node.addEventListener("blur", () => hover(null));
    node.addEventListener("keydown", event => {
      const step = steps[event.key];
      if (event.key === "Escape") hover(null);
      if (event.key === "Enter" && core.hovered !== null) select(core.hovered);
      if (!step) return;
      const points = list().sort((a, b) => a.x - b.x || a.y - b.y), count = points.length;
      if (count === 0) return;
      event.preventDefault();
      const now = points.findIndex(point => point.index === core.hovered);
      const next = points[now < 0 ? (step > 0 ? 0 : count - 1) : (now + step + count) % count];
      const box = node.getBoundingClientRect();
      hover(next.index, [box.x + next.x, box.y + next.y]);
    });
  }

  // ---- controls, downloads ----

  const nodeOf = holder => holder instanceof Node ? holder : holder.node();
  function chooser(holder, {id, label, options, change}) {
    const kept = String(state.get(id, options[0][0]));
    const chosen = options.find(option => String(option[0]) === kept) || options[0];
    const select = el("select", {id, onchange: () => {
      state.set(id, select.value);
      change(options[select.selectedIndex][0]);
    }}, options.map(option => el("option", {selected: option === chosen}, option[1])));
    options.forEach((option, i) => { select.options[i].value = option[0]; });
    nodeOf(holder).append(el("label", {class: "chooser"}, `${label} `, select));
    return chosen[0];
  }
  function save(name, text, type) {
    const url = URL.createObjectURL(new Blob([text], {type}));
    el("a", {href: url, download: name}).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  format.time = format.seconds;

  const core = {data, trials, trial: index => trials[index], indexOf: id => indices.get(id), horizons, cellName, describe, format, known, color,
    isDark, setTheme, selection, hover, select, hovered: null, selected: null,
    extra: [], rounds, get now() { return rounds.now === rounds.last ? null : rounds.now; }, round, tip, keys, el, prose, nodeOf, chooser, state, save,
    order, tipBox, print(on) { printing = on; }, printing: () => printing};
  return core;
})();
