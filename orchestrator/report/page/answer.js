/* The answer below the headline: numbers, what the confidence rests on (beside the first figure); then
 * steps from the measurements to the target, confirmations, claims, cost, next commands. Blocks flow in
 * columns (page.css). */
(() => {
  "use strict";
  const {data, el, format, known, prose} = page;
  const answer = data.answer || {}, {target = {}, law = {}, cost = {}} = answer; // null before the first answer
  const nats = v => `${Number(v.toPrecision(2))} nats`;
  const plural = (n, word) => `${format.count(n)} ${word}${n === 1 ? "" : "s"}`;
  const both = ends => Array.isArray(ends) && ends.every(known);
  const sure = (ends, one, before = "", after = "") => both(ends) ? `${before}90 % interval ${format.interval(ends, one)}${after}` : "";
  const usable = known(target.lr) && answer.status !== "not_identified";

  // ---- parts ----

  /* [name, value, note] or null each */
  const facts = rows => el("dl", {class: "facts"}, rows.filter(Boolean).map(([name, value, note]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, el("b", {}, value), note ? el("small", {}, prose(note)) : null))));
  const list = texts => el("ul", {}, texts.map(text => el("li", {}, prose(text))));
  const block = (title, ...children) => el("div", {class: "block"}, el("h3", {}, title), ...children);

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
    const button = el("button", {type: "button", "aria-label": `Copy: ${text}`, onclick: () => copy(text, button)}, "Copy");
    return el("div", {class: "command"}, el("code", {}, text), button);
  };

  // ---- blocks ----

  function answerBlock() {
    const slope = known(law.beta) && [law.beta_ci90?.[1], law.beta_ci90?.[0]].map(v => known(v) ? -v : null);
    const decay = answer.weight_decay || {}, ratio = target.embedding_lr_ratio;
    const rows = [
      known(target.lr) && ["90 % interval", both(target.ci90) ? format.interval(target.ci90) : "not known", "of the best learning rate there"],
      usable && known(target.loss_penalty) && ["If you use it", nats(target.loss_penalty), "of loss above the unknown optimum, about"],
      usable && known(target.loss_penalty_if_wrong_2x) && ["Half or twice the optimum", nats(target.loss_penalty_if_wrong_2x), "of loss it would cost"],
      usable && known(target.keep_penalty) && target.keep_lr > 0 && ["If you keep the short one’s", nats(target.keep_penalty),
        `of loss, about, with ${format.lr(target.keep_lr)}, the fitted optimum of the longest trainings`],
      target.no_basin >= 0.05 && ["No optimum at all", format.percent(target.no_basin), "chance that the learning rate makes no difference to the loss"],
      known(law.beta) && ["Extrapolated by", `tokens^${format.fixed(-law.beta, 2)}`,
        `${sure(slope, v => format.fixed(v, 2), "", "; ")}twice as long: LR\u00a0×\u00a0${format.ratio(2 ** -law.beta)}`],
      target.width > 0 && ["Target", `width ${target.width}${target.n_layers > 0 ? `, ${plural(target.n_layers, "layer")}` : ""}`,
        [target.vocab > 0 && `vocabulary ${format.count(target.vocab)}`, target.batch_tokens > 0 && `batch of ${format.tokens(target.batch_tokens)} tokens`,
          target.parametrization, target.schedule].filter(Boolean).join(", ")],
      known(target.embedding_lr) && target.embedding_lr !== target.lr && ["Embedding LR", format.lr(target.embedding_lr),
        ratio && known(ratio.value) ? `best ratio ${format.ratio(ratio.value)}${sure(ratio.ci90, format.ratio, ", ")}` : ""],
      decay.searched && known(decay.value) && ["Weight decay", format.ratio(decay.value),
        decay.at_edge ? "at the edge of its range" : sure(decay.ci90, format.ratio)],
    ].filter(Boolean);
    return rows.length > 0 && el("div", {class: "block"}, facts(rows));
  }

  function confidenceBlock() {
    const c = answer.confidence;
    if (!c || !c.word) return null;
    const share = c.assumption_share, test = law.holdout;
    const row = (state, name, value, note) => el("div", {class: state}, el("dt", {}, name), el("dd", {}, el("b", {}, value), note ? el("small", {}, prose(note)) : null));
    const state = (good, fair) => good ? "good" : fair ? "fair" : "poor";
    return block(`Confidence: ${c.word}`, el("dl", {class: "facts marked"},
      known(c.interval_octaves) ? row(state(c.interval_octaves <= 1, c.interval_octaves <= 2), "Interval",
        `${format.ratio(2 ** c.interval_octaves)} times from end to end`, "strong: at most 2, moderate: at most 4") : null,
      row(state(c.bracketed, true), "Bracketed", c.bracketed ? "yes" : "no",
        c.bracketed ? "trained on both sides of each optimum that counts" : "not trained on both sides of each optimum that counts"),
      c.back_test && c.back_test !== "none" ? row(state(c.back_test === "passed", false), "Back-test", c.back_test,
        test ? `the shorter trainings predict ${format.lr(test.lr_predicted)} at ${format.tokens(test.tokens)} tokens; fitted ${format.lr(test.lr_measured)}` : "") : null,
      known(share) ? row(state(share < 0.5, share < 0.9), "Assumption", format.percent(share),
        "of the slope over tokens is assumed, the rest your runs") : null,
      law.assumed ? row("fair", "Assumed", "", law.assumed) : null));
  }

  function stepsBlock() {
    const steps = answer.transfer || [];
    if (steps.length === 0) return null;
    return block("From what was measured to the target", el("table", {class: "steps"},
      el("thead", {}, el("tr", {}, ["step", "LR times", "90 % interval"].map(title => el("th", {scope: "col"}, title)))),
      steps.map(step => el("tbody", {},
        el("tr", {}, el("th", {scope: "row"}, step.of === "horizon" ? "length" : step.of),
          el("td", {}, known(step.factor) ? String(Number(step.factor.toPrecision(3))) : "–"),
          el("td", {}, format.interval(step.ci90, format.ratio))),
        el("tr", {class: "how"}, el("td", {colspan: "3"}, `${step.measured ? "your runs" : "a published rule"}: ${step.how}`))))));
  }

  function confirmBlock() {
    const confirms = answer.confirm || [];
    return confirms.length > 0 && block("Tried at the target", list(confirms.map(confirm => confirm.text)));
  }

  function batchBlock() {
    const best = answer.best_batch;
    if (!best) return null;
    if (!best.known) return block("Best batch", el("p", {}, `Not known: ${best.reason || "too few losses"}`));
    return block("Best batch", facts([["Tokens a step", format.tokens(best.batch_tokens), sure(best.ci90, format.tokens)],
      known(best.exponent) && ["Grows as", `tokens^${format.fixed(best.exponent, 2)}`, sure(best.exponent_ci90, v => format.fixed(v, 2))]]));
  }

  function baselineBlock() {
    const baseline = answer.baseline, drift = baseline && baseline.drift;
    if (!baseline) return null;
    if (!drift) return block("Baseline", el("p", {}, `Not compared: ${baseline.reason || "no earlier run"}`));
    return block("Baseline", el("p", {class: "soft"}, baseline.run_dir), facts([
      ["LR at the target", drift.lr.reason ? "not compared" : `×\u00a0${format.ratio(drift.lr.ratio)}`,
        drift.lr.reason || `${sure(drift.lr.ci90, format.ratio)}${drift.lr.beyond ? "; beyond tolerance" : ""}`],
      ["Loss", drift.loss.reason ? "not compared" : `${format.fixed(drift.loss.difference, 4)} nats`,
        drift.loss.reason || `at ${format.tokens(drift.loss.tokens)} tokens${drift.loss.beyond ? "; beyond tolerance" : ""}`]]));
  }

  function costBlock() {
    const fraction = cost.target_run_fraction;
    if (!known(cost.trials)) return null;
    return block("Spent", facts([
      ["Trainings", plural(cost.trials, "training"), cost.lost_attempts > 0 ? `${plural(cost.lost_attempts, "attempt")} and ${format.tokens(cost.lost_tokens)} tokens lost` : ""],
      known(cost.tokens) && ["Tokens", format.tokens(cost.tokens), [
        !known(fraction) || fraction < 0 ? "" : fraction >= 10 ? `${Number(fraction.toPrecision(3))} times the target run` : `${Number((100 * fraction).toPrecision(3))} % of the target run`,
        cost.reused_tokens > 0 ? `${format.tokens(cost.reused_tokens)} more reused from another campaign` : ""].filter(Boolean).join("; ")],
      known(cost.core_seconds) && ["Core time", format.seconds(cost.core_seconds), data.wall_s > 0 ? `${format.seconds(data.wall_s)} by the clock` : ""]]));
  }

  function nextBlock() {
    const next = data.next || [];
    if (!answer.stopped && next.length === 0) return null;
    return block("Next", answer.stopped ? el("p", {}, `Stopped: ${answer.stopped}`) : null, next.map(page.command));
  }

  page.blocks = list => {
    const shown = list.filter(Boolean);
    return el("div", {class: "blocks", style: `column-count: ${shown.length}`}, shown); // at most so many
  };
  const blocks = list => holder => page.nodeOf(holder).append(page.blocks(list));
  const first = [answerBlock(), confidenceBlock()];
  const table = (data.exponents || []).length > 0; // it has the claims
  const claims = !table && (answer.verdicts || []).length > 0 && block("Published claims", list(answer.verdicts));
  if (claims) claims.classList.add("long"); // may go on in the next column
  const support = [stepsBlock(), confirmBlock(), batchBlock(), baselineBlock(), costBlock(), nextBlock(), claims];

  page.figure({id: "answer", title: "Answer", flow: true, once: true, needs: () => first.some(Boolean), draw: blocks(first)});
  page.figure({id: "support", title: "How the answer came about", span: columns => Math.min(3, columns), flow: true, once: true,
    needs: () => support.some(Boolean), draw: blocks(support)});
})();
