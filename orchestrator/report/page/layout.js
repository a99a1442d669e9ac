/* Places the figures (page.figure, documented in page.js) in rows, draws them, and draws them again
 * after a resize, a change of the theme, and for print. Theme button, mark of a live page. */
(() => {
  "use strict";
  const {el, data, state} = page;
  const main = document.getElementById("page"), figures = [];
  const gap = 24, least = 416, paper = 700; // pixels: between columns, of a column, width in print

  page.figure = figure => figures.push(figure);

  page.table = (label, titles, rows, style = null) => {
    const cell = value => el("td", {class: style}, String(value ?? ""));
    const head = title => el("th", {scope: "col", class: style}, title);
    return el("div", {class: "wide", tabindex: "0", role: "group", "aria-label": label},
      el("table", {}, el("thead", {}, el("tr", {}, titles.map(head))),
        el("tbody", {}, rows.map(row => el("tr", {}, row.map(cell))))));
  };

  // ---- one figure ----

  const given = (value, argument) => typeof value === "function" ? value(argument) : value;

  function numbers(figure) {
    const details = el("details", {class: "numbers", ontoggle: () => {
      if (details.querySelector("table")) return;
      const {titles, rows} = figure.table(data);
      details.append(page.table(`Numbers: ${figure.title}`, titles, rows));
    }}, el("summary", {}, "Numbers"));
    return details;
  }

  function build(figure) {
    figure.holder = el("div", {class: figure.flow ? "holder flow" : "holder"});
    const caption = given(figure.caption, data), tools = el("div", {class: "tools"});
    const name = `${figure.id}-title`;
    figure.section = el("section", {id: figure.id, class: "figure", "aria-labelledby": name},
      el("h2", {id: name}, figure.title),
      caption ? el("p", {class: "caption"}, page.prose(caption)) : null, tools, figure.holder,
      figure.table ? numbers(figure) : null);
    main.append(figure.section);
    if (figure.tools) figure.tools(tools);
    if (!tools.firstChild) tools.remove();
  }

  function draw(figure) {
    const {clientWidth: width, clientHeight: height} = figure.holder;
    if (width === 0 || figure.once && figure.drawn) return;
    figure.size = `${width} ${figure.flow ? "" : height}`;
    figure.drawn = true;
    figure.holder.replaceChildren();
    try {
      figure.draw(figure.holder, {width, height});
    } catch (error) {
      figure.holder.replaceChildren(
        el("p", {class: "missing"}, `This figure cannot be drawn: ${error.message}`));
      console.error(`figure ${figure.id}: ${error.stack}`);
    }
  }

  // ---- rows ----

  /* Four sheets: answer and basins; law and axes; curves and workers; trials and what was run. If
   * one is too long (a campaign with many models), the figures follow each other instead. */
  const sheets = [["support", "law", "spent", "axes", "exponents", "contours"],
    ["curves", "workers"], ["trials", "output", "about"]];
  const sheetHeight = 1000; // pixels of A4 between its margins, and a little
  const sheetOf = figure => sheets.findIndex(ids => ids.includes(figure.id));

  /* Rows of at most `columns`, each filled by the first figures left that fit; in each row they
   * share the whole width, so that no part of the page is empty. Tables keep their place. */
  function rows(columns, span) {
    const apart = (a, b) => page.printing() && sheetOf(a) !== sheetOf(b);
    const left = [...figures], filled = [];
    while (left.length > 0) {
      const row = [left.shift()];
      let room = columns - span(row[0]);
      for (let i = 0; i < left.length && room > 0;) {
        if (left[i].once && i > 0 || span(left[i]) > room || apart(row[0], left[i])) i++;
        else {
          room -= span(left[i]);
          row.push(...left.splice(i, 1));
        }
      }
      filled.push(row);
    }
    return filled;
  }
  function place(width) {
    const fitting = Math.floor((width + gap) / ((page.printing() ? 320 : least) + gap));
    const columns = Math.max(1, Math.min(4, fitting));
    const span = figure => figure.span === "full" || page.printing() && figure.once ? columns
      : Math.min(columns, given(figure.span, columns) || 1);
    let order = 0;
    for (const row of rows(columns, span)) {
      const all = d3.sum(row, span);
      for (const figure of row) {
        figure.section.style.order = order++;
        figure.section.style.gridColumn = `span ${span(figure) * 12 / all}`;
        const share = (width - gap * (row.length - 1)) * span(figure) / all;
        const height = (given(figure.height, share) || 320) * (page.printing() ? 0.75 : 1);
        if (!figure.flow) figure.holder.style.minHeight = `${height}px`;
      }
    }
  }
  const redrawAll = () => {
    place(main.clientWidth);
    figures.filter(figure => figure.flow).forEach(draw); // give their rows the height
    figures.filter(figure => !figure.flow).forEach(draw);
  };
  page.redraw = id => id ? figures.filter(figure => figure.id === id).forEach(draw) : redrawAll();

  /* Holders change their size with the window, and with the highest figure of their row. */
  let waiting = false;
  const resized = new ResizeObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      if (page.printing()) return;
      place(main.clientWidth);
      for (const figure of figures) {
        const {clientWidth, clientHeight} = figure.holder;
        if (figure.size !== `${clientWidth} ${figure.flow ? "" : clientHeight}`) draw(figure);
      }
    });
  });

  function print(on) {
    page.print(on);
    document.documentElement.classList.toggle("printing", on);
    main.style.width = on ? `${paper}px` : "";
    redrawAll();
    const groups = d3.nest().key(sheetOf).entries(figures).map(group => group.values);
    const whole = on && groups.every((group, i) => {
      const parts = group.map(figure => figure.section);
      if (i === groups.length - 1) parts.push(document.querySelector("footer"));
      const boxes = parts.map(part => part.getBoundingClientRect());
      return d3.max(boxes, box => box.bottom) - d3.min(boxes, box => box.top) < sheetHeight;
    });
    for (const [first] of groups.slice(1)) first.section.classList.toggle("sheet", whole);
  }

  // ---- theme, live ----

  function head() {
    const dark = () => page.isDark(), name = () => dark() ? "Light" : "Dark";
    const button = el("button", {type: "button", "data-theme-toggle": true, onclick: () => {
      const theme = dark() ? "light" : "dark";
      state.set("theme", theme);
      page.setTheme(theme);
      button.textContent = name();
      redrawAll();
    }}, name());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      button.textContent = name();
      redrawAll();
    });
    const written = new Date(data.written_utc), clock = d3.timeFormat("%H:%M:%S");
    // The page of a watch that has been killed goes on refreshing itself.
    const stale = Date.now() - written > 2 * 60e3 ? "; is lrsearch report --watch running?" : "";
    const live = data.refresh_s && !isNaN(written)
      ? el("p", {id: "live"}, `live, updated ${clock(written)}${stale}`) : null;
    document.querySelector("header").append(el("div", {class: "corner"}, live, button));
  }

  /* A live page leaves to the next one, which may be the last: what is open, chosen, in focus. */
  function keepPlace() {
    const place = state.get("place", null), focus = place && document.getElementById(place.focus);
    state.set("place", null);
    if (place) {
      for (const {id, section} of figures)
        if (place.open.includes(id)) section.querySelector(".numbers").open = true;
      page.select(page.indexOf(place.trial));
      if (focus) focus.focus({preventScroll: true});
      if (focus && focus.type === "search") focus.setSelectionRange(1e6, 1e6); // to the end
      window.scrollTo({top: place.scroll, behavior: "instant"});
    }
    history.scrollRestoration = data.refresh_s ? "manual" : "auto";
    if (data.refresh_s) window.addEventListener("pagehide", () => state.set("place", {
      scroll: window.scrollY, focus: document.activeElement.id,
      trial: page.selected === null ? null : page.trials[page.selected].id,
      open: figures.filter(({section}) => section.querySelector(".numbers[open]"))
        .map(({id}) => id)}));
  }

  document.addEventListener("DOMContentLoaded", () => {
    const {order} = page;
    const rank = ({id}) => order.includes(id) ? order.indexOf(id) : order.length;
    const drawable = figure => {
      try {
        return !figure.needs || figure.needs(data);
      } catch (error) {
        console.error(`figure ${figure.id}: ${error.stack}`);
        return false;
      }
    };
    figures.splice(0, figures.length, ...figures.filter(drawable));
    figures.sort((a, b) => rank(a) - rank(b));
    head();
    figures.forEach(build);
    document.body.append(page.tipBox);
    redrawAll();
    keepPlace();
    figures.forEach(figure => resized.observe(figure.holder));
    document.documentElement.dataset.ready = Math.round(performance.now()); // ms, for tests
    window.addEventListener("beforeprint", () => print(true));
    window.addEventListener("afterprint", () => print(false));
    document.addEventListener("keydown", event => event.key === "Escape" && page.hover(null));
  });
})();
