/* Core of the page: data, formats, colours, state, selection, layout. Every other file adds figures
 * to it. What other files use (plot.js adds scales, axes and panels, documented there):
 *
 *   page.data               the JSON of the page (docs/report-data.md)
 *   page.trials             [{index, id, round, cell, lr, tokens, loss, ...}]: the columns of
 *                           data.trials as objects, data.trials.same included
 *   page.indexOf(id)        index of a trial by its number in the journal, or undefined.
 *                           data.curves, data.attempts, data.outputs and the attribute data-trial
 *                           have numbers (ids); hover and select take indices
 *   page.describe(index)    lines of a trial's tooltip: [[label, text], ...]
 *   page.extra              [f(index) -> node or null]: shown in a trial's tooltip below its lines
 *   page.ratios             {column: name} of what is searched beside the LR
 *   page.lowest             what data.fits[].lowest_loss is called
 *   page.horizons           tokens of the horizons, ascending
 *   page.cellName(index)    "" with one cell; "target" for a confirmation (null)
 *
 *   page.format.lr(v, digits = 2), .tokens(v), .count(v), .loss(v), .ratio(v), .seconds(v),
 *     .fixed(v, digits), .percent(share), .interval([a, b], format)   text; "–" for an unknown
 *                           number. .bracket([a, b], format)   " (a to b)", or "" if unknown
 *   page.plural(n, word, shown = n)   "1 trial", "2 trials"
 *   page.known(v)           whether v is a finite number; page.ends(interval): its two ends, [] if
 *                           they are not known
 *
 *   page.color.horizon(tokens), page.color.lr(lr)   colours ("rgb(...)") of the current theme,
 *     colour-blind safe, with a contrast of 3:1 or more: sequential, a longer horizon stands out
 *     more from the ground; from blue (low LR) to orange.  page.color.series(i): 6 distinct ones.
 *     Everything else: classes of page.css, or its variables, such as "var(--ink)", "var(--soft)",
 *     "var(--line)", "var(--accent)", "var(--good)", "var(--warn)".
 *   page.isDark(), page.printing()   theme; whether the drawing is for paper
 *
 *   page.figure({id, title, caption, span, height, needs, tools, draw, table, flow, once})
 *     needs(data) -> whether there is anything to draw
 *     caption: text, or a function (data) -> text
 *     span: columns it wants: 1 (default), 2, "full", or a function of the columns there are
 *     height: pixels of the drawing at least, a number (default 320) or a function of the width. In
 *     a row of figures all are as high as the highest: draw to size.height
 *     tools(holder): called once; sliders and choosers above the drawing
 *     draw(holder, {width, height}): called with an empty <div> at the start, and again after a
 *     resize, a change of the theme, and for print
 *     table(data) -> {titles: [...], rows: [[...], ...]}: the numbers, folded below the drawing
 *     flow: true: the content has a height of its own (tables, panels)
 *     once: true: never redrawn
 *   page.table(label, titles, rows, style)   a table that scrolls; style: class of its cells
 *   page.redraw(id)         draws one figure again; without id all
 *
 *   page.selection          d3.dispatch("trial", "select", "round"). Use names, so that drawing
 *                           again replaces the listener: selection.on("trial.curves", index => ...)
 *   page.hover(index | null, at)   shows the tooltip and tells "trial"; at: event, [x, y], element
 *   page.select(index | null)   chooses a trial and tells "select": the table shows its row (a
 *                           click on a point)
 *   page.round(n)           sets the slider's round and tells "round"
 *   page.hovered, page.selected, page.rounds {now, last}, page.now (round, or null: the last one)
 *   page.knownThen()        of data.rounds: what was known before the round after page.now; null if
 *                           that is the last one, undefined if nothing was
 *   page.tip(lines | null, at)     the tooltip alone; lines: texts or [label, text]
 *   page.keys(node, list)   makes a drawing reachable by keyboard: arrows go through the marks of
 *                           list() -> [{index, x, y}] (in node's pixels) from left to right
 *
 *   page.el(tag, attributes, ...children)   an element; "on..." attributes are listeners, texts
 *                           are text nodes
 *   page.prose(text)        children for el(): no line break splits a number such as 1e-2, 90 %
 *   page.state.get(key, otherwise), page.state.set(key, value)   kept over a reload
 *   page.save(name, text, type)   downloads a text
 *
 * All texts come from outside: text nodes and attributes only, never innerHTML. */
const page = (() => {
  "use strict";
  const order = ["answer", "basins", "support", "law", "axes", "exponents", "contours",
    "curves", "spent", "workers", "trials", "output", "about"];
  const data = JSON.parse(document.getElementById("data").textContent);
  const given = value => value !== null && value !== undefined;
  const known = v => typeof v === "number" && isFinite(v);
  const ends = interval => Array.isArray(interval) && interval.every(known) ? interval : [];
  const plural = (n, word, shown = n) => `${shown} ${word}${n === 1 ? "" : "s"}`;

  // ---- elements ----

  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && given(value)) node.setAttribute(name, value);
    }
    node.append(...children.flat().filter(given));
    return node;
  }

  /* Numbers such as 1e-2 and 90 % that no line break splits. */
  const prose = text => text.split(/(\d[\d.]*(?:e-?\d+| %))/)
    .map((part, i) => i % 2 ? el("span", {class: "number"}, part) : part);

  // ---- numbers as text, as the terminal shows them ----

  const none = "–";
  const general = (v, digits) => String(Number(v.toPrecision(digits)));
  const exponential = (v, digits) => v.toExponential(digits).replace("e+", "e");
  const formats = { // of known numbers
    lr: (v, digits = 2) => exponential(v, digits - 1),
    tokens(v) {
      const units = ["", "k", "M", "B", "T"];
      let unit = 0;
      for (; v >= 999.5 && unit + 1 < units.length; unit++) v /= 1000;
      return v >= 999.5 ? `${exponential(v, 2)}T` : general(v, 3) + units[unit];
    },
    count: v => v < 10000 ? String(v) : formats.tokens(v),
    loss: v => Math.abs(v) < 1000 ? v.toFixed(4) : exponential(v, 3),
    ratio: v => Math.abs(v) >= 99.5 && Math.abs(v) < 9999.5 ? v.toFixed(0) : general(v, 2),
    fixed(v, digits) { // "-0.00" puzzles
      const zero = Math.abs(v) < 0.5 * 10 ** -digits;
      return (zero ? 0 : v).toFixed(digits).replace("-", "\u2212");
    },
    percent: share => `${general(100 * share, 2)} %`,
    seconds(v) {
      if (v < 59.5) return `${v.toFixed(v < 9.95 ? 1 : 0)} s`;
      const s = Math.round(v), m = Math.floor(s / 60), h = Math.floor(m / 60);
      if (h === 0) return `${m} min ${s % 60} s`;
      return h < 24 ? `${h} h ${m % 60} min` : `${Math.floor(h / 24)} d ${h % 24} h`;
    },
  };
  const format = {};
  for (const [name, one] of Object.entries(formats))
    format[name] = (v, ...rest) => known(v) ? one(v, ...rest) : none;
  format.interval = (interval, one = format.lr) =>
    ends(interval).map(v => one(v)).join(" to ") || none;
  format.bracket = (interval, one) =>
    ends(interval).length > 0 ? ` (${format.interval(interval, one)})` : "";

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
  const cellName = cell => given(cell) ? (data.cells[cell] || {name: ""}).name : "target";

  const ratios = {embedding_lr_ratio: "embedding ratio", output_lr_ratio: "output ratio",
    vector_lr_ratio: "norms ratio", weight_decay: "weight decay"};
  function describe(index) {
    const t = trials[index], lines = [["trial", String(t.id)], ["LR", format.lr(t.lr, 3)]];
    for (const [key, label] of Object.entries(ratios))
      if (columns[key] && known(t[key])) lines.push([label, format.ratio(t[key])]);
    lines.push(["tokens", format.tokens(t.tokens)]);
    if (data.cells.length > 1) lines.push(["model", cellName(t.cell)]);
    lines.push(t.state === "done" ? ["loss", format.loss(t.loss)] : ["state", t.state]);
    if (known(t.round)) lines.push(["round", String(t.round)]);
    if (known(t.seed) && columns.seed) lines.push(["seed", String(t.seed)]);
    if (known(t.seconds)) lines.push(["rank time", format.seconds(t.seconds)]);
    if (t.message) lines.push(["", t.message.slice(0, 200)]);
    return lines;
  }

  // ---- state over a reload ----

  /* Where a browser refuses storage to files, it lasts until the reload. */
  const state = (() => {
    const key = `lrsearch ${location.pathname}`, kept = {};
    const attempt = act => {
      try {
        act();
      } catch (error) { /* refused, or damaged */ }
    };
    attempt(() => Object.assign(kept, JSON.parse(sessionStorage.getItem(key))));
    return {
      get: (name, otherwise) => Object.hasOwn(kept, name) ? kept[name] : otherwise,
      set(name, value) {
        kept[name] = value;
        attempt(() => sessionStorage.setItem(key, JSON.stringify(kept)));
      },
    };
  })();

  // ---- theme and colours ----

  let printing = false;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => state.get("theme") || (prefersDark.matches ? "dark" : "light");
  const isDark = () => !printing && theme() === "dark";
  const logPlace = (v, low, high) =>
    high > low ? Math.min(1, Math.max(0, Math.log(v / low) / Math.log(high / low))) : 1;
  /* Parts of the colour maps with a contrast of at least 3:1 to the ground. */
  const lrs = trials.map(trial => trial.lr).filter(lr => lr > 0).sort(d3.ascending);
  const commonLrs = lrs.length > 0 ? [d3.quantile(lrs, 0.05), d3.quantile(lrs, 0.95)] : null;
  const darkLrs = d3.piecewise(d3.interpolateLab,
    ["#0b3d91", "#3b82c4", "#7a7f8a", "#c2620e", "#8a2a00"]);
  const lightLrs = d3.piecewise(d3.interpolateLab,
    ["#a8d1ff", "#5aa2f0", "#9aa0aa", "#f09a4a", "#ffd0a0"]);
  const color = {
    horizon(tokens) {
      const rank = horizons.indexOf(tokens), last = horizons.length - 1;
      const t = rank >= 0 && last > 0 ? rank / last
        : logPlace(tokens, horizons[0], horizons[last]);
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
  const knownThen = () => rounds.now === lastRound ? null
    : data.rounds.filter(entry => known(entry.round) && entry.round <= rounds.now + 1).pop();
  function keys(node, list) {
    const steps = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1};
    node.setAttribute("tabindex", "0");
    let last = null; // the mark shown last
    node.addEventListener("blur", () => {
      last = null;
      hover(null);
    });
    node.addEventListener("keydown", event => {
      const step = steps[event.key];
      if (event.key === "Escape") hover(null);
      if (event.key === "Enter" && core.hovered !== null) select(core.hovered);
      if (!step) return;
      const points = list().sort((a, b) => a.x - b.x || a.y - b.y), count = points.length;
      if (count === 0) return;
      event.preventDefault();
      const now = points.findIndex(point =>
        last && last.lines ? point.lines && point.x === last.x && point.y === last.y
          : point.index === core.hovered && !point.lines);
      last = points[now < 0 ? (step > 0 ? 0 : count - 1) : (now + step + count) % count];
      const box = node.getBoundingClientRect(), at = [box.x + last.x, box.y + last.y];
      hover(last.lines ? null : last.index, at);
      if (last.lines) tip(last.lines, at);
    });
  }

  // ---- downloads ----

  function save(name, text, type) {
    const url = URL.createObjectURL(new Blob([text], {type}));
    el("a", {href: url, download: name}).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  /* data.fits' lowest_loss is a mean over seeds. */
  const lowest = trials.some(trial => trial.seed !== trials[0].seed)
    ? "lowest loss, mean of seeds" : "lowest loss seen";

  const core = {
    lowest, ratios, data, el, prose, known, ends, plural, format, state, save, order,
    trials, indexOf: id => indices.get(id),
    horizons, cellName, describe, extra: [],
    color, isDark, setTheme, printing: () => printing, print(on) { printing = on; },
    selection, hover, select, hovered: null, selected: null, tip, tipBox, keys,
    rounds, round, knownThen, get now() { return rounds.now === rounds.last ? null : rounds.now; },
  };
  return core;
})();
