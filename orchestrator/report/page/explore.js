/* Pointer and keyboard on a frame of plot.js.
 *
 *   page.explore(frame, {points, stops = points, reach = 24, drag, reset})
 *     points() -> [{x, y, index} or {x, y, lines}]: marks in the plot's pixels. The nearest one
 *     within `reach` pixels of the pointer is hovered: `index` is that of a trial (page.hover; a
 *     click selects it), `lines` is a tooltip of its own. Arrow keys go through stops().
 *     drag([x0, x1] | null, [y0, y1] | null): called after dragging, with domains; null:
 *     unchanged, since the drag was along one axis; without it nothing is dragged.
 *     reset(): double click, or Escape.
 *   page.zoom(id, redraw)   domains after dragging, by name, kept over a reload -> {get(name),
 *     drag(xName, yName): for explore, clear(), reset(): clear and redraw, button: resets}
 *   page.lights(frame, marks)  rings around the hovered and the selected trial, if it is among the
 *     marks [{index, x, y}]. Returns f(hovered, selected).
 *   page.attributes(selection, {name: value or function, ...})   sets them all; returns it
 *   page.toggle(bar, {id, text, change(on)})   a button that is kept over a reload; returns whether
 *     it is on
 *   page.repaint(holder, paint)   empties the holder, calls paint, and keeps the focused drawing
 *
 * The nearest mark is searched in a quadtree, so marks may be on a canvas, and a drag may begin on
 * one. The wheel is left to the page. */
(() => {
  "use strict";
  const least = 6; // pixels: a shorter drag is a click

  /* After a key, a page that scrolls below a resting pointer does not hover what comes there. */
  let pointer = "", keyed = false;
  const place = event => `${event.clientX} ${event.clientY}`;
  const isResting = () => keyed && place(d3.event) === pointer;
  document.addEventListener("keydown", () => { keyed = true; });
  document.addEventListener("mousemove", event => {
    if (place(event) !== pointer) keyed = false;
    pointer = place(event);
  });

  page.attributes = (selection, values) => {
    for (const [name, value] of Object.entries(values)) selection.attr(name, value);
    return selection;
  };

  page.explore = (frame, {points, stops = points, reach = 24, drag, reset}) => {
    const {svg} = frame;
    let tree = null, dragging = false;
    function nearest() {
      tree = tree || d3.quadtree(points(), point => point.x, point => point.y);
      const [x, y] = d3.mouse(frame.over.node());
      return tree.find(x, y, reach) || null;
    }
    function move() {
      if (isResting()) return;
      const point = dragging ? null : nearest();
      if (point && point.lines) {
        page.hover(null);
        page.tip(point.lines, d3.event);
      } else page.hover(point ? point.index : null, d3.event);
    }
    function dragged() {
      dragging = false;
      const box = d3.event.selection;
      if (!d3.event.sourceEvent || !box) return;
      area.call(brush.move, null);
      const [[x0, y0], [x1, y1]] = box, {x, y} = frame;
      const wide = x1 - x0 >= least, high = y1 - y0 >= least;
      if (wide || high)
        drag(wide ? [x0, x1].map(x.invert) : null, high ? [y1, y0].map(y.invert) : null);
    }
    function leave() {
      if (!isResting()) page.hover(null);
    }
    const brush = drag && d3.brush().extent([[0, 0], [frame.width, frame.height]]).touchable(false)
      .on("start", () => { dragging = true; }).on("end", dragged);
    const area = frame.over.append("g").attr("class", "drag");
    if (brush) area.call(brush);
    svg.on("mousemove", move).on("mouseleave", leave).on("dblclick", reset);
    svg.on("click", () => {
      const point = nearest();
      if (point && !point.lines) page.select(point.index);
    });
    svg.on("keydown.reset", () => {
      if (d3.event.key === "Escape" && reset) reset();
    });
    page.keys(svg.node(), () => stops()
      .map(point => ({...point, x: point.x + frame.left, y: point.y + frame.top})));
  };

  page.zoom = (id, redraw) => {
    const isDomain = ends => Array.isArray(ends) && ends.length === 2 && ends.every(page.known);
    const domains = new Map([page.state.get(id, [])].flat().filter(entry =>
      Array.isArray(entry) && isDomain(entry[1])));
    function keep() {
      button.disabled = domains.size === 0;
      page.state.set(id, [...domains]);
    }
    function clear() {
      domains.clear();
      keep();
    }
    function reset() {
      if (domains.size === 0) return;
      clear();
      redraw();
    }
    const button = page.el("button", {type: "button", class: "reset", disabled: domains.size === 0,
      onclick: reset}, "Reset zoom");
    const drag = (xName, yName) => (x, y) => {
      if (x) domains.set(xName, x);
      if (y) domains.set(yName, y);
      keep();
      redraw();
    };
    return {get: name => domains.get(name), drag, clear, reset, button};
  };

  page.lights = (frame, marks) => {
    const markOf = new Map(marks.map(mark => [mark.index, mark]));
    const ring = name => page.attributes(frame.over.append("circle"),
      {class: `ring ${name}`, r: 8, display: "none"});
    const selected = ring("selected"), hovered = ring("hovered");
    const place = (circle, index) => {
      const {x, y} = markOf.get(index) || {};
      page.attributes(circle, {display: markOf.has(index) ? null : "none", cx: x, cy: y});
    };
    return (over, chosen) => {
      place(hovered, over);
      place(selected, chosen);
    };
  };

  page.toggle = (bar, {id, text, change}) => {
    const isOn = () => page.state.get(id, false) === true;
    const button = page.el("button", {type: "button", "aria-pressed": String(isOn()), onclick() {
      page.state.set(id, !isOn());
      button.setAttribute("aria-pressed", String(isOn()));
      change(isOn());
    }}, text);
    bar.append(button);
    return isOn();
  };

  page.repaint = (holder, paint) => {
    const drawings = () => [...holder.querySelectorAll("svg")];
    const focused = drawings().indexOf(document.activeElement);
    holder.replaceChildren();
    paint(holder);
    const again = focused < 0 ? undefined : drawings()[focused];
    if (again) again.focus({preventScroll: true});
  };
})();
