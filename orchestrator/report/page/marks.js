/* Marks that are no trial, and labels beside lines.
 *
 *   page.marks(svg) -> tell(selection, lines): each mark of the selection shows lines(d) ->
 *     [[label, text], ...] as its tooltip, under the pointer and, with the arrow keys, from left to
 *     right by keyboard. `svg`: d3 selection that takes the focus
 *   page.spread(places, gap, low, high)   places (ascending or not) moved apart to at least `gap`
 *     between low and high, in the same order: a new array
 *   page.endLabels(frame, labels, left)   texts right of the plot, at the ends of lines, with
 *     leaders: labels [{y, text, colour, textColour, bold}]; left: pixels between plot and text
 *   page.textWidth(text, bold)    pixels of a text in a drawing
 *   page.labelRoom(labels, most)  right margin for such labels
 *   page.halo(text)      the ground's colour around a d3 selection of texts that lie over lines
 *   page.diamond(g, x, y, size)   the target's mark
 *   page.whisker(g, y, {x, ends, colour, width})   an interval [low, high] as a vertical line, by
 *     the scale y; nothing if it is unknown */
(() => {
  "use strict";

  page.marks = svg => {
    const nodes = [], lines = new Map();
    let here = -1;
    const center = node => {
      const box = node.getBoundingClientRect();
      return box.x + box.width / 2;
    };
    const show = index => {
      if (nodes[here]) nodes[here].style.outline = "";
      here = index;
      const node = nodes[here];
      if (node) node.style.outline = "2px solid var(--accent)";
      page.tip(node ? lines.get(node)() : null, node);
    };
    svg.attr("tabindex", "0").on("blur.marks", () => show(-1)).on("keydown.marks", () => {
      const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[d3.event.key];
      if (d3.event.key === "Escape") show(-1);
      if (!step || nodes.length === 0) return;
      d3.event.preventDefault();
      const node = nodes[here];
      nodes.sort((a, b) => center(a) - center(b));
      const now = nodes.indexOf(node), count = nodes.length;
      if (node) node.style.outline = "";
      show(now < 0 ? (step > 0 ? 0 : count - 1) : (now + step + count) % count);
    });
    return (selection, text) => {
      selection.each(function (d, i) {
        nodes.push(this);
        lines.set(this, () => text(d, i));
        this.setAttribute("aria-label", text(d, i).map(line => line.join(" ")).join(", "));
      }).classed("mark", true).on("mouseenter", function () {
        page.tip(lines.get(this)(), d3.event);
      }).on("mouseleave", () => page.tip(null));
      return selection;
    };
  };

  page.spread = (places, gap, low, high) => {
    const order = d3.range(places.length).sort((a, b) => places[a] - places[b]);
    const out = places.slice(), room = Math.min(gap, (high - low) / Math.max(1, places.length - 1));
    let last = low - room;
    for (const i of order) last = out[i] = Math.max(places[i], last + room);
    let next = high + room;
    for (const i of order.slice().reverse()) next = out[i] = Math.min(out[i], next - room);
    return out;
  };

  page.endLabels = (frame, labels, left = 10) => {
    const places = page.spread(labels.map(label => label.y), 14, 4, frame.height - 2);
    const g = frame.over.append("g").attr("class", "ends");
    labels.forEach((label, i) => {
      if (label.y >= 0 && label.y <= frame.height)
        g.append("path").attr("d",
          `M${frame.width + 1},${label.y}L${frame.width + left - 2},${places[i]}`)
          .style("stroke", label.colour).style("stroke-opacity", 0.6).style("fill", "none");
      g.append("text").attr("x", frame.width + left).attr("y", places[i]).attr("dy", ".35em")
        .text(label.text)
        .style("fill", label.textColour || "var(--ink)")
        .style("font-weight", label.bold ? 650 : null);
    });
  };

  const pen = document.createElement("canvas").getContext("2d");
  page.textWidth = (text, bold) => {
    pen.font = `${bold ? "bold " : ""}12px ${getComputedStyle(document.body).fontFamily}`;
    return pen.measureText(text).width;
  };
  page.labelRoom = (labels, most) =>
    Math.min(most, 18 + (d3.max(labels, label => page.textWidth(label.text, label.bold)) || 0));

  page.halo = text => text.style("paint-order", "stroke").style("stroke", "var(--ground)")
    .style("stroke-width", 3)
    .style("stroke-linejoin", "round");

  page.diamond = (g, x, y, size) => g.append("path").attr("transform", `translate(${x},${y})`)
    .attr("d", d3.symbol().type(d3.symbolDiamond).size(size)())
    .style("fill", "var(--accent)").style("stroke", "var(--ink)").style("stroke-width", 1.5);

  page.whisker = (g, y, {x, ends, colour, width = 1.5}) => {
    if (Array.isArray(ends) && ends.every(page.known))
      g.append("line").attr("class", "whisker").attr("x1", x).attr("x2", x)
        .attr("y1", y(ends[0])).attr("y2", y(ends[1]))
        .style("stroke", colour).style("stroke-width", width);
  };
})();
