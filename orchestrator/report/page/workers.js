/* Who trained what and when: a lane a rank, on a canvas (10,000 attempts), with axes and marks in
 * an SVG above it. Beyond 64 ranks the lanes stand together by host, and hosts are labelled. */
(() => {
  "use strict";
  const {data, el, known, format} = page;
  const wall = data.wall_s, columns = data.attempts || {}, hosts = data.hosts || {};
  const attempts = (columns.trial || []).map((id, i) => {
    const begin = columns.begin_s[i], end = columns.end_s[i];
    return {trial: page.trials[page.indexOf(id)], rank: columns.rank[i], begin,
      end: Math.max(begin, known(end) ? end : wall), outcome: columns.outcome[i]};
  }).filter(attempt => attempt.trial && attempt.rank > 0 && known(attempt.begin));
  const reused = (columns.rank || []).filter(rank => rank === 0).length;
  const named = [...Object.keys(hosts).map(Number), ...attempts.map(attempt => attempt.rank)];
  const ranks = [...new Set(named)].filter(rank => rank > 0).sort(d3.ascending);
  const byHost = ranks.length > 64 && new Set(Object.values(hosts)).size > 1;
  const hostOf = rank => hosts[rank] || "?";
  if (byHost) ranks.sort((a, b) => d3.ascending(hostOf(a), hostOf(b)) || a - b);
  const unit = wall >= 7200 ? [3600, "hours"] : wall >= 180 ? [60, "minutes"] : [1, "seconds"];
  const failed = outcome => !["done", "diverged", "running"].includes(outcome);
  const short = name => name.length > 14 ? `${name.slice(0, 13)}…` : name;

  /* Top of each rank's lane, and the rows that are labelled: a rank or a host each. */
  const laneHeight = Math.max(1.5, Math.min(byHost ? 6 : 24, 560 / ranks.length));
  const barHeight = laneHeight > 4 ? laneHeight - Math.min(3, laneHeight / 4) : laneHeight;
  const rows = [], laneOf = new Map();
  let height = 0;
  for (const rank of ranks) {
    const name = byHost ? hostOf(rank) : String(rank);
    let row = rows[rows.length - 1];
    if (!row || row.name !== name) {
      if (byHost && row) height += 3;
      rows.push(row = {name, top: height, ranks: []});
    }
    row.ranks.push(rank);
    laneOf.set(rank, height);
    row.bottom = height += laneHeight;
  }

  const lanes = d3.nest().key(attempt => attempt.rank).map(attempts);
  const laneAt = rank => lanes.get(rank) || [];
  const busy = list => Math.min(1, d3.sum(list, rank =>
    d3.sum(laneAt(rank), attempt => attempt.end - attempt.begin)) / (wall * list.length));

  /* Parts of one attempt on several ranks follow each other: [[attempt, ...], ...]. */
  const groups = [];
  attempts.forEach((attempt, i) => {
    const before = attempts[i - 1];
    const joined = before && before.trial === attempt.trial && before.rank !== attempt.rank &&
      attempt.begin < before.end;
    if (joined) groups[groups.length - 1].push(attempt);
    else groups.push([attempt]);
  });

  // ---- bars ----

  function drawBar(context, [x, y, width, high], outcome, colour, {bad}) {
    context.globalAlpha = failed(outcome) ? 0.2 : outcome === "running" ? 0.45 : 1;
    context.fillStyle = context.strokeStyle = colour;
    context.fillRect(x, y, width, high);
    context.globalAlpha = 1;
    if (outcome === "diverged") {
      context.fillStyle = bad;
      context.fillRect(x + Math.max(0, width - 3), y, Math.min(3, width), high);
    }
    if (!failed(outcome)) return;
    context.save(); // hatched
    context.beginPath();
    context.rect(x, y, width, high);
    context.clip();
    context.beginPath();
    for (let at = x - high; at < x + width; at += 4) {
      context.moveTo(at, y + high);
      context.lineTo(at + high, y);
    }
    context.stroke();
    context.restore();
  }

  const colourOf = (trial, {soft}) =>
    trial.purpose === "confirm" ? soft : page.color.horizon(trial.tokens);
  function box(x, attempt) {
    const left = x(attempt.begin / unit[0]), width = x(attempt.end / unit[0]) - left;
    return [left, laneOf.get(attempt.rank), Math.max(1, width > 3 ? width - 0.7 : width),
      barHeight];
  }

  function drawBars(context, x, colours) {
    for (const attempt of attempts)
      drawBar(context, box(x, attempt), attempt.outcome, colourOf(attempt.trial, colours), colours);
    context.strokeStyle = colours.ink;
    context.lineWidth = laneHeight > 4 ? 1.5 : 0.75;
    context.beginPath();
    for (const group of groups.filter(parts => parts.length > 1)) {
      const tops = group.map(attempt => laneOf.get(attempt.rank));
      const at = x(d3.max(group, attempt => attempt.begin) / unit[0]) + 1;
      context.moveTo(at, d3.min(tops) + laneHeight / 3);
      context.lineTo(at, d3.max(tops) + laneHeight / 2);
    }
    context.stroke();
  }

  function legend(colours) {
    const some = test => attempts.find(test), searched = attempts.map(attempt => attempt.trial)
      .filter(trial => trial.purpose !== "confirm").map(trial => trial.tokens);
    const all = [...new Set(searched)].sort(d3.ascending), last = all.length - 1;
    const shown = all.length <= 8 ? all : [all[0], all[last >> 1], all[last]];
    const entry = (attempt, text) => {
      if (!attempt) return null;
      const [canvas, context] = page.canvas(22, 12);
      drawBar(context, [0, 0, 22, 12], attempt.outcome, colourOf(attempt.trial, colours), colours);
      return el("span", {class: "entry"}, canvas, text);
    };
    return el("p", {class: "legend"},
      shown.map(tokens => entry({outcome: "done", trial: {tokens}},
        `${format.tokens(tokens)} tokens`)),
      entry(some(attempt => attempt.trial.purpose === "confirm"), "confirmation"),
      entry(some(attempt => attempt.outcome === "diverged"), "diverged"),
      entry(some(attempt => failed(attempt.outcome)), "lost, failed, canceled"),
      entry(some(attempt => attempt.outcome === "running"), "running"));
  }

  // ---- figure ----

  function summary() {
    const most = (data.ranks_per_trial || {}).most || 1;
    const lost = attempts.filter(attempt =>
      failed(attempt.outcome) && attempt.outcome !== "canceled").length;
    const steps = (data.group_steps || []).filter(step => known(step.ratio) && step.ranks > 1)
      .map(step => `${step.ranks} ranks ${format.ratio(step.ratio)}`).join(", ");
    return [`${page.plural(ranks.length, "rank")} busy ${format.percent(busy(ranks))} of ` +
      format.seconds(wall), most > 1 ? `up to ${most} ranks a trial` : "1 rank a trial",
    lost > 0 && `${page.plural(lost, "attempt")} lost or failed`,
    reused > 0 && `${page.plural(reused, "result")} reused`,
    steps && `time of a step over the cost model's: ${steps}`].filter(Boolean).join("; ");
  }

  function draw(holder, {width}) {
    const node = holder;
    const computed = name => {
      const probe = node.appendChild(el("span", {style: `color: var(--${name})`}));
      const colour = getComputedStyle(probe).color;
      probe.remove();
      return colour;
    };
    const colours = {ink: computed("ink"), soft: computed("soft"), bad: computed("bad")};
    const longest = d3.max([...rows.map(row => short(row.name)), "host"],
      name => page.textWidth(name));
    const left = 16 + longest, right = width < 560 ? 56 : 120, top = 20, high = top + height + 44;
    const inside = Math.max(40, width - left - right);
    const x = d3.scaleLinear().domain([0, wall / unit[0]]).range([0, inside]);
    const [canvas, context] = page.canvas(inside, height);
    canvas.style.cssText += `; position: absolute; left: ${left}px; top: ${top}px`;
    drawBars(context, x, colours);
    const svg = page.svg(width, high, `Attempts over time: ${attempts.length} on ${summary()}`)
      .attr("style", "position: relative");
    node.append(el("p", {class: "caption"}, `${summary()}.`), legend(colours),
      el("div", {style: `position: relative; height: ${high}px`}, canvas, svg.node()));
    const g = page.put(svg, "g", {transform: `translate(${left},${top})`});
    drawAxes(svg, g, x, {inside, left, right});
    listen(svg, g, x, {left, top});
  }

  function drawAxes(svg, g, x, {inside, left, right}) {
    const label = (node, values, text) => page.put(node, "text", {class: "label", ...values}, text);
    page.put(g, "g", {class: "axis", transform: `translate(0,${height + 2})`})
      .call(d3.axisBottom(x).ticks(Math.max(2, Math.floor(inside / 80))).tickSize(4));
    label(svg, {x: left + inside / 2, y: height + 60, "text-anchor": "middle"},
      `${unit[1]} of the campaign`);
    label(svg, {x: left - 8, y: 12, "text-anchor": "end"}, byHost ? "host" : "rank");
    label(svg, {x: left + inside + 8, y: 12}, "busy");
    const wide = right > 100 ? right - 62 : 0;
    let free = -Infinity;
    for (const row of rows) {
      const y = (row.top + row.bottom) / 2, share = busy(row.ranks);
      const bar = {x: inside + 8, y: row.top, height: Math.max(1, row.bottom - row.top - 1)};
      page.put(g, "rect", {class: "bar", width: wide, ...bar});
      page.put(g, "rect", {class: "bar full", width: wide * share, ...bar});
      if (y - free < 13) continue;
      free = y;
      label(g, {x: -8, y, dy: ".35em", "text-anchor": "end"}, short(row.name));
      label(g, {x: inside + 12 + wide, y, dy: ".35em"}, format.percent(share));
    }
    const starts = (data.start_s || []).filter(at => at > 0 && at < wall)
      .map(at => x(at / unit[0]));
    for (const at of starts)
      page.put(g, "path", {class: "start", d: `M${at},-4V${height}`});
    if (starts.length > 0)
      label(g, {x: starts[0], y: -8, "text-anchor": "middle"},
        starts.length > 1 ? `${starts.length} restarts` : "restart");
  }

  function listen(svg, g, x, {left, top}) {
    const lit = page.put(g, "g", {class: "ring"});
    const light = index => {
      lit.text("");
      for (const attempt of attempts.filter(({trial}) => trial.index === index)) {
        const [x0, y0, width, bar] = box(x, attempt);
        page.put(lit, "rect", {x: x0 - 1, y: y0 - 1, width: width + 2, height: bar + 2});
      }
    };
    const find = () => {
      const [px, py] = d3.mouse(g.node()), time = x.invert(px) * unit[0];
      const slack = x.invert(2) * unit[0];
      const rank = ranks.find(candidate => {
        const y = laneOf.get(candidate);
        return py >= y && py < y + laneHeight;
      });
      const found = laneAt(rank)
        .find(attempt => attempt.begin - slack <= time && time <= attempt.end + slack);
      return found ? found.trial.index : null;
    };
    svg.on("mousemove", () => page.hover(find(), d3.event)).on("mouseleave", () => page.hover(null))
      .on("click", () => page.select(find()));
    page.keys(svg.node(), () => attempts.map(attempt => {
      const [x0, y0] = box(x, attempt);
      return {index: attempt.trial.index, x: left + x0, y: top + y0};
    }));
    page.selection.on("trial.workers", light);
  }

  page.figure({id: "workers", title: "Workers", span: "full", flow: true,
    needs: () => attempts.length > 0 && wall > 0, draw});
})();
