/* Scales, axes, frames, panels and choosers for the figures.
 *
 *   page.scale(kind, domain, range)   d3 scale: logarithmic for "lr", "tokens", "ratio", "count",
 *                           "log"; linear for "loss", "linear", "seconds"
 *   page.ticks(scale, kind, values)   values of ticks that fit beside each other: 1, 2, 5 x 10^n;
 *                           of `values` (those that occur on the axis) for "count", or if they
 *                           are powers of two
 *   page.tickText(kind)     the format of a kind's ticks
 *   page.padded(values, kind, share = 0.04)   [low, high] around the known values, for a domain
 *   page.reaching(points, ends, factor, kind, share)   the same around the points, and around the
 *                           ends of their intervals as far as a factor beyond the points
 *   page.frame(holder, {width, height}, {label, x: axis, y: axis, margin, grid})   an <svg> with
 *     axes: {kind, domain, label, values}; label: what a screen reader says
 *     -> {svg, plot, over, x, y, width, height, left, top}: d3 selections and scales;
 *     `plot` is a <g> clipped to the inside, with the origin at its upper left corner; `over` has
 *     the same origin, not clipped
 *   page.panels(holder, {id, items, name, most = 12, least = 260, height = 200, draw})   small
 *     multiples: draw(element, {width, height}, item); beyond `most` a chooser shows some at a time
 *   page.chooser(holder, {id, label, options: [[value, text], ...], change})  a labelled <select>
 *                           that is kept over a reload; returns the chosen value */
(() => {
  "use strict";
  const {el, format, known, state} = page;
  const logarithmic = new Set(["lr", "tokens", "ratio", "count", "log"]);

  page.scale = (kind, domain, range) =>
    (logarithmic.has(kind) ? d3.scaleLog() : d3.scaleLinear()).domain(domain).range(range);

  page.padded = (values, kind, share = 0.04) => {
    const log = logarithmic.has(kind), all = values.filter(v => known(v) && (!log || v > 0));
    if (all.length === 0) return log ? [1, 10] : [0, 1];
    let [low, high] = d3.extent(all);
    if (log) {
      const factor = high > low ? (high / low) ** share : 1.5;
      return [low / factor, high * factor];
    }
    const add = high > low ? (high - low) * share : Math.max(Math.abs(high) * 0.01, 1e-6);
    return [low - add, high + add];
  };

  page.reaching = (points, ends, factor, kind, share) => {
    const [low, high] = d3.extent(points);
    const limited = ends.map(v => Math.min(high * factor, Math.max(low / factor, v)));
    return page.padded([low, high, ...limited], kind, share);
  };

  const lrTick = v => Number(v.toPrecision(2)).toExponential().replace("e+", "e");
  const tickTexts = {lr: lrTick, tokens: format.tokens, count: format.count, ratio: format.ratio,
    log: format.ratio, seconds: format.seconds};
  page.tickText = kind => tickTexts[kind] || null;

  // ---- ticks ----

  /* The first of the lists, the densest first, whose neighbours are `room` pixels apart. */
  function fitting(lists, scale, room) {
    const far = (v, next) => Math.abs(scale(v) - scale(next)) >= room(v);
    const apart = list => list.every((v, i) => i === 0 || far(v, list[i - 1]));
    return lists.find(list => list.length > 1 && apart(list))
      || lists.find(list => list.length === 1) || [];
  }
  const every = list => d3.range(1, 8).map(step => list.filter((v, i) => i % step === 0));

  page.ticks = (scale, kind, values = []) => {
    const [low, high] = scale.domain(), [from, to] = scale.range(), upright = from > to;
    const text = page.tickText(kind) || String;
    const room = v => upright ? 26 : 7 * text(v).length + 14;
    if (!logarithmic.has(kind))
      return scale.ticks(Math.max(2, Math.floor(Math.abs(to - from) / (upright ? 56 : 80))));
    const seen = [...new Set(values)].filter(v => v >= low && v <= high).sort(d3.ascending);
    const twos = seen.length > 1 && seen.every(v => Number.isInteger(Math.log2(v)));
    if (twos || kind === "count" && seen.length > 1) return fitting(every(seen), scale, room);
    const decades = d3.range(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high)) + 1);
    const of = digits => decades.flatMap(n => digits.map(digit => Number(`${digit}e${n}`)))
      .filter(v => v >= low && v <= high);
    const lists = [of([1, 2, 5]), of([1, 3]), ...every(of([1]))].filter(list => list.length > 1);
    if (high / low < 10) lists.unshift(of([1, 2, 3, 4, 5, 6, 7, 8, 9]), of([1, 1.5, 2, 3, 5, 7]));
    if (high / low < 2) lists.unshift(...[6, 4, 3, 2].map(count => d3.ticks(low, high, count)));
    return fitting(lists, scale, room);
  };

  // ---- frame ----

  let clips = 0;
  page.frame = (holder, size, {label, x: xAxis, y: yAxis, margin = {}, grid = true}) => {
    const edge = {top: yAxis.label ? 28 : 8, right: 14, bottom: xAxis.label ? 42 : 24, left: 52,
      ...margin};
    const width = Math.max(20, size.width - edge.left - edge.right);
    const height = Math.max(20, size.height - edge.top - edge.bottom);
    const x = page.scale(xAxis.kind, xAxis.domain, [0, width]);
    const y = page.scale(yAxis.kind, yAxis.domain, [height, 0]);
    const svg = page.svg(size.width, size.height, label);
    const clip = `clip${++clips}`;
    holder.append(svg.node());
    page.put(page.put(svg, "clipPath", {id: clip}), "rect", {width, height});
    const origin = page.put(svg, "g", {transform: `translate(${edge.left},${edge.top})`});
    const lines = origin.append("g").attr("class", "grid"), axes = origin.append("g");
    const plot = origin.append("g").attr("clip-path", `url(#${clip})`), over = origin.append("g");

    function draw(scale, axis, make, place, name) {
      const values = page.ticks(scale, axis.kind, axis.values), text = page.tickText(axis.kind);
      page.put(axes, "g", {class: `axis ${name}`, transform: place}).call(make(scale)
        .tickValues(values).tickFormat(text || scale.tickFormat(values.length))
        .tickSizeInner(4).tickSizeOuter(0).tickPadding(4));
      return grid ? values : [];
    }
    for (const v of draw(x, xAxis, d3.axisBottom, `translate(0,${height})`, "x"))
      page.put(lines, "line", {x1: x(v), x2: x(v), y2: height});
    for (const v of draw(y, yAxis, d3.axisLeft, null, "y"))
      page.put(lines, "line", {class: "h", y1: y(v), y2: y(v), x2: width}).datum(v);
    if (xAxis.label)
      page.put(origin, "text", {class: "label", "text-anchor": "middle", x: width / 2,
        y: height + 36}, xAxis.label);
    if (yAxis.label)
      page.put(origin, "text", {class: "label", x: 8 - edge.left, y: -15}, yAxis.label);
    return {svg, plot, over, x, y, width, height, left: edge.left, top: edge.top};
  };

  // ---- panels, chooser ----

  /* Columns of a CSS grid for `count` panels at least so wide, in rows as equal as can be. */
  function setColumns(grid, count, least) {
    const most = Math.max(1, Math.floor((grid.clientWidth + 20) / (least + 20)));
    const columns = Math.max(1, Math.ceil(count / Math.ceil(count / most)));
    grid.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
  }

  page.panels = (holder, {id, items, name, most = 12, least = 260, height = 200, draw}) => {
    const tools = el("div", {class: "tools"}), grid = el("div", {class: "panels"});
    const shrink = page.printing() ? 0.55 : 1, size = height * shrink;
    holder.append(tools, grid);
    const show = first => {
      grid.replaceChildren();
      setColumns(grid, Math.min(most, items.length - first), least * shrink);
      const shown = items.slice(first, first + most).map(item => {
        const inside = el("div", {class: "panel-plot"});
        inside.style.height = `${size}px`;
        grid.append(el("figure", {class: "panel"},
          name(item) ? el("figcaption", {}, name(item)) : null, inside));
        return [item, inside];
      });
      for (const [item, inside] of shown)
        draw(inside, {width: inside.clientWidth, height: size}, item);
    };
    const starts = d3.range(0, items.length, most);
    const last = first => Math.min(items.length, first + most);
    const part = first => `${first + 1} to ${last(first)} of ${items.length}`;
    show(starts.length < 2 ? 0 : page.chooser(tools, {id: `${id}-part`, label: "Show", change: show,
      options: starts.map(first => [first, part(first)])}));
    if (!tools.firstChild) tools.remove();
  };

  page.chooser = (holder, {id, label, options, change}) => {
    const kept = String(state.get(id, options[0][0]));
    const chosen = options.find(option => String(option[0]) === kept) || options[0];
    const select = el("select", {id, onchange: () => {
      state.set(id, select.value);
      change(options[select.selectedIndex][0]);
    }}, options.map(option =>
      el("option", {value: option[0], selected: option === chosen}, option[1])));
    holder.append(el("label", {class: "chooser"}, `${label} `, select));
    return chosen[0];
  };
})();
