/* How the best LR and ratios move with each axis: one exponent a row, its interval drawn on a scale
 * that all rows share, and the verdicts on published claims. */
(() => {
  "use strict";
  const {data, el, known, format, cells} = page;
  const answer = data.answer || {}, verdicts = answer.verdicts || [];
  const all = (answer.exponents || []).filter(exponent => known(exponent.value));
  const kindOf = exponent => `${exponent.of} ${exponent.axis}`,
    kinds = [...new Set(all.map(kindOf))];
  const exponents = kinds.flatMap(kind => all.filter(exponent => kindOf(exponent) === kind));
  const best = {lr: "LR", ...page.ratios};
  const axisNames = {vocab: "vocabulary", weight_decay: "weight decay"};
  const isGamma = exponent => exponent.of === "embedding_lr_ratio" && exponent.axis === "width";
  const published = exponent => isGamma(exponent) ? [1, 0.5] : [];
  const edge = 18; // pixels

  // ---- texts ----

  const fixed = v => format.fixed(v, 2);
  const name = ({of, axis}) => `best ${best[of] || of} ~ ${axisNames[axis] || axis}`;
  function where({parametrization, embedding_lr_exponent: power, vocab}) {
    const varies = axis => cells.axes.includes(axis);
    return [varies("parametrization") && parametrization, vocab > 0 && `vocabulary ${vocab}`,
      varies("embedding_lr_exponent") && known(power) && `embedding exponent ${power}`]
      .filter(Boolean).join(", ");
  }
  const written = ({value, ci90}) => fixed(value) + format.bracket(ci90, fixed);
  const rests = exponent => exponent.prior_weight >= 0.005; // on an assumption
  const alone = exponent => exponent.prior_weight >= 0.9995;
  function share(exponent) {
    if (!rests(exponent)) return "";
    const part = alone(exponent) ? "all" : `${(100 * exponent.prior_weight).toFixed(0)} %`;
    return known(exponent.expected) ? `${part} (${fixed(exponent.expected)})` : part;
  }

  // ---- drawings ----

  /* Wide enough for all values, and for the intervals as far as that is reasonable. */
  function domain() {
    const core = [0, ...exponents.flatMap(exponent =>
      [exponent.value, exponent.expected, ...published(exponent)])].filter(known);
    const [low, high] = d3.extent(core), reach = Math.max(0.3, high - low);
    const ends = exponents.flatMap(exponent => page.ends(exponent.ci90))
      .map(v => Math.max(low - reach, Math.min(high + reach, v)));
    return page.padded([...core, ...ends], "linear", 0.05);
  }

  function drawRow(x, width, exponent) {
    const rowHeight = page.printing() ? 18 : 30, middle = rowHeight / 2, stroke = "var(--accent)";
    const svg = page.svg(width, rowHeight, written(exponent)), to = x.copy().clamp(true);
    page.put(svg, "path", {class: "published", d: `M${x(0)},0v${rowHeight}`});
    for (const at of published(exponent))
      page.put(svg, "path", {class: "published", d: `M${x(at)},0v${rowHeight}`,
        "stroke-dasharray": "3 2"});
    if (page.ends(exponent.ci90).length > 0)
      page.put(svg, "path", {class: "line", stroke,
        d: `M${to(exponent.ci90[0])},${middle}H${to(exponent.ci90[1])}`});
    if (known(exponent.expected) && rests(exponent))
      page.put(svg, "path", {class: "prior", d: `M${x(exponent.expected)},${middle - 9}v18`});
    page.put(svg, "circle", {class: "dot", cx: x(exponent.value), cy: middle, r: 5, stroke,
      fill: alone(exponent) ? "var(--ground)" : stroke});
    return svg.node();
  }

  function drawScale(x, width) {
    const svg = page.svg(width, 26, "scale"), ticks = x.ticks(Math.max(2, Math.floor(width / 48)));
    const digits = ticks.length > 1 && ticks[1] - ticks[0] < 0.095 ? 2 : 1;
    page.put(svg, "g", {class: "axis", transform: "translate(0,25)"})
      .call(d3.axisTop(x).tickValues(ticks).tickFormat(v => format.fixed(v, digits)).tickSize(4));
    return svg.node();
  }

  // ---- the table ----

  const small = text => text ? el("small", {}, text) : null;
  const row = (...children) => el("tr", {}, children);
  const cell = (...children) => el("td", {}, children);
  const title = exponent => el("th", {scope: "row"}, name(exponent), small(where(exponent)));

  /* Of a narrow page: the drawing below the texts. */
  function rowsOf(exponent, drawing, narrow) {
    if (!narrow)
      return row(title(exponent), cell(drawing), cell(written(exponent)), cell(share(exponent)));
    const upper = row(title(exponent),
      cell(written(exponent), small(share(exponent) && `assumed: ${share(exponent)}`)));
    upper.className = "upper";
    return [upper, row(el("td", {class: "drawing", colspan: 2}, drawing))];
  }

  function drawTable(space, narrow) {
    const longest = text => 1.2 * d3.max(exponents, exponent => page.textWidth(text(exponent)));
    const others = narrow ? 16 : longest(name) + Math.max(longest(written), 165) + 205;
    const drawn = Math.max(160, Math.min(1000, space - others));
    const x = d3.scaleLinear().domain(domain()).range([edge, drawn - edge]);
    const head = (content, more) => el("th", {scope: "col", ...more}, content);
    const scale = drawScale(x, drawn);
    const heads = narrow ? [head(scale, {class: "drawing", colspan: 2})]
      : [head("power law"), head(scale), head("exponent (90 % interval)"), head("assumed (mean)")];
    return el("table", {class: narrow ? "exponents narrow" : "exponents"},
      el("thead", {}, row(...heads)),
      el("tbody", {}, exponents.flatMap(exponent =>
        rowsOf(exponent, drawRow(x, drawn, exponent), narrow))));
  }

  function draw(holder, {width}) {
    const beside = width >= 1500 && verdicts.length > 0, space = beside ? width * 0.66 : width;
    const narrow = space < 680, claims = verdicts.length > 0 &&
      el("details", {open: !narrow}, el("summary", {}, `Claims (${verdicts.length})`),
        el("ul", {class: "verdicts"}, verdicts.map(verdict => el("li", {}, verdict))));
    holder.append(el("div", {class: "exponent-parts"}, drawTable(space, narrow),
      claims || null));
  }

  page.figure({id: "exponents", title: "Exponents", span: "full", flow: true,
    caption: "Best value ~ axis to the power of the exponent. Dot and line: mean and 90\u00a0% " +
      "interval. Thick tick: the mean assumed before the first trial; \"assumed\": how much of " +
      "the exponent still is that assumption." +
      (exponents.some(isGamma) ? " Dashed: published, 1 (muP) and 1/2 (large vocabulary)." : ""),
    needs: () => exponents.length > 0, draw});
})();
