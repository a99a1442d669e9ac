/* How the best LR and ratios move with each axis: one exponent a row, its interval drawn on a scale
 * that all rows share, and the verdicts on published claims. */
(() => {
  "use strict";
  const {data, el, known, format, cells} = page;
  const answer = data.answer || {}, all = (data.exponents || answer.exponents || []).filter(exponent => known(exponent.value));
  const kindOf = exponent => `${exponent.of} ${exponent.axis}`, kinds = [...new Set(all.map(kindOf))];
  const exponents = kinds.flatMap(kind => all.filter(exponent => kindOf(exponent) === kind));
  const verdicts = answer.verdicts || [];
  const texts = {lr: "best LR", embedding_lr_ratio: "best embedding ratio", output_lr_ratio: "best output ratio",
    vector_lr_ratio: "best norms ratio", weight_decay: "best weight decay"};
  const axisNames = {n_layers: "depth", batch: "batch", vocab: "vocabulary", weight_decay: "weight decay"};
  const both = ends => Array.isArray(ends) && known(ends[0]) && known(ends[1]);
  const isGamma = exponent => exponent.of === "embedding_lr_ratio" && exponent.axis === "width";
  const published = exponent => isGamma(exponent) ? [[1, "1"], [0.5, "½"]] : [];
  const axisName = exponent => axisNames[exponent.axis] || exponent.axis;
  const left = 6, rowHeight = 30;

  function where(exponent) {
    const list = [];
    if (exponent.parametrization && cells.axes.includes("parametrization")) list.push(exponent.parametrization);
    if (known(exponent.embedding_lr_exponent) && cells.axes.includes("embedding_lr_exponent"))
      list.push(`embedding exponent ${exponent.embedding_lr_exponent}`);
    if (exponent.vocab > 0) list.push(`vocabulary ${exponent.vocab}`);
    return list.join(", ");
  }
  function assumed(exponent) {
    const share = exponent.prior_weight;
    return !known(share) || share < 0.005 ? "" : share >= 0.9995 ? "an assumption alone"
      : `${(100 * share).toFixed(0)} % assumption`;
  }
  const value = exponent => `${format.fixed(exponent.value, 2)}`;
  const interval = exponent => both(exponent.ci90) ? `(${format.fixed(exponent.ci90[0], 2)} to ${format.fixed(exponent.ci90[1], 2)})` : "";

  /* Wide enough for all values, and for the intervals as far as that is reasonable. */
  function domain() {
    const core = [0, ...exponents.flatMap(exponent => [exponent.value, exponent.expected, ...published(exponent).map(claim => claim[0])])].filter(known);
    const [low, high] = d3.extent(core), reach = Math.max(0.3, high - low);
    const ends = exponents.flatMap(exponent => both(exponent.ci90) ? exponent.ci90 : [])
      .map(v => Math.max(low - reach, Math.min(high + reach, v)));
    const answer = data.answer || {}, all = d3.extent([...core, ...ends]), pad = 0.05 * (all[1] - all[0] || 1);
    return [all[0] - pad, all[1] + pad];
  }

  function svgOf(width, height, label) {
    const svg = d3.create("svg").attr("width", width).attr("height", height);
    return label ? svg.attr("role", "img").attr("aria-label", label) : svg.attr("aria-hidden", "true");
  }

  function drawRow(x, width, exponent) {
    const middle = rowHeight / 2, colour = "var(--accent)";
    const svg = svgOf(width, rowHeight, `${value(exponent)} ${interval(exponent)}`);
    const line = (at, color, dash) => svg.append("line").attr("x1", x(at)).attr("x2", x(at)).attr("y2", rowHeight)
      .style("stroke", color).attr("stroke-dasharray", dash);
    line(0, "var(--edge)", null);
    for (const [at] of published(exponent)) line(at, "var(--edge)", "3 2");
    if (both(exponent.ci90)) {
      const [low, high] = exponent.ci90.map(v => Math.max(x.range()[0], Math.min(x.range()[1], x(v))));
      svg.append("line").attr("x1", low).attr("x2", high).attr("y1", middle).attr("y2", middle).style("stroke", colour).style("stroke-width", 2.5);
    }
    if (known(exponent.expected) && exponent.prior_weight >= 0.005)
      svg.append("line").attr("class", "prior").attr("x1", x(exponent.expected)).attr("x2", x(exponent.expected))
        .attr("y1", middle - 9).attr("y2", middle + 9).style("stroke", "var(--warn)").style("stroke-width", 3);
    svg.append("circle").attr("cx", x(exponent.value)).attr("cy", middle).attr("r", 5)
      .style("fill", exponent.prior_weight >= 0.9995 ? "var(--ground)" : colour).style("stroke", colour).style("stroke-width", 2);
    return svg.node();
  }

  function drawScale(x, width) {
    const svg = svgOf(width, 34), ticks = x.ticks(Math.max(2, Math.floor(width / 60)));
    svg.append("g").attr("class", "axis").attr("transform", "translate(0,33)")
      .call(d3.axisTop(x).tickValues(ticks).tickFormat(v => format.fixed(v, v % 0.5 === 0 ? 1 : 2)).tickSize(4));
    return svg.node();
  }

  function draw(holder, {width}) {
    const beside = width >= 1300 && verdicts.length > 0, space = beside ? width * 0.64 : width, narrow = space < 560;
    const drawn = Math.max(90, Math.min(900, space - (narrow ? 250 : 480)));
    const x = d3.scaleLinear().domain(domain()).range([left, drawn - left]);
    const head = [el("th", {scope: "col"}, "power of"), el("th", {scope: "col", "aria-label": "interval drawn"}, drawScale(x, drawn)),
      el("th", {scope: "col"}, narrow ? "exponent" : "exponent (90 % interval)"), narrow ? null : el("th", {scope: "col"}, "prior")];
    const small = text => text ? el("small", {style: "display: block; color: var(--soft)"}, text) : null;
    const cell = (style, ...children) => el("td", {style: `vertical-align: middle; text-align: left; white-space: normal; ${style}`}, children);
    const rows = exponents.map(exponent => el("tr", {},
      el("th", {scope: "row", style: "text-align: left; font-weight: 400; white-space: normal"},
        `${texts[exponent.of] || exponent.of} ~ ${axisName(exponent)}`, small(where(exponent))),
      cell("padding: 0", drawRow(x, drawn, exponent)),
      cell("font-variant-numeric: tabular-nums", narrow ? [value(exponent), small(interval(exponent)), small(assumed(exponent))]
        : `${value(exponent)} ${interval(exponent)}`),
      narrow ? null : cell("color: var(--soft)", assumed(exponent), known(exponent.expected) && exponent.prior_weight >= 0.005
        ? small(`assumed ${format.fixed(exponent.expected, 2)}`) : null)));
    const table = el("table", {class: "exponents", style: "border-collapse: collapse; min-width: 0"},
      el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows));
    const claims = verdicts.length === 0 ? null : el("div", {style: "flex: 1 1 0; min-width: min(100%, 20rem)"},
      el("h3", {style: "margin: .5rem 0; font-size: 1rem"}, "Claims"), el("ul", {class: "verdicts", style: "margin: 0; padding-left: 1.2rem"},
        verdicts.map(verdict => el("li", {style: "margin: .3rem 0"}, verdict))));
    page.nodeOf(holder).append(el("div", {style: "display: flex; flex-wrap: wrap; gap: .5rem 2rem"}, table, claims));
  }

  page.figure({id: "exponents", title: "Exponents", span: "full", flow: true,
    caption: "Best value ~ axis to the power of the exponent. Dot and line: mean and 90 % interval. Thick tick: the mean that was " +
      "assumed before the first trial; beside it, how much of the exponent is still that assumption." +
      (exponents.some(isGamma) ? " Dashed: published, 1 (muP) and 1/2 (large vocabulary)." : ""),
    needs: () => exponents.length > 0, draw});
})();
