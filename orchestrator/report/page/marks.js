/* Marks of a frame (plot.js), and labels beside its lines. Scales and places are in the plot's
 * pixels; `g`: a d3 selection.
 *
 *   page.put(g, tag, values, text)   appends an element with these attributes
 *   page.svg(width, height, label)   a d3 selection of a new drawing; label: what a screen reader
 *     says, without one nothing
 *   page.canvas(width, height)       [canvas, its context in pixels of the page]
 *   page.goal(frame, {x, y, ends, size})   the target's mark, and the interval of its y
 *   page.whisker(g, frame, {x, ends, stroke, width})   an interval of y as a vertical line, with an
 *     arrow head where the frame cuts it; nothing if the interval is unknown
 *   page.textWidth(text, bold)       pixels of a text in a drawing
 *   page.endLabels(frame, labels, left = 10)   texts right of the plot, moved apart, with leaders
 *     to the ends of lines: [{y, text, colour (of the leader), textColour, bold}]
 *   page.labelRoom(labels, most)     the right margin that they need */
(() => {
  "use strict";

  page.put = (g, tag, values, text) => {
    const node = page.attributes(g.append(tag), values);
    return text === undefined ? node : node.text(text);
  };

  page.svg = (width, height, label) => page.attributes(d3.create("svg"), {width, height,
    ...(label ? {role: "img", "aria-label": label} : {"aria-hidden": "true"})});

  page.canvas = (width, height) => {
    const ratio = Math.min(3, Math.max(1, window.devicePixelRatio || 1));
    const canvas = page.el("canvas", {width: Math.round(width * ratio),
      height: Math.round(height * ratio), style: `width: ${width}px; height: ${height}px`,
      "aria-hidden": "true"});
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    return [canvas, context];
  };

  page.whisker = (g, frame, {x, ends, stroke, width = 1.5}) => {
    if (page.ends(ends).length < 2) return;
    const inside = y => Math.max(0, Math.min(frame.height, y)), [low, high] = ends.map(frame.y);
    const side = 3 + width;
    const head = (y, back) =>
      inside(y) === y ? "" : `m${-side},${back}l${side},${-back}l${side},${back}`;
    page.put(g, "path", {class: "whisker", stroke, "stroke-width": width,
      d: `M${x},${inside(low)}V${inside(high)}${head(high, side)}` +
        (head(low, -side) && `M${x},${inside(low)}${head(low, -side)}`)});
  };

  page.goal = (frame, {x, y, ends, size}) => {
    page.whisker(frame.plot, frame, {x, ends, stroke: "var(--ink)", width: 3});
    page.put(frame.plot, "path", {class: "goal", transform: `translate(${x},${y})`,
      d: d3.symbol().type(d3.symbolDiamond).size(size)()});
  };

  // ---- labels ----

  const pen = document.createElement("canvas").getContext("2d");
  let family = null;
  page.textWidth = (text, bold) => {
    family = family || getComputedStyle(document.body).fontFamily;
    pen.font = `${bold ? "bold " : ""}12px ${family}`;
    return pen.measureText(text).width;
  };
  page.labelRoom = (labels, most) => Math.min(most,
    18 + (d3.max(labels, label => page.textWidth(label.text, label.bold)) || 0));

  /* The places in their order, at least `gap` apart if there is room between low and high. */
  function spread(places, gap, low, high) {
    const order = d3.range(places.length).sort((a, b) => places[a] - places[b]);
    const out = [], room = Math.min(gap, (high - low) / Math.max(1, places.length - 1));
    let last = low - room, next = high + room;
    for (const i of order) last = out[i] = Math.max(places[i], last + room);
    for (const i of order.reverse()) next = out[i] = Math.min(out[i], next - room);
    return out;
  }

  page.endLabels = (frame, labels, left = 10) => {
    const places = spread(labels.map(label => label.y), 14, 4, frame.height - 2);
    labels.forEach(({y, text, colour, textColour, bold}, i) => {
      const x = frame.width;
      if (colour && y >= 0 && y <= frame.height)
        page.put(frame.over, "path", {class: "leader", stroke: colour,
          d: `M${x + 1},${y}L${x + left - 2},${places[i]}`});
      page.put(frame.over, "text", {x: x + left, y: places[i], dy: ".35em",
        style: `font-weight: ${bold ? 650 : 400}; fill: ${textColour || "var(--ink)"}`}, text);
    });
  };
})();
