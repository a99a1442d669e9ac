/* The answer below the headline: its numbers and what the confidence rests on, beside the first
 * figure; then steps from the measurements to the target, confirmations, claims, cost, and the next
 * commands. Blocks flow in columns (page.css). */
(() => {
  "use strict";
  const {data, el, format, known, prose} = page;
  const answer = data.answer || {}; // null before the first answer
  const {target = {}, law = {}, cost = {}} = answer;
  const usable = known(target.lr) && answer.status !== "not_identified";

  // ---- texts ----

  const digits = (v, count) => String(Number(v.toPrecision(count)));
  const nats = v => `${digits(v, 2)} nats`;
  const plural = (n, word) => page.plural(n, word, format.count(n));
  const joined = (parts, by = ", ") => parts.filter(Boolean).join(by);
  const hundredths = v => format.fixed(v, 2);
  const both = ends => page.ends(ends).length > 0;
  const sure = (ends, one) => both(ends) ? `90 % interval ${format.interval(ends, one)}` : "";

  // ---- parts ----

  const strong = ([name, value, note, state]) =>
    [name, [el("b", {}, value), note ? el("small", {}, prose(note)) : null], state];
  /* Each row: [name, value, note, state], or a false value for none */
  const facts = rows => page.facts(rows.filter(Boolean).map(strong));
  const list = texts => el("ul", {}, texts.map(text => el("li", {}, prose(text))));
  page.facts = rows => el("dl", {class: "facts"}, rows.map(([name, value, state]) =>
    el("div", {class: state}, el("dt", {}, name), el("dd", {}, value))));
  const block = page.block = (title, ...children) =>
    el("div", {class: "block"}, title && el("h3", {}, title), ...children);
  page.blocks = blocks => {
    const shown = blocks.filter(Boolean);
    return el("div", {class: "blocks", style: `column-count: ${shown.length}`}, shown); // at most
  };

  async function copy(text, button) {
    try {
      await navigator.clipboard.writeText(text);
    } catch (error) { // refused to files by some browsers
      const area = el("textarea", {class: "off-screen"}, text);
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }
  page.command = text => {
    const button = el("button", {type: "button", "aria-label": `Copy: ${text}`,
      onclick: () => copy(text, button)}, "Copy");
    return el("div", {class: "command"}, el("code", {}, text), button);
  };

  // ---- the answer ----

  function lossFacts() {
    if (!usable) return [];
    return [
      known(target.loss_penalty) && ["If you use it", nats(target.loss_penalty),
        "of loss above the unknown optimum, about"],
      known(target.loss_penalty_if_wrong_2x) && ["Half or twice the optimum",
        nats(target.loss_penalty_if_wrong_2x), "of loss it would cost"],
      known(target.keep_penalty) && target.keep_lr > 0 && ["If you keep the short runs’",
        nats(target.keep_penalty), `of loss, about, with ${format.lr(target.keep_lr)}, `
        + "the fitted optimum of the longest trainings"],
    ];
  }

  function slopeFact() {
    const ends = both(law.beta_ci90) ? [-law.beta_ci90[1], -law.beta_ci90[0]] : null;
    const twice = `twice as long: LR\u00a0×\u00a0${format.ratio(2 ** -law.beta)}`;
    return ["Extrapolated by", `tokens^${hundredths(-law.beta)}`,
      joined([sure(ends, hundredths), twice], "; ")];
  }

  function targetFact() {
    const {width, n_layers: layers, vocab, batch_tokens: batch} = target;
    return ["Target", joined([`width ${width}`, layers > 0 && plural(layers, "layer")]),
      joined([vocab > 0 && `vocabulary ${format.count(vocab)}`,
        batch > 0 && `batch of ${format.tokens(batch)} tokens`, target.parametrization,
        target.schedule])];
  }

  function embeddingFact() {
    const ratio = target.embedding_lr_ratio || {};
    return ["Embedding LR", format.lr(target.embedding_lr), joined([
      known(ratio.value) && `best ratio ${format.ratio(ratio.value)}`,
      sure(ratio.ci90, format.ratio)])];
  }

  function answerBlock() {
    const decay = answer.weight_decay || {};
    const rows = [
      known(target.lr) && ["90 % interval",
        both(target.ci90) ? format.interval(target.ci90) : "not known",
        "of the best learning rate there"],
      ...lossFacts(),
      target.no_basin >= 0.05 && ["No optimum at all", format.percent(target.no_basin),
        "chance that the learning rate makes no difference to the loss"],
      known(law.beta) && slopeFact(),
      target.width > 0 && targetFact(),
      known(target.embedding_lr) && target.embedding_lr !== target.lr && embeddingFact(),
      decay.searched && known(decay.value) && ["Weight decay", format.ratio(decay.value),
        decay.at_edge ? "at the edge of its range" : sure(decay.ci90, format.ratio)],
    ].filter(Boolean);
    return rows.length > 0 && block(null, facts(rows));
  }

  /* The limits of the words: docs/search-model.md. */
  function confidenceBlock() {
    const c = answer.confidence;
    if (!c || !c.word) return null;
    const state = (strong, moderate) => strong ? "good" : moderate ? "fair" : "poor";
    const octaves = c.interval_octaves, share = c.assumption_share, test = law.holdout;
    const tested = test && `the shorter trainings predict ${format.lr(test.lr_predicted)} at `
      + `${format.tokens(test.tokens)} tokens; fitted ${format.lr(test.lr_measured)}`;
    const rows = facts([
      known(octaves) && ["Interval", `${format.ratio(2 ** octaves)} times from end to end`,
        "strong: at most 2, moderate: at most 4", state(octaves <= 1, octaves <= 2)],
      ["Bracketed", c.bracketed ? "yes" : "no",
        `${c.bracketed ? "" : "not "}trained on both sides of each optimum that counts`,
        state(c.bracketed, true)],
      c.back_test && c.back_test !== "none" && ["Back-test", c.back_test, tested,
        state(c.back_test === "passed", false)],
      known(share) && ["Assumption", format.percent(share),
        "of the slope over tokens is assumed, the rest your runs", state(share < 0.5, share < 0.9)],
      law.assumed && ["Assumed", "", law.assumed, "fair"],
    ]);
    rows.classList.add("marked");
    return block(`Confidence: ${c.word}`, rows);
  }

  // ---- how it came about ----

  function stepsBlock() {
    const steps = answer.transfer || [], titles = ["step", "LR times", "90 % interval"];
    if (steps.length === 0) return null;
    const body = step => el("tbody", {},
      el("tr", {}, el("th", {scope: "row"}, step.of === "horizon" ? "length" : step.of),
        el("td", {}, known(step.factor) ? digits(step.factor, 3) : "–"),
        el("td", {}, format.interval(step.ci90, format.ratio))),
      el("tr", {class: "how"}, el("td", {colspan: "3"},
        `${step.measured ? "your runs" : "a published rule"}: ${step.how}`)));
    return block("From what was measured to the target", el("table", {class: "steps"},
      el("thead", {}, el("tr", {}, titles.map(title => el("th", {scope: "col"}, title)))),
      steps.map(body)));
  }

  function confirmBlock() {
    const texts = (answer.confirm || []).map(confirm => confirm.text);
    return texts.length > 0 && block("Tried at the target", list(texts));
  }

  function batchBlock() {
    const best = answer.best_batch;
    if (!best) return null;
    if (!best.known)
      return block("Best batch", el("p", {}, `Not known: ${best.reason || "too few losses"}`));
    return block("Best batch", facts([
      ["Tokens a step", format.tokens(best.batch_tokens), sure(best.ci90, format.tokens)],
      known(best.exponent) && ["Grows as", `tokens^${hundredths(best.exponent)}`,
        sure(best.exponent_ci90, hundredths)]]));
  }

  function baselineBlock() {
    const {baseline} = answer, drift = baseline && baseline.drift;
    if (!baseline) return null;
    if (!drift)
      return block("Baseline", el("p", {}, `Not compared: ${baseline.reason || "no earlier run"}`));
    const {lr, loss} = drift, beyond = one => one.beyond && "beyond tolerance";
    return block("Baseline", el("p", {class: "soft"}, baseline.run_dir), facts([
      lr.reason ? ["LR at the target", "not compared", lr.reason]
        : ["LR at the target", `×\u00a0${format.ratio(lr.ratio)}`,
          joined([sure(lr.ci90, format.ratio), beyond(lr)], "; ")],
      loss.reason ? ["Loss", "not compared", loss.reason]
        : ["Loss", `${format.fixed(loss.difference, 4)} nats`,
          joined([`at ${format.tokens(loss.tokens)} tokens`, beyond(loss)], "; ")]]));
  }

  function costBlock() {
    const fraction = cost.target_run_fraction;
    if (!known(cost.trials)) return null;
    const share = known(fraction) && fraction >= 0 && (fraction >= 10
      ? `${digits(fraction, 3)} times the target run`
      : `${digits(100 * fraction, 3)} % of the target run`);
    const lost = cost.lost_attempts > 0 && `${plural(cost.lost_attempts, "attempt")} and `
      + `${format.tokens(cost.lost_tokens)} tokens lost`;
    return block("Spent", facts([
      ["Trainings", plural(cost.trials, "training"), lost],
      known(cost.tokens) && ["Tokens", format.tokens(cost.tokens), joined([share,
        cost.reused_tokens > 0 && `${format.tokens(cost.reused_tokens)} more reused`], "; ")],
      known(cost.core_seconds) && ["Core time", format.seconds(cost.core_seconds),
        data.wall_s > 0 && `${format.seconds(data.wall_s)} by the clock`]]));
  }

  function nextBlock() {
    const next = data.next || [], {stopped} = answer;
    if (!stopped && next.length === 0) return null;
    return block("Next", stopped ? el("p", {}, `Stopped: ${stopped}`) : null,
      next.map(page.command));
  }

  /* The table of exponents has the claims, where there is one. */
  function claimsBlock() {
    const verdicts = answer.verdicts || [];
    if (verdicts.length === 0 || (answer.exponents || []).length > 0) return null;
    const claims = block("Published claims", list(verdicts));
    claims.classList.add("long"); // may go on in the next column
    return claims;
  }

  // ---- figures ----

  const first = [answerBlock(), confidenceBlock()];
  const support = [stepsBlock(), confirmBlock(), batchBlock(), baselineBlock(), costBlock(),
    nextBlock(), claimsBlock()];
  const blocks = list => holder => holder.append(page.blocks(list));
  page.figure({id: "answer", title: "Answer", flow: true, once: true,
    needs: () => first.some(Boolean), draw: blocks(first)});
  page.figure({id: "support", title: "How the answer came about", flow: true, once: true,
    span: columns => Math.min(3, columns),
    needs: () => support.some(Boolean), draw: blocks(support)});
})();
