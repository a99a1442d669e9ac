/* The table of all trials: sorts, filters by words, and follows the selection. Of many rows only those in
 * view are in the document, between two spacers. */
(() => {
  "use strict";
  const {data, el, format, known, state, trials} = page;
  const all = 300, ahead = 15, printed = 20; // rows that need no spacers, kept beyond the view, on paper

  // ---- columns ----

  const has = key => Array.isArray(data.trials[key]);
  const varies = key => has(key) && data.trials[key].some(value => value !== data.trials[key][0]);
  const number = (key, title, text) => ({key, title, text: t => known(t[key]) ? text(t[key]) : "", value: t => t[key]});
  const word = (key, title, text) => ({key, title, words: true, text, value: text});
  const columns = [
    number("id", "trial", String),
    number("round", "round", String),
    data.cells.length > 1 && word("cell", "model", t => page.cellName(t.cell)),
    varies("purpose") && word("purpose", "purpose", t => t.purpose || ""),
    number("lr", "LR", v => format.lr(v, 3)),
    has("embedding_lr_ratio") && number("embedding_lr_ratio", "embedding ratio", format.ratio),
    has("output_lr_ratio") && number("output_lr_ratio", "output ratio", format.ratio),
    has("vector_lr_ratio") && number("vector_lr_ratio", "norms ratio", format.ratio),
    has("weight_decay") && number("weight_decay", "weight decay", format.ratio),
    number("tokens", "tokens", format.tokens),
    varies("seed") && number("seed", "seed", String),
    word("state", "state", t => t.state || ""),
    number("loss", "loss", format.loss),
    number("seconds", "time", format.seconds),
    number("rank", "rank", v => v > 0 ? String(v) : "reused"),
    varies("attempts") && number("attempts", "attempts", String),
    trials.some(t => t.message) && word("message", "message", t => t.message || ""),
  ].filter(Boolean);

  // ---- order and filter ----

  let shown = trials.map(t => t.index), place = new Map(), texts = null;
  const sorted = {key: state.get("sort", "id"), down: state.get("down", false)};

  function arrange(filter) {
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length > 0 && !texts) texts = trials.map(t => columns.map(column => column.text(t)).join("\n").toLowerCase());
    shown = trials.map(t => t.index).filter(index => words.every(text => texts[index].includes(text)));
    const column = columns.find(one => one.key === sorted.key) || columns[0], sign = sorted.down ? -1 : 1;
    const values = trials.map(column.value), empty = v => v === null || v === undefined || v === "";
    shown.sort((a, b) => empty(values[a]) - empty(values[b]) ||
      (empty(values[a]) ? 0 : sign * (column.words ? values[a].localeCompare(values[b]) : values[a] - values[b])) || a - b);
    place = new Map(shown.map((index, i) => [index, i]));
  }

  // ---- the table ----

  function draw(holder) {
    const filter = el("input", {id: "filter", type: "search", placeholder: "such as: done 131k", value: state.get("filter", "")});
    const status = el("span", {role: "status", class: "soft"}), body = el("tbody");
    const above = el("tbody", {class: "spacer"}, el("tr")), below = el("tbody", {class: "spacer"}, el("tr"));
    const heads = columns.map(column => el("th", {scope: "col", class: column.words ? "words" : null},
      el("button", {type: "button", onclick: () => sort(column)}, column.title)));
    const sample = trials.filter((t, i) => i % Math.ceil(trials.length / 500) === 0);
    const longest = column => d3.max(column.key === "message" ? trials : sample, t => column.text(t).length) || 0;
    const widths = columns.map(column => Math.max(0.9 * column.title.length + 1.2, // in "0"s; letters are narrower
      (column.words ? 0.9 : 1) * Math.min(column.key === "message" ? 60 : 28, longest(column))) + 2.4);
    const table = el("table", {"aria-rowcount": trials.length},
      el("colgroup", {}, widths.map(width => el("col", {style: `width: ${width}ch`}))), el("thead", {}, el("tr", {}, heads)), above, body, below);
    table.style.minWidth = `${d3.sum(widths)}ch`;
    const box = el("div", {class: "wide tall", tabindex: "0", role: "group", "aria-label": "Table of trials"}, table);
    let height = 28, first = -1, last = -1, paper = false;

    const cell = (column, t) => el(column.key === "id" ? "th" : "td", {scope: column.key === "id" ? "row" : null,
      class: column.words ? `words ${column.key === "state" ? `state-${column.text(t)}` : ""}` : null,
      title: column.key === "message" && t.message ? t.message : null}, column.text(t));
    const row = (index, i) => el("tr", {id: `t${trials[index].id}`, "data-trial": trials[index].id, "data-row": index, "aria-rowindex": i + 1},
      columns.map(column => cell(column, trials[index])));

    function show(anew) {
      const few = shown.length <= all, top = Math.max(0, Math.floor(box.scrollTop / height) - ahead);
      const from = paper || few ? 0 : Math.min(top, Math.max(0, shown.length - 2 * ahead));
      const to = paper ? Math.min(printed, shown.length) : few ? shown.length
        : Math.min(shown.length, top + Math.ceil(box.clientHeight / height) + 2 * ahead);
      if (!anew && from === first && to === last) return;
      [first, last] = [from, to];
      body.replaceChildren(...shown.slice(from, to).map((index, i) => row(index, from + i)));
      above.firstChild.style.height = `${paper ? 0 : from * height}px`;
      below.firstChild.style.height = `${paper ? 0 : (shown.length - to) * height}px`;
      mark();
    }
    function mark() {
      for (const tr of body.rows) {
        const index = Number(tr.dataset.row);
        tr.classList.toggle("here", index === page.hovered);
        tr.setAttribute("aria-selected", String(index === page.selected));
      }
    }
    function refresh() {
      arrange(filter.value);
      status.textContent = shown.length === trials.length ? `${trials.length} trials` : `${shown.length} of ${trials.length} trials`;
      heads.forEach((head, i) => {
        if (columns[i].key === sorted.key) head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      });
      show(true);
    }
    function sort(column) {
      sorted.down = sorted.key === column.key && !sorted.down;
      sorted.key = column.key;
      state.set("sort", sorted.key);
      state.set("down", sorted.down);
      box.scrollTop = 0;
      refresh();
    }
    /* Scrolls the table, not the page, until a trial is in view. */
    function reveal(index) {
      const y = place.get(index) * height, head = table.tHead.offsetHeight;
      if (y < box.scrollTop) box.scrollTop = y;
      else if (y + head + 2 * height > box.scrollTop + box.clientHeight) box.scrollTop = y + head + 2 * height - box.clientHeight;
      show(false);
    }

    filter.addEventListener("input", () => {
      state.set("filter", filter.value);
      box.scrollTop = 0;
      refresh();
    });
    box.addEventListener("scroll", () => show(false), {passive: true});
    const rowOf = event => event.target.closest("[data-row]");
    body.addEventListener("mouseover", event => rowOf(event) && page.hover(Number(rowOf(event).dataset.row)));
    body.addEventListener("mouseleave", () => page.hover(null));
    let own = false; // a choice made in the table leaves the page where it is
    const choose = index => {
      own = true;
      page.select(index === page.selected ? null : index);
      own = false;
    };
    body.addEventListener("click", event => rowOf(event) && !String(getSelection()) && choose(Number(rowOf(event).dataset.row)));
    box.addEventListener("keydown", event => {
      const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
      if (event.key === "Enter" && event.target === box && page.hovered !== null) choose(page.hovered);
      if (!step || shown.length === 0) return;
      event.preventDefault();
      const from = page.hovered === null ? page.selected : page.hovered;
      const now = place.has(from) ? place.get(from) : step > 0 ? -1 : shown.length;
      const index = shown[Math.min(shown.length - 1, Math.max(0, now + step))];
      page.hover(index);
      reveal(index);
    });
    page.selection.on("trial.trials", mark);
    page.selection.on("select.trials", index => {
      if (index !== null && !own) {
        if (!place.has(index)) {
          filter.value = "";
          refresh();
        }
        reveal(index);
        const quiet = matchMedia("(prefers-reduced-motion: reduce)").matches;
        box.scrollIntoView({block: "center", behavior: quiet ? "auto" : "smooth"});
      }
      mark();
    });
    const onPaper = on => () => {
      paper = on;
      status.textContent = on && shown.length > printed ? `the first ${printed} of ${shown.length} trials` : status.textContent;
      if (on) show(true);
      else refresh();
    };
    window.addEventListener("beforeprint", onPaper(true));
    window.addEventListener("afterprint", onPaper(false));

    page.nodeOf(holder).append(el("div", {class: "tools"}, el("label", {for: "filter"}, "Show trials with"), filter, status, page.downloads.trials()), box);
    refresh();
    if (body.rows[0] && body.rows[0].offsetHeight > 0) height = body.rows[0].offsetHeight;
    show(true);
  }

  page.figure({id: "trials", title: "Trials", span: "full", flow: true, once: true, draw,
    caption: "Every trial, in the order in which it was asked for; a title sorts, a row lights its points and its curve."});
})();
