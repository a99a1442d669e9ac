/* The table of all trials: sorts, filters by words, and follows the selection. Of many rows only
 * those in view are in the document, between two spacers. */
(() => {
  "use strict";
  const {data, el, format, known, state, trials} = page;
  const few = 300, ahead = 15; // rows: without spacers, beyond the view
  const printed = data.cells.length > 1 ? 10 : 20; // rows; on paper the figures of axes need room

  // ---- columns ----

  const has = key => Array.isArray(data.trials[key]);
  const varies = key => has(key) && data.trials[key].some(value => value !== data.trials[key][0]);
  const number = (key, title, text) =>
    ({key, title, text: t => known(t[key]) ? text(t[key]) : "", value: t => t[key]});
  const word = (key, title, text) => ({key, title, words: true, text, value: text});
  const columns = [
    number("id", "trial", String),
    number("round", "round", String),
    data.cells.length > 1 && word("cell", "model", t => page.cellName(t.cell)),
    varies("purpose") && word("purpose", "purpose", t => t.purpose || ""),
    number("lr", "LR", v => format.lr(v, 3)),
    ...Object.entries(page.ratios).filter(([key]) => has(key))
      .map(([key, title]) => number(key, title, format.ratio)),
    number("tokens", "tokens", format.tokens),
    varies("seed") && number("seed", "seed", String),
    word("state", "state", t => t.state || ""),
    number("loss", "loss", format.loss),
    number("seconds", "rank time", format.seconds),
    number("rank", "rank", v => v > 0 ? String(v) : "reused"),
    varies("attempts") && number("attempts", "attempts", String),
    trials.some(t => t.message) && word("message", "message", t => t.message || ""),
  ].filter(Boolean);

  // ---- order and filter ----

  let shown = [], place = new Map(), texts = null; // indices; their places; rows in lower case
  const sorted = {key: state.get("sort", "id"), down: state.get("down", false)};
  const empty = value => value === null || value === undefined || value === "";

  function arrange(filter) {
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    const line = t => columns.map(column => column.text(t)).join("\n").toLowerCase();
    if (words.length > 0 && !texts) texts = trials.map(line);
    const column = columns.find(one => one.key === sorted.key) || columns[0];
    const values = trials.map(column.value), sign = sorted.down ? -1 : 1;
    const compare = column.words ? (a, b) => a.localeCompare(b) : (a, b) => a - b;
    const fits = index => words.every(text => texts[index].includes(text));
    shown = d3.range(trials.length).filter(fits);
    shown.sort((a, b) => empty(values[a]) - empty(values[b]) || // empty ones last
      (empty(values[a]) ? 0 : sign * compare(values[a], values[b])) || a - b);
    place = new Map(shown.map((index, i) => [index, i]));
  }

  // ---- the table ----

  /* Widths of the columns in "0"s: fixed, so that they stay while rows come and go. */
  function widths() {
    const sample = trials.filter((t, i) => i % Math.ceil(trials.length / 500) === 0);
    return columns.map(column => {
      const message = column.key === "message";
      const longest = d3.max(message ? trials : sample, t => column.text(t).length) || 0;
      const content = Math.min(message ? 60 : 28, longest) * (column.words ? 0.9 : 1);
      return Math.max(0.9 * column.title.length + 1.2, content) + 2.4;
    });
  }

  function row(index, i) {
    const t = trials[index];
    const cell = column => {
      if (column.key === "id") return el("th", {scope: "row"}, column.text(t));
      const title = column.key === "message" && t.message ? t.message : null;
      const kind = column.key === "state" ? ` state-${t.state}` : "";
      return el("td", {class: column.words ? `words ${column.key}${kind}` : null, title},
        column.text(t));
    };
    return el("tr", {id: `t${t.id}`, "data-trial": t.id, "data-row": index, "aria-rowindex": i + 1},
      columns.map(cell));
  }

  function draw(holder) {
    const filter = el("input", {id: "filter", type: "search", placeholder: "such as: done 131k",
      value: state.get("filter", "")});
    const status = el("span", {role: "status", class: "soft"}), body = el("tbody");
    const above = el("tbody", {class: "spacer"}, el("tr"));
    const below = el("tbody", {class: "spacer"}, el("tr"));
    const heads = columns.map(column =>
      el("th", {scope: "col", class: column.words ? `words ${column.key}` : null},
        el("button", {type: "button", onclick: () => sort(column)}, column.title)));
    const width = widths(), style = `min-width: ${d3.sum(width)}ch`;
    const table = el("table", {"aria-rowcount": trials.length, style},
      el("colgroup", {}, width.map(one => el("col", {style: `width: ${one}ch`}))),
      el("thead", {}, el("tr", {}, heads)), above, body, below);
    const box = el("div", {class: "wide tall", tabindex: "0", role: "group",
      "aria-label": "Table of trials"}, table);
    let height = 28, first = -1, last = -1, paper = false;

    function show(anew) {
      const count = shown.length, all = count <= few && !paper;
      const top = Math.max(0, Math.floor(box.scrollTop / height) - ahead);
      const from = paper || all ? 0 : Math.min(top, Math.max(0, count - 2 * ahead));
      const end = top + Math.ceil(box.clientHeight / height) + 2 * ahead;
      const to = Math.min(count, paper ? printed : all ? count : end);
      if (!anew && from === first && to === last) return;
      [first, last] = [from, to];
      body.replaceChildren(...shown.slice(from, to).map((index, i) => row(index, from + i)));
      above.firstChild.style.height = `${paper ? 0 : from * height}px`;
      below.firstChild.style.height = `${paper ? 0 : (count - to) * height}px`;
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
      const all = trials.length, count = shown.length;
      status.textContent = paper && count > printed ? `the first ${printed} of ${count} trials`
        : count === all ? `${all} trials` : `${count} of ${all} trials`;
      heads.forEach((head, i) => {
        head.removeAttribute("aria-sort");
        if (columns[i].key === sorted.key)
          head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
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
      const y = place.get(index) * height, room = box.clientHeight - table.tHead.offsetHeight;
      if (y < box.scrollTop) box.scrollTop = y;
      else if (y + 2 * height > box.scrollTop + room) box.scrollTop = y + 2 * height - room;
      show(false);
    }

    filter.addEventListener("input", () => {
      state.set("filter", filter.value);
      box.scrollTop = 0;
      refresh();
    });
    box.addEventListener("scroll", () => show(false), {passive: true});

    // ---- the selection ----

    let own = false; // a choice made in the table leaves the page where it is
    const choose = index => {
      own = true;
      page.select(index === page.selected ? null : index);
      own = false;
    };
    const onRow = (type, act) => body.addEventListener(type, event => {
      const tr = event.target.closest("[data-row]");
      if (tr) act(Number(tr.dataset.row));
    });
    onRow("mouseover", index => page.hover(index));
    onRow("click", index => String(getSelection()) || choose(index)); // not after marking text
    body.addEventListener("mouseleave", () => page.hover(null));
    box.addEventListener("keydown", event => {
      const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
      const now = page.hovered === null ? page.selected : page.hovered;
      if (event.key === "Enter" && event.target === box && now !== null) choose(now);
      if (!step || shown.length === 0) return;
      event.preventDefault();
      const from = place.has(now) ? place.get(now) : step > 0 ? -1 : shown.length;
      const index = shown[Math.min(shown.length - 1, Math.max(0, from + step))];
      page.hover(index);
      reveal(index);
    });
    page.selection.on("trial.trials", mark);
    page.selection.on("select.trials", index => {
      mark();
      if (index === null || own) return;
      if (!place.has(index)) {
        filter.value = "";
        filter.dispatchEvent(new Event("input"));
      }
      reveal(index);
    });
    for (const type of ["beforeprint", "afterprint"])
      window.addEventListener(type, () => {
        paper = type === "beforeprint";
        refresh();
      });

    holder.append(el("div", {class: "tools"},
      el("label", {for: "filter"}, "Show trials with"), filter, status, page.downloads.trials()),
    box);
    refresh();
    if (body.rows[0] && body.rows[0].offsetHeight > 0) height = body.rows[0].offsetHeight;
    show(true);
  }

  page.figure({id: "trials", title: "Trials", span: "full", flow: true, once: true, draw,
    caption: "Every trial, in the order in which it was asked for. A title sorts; "
      + "a row lights its points and its curve."});
})();
