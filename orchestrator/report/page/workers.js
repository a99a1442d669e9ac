/* Who trained what and when: a lane a rank, on a canvas (10,000 attempts), with axes and marks in
 * an SVG above it. Beyond 64 ranks the lanes stand together by host, and hosts are labelled. */
(() => {
  "use strict";
  const {data, known, format} = page;
  const wall = data.wall_s, columns = data.attempts || {}, hosts = data.hosts || {};
  const attempts = (columns.trial || [])
    .map((id, i) => ({id, index: page.indexOf(id), rank: columns.rank[i], begin: columns.begin_s[i],
    end: Math.max(columns.begin_s[i], known(columns.end_s[i]) ? columns.end_s[i] : wall),
      outcome: columns.outcome[i]}))
    .filter(attempt => attempt.rank > 0 && known(attempt.begin) && attempt.index !== undefined);
  const reused = (columns.rank || []).filter(rank => rank === 0).length;
  const ranks = [...new Set([...attempts.map(attempt => attempt.rank), ...Object.keys(hosts)
    .map(Number).filter(rank => rank > 0)])].sort(d3.ascending);
  const byHost = ranks.length > 64 && new Set(Object.values(hosts)).size > 1,
    hostOf = rank => hosts[rank] || "?";
  if (byHost) ranks.sort((a, b) => d3.ascending(hostOf(a), hostOf(b)) || a - b);
  const laneHeight = Math.max(1.5, Math.min(24, 560 / Math.max(1, ranks.length), byHost ? 6 : 24));
  const unit = wall >= 7200 ? [3600, "hours"] : wall >= 180 ? [60, "minutes"] : [1, "seconds"];
  const failed = outcome => outcome === "lost" || outcome === "failed" || outcome === "timeout";

  /* Top of each rank's lane, and the rows that are labelled: a rank or a host each. */
  const rows = [], laneOf = new Map();
  let height = 0;
  for (const rank of ranks) {
    const name = byHost ? hostOf(rank) : String(rank), row = rows[rows.length - 1];
    if (byHost && row && row.name === name) row.ranks.push(rank);
    else {
      if (byHost && row) height += 3;
      rows.push({name, top: height, ranks: [rank]});
    }
    laneOf.set(rank, height);
    height += laneHeight;
    rows[rows.length - 1].bottom = height;
  }

  const lanes = new Map(ranks.map(rank => [rank, []]));
  for (const attempt of attempts) lanes.get(attempt.rank).push(attempt);
  for (const lane of lanes.values()) lane.sort((a, b) => a.begin - b.begin);
  const busy = list => wall > 0 && list.length > 0
    ? Math.min(1, d3.sum(list,
      rank => d3.sum(lanes.get(rank),
      attempt => attempt.end - attempt.begin)) / (wall * list.length)) : 0;

  /* Parts of one attempt on several ranks follow each other: [[attempt, ...], ...]. */
  const groups = [];
  attempts.forEach((attempt, i) => {
    const group = groups[groups.length - 1], before = attempts[i - 1];
    if (before && before.id === attempt.id && before.rank !== attempt.rank &&
      attempt.begin < before.end) {
      if (group && group[group.length - 1] === before) group.push(attempt);
      else groups.push([before, attempt]);
    }
  });

  // ---- bars ----

  const colourOf = (trial, soft) => trial.purpose === "confirm" ? soft
    : page.color.horizon(trial.tokens);

  function hatch(context, x, y, width, bar, colour) {
    context.save();
    context.beginPath();
    context.rect(x, y, width, bar);
    context.clip();
    context.beginPath();
    for (let at = x - bar; at < x + width; at += 4) {
      context.moveTo(at, y + bar);
      context.lineTo(at + bar, y);
    }
    context.strokeStyle = colour;
    context.stroke();
    context.restore();
  }
  function drawBar(context, x, y, width, bar, colour, outcome) {
    context.globalAlpha = failed(outcome) ? 0.2 : outcome === "running" ? 0.45 : 1;
    context.fillStyle = colour;
    context.fillRect(x, y, width, bar);
    context.globalAlpha = 1;
    if (failed(outcome)) hatch(context, x, y, width, bar, colour);
  }
  function canvasOf(width, high) {
    const ratio = Math.min(3, window.devicePixelRatio || 1),
      canvas = document.createElement("canvas");
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(high * ratio);
    canvas.style.cssText = `width: ${width}px; height: ${high}px; display: block`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    return [canvas, context];
  }
  const box = (x, attempt) => {
    const left = x(attempt.begin / unit[0]), right = x(attempt.end / unit[0]);
    return [left, laneOf.get(attempt.rank),
      Math.max(1, right - left - (right - left > 3 ? 0.7 : 0)), laneHeight > 4
      ? laneHeight - Math.min(3, laneHeight * 0.25) : laneHeight];
  };

  function drawBars(context, x, {ink, soft, bad}) {
    for (const attempt of attempts) {
      const [left, top, width, bar] = box(x, attempt);
      drawBar(context, left, top, width, bar, colourOf(page.trials[attempt.index], soft),
        attempt.outcome);
      if (attempt.outcome === "diverged") {
        context.fillStyle = bad;
        context.fillRect(left + Math.max(0, width - 3), top, Math.min(3, width), bar);
      }
    }
    context.strokeStyle = ink;
    context.lineWidth = laneHeight > 4 ? 1.5 : 0.75;
    for (const group of groups) {
      const tops = group.map(attempt => laneOf.get(attempt.rank)),
        at = x(d3.max(group, attempt => attempt.begin) / unit[0]) + 1;
      context.beginPath();
      context.moveTo(at, d3.min(tops) + laneHeight / 3);
      context.lineTo(at, d3.max(tops) + laneHeight / 2);
      context.stroke();
    }
  }

  function legend(holder, {soft, bad}) {
    const entry = (outcome, colour, text) => {
      const [canvas, context] = canvasOf(22, 12);
      canvas.style.cssText += "; display: inline-block; vertical-align: middle; margin-right: 6px";
      canvas.setAttribute("aria-hidden", "true");
      drawBar(context, 0, 0, 22, 12, colour, outcome);
      if (outcome === "diverged") {
        context.fillStyle = bad;
        context.fillRect(19, 0, 3, 12);
      }
      return page.el("span", {class: "entry"}, canvas, text);
    };
    const trained = attempts.map(attempt => page.trials[attempt.index]);
    const tokens = [...new Set(trained.filter(trial => trial.purpose !== "confirm")
      .map(trial => trial.tokens))].sort(d3.ascending),
      some = new Set(attempts.map(attempt => attempt.outcome));
    const shown = tokens.length <= 8 ? tokens
      : [tokens[0], tokens[tokens.length >> 1], tokens[tokens.length - 1]],
      colour = page.color.horizon(tokens[0]);
    page.nodeOf(holder).append(page.el("p", {class: "legend"},
      shown.map(v => entry("done", page.color.horizon(v), `${format.tokens(v)} tokens`)),
      trained.some(trial => trial.purpose === "confirm") ? entry("done", soft, "confirmation")
        : null,
      some.has("diverged") ? entry("diverged", colour, "diverged") : null, [...some].some(failed)
        ? entry("lost", colour, "lost or failed") : null,
      some.has("running") ? entry("running", colour, "running") : null));
  }

  // ---- figure ----

  function summary() {
    const most = (data.ranks_per_trial || {}).most || 1,
      lost = attempts.filter(attempt => failed(attempt.outcome)).length;
    const steps = (data.group_steps || []).filter(step => known(step.ratio) && step.ranks > 1)
      .map(step => `${step.ranks} ranks ${format.ratio(step.ratio)}`);
    return [`${ranks.length} ${ranks.length === 1 ? "rank" : "ranks"} busy ` +
        `${format.percent(busy(ranks))} of ${format.seconds(wall)}`,
      most > 1 ? `up to ${most} ranks a trial` : "1 rank a trial",
        ...(lost > 0 ? [`${lost} ${lost === 1 ? "attempt" : "attempts"} lost or failed`] : []),
      ...(reused > 0 ? [`${reused} ${reused === 1 ? "result" : "results"} reused`] : []),
      ...(steps.length > 0 ? [`time of a step over the cost model's: ${steps.join(", ")}`]
      : [])].join("; ") + ".";
  }

  function draw(holder, {width}) {
    const node = page.nodeOf(holder), computed = name => {
      const probe = node.appendChild(page.el("span", {style: `color: var(--${name})`})),
        colour = getComputedStyle(probe).color;
      probe.remove();
      return colour;
    };
    const colours = {ink: computed("ink"), soft: computed("soft"), bad: computed("bad")};
    node.append(page.el("p", {class: "caption"}, summary()));
    legend(holder, colours);
    const longest = d3.max(rows, row => page.textWidth(row.name)) || 0,
      left = Math.min(110, 16 + Math.max(longest, page.textWidth(byHost ? "host" : "rank"))),
      right = width < 560 ? 56 : 120;
    const inside = Math.max(40, width - left - right), x = d3.scaleLinear()
      .domain([0, wall / unit[0]]).range([0, inside]);
    const top = 20, bottom = 44, total = top + height + bottom;
    const [canvas, context] = canvasOf(inside, height),
      frame = page.el("div", {style: `position: relative; height: ${total}px`});
    canvas.style.cssText += `; position: absolute; left: ${left}px; top: ${top}px`;
    canvas.setAttribute("aria-hidden", "true");
    canvas.dataset.attempts = attempts.length;
    drawBars(context, x, colours);
    const svg = d3.create("svg").attr("role", "img").attr("width", width).attr("height", total)
      .style("position", "relative")
      .attr("aria-label", `Attempts over time: ${attempts.length} on ${summary()}`);
    frame.append(canvas, svg.node());
    node.append(frame);
    const g = svg.append("g").attr("transform", `translate(${left},${top})`);
    drawAxes(svg, g, x, {inside, left, right, width});
    listen(svg, g, x, {left, top, inside});
  }

  function drawAxes(svg, g, x, {inside, left, right, width}) {
    g.append("g").attr("class", "axis").attr("transform", `translate(0,${height + 2})`)
      .call(d3.axisBottom(x).ticks(Math.max(2, Math.floor(inside / 80))).tickSize(4));
    svg.append("text").attr("class", "label").attr("x", left + inside / 2).attr("y", height + 60)
      .attr("text-anchor", "middle").text(`${unit[1]} of the campaign`);
    svg.append("text").attr("class", "label").attr("x", left - 8).attr("y", 12)
      .attr("text-anchor", "end").text(byHost ? "host" : "rank");
    svg.append("text").attr("class", "label").attr("x", left + inside + 8).attr("y", 12)
      .text("busy");
    let free = -Infinity;
    const wide = right > 100 ? right - 62 : 0;
    for (const row of rows) {
      const middle = (row.top + row.bottom) / 2, share = busy(row.ranks),
        labelled = middle - free >= 13;
      const name = row.name.length > 14 ? `${row.name.slice(0, 13)}…` : row.name;
      if (wide) {
        g.append("rect").attr("x", inside + 8).attr("y", row.top)
          .attr("height", Math.max(1, row.bottom - row.top - 1)).attr("width", wide)
          .style("fill", "var(--card)");
        g.append("rect").attr("x", inside + 8).attr("y", row.top)
          .attr("height", Math.max(1, row.bottom - row.top - 1)).attr("width", wide * share)
          .style("fill", "var(--soft)");
      }
      if (!labelled) continue;
      free = middle;
      g.append("text").attr("x", -8).attr("y", middle).attr("dy", ".35em")
        .attr("text-anchor", "end").style("fill", "var(--soft)").text(name);
      g.append("text").attr("x", inside + 12 + wide).attr("y", middle).attr("dy", ".35em")
        .style("fill", "var(--soft)").text(format.percent(share));
    }
    const starts = (data.start_s || (data.starts || []).map(start => start.begin_s))
      .filter(at => known(at) && at > 0 && at < wall);
    g.selectAll("line.start").data(starts).join("line").attr("class", "start")
      .attr("x1", at => x(at / unit[0])).attr("x2", at => x(at / unit[0]))
      .attr("y1", -4).attr("y2", height).style("stroke", "var(--ink)")
      .attr("stroke-dasharray", "5 3");
    if (starts.length > 0)
      g.append("text").attr("class", "label").attr("x", x(starts[0] / unit[0])).attr("y", -8)
        .attr("text-anchor", "middle")
        .text(starts.length > 1 ? `${starts.length} restarts` : "restart");
  }

  function listen(svg, g, x, {left, top, inside}) {
    const lit = g.append("g").style("pointer-events", "none");
    const light = index => lit.selectAll("rect")
      .data(index === null ? [] : attempts.filter(attempt => attempt.index === index)).join("rect")
      .attr("x", attempt => box(x, attempt)[0] - 1).attr("y", attempt => box(x, attempt)[1] - 1)
      .attr("width", attempt => box(x, attempt)[2] + 2)
      .attr("height", attempt => box(x, attempt)[3] + 2)
      .style("fill", "none").style("stroke", "var(--ink)").style("stroke-width", 2);
    const find = () => {
      const [px, py] = d3.mouse(g.node()), time = x.invert(px) * unit[0],
        slack = x.invert(2) * unit[0];
      const rank = ranks.find(candidate => py >= laneOf.get(candidate) &&
        py < laneOf.get(candidate) + laneHeight);
      if (rank === undefined || px < 0 || px > inside) return null;
      const found = lanes.get(rank)
        .find(attempt => attempt.begin - slack <= time && time <= attempt.end + slack);
      return found || null;
    };
    svg.on("mousemove", () => {
      const found = find();
      page.hover(found ? found.index : null, d3.event);
    }).on("mouseleave", () => page.hover(null)).on("click", () => {
      const found = find();
      if (found) page.select(found.index);
    });
    page.keys(svg.node(), () =>
      attempts.map(attempt => ({index: attempt.index, x: left + box(x, attempt)[0], y: top +
      laneOf.get(attempt.rank)})));
    page.selection.on("trial.workers", light);
  }

  page.figure({id: "workers", title: "Workers", span: "full", flow: true,
    needs: () => attempts.length > 0 && wall > 0, draw});
})();
