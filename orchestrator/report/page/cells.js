/* The plan's cells: how figures name them, tell them apart and choose among them. The first axis
 * that varies is the colour, the second the dash.
 *
 *   page.cells.axes             names of the axes that vary, as in data.varies
 *   page.cells.value(cell, axis)
 *   page.cells.values(axis)     ascending; a parametrization in the order of the cells
 *   page.cells.text(axis, value), .title(axis), .short(axis, value)   "width 256", "width", "256"
 *   page.cells.name(cell, axes) texts of these axes, by default all that vary
 *   page.cells.colors(axis) -> colour of a value; page.cells.dashes(axis) -> dash of a value
 *   page.cells.color(cell), .dash(cell)
 *   page.cells.choosers(tools, id, most, change) -> shown(): a chooser an axis; the cells they
 *     leave. At first those of the cell nearest to the target, along as many axes as
 *     leave at most `most` cells
 *   page.cells.key(holder, colourAxis, dashAxis)   the legend */
(() => {
  "use strict";
  const {data, el, known, format} = page;
  const titles = {width: "width", depth: "depth", vocab: "vocabulary", batch_tokens: "batch",
    parametrization: "parametrization", weight_decay: "weight decay",
      embedding_lr_exponent: "embedding exponent"};
  const cells = data.cells, indices = cells.map((cell, index) => index);
  const axes = (data.varies || []).filter(axis => cells.some(cell => axis in cell.axes));
  const value = (cell, axis) => cells[cell].axes[axis];
  const title = axis => titles[axis] || axis;
  const short = (axis, v) => !known(v) ? (typeof v === "string" ? v : "?")
    : axis === "batch_tokens" ? format.tokens(v) : String(v);
  const text = (axis, v) => axis === "parametrization" ? short(axis, v)
    : axis === "depth" ? `${short(axis, v)} layers` : `${title(axis)} ${short(axis, v)}`;
  const name = (cell, which = axes) => which.map(axis => text(axis, value(cell, axis))).join(", ");
  function values(axis) {
    const all = [...new Set(indices.map(cell => value(cell, axis)))];
    return all.every(known) ? all.sort(d3.ascending) : all;
  }

  // ---- colour, dash ----

  const strokes = ["", "6 3", "2 3", "9 3 2 3"];
  function colors(axis) {
    const list = axis ? values(axis) : [];
    if (list.length < 2) return () => "var(--accent)";
    if (!list.every(known)) return v => page.color.series(Math.min(5, list.indexOf(v)));
    return v => {
      const t = list.indexOf(v) / (list.length - 1);
      return d3.interpolateViridis(page.isDark() ? 0.42 + 0.56 * t : 0.62 - 0.6 * t);
    };
  }
  const dashes = axis => {
    const list = axis ? values(axis) : [];
    return v => list.length < 2 ? "" : strokes[list.indexOf(v) % strokes.length];
  };
  const color = cell => axes.length > 0 ? colors(axes[0])(value(cell, axes[0])) : "var(--accent)";
  const dash = cell => axes.length > 1 ? dashes(axes[1])(value(cell, axes[1])) : "";

  function sample(stroke, dashed) {
    const svg = page.svg(26, 10).attr("class", "sample");
    page.put(svg, "path",
      {class: "line", d: "M0,5H26", stroke, "stroke-dasharray": dashed || null});
    return svg.node();
  }
  function key(holder, colourAxis, dashAxis) {
    const entries = [];
    const add = (axis, stroke, dashed) => values(axis).forEach(v =>
      entries.push(el("span", {class: "entry"}, sample(stroke(v), dashed(v)), text(axis, v))));
    if (colourAxis) add(colourAxis, colors(colourAxis), () => "");
    if (dashAxis) add(dashAxis, () => "var(--soft)", dashes(dashAxis));
    if (entries.length > 0) holder.append(el("p", {class: "legend"}, entries));
  }

  // ---- choosers ----

  function choosers(tools, id, most, change) {
    const chosen = {}, lists = {}, nearest = (data.answer || {}).nearest_cell || 0;
    const fits = (cell, which) => axes.every(axis => !known(which[axis]) || which[axis] < 0 ||
      lists[axis][which[axis]] === value(cell, axis));
    const shown = () => indices.filter(cell => fits(cell, chosen));
    axes.forEach(axis => { lists[axis] = values(axis); });
    const fixed = {};
    for (const axis of axes.slice().reverse())
      if (indices.filter(cell => fits(cell, fixed)).length > most)
        fixed[axis] = lists[axis].indexOf(value(nearest, axis));
    for (const axis of cells.length > 2 ? axes : []) {
      const all = [[-1, "all"], ...lists[axis].map((v, i) => [i, short(axis, v)])];
      const first = all.find(option => option[0] === (axis in fixed ? fixed[axis] : -1));
      chosen[axis] = Number(page.chooser(tools, {id: `${id}-${axis}`, label: title(axis),
        options: [first, ...all.filter(option => option !== first)], change: v => {
          chosen[axis] = Number(v);
          change();
        }}));
    }
    return shown;
  }

  page.cells = {axes, value, values, text, title, short, name, colors, dashes, color, dash, key,
    choosers, all: indices};
})();
