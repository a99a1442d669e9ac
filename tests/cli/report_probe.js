/* What report_browser.py asks of a page: evaluated in it after each load. */
window.probe = (() => {
  "use strict";
  const one = selector => document.querySelector(selector);
  const all = selector => [...document.querySelectorAll(selector)];
  const box = node => {
    const {x, y, width, height} = node.getBoundingClientRect();
    return [x, y, width, height];
  };
  const middle = node => (([x, y, width, height]) => [x + width / 2, y + height / 2])(box(node));
  const text = node => node.textContent.trim();
  const section = node => (node.closest("section") || {id: "header"}).id;
  const tag = node => node.tagName.toLowerCase();
  const name = node => `${tag(node)} in ${section(node)}: ${text(node).slice(0, 40)}`;
  const button = (id, start) => all(`#${id} button`).find(node => text(node).startsWith(start));
  const twice = node => node.dispatchEvent(new MouseEvent("dblclick", {bubbles: true}));
  const frame = () => one("#basins svg[tabindex]");

  /* Every text node outside of scripts, with its element. */
  function texts() {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    while (walk.nextNode()) {
      const node = walk.currentNode.parentElement, words = text(walk.currentNode);
      if (words && !node.closest("script, style, noscript")) found.push([node, words]);
    }
    return found;
  }

  /* Numbers that are none: in drawings, and in texts that are the page's own. */
  function nonsense() {
    const names = "d x y x1 x2 y1 y2 cx cy r width height transform".split(" ");
    const drawn = all("main svg, main svg *")
      .flatMap(node => names.map(key => [node, node.getAttribute(key) || ""]))
      .filter(([, value]) => /NaN|undefined|null|Infinity/.test(value))
      .map(([node, value]) => `<${node.tagName} ${value.slice(0, 60)}>`);
    const said = texts().filter(([node, words]) => !node.closest("pre, #output, #trials") &&
      /\b(NaN|undefined|Infinity)\b|\[object/.test(words));
    return [...drawn, ...said.map(([, words]) => words.slice(0, 80))];
  }

  /* Points of the basins, drawn as elements or on canvases. */
  const points = () => all("#basins svg [data-trial]:not(.confirm)").length +
    all("#basins canvas").reduce((sum, canvas) => sum + Number(canvas.dataset.points), 0);

  /* The point of the first panel that is farthest from other marks, in the window's pixels. */
  function lonely() {
    frame().scrollIntoView({block: "center", behavior: "instant"});
    const marks = [...frame().querySelectorAll("[data-trial], .optimum")].map(node =>
      ({id: node.tagName === "circle" ? node.dataset.trial : undefined, at: middle(node)}));
    const distance = (a, b) =>
      a === b ? Infinity : Math.hypot(a.at[0] - b.at[0], a.at[1] - b.at[1]);
    const room = mark => Math.min(...marks.map(other => distance(mark, other)));
    return marks.filter(mark => mark.id).sort((a, b) => room(b) - room(a))[0] || null;
  }

  /* The lit loss curve, and the trial's own. */
  const curves = id => ["path.hovered[stroke^=rgb]", `path[data-trial="${id}"]`]
    .map(selector => one(`#curves ${selector}`)).map(node => node && node.getAttribute("d"));
  const trial = selector => (row => row && row.dataset.trial)(one(`#trials ${selector}`));
  const tip = () => (node => !node || node.hidden ? "" : node.innerText)(one("#tip"));
  const ticks = id => all(`#${id} svg[tabindex] .axis.x .tick text`).map(text).join(" ");
  const chips = () => all("#basins .chip").map(node => node.getAttribute("aria-pressed"));
  const place = selector => {
    one(selector).scrollIntoView({block: "center", behavior: "instant"});
    return box(one(selector));
  };

  /* The longest step to the right between neighbours on these lines, in pixels. */
  const jump = selector => Math.max(0, ...all(selector)
    .flatMap(node => node.getAttribute("d").split("M"))
    .map(part => part.split("L").map(parseFloat))
    .flatMap(xs => xs.slice(1).map((x, i) => x - xs[i])));

  /* Lower ends of the posterior curves in the first panel. */
  const feet = () => [...frame().querySelectorAll("path.curve")].map(node => node.getBBox())
    .map(({y, height}) => y + height);

  /* A column of the table: the first rows. */
  function column(title) {
    const heads = all("#trials thead th"), i = heads.findIndex(head => text(head) === title);
    const rows = all("#trials tr[data-trial]").slice(0, 30);
    return {sort: heads[i].getAttribute("aria-sort"), values: rows.map(row => text(row.cells[i]))};
  }
  function filter(words) {
    one("#filter").value = words;
    one("#filter").dispatchEvent(new Event("input"));
    return text(one("#trials [role=status]"));
  }

  /* What has the focus, and whether one sees that. */
  function focused() {
    const node = document.activeElement, toggle = node.dataset.themeToggle !== undefined;
    const unseen = node.matches(":focus-visible") && getComputedStyle(node).outlineStyle === "none";
    return `${section(node)} ${unseen ? "unseen " : ""}${toggle ? "theme" : tag(node)}`;
  }

  // ---- layout ----

  const visible = node => node.checkVisibility({visibilityProperty: true});
  function isCut(node) {
    const inner = node.getBoundingClientRect();
    if (!visible(node) || inner.width === 0) return false;
    if (node.ownerSVGElement) {
      const outer = node.ownerSVGElement.getBoundingClientRect();
      return inner.left < outer.left - 1.5 || inner.right > outer.right + 1.5 ||
        inner.top < outer.top - 2.5 || inner.bottom > outer.bottom + 2.5;
    }
    return inner.right > innerWidth + 1 || inner.left < -1 ||
      getComputedStyle(node).overflow !== "visible" && node.scrollWidth > node.clientWidth + 1;
  }
  function layout() {
    const tags = "h1, h2, h3, p, li, dt, dd, label, button, figcaption, summary, #rounds output";
    const words = all(tags).filter(node => !node.closest(".wide, pre"));
    const rows = new Map(), whole = one("main").getBoundingClientRect().width;
    for (const node of all("main > section")) {
      const [x, y, width] = box(node), row = rows.get(Math.round(y)) || {from: x, to: x, ids: []};
      row.from = Math.min(row.from, x);
      row.to = Math.max(row.to, x + width);
      row.ids.push(node.id);
      rows.set(Math.round(y), row);
    }
    return {cut: [...all("svg text"), ...words].filter(isCut).map(name),
      empty: [...rows.values()].filter(row => row.to - row.from < 0.95 * whole).map(row => row.ids),
      wider: document.documentElement.scrollWidth - innerWidth};
  }

  // ---- contrast of every text with what lies behind it (WCAG 2), also of texts in drawings ----

  const pen = Object.assign(document.createElement("canvas"), {width: 1, height: 1})
    .getContext("2d", {willReadFrequently: true});
  function rgba(colour) {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return {rgb: [r, g, b], share: a / 255};
  }
  const mix = (top, share, below) => top.map((v, i) => share * v + (1 - share) * below[i]);
  function light(rgb) {
    const linear = v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = rgb.map(v => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  function ground(node) {
    if (!node) return [255, 255, 255];
    const {rgb, share} = rgba(getComputedStyle(node).backgroundColor);
    return share === 1 ? rgb : mix(rgb, share, ground(node.parentElement));
  }
  const opacity = node =>
    node ? Number(getComputedStyle(node).opacity) * opacity(node.parentElement) : 1;
  function contrast() {
    let worst = [21, ""];
    for (const [node, words] of texts().slice(0, 4000)) {
      if (node.closest(":disabled") || !node.checkVisibility()) continue;
      const style = getComputedStyle(node), below = ground(node);
      const {rgb, share} = rgba(node instanceof SVGElement ? style.fill : style.color);
      const a = light(mix(rgb, share * opacity(node), below)), b = light(below);
      const ratio = Math.round(100 * (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)) / 100;
      if (ratio < worst[0]) worst = [ratio, `${name(node)} (${words.slice(0, 40)})`];
    }
    return worst;
  }

  return {all, one, text, button, twice, nonsense, points, lonely, curves, trial, tip, ticks, chips,
    place, jump, feet, column, filter, focused, layout, contrast,
    count: selector => all(selector).length};
})();
