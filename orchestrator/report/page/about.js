/* What was run: the command that repeats it, model, data, training, machines, versions, the plan,
 * downloads; and the output of commands that failed. */
(() => {
  "use strict";
  const {data, el, format, known, state} = page;
  const given = value => value !== null && value !== undefined && value !== "";

  // ---- downloads ----

  const button = (text, act) =>
    el("button", {type: "button", class: "download", onclick: act}, text);
  const json = value => `${JSON.stringify(value, null, 2)}\n`;
  const saveJson = (name, value) => page.save(name, json(value), "application/json");
  /* Columns that trials.csv of the run has, too, have its names. */
  const csv = () => d3.csvFormat(page.trials.map(({index, tokens, loss, seconds, ...trial}) =>
    ({...trial, model: page.cellName(trial.cell), horizon_tokens: tokens, val_loss: loss,
      rank_seconds: seconds})));
  page.downloads = {
    trials: () => button("Download trials.csv",
      () => page.save("trials.csv", `${csv()}\n`, "text/csv")),
    result: () => button("Download result.json", () => saveJson("result.json", data.answer)),
    data: () => button("Download the page’s data", () => saveJson("report.json", data)),
  };

  // ---- parts ----

  const title = key => key.replace(/_utc$/, " (UTC)").replace(/_/g, " ");
  function valueText(key, value) {
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (typeof value === "number" && /tokens|params|bytes/.test(key)) return format.count(value);
    if (typeof value === "number") return String(Number(value.toPrecision(6)));
    if (Array.isArray(value)) return value.map(one => valueText(key, one)).join(", ");
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  }
  const filled = object => Object.entries(object || {})
    .filter(([, value]) => given(value) && !(Array.isArray(value) && value.length === 0));
  const facts = (entries, name = key => key) =>
    page.facts(entries.map(([key, value]) => [name(key), valueText(key, value)]));
  function block(name, ...children) {
    const node = page.block(name, ...children);
    node.classList.toggle("long", node.querySelectorAll("dt").length > 6);
    return node;
  }
  const table = (label, titles, rows) => page.table(label, titles, rows, "words");

  // ---- blocks ----

  const shape = ["arch", "d_model", "n_layers", "n_heads", "head_size", "d_ff", "context", "vocab",
    "parametrization", "base_width"];
  /* A command, or a table of losses, has a model and a training of its own. */
  const own = ({trainer = {}}) => ["transformer", "simulate"].includes(trainer.kind);
  function modelBlock(resolved) {
    const models = (data.models || []).map((model, cell) => ({...model, name: page.cellName(cell)}))
      .filter(model => known(model.params));
    const count = value => `${format.tokens(value)} (${value.toLocaleString("en")})`;
    const counts = models.length !== 1 ? []
      : [["parameters", models[0].params], ["hidden parameters", models[0].hidden_params]]
        .filter(([, value]) => known(value)).map(([key, value]) => [key, count(value)]);
    const values = own(resolved)
      ? filled(resolved.model).filter(([key, value]) => value !== 0 && shape.includes(key)) : [];
    const shown = [...counts, ...values];
    if (models.length === 0 && shown.length === 0) return null;
    const rows = models.map(model =>
      [model.name, format.tokens(model.params), format.tokens(model.hidden_params)]);
    return block("Model", facts(shown),
      rows.length > 1 ? table("Models", ["model", "parameters", "hidden"], rows) : null);
  }

  const group = (name, object) =>
    filled(object).length > 0 ? block(name, facts(filled(object))) : null;
  const without = (object, start, unless) => Object.fromEntries(
    Object.entries(object || {}).filter(([key]) => unless || !key.startsWith(start)));

  function trainingBlocks(resolved) {
    const {trainer: {kind, argv = [], cwd} = {}, training} = resolved;
    const muon = training?.optimizer === "muon";
    return [kind === "transformer" ? null : group("Trainer", {kind, command: argv.join(" "), cwd}),
      own(resolved) ? group("Training", without(training, "muon_", muon)) : null];
  }

  function dataBlock({data: plan = {}}) {
    const made = plan.source === "synthetic";
    return group("Data", filled(data.data).length > 0 ? {source: plan.source, ...data.data}
      : without(without(plan, "zipf_", made), "markov_", made));
  }

  const limits = ["retries", "stop_on_fail", "first_failures", "asks"]; // of the plan
  /* What all starts have in common once, the rest as a table. */
  function startsBlock(starts = []) {
    if (starts.length === 0) return null;
    const keys = [...new Set(starts.flatMap(start => Object.keys(start)))]
      .filter(key => !limits.includes(key) && starts.some(start => given(start[key])));
    const alike = keys.filter(key => starts.every(start => start[key] === starts[0][key]));
    const others = keys.filter(key => !alike.includes(key));
    const text = (start, key) => given(start[key]) ? valueText(key, start[key]) : "";
    const all = key => [key, starts.map(start => text(start, key)).join(", ")];
    return block(starts.length === 1 ? "Machine" : `Machines of ${starts.length} starts`,
      facts(alike.map(key => [key, starts[0][key]]), title),
      others.length === 1 ? facts(others.map(all), title) : null,
      others.length > 1 ? table("Starts", others.map(title),
        starts.map(start => others.map(key => text(start, key)))) : null);
  }

  function folded(name, id, text) {
    const details = el("details",
      {open: state.get(id, false), ontoggle: () => state.set(id, details.open)},
      el("summary", {}, name), el("pre", {tabindex: "0"}, text));
    return details;
  }

  // ---- figures ----

  function drawAbout(holder) {
    const {plan = {}, lrsearch: version = {}} = data, resolved = plan.resolved || {};
    holder.append(
      data.command ? el("div", {class: "repeat"}, el("h3", {}, "The command that repeats it"),
        page.command(data.command)) : "",
      page.blocks([modelBlock(resolved), dataBlock(resolved),
        ...trainingBlocks(resolved), startsBlock(data.starts),
        group("Versions", {lrsearch: version.version, commit: version.commit,
          "run directory": data.run_dir, "page written": data.written_utc,
          schema: data.schema_version})]),
      el("div", {class: "plans"},
        plan.given ? folded("Plan as given", "plan-given", plan.given) : null,
        plan.resolved ? folded("Plan with every value", "plan-resolved", json(resolved)) : null),
      el("div", {class: "tools"},
        page.downloads.result(), page.downloads.data(), page.downloads.trials()));
  }

  const drawOutputs = holder => holder.append(...data.outputs.map((output, i) =>
    folded(output.heading || `trial ${output.trial}, attempt ${output.attempt}`, `output-${i}`,
      output.text || "")));

  page.figure({id: "about", title: "What was run", span: "full", flow: true, once: true,
    draw: drawAbout});
  page.figure({id: "output", title: "Commands that failed", span: "full", flow: true, once: true,
    caption: "What they printed last, the latest first; all of it is in the run's folder output.",
    needs: () => (data.outputs || []).length > 0, draw: drawOutputs});
})();
