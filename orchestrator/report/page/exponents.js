/* How the best LR and ratios move with each axis: one exponent a row, its interval drawn on a scale
 * that all rows share, and the verdicts on published claims. */
(() => {
  "use strict";
  const {data, el, known, format, cells} = page;
  const answer = data.answer || {}, all = (data.exponents || answer.exponents || [])
    .filter(exponent => known(exponent.value));
  const kindOf = exponent => `${exponent.of} ${exponent.axis}`,
    kinds = [...new Set(all.map(kindOf))];
  const exponents = kinds.flatMap(kind => all.filter(exponent => kindOf(exponent) === kind));
  const verdicts = answer.verdicts || [];
  const texts = {lr: "best LR", embedding_lr_ratio: "best embedding ratio",
    output_lr_ratio: "best output ratio",
    vector_lr_ratio: "best norms ratio", weight_decay: "best weight decay"};
  const axisNames = {n_layers: "depth", batch: "batch", vocab: "vocabulary",
    weight_decay: "weight decay"};
  const both = ends => Array.isArray(ends) && known(ends[0]) && known(ends[1]);
  const isGamma = exponent => exponent.of === "embedding_lr_ratio" && exponent.axis === "width";
  const published = exponent => isGamma(exponent) ? [[1, "1"], [0.5, "½"]] : [];
  const axisName = exponent => axisNames[exponent.axis] || exponent.axis;
  const edge = 18, rowHeight = 30;

  function where(exponent) {
    const list = [];
    if (exponent.parametrization &&
      cells.axes.includes("parametrization")) list.push(exponent.parametrization);
    if (known(exponent.embedding_lr_exponent) && cells.axes.includes("embedding_lr_exponent"))
      list.push(`embedding exponent ${exponent.embedding_lr_exponent}`);
    if (exponent.vocab > 0) list.push(`vocabulary ${exponent.vocab}`);
    return list.join(", ");
  }
  const rests = exponent => known(exponent.prior_weight) && exponent.prior_weight >= 0.005;
  const assumed = exponent => !rests(exponent) ? "" : exponent.prior_weight >= 0.9995 ? "all"
    : `${(100 * exponent.prior_weight).toFixed(0)} %`;
  const assumedMean = exponent => known(exponent.expected) && rests(exponent)
    ? ` (${format.fixed(exponent.expected, 2)})` : "";
  const value = exponent => `${format.fixed(exponent.value, 2)}`;
  const interval = exponent => both(exponent.ci90)
    ? `(${format.fixed(exponent.ci90[0], 2)} to ${format.fixed(exponent.ci90[1], 2)})` : "";

  /* Wide enough for all values, and for the intervals as far as that is reasonable. */
  function domain() {
    const core = [0, ...exponents.flatMap(exponent => [exponent.value, exponent.expected,
      ...published(exponent).map(claim => claim[0])])].filter(known);
    const [low, high] = d3.extent(core), reach = Math.max(0.3, high - low);
    const ends = exponents.flatMap(exponent => both(exponent.ci90) ? exponent.ci90 : [])
      .map(v => Math.max(low - reach, Math.min(high + reach, v)));
    const answer = data.answer || {}, all = d3.extent([...core, ...ends]),
      pad = 0.05 * (all[1] - all[0] || 1);
    return [all[0] - pad, all[1] + pad];
  }

  function svgOf(width, height, label) {
    const svg = d3.create("svg").attr("width", width).attr("height", height);
    return label ? svg.attr("role", "img").attr("aria-label", label)
      : svg.attr("aria-hidden", "true");
  }

  function drawRow(x, width, exponent) {
    const middle = rowHeight / 2, colour = "var(--accent)";
    const svg = svgOf(width, rowHeight, `${value(exponent)} ${interval(exponent)}`);
    const line = (at, color, dash) => svg.append("line").attr("x1", x(at)).attr("x2", x(at))
      .attr("y2", rowHeight)
      .style("stroke", color).attr("stroke-dasharray", dash);
    line(0, "var(--edge)", null);
    for (const [at] of published(exponent)) line(at, "var(--edge)", "3 2");
    if (both(exponent.ci90)) {
      const [low, high] = exponent.ci90.map(v => Math.max(x.range()[0],
        Math.min(x.range()[1], x(v))));
      svg.append("line").attr("x1", low).attr("x2", high).attr("y1", middle).attr("y2", middle)
        .style("stroke", colour).style("stroke-width", 2.5);
    }
    if (known(exponent.expected) && rests(exponent))
      svg.append("line").attr("class", "prior").attr("x1", x(exponent.expected))
        .attr("x2", x(exponent.expected))
        .attr("y1", middle - 9).attr("y2", middle + 9).style("stroke", "var(--warn)")
        .style("stroke-width", 3);
    svg.append("circle").attr("cx", x(exponent.value)).attr("cy", middle).attr("r", 5)
      .style("fill", exponent.prior_weight >= 0.9995 ? "var(--ground)" : colour)
      .style("stroke", colour).style("stroke-width", 2);
    return svg.node();
  }

  function drawScale(x, width) {
    const svg = svgOf(width, 26), ticks = x.ticks(Math.max(2, Math.floor(width / 48)));
    const digits = ticks.length > 1 && ticks[1] - ticks[0] < 0.095 ? 2 : 1;
    svg.append("g").attr("class", "axis").attr("transform", "translate(0,25)")
      .call(d3.axisTop(x).tickValues(ticks).tickFormat(v => format.fixed(v, digits)).tickSize(4));
    return svg.node();
  }

  const small = text => text ? el("small", {style: "display: block; color: var(--soft)"}, text)
    : null;
  const name = exponent => `${texts[exponent.of] || exponent.of} ~ ${axisName(exponent)}`;

  const left = {verticalAlign: "middle", textAlign: "left", fontWeight: 400};
  function cell(tag, attributes, style, ...children) {
    const node = el(tag, attributes, children);
    Object.assign(node.style, left, style);
    return node;
  }

  const written = exponent => `${value(exponent)} ${interval(exponent)}`;
  const share = exponent => assumed(exponent) + assumedMean(exponent);
  const lineStyle = {whiteSpace: "nowrap"};

  const title = (exponent, style) =>
    cell("th", {scope: "row"}, style, name(exponent), small(where(exponent)));

  function wideRow(exponent, drawing) {
    return el("tr", {}, title(exponent, lineStyle), cell("td", {}, {}, drawing),
      cell("td", {}, lineStyle, written(exponent)),
      cell("td", {}, lineStyle, share(exponent)));
  }

  /* The drawing below its texts. */
  function narrowRows(exponent, drawing) {
    const open = {borderBottom: "none"}, some = share(exponent);
    return [el("tr", {}, title(exponent, {...open, whiteSpace: "normal"}),
      cell("td", {}, {...open, ...lineStyle}, written(exponent),
        small(some && `assumed: ${some}`))),
    el("tr", {}, cell("td", {colspan: 2}, {padding: "0 0 .4rem"}, drawing))];
  }

  function drawTable(space, narrow) {
    const longest = text => 1.2 * d3.max(exponents, exponent => page.textWidth(text(exponent)));
    const others = narrow ? 16 : longest(name) + Math.max(longest(written), 165) + 205;
    const drawn = Math.max(160, Math.min(1000, space - others));
    const x = d3.scaleLinear().domain(domain()).range([edge, drawn - edge]);
    const scale = drawScale(x, drawn), column = {scope: "col"},
      drawing = {"aria-label": "interval"};
    const head = narrow ? [cell("th", {scope: "colgroup", colspan: 2, ...drawing}, {padding: 0},
      scale)]
      : [cell("th", column, {}, "power law"), cell("th", {...column, ...drawing}, {}, scale),
        cell("th", column, lineStyle, "exponent (90 % interval)"),
        cell("th", column, lineStyle, "assumed (mean)")];
    const rows = exponents.flatMap(exponent =>
      (narrow ? narrowRows : wideRow)(exponent, drawRow(x, drawn, exponent)));
    return el("table", {class: "exponents"}, el("thead", {}, el("tr", {}, head)),
      el("tbody", {}, rows));
  }

  function draw(holder, {width}) {
    const beside = width >= 1500 && verdicts.length > 0, space = beside ? width * 0.66 : width;
    const narrow = space < 680, items = verdicts.map(verdict =>
      el("li", {style: "margin: .3rem 0"}, verdict));
    const claims = items.length === 0 ? null
      : el("details", {open: !narrow, style: "flex: 1 1 0; min-width: min(100%, 20rem)"},
        el("summary", {}, `Claims (${items.length})`),
        el("ul", {class: "verdicts", style: "margin: 0; padding-left: 1.2rem"}, items));
    const style = "display: flex; flex-wrap: wrap; align-items: flex-start; gap: .5rem 2rem";
    page.nodeOf(holder).append(el("div", {style}, drawTable(space, narrow), claims));
  }

  page.figure({id: "exponents", title: "Exponents", span: "full", flow: true,
    caption: "Best value ~ axis to the power of the exponent. Dot and line: mean and 90\u00a0% " +
      "interval. Thick tick: the mean assumed before the first trial; \"assumed\": how much of " +
      "the exponent still is that assumption." +
      (exponents.some(isGamma) ? " Dashed: published, 1 (muP) and 1/2 (large vocabulary)." : ""),
    needs: () => exponents.length > 0, draw});
})();
