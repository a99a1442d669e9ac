/* Pointer and keyboard on a frame of plot.js, and columns of panels.
 *
 *   page.explore(frame, {points, stops = points, reach = 24, zoom, reset})
 *     points() -> [{x, y, index} or {x, y, lines}]: marks in the plot's pixels. The nearest one within
 *     `reach` pixels of the pointer is hovered: `index` is that of a trial (page.hover; a click selects it),
 *     `lines` is a tooltip of its own. Arrow keys go through stops().
 *     zoom([x0, x1] | null, [y0, y1] | null): called after dragging, with domains; null: unchanged, since
 *     the drag was along one axis.  reset(): double click, or Escape.
 *   page.lights(frame, at)  rings around the hovered and the selected trial; at(index) -> [x, y] or
 *     undefined. Returns f(hovered, selected).
 *   page.balance(grid, width, count, least)   as many columns of at least `least` pixels as fill the rows
 *     evenly.
 *
 * The nearest mark is searched in a quadtree, so marks may be on a canvas, and a drag may begin on one.
 * The wheel is left to the page. */
(() => {
  "use strict";
  const least = 6; // pixels: a shorter drag is a click

  page.explore = (frame, {points, stops = points, reach = 24, zoom, reset}) => {
    const svg = frame.svg, node = svg.node();
    let tree = null, dragging = false;
    function nearest() {
      tree = tree || d3.quadtree(points(), point => point.x, point => point.y);
      const [x, y] = d3.mouse(frame.over.node());
      return tree.find(x, y, reach) || null;
    }
    function move() {
      const point = dragging ? null : nearest();
      if (point && point.lines) {
        page.hover(null);
        page.tip(point.lines, d3.event);
      } else page.hover(point ? point.index : null, d3.event);
    }
    const brush = d3.brush().extent([[0, 0], [frame.width, frame.height]]).touchable(false)
      .on("start", () => { dragging = true; })
      .on("end", () => {
        dragging = false;
        const box = d3.event.selection;
        if (!d3.event.sourceEvent || !box) return;
        area.call(brush.move, null);
        const [[x0, y0], [x1, y1]] = box, wide = x1 - x0 >= least, high = y1 - y0 >= least;
        if (!wide && !high) return;
        const [x, y] = [frame.x.invert, frame.y.invert];
        zoom(wide ? [x(x0), x(x1)] : null, high ? [y(y1), y(y0)] : null);
      });
    const area = frame.over.append("g").attr("class", "drag").call(brush);
    svg.on("mousemove", move).on("mouseleave", () => page.hover(null)).on("dblclick", reset)
      .on("click", () => {
        const point = nearest();
        if (point && !point.lines) page.select(point.index);
      })
      .on("keydown.reset", () => {
        if (d3.event.key === "Escape") reset();
      });
    page.keys(node, () => stops().filter(point => !point.lines)
      .map(point => ({index: point.index, x: point.x + frame.left, y: point.y + frame.top})));
  };

  page.balance = (grid, width, count, least) => {
    const gap = 20, fit = Math.max(1, Math.floor((width + gap) / (least + gap)));
    const columns = Math.max(1, Math.ceil(count / Math.ceil(count / fit)));
    grid.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
  };

  page.lights = (frame, at) => {
    const ring = name => frame.over.append("circle").attr("class", name).attr("r", 8).attr("fill", "none")
      .attr("stroke", "var(--ink)").attr("pointer-events", "none").attr("display", "none");
    const picked = ring("selected").attr("stroke-width", 2).attr("stroke-dasharray", "3 2");
    const hovered = ring("hovered").attr("stroke-width", 2.5);
    const place = (mark, index) => {
      const where = index === null ? undefined : at(index);
      mark.attr("display", where ? null : "none");
      if (where) mark.attr("cx", where[0]).attr("cy", where[1]);
    };
    return (over, chosen) => {
      place(hovered, over);
      place(picked, chosen);
    };
  };
})();
