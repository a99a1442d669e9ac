/* What was run: the command that repeats it, model, data, training, machines, versions, the plan, downloads; and
 * the output of commands that failed. */
(() => {
  "use strict";
  const {data, el, format, known, state} = page;
  const given = value => value !== null && value !== undefined && value !== "";

  // ---- downloads ----

  const button = (text, act) => el("button", {type: "button", class: "download", onclick: act}, text);
  const json = value => `${JSON.stringify(value, null, 2)}\n`;
  page.downloads = {
    trials: () => button("Download trials.csv", () => page.save("trials.csv",
      `${d3.csvFormat(page.trials.map(({index, cell, ...rest}) => ({id: rest.id, cell, model: page.cellName(cell), ...rest})))}\n`, "text/csv")),
    result: () => button("Download result.json", () => page.save("result.json", json(data.answer), "application/json")),
    data: () => button("Download the page’s data", () => page.save("report.json", json(data), "application/json")),
  };

  // ---- parts ----

  const title = key => key.replace(/_utc$/, " (UTC)").replace(/_/g, " ");
  function valueText(key, value) {
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (typeof value === "number") return /tokens|params|bytes/.test(key) ? format.count(value) : String(Number(value.toPrecision(6)));
    if (Array.isArray(value)) return value.map(one => valueText(key, one)).join(", ");
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  }
  const filled = object => Object.entries(object || {}).filter(([, value]) => given(value) && !(Array.isArray(value) && value.length === 0));
  const facts = (entries, name = key => key) => el("dl", {class: "facts"}, entries.map(([key, value]) =>
    el("div", {}, el("dt", {}, name(key)), el("dd", {}, valueText(key, value)))));
  const block = (name, ...children) => el("div", {class: "block"}, el("h3", {}, name), ...children);
  const table = (label, titles, rows) => el("div", {class: "wide", tabindex: "0", role: "group", "aria-label": label},
    el("table", {}, el("thead", {}, el("tr", {}, titles.map(text => el("th", {scope: "col", class: "words"}, text)))),
      el("tbody", {}, rows.map(row => el("tr", {}, row.map(text => el("td", {class: "words"}, text)))))));

  // ---- blocks ----

  function modelBlock(resolved) {
    const models = (data.models || []).map((model, cell) => [page.cellName(cell), model]).filter(([, model]) => model);
    const keys = ["arch", "d_model", "n_layers", "n_heads", "head_size", "d_ff", "context", "vocab", "parametrization", "base_width"];
    const shape = filled(resolved.model).filter(([key]) => keys.includes(key));
    const counts = models.length === 1 ? [["parameters", models[0][1].params], ["hidden parameters", models[0][1].hidden_params]]
      .filter(([, value]) => known(value)).map(([key, value]) => [key, `${format.tokens(value)} (${value.toLocaleString("en")})`]) : [];
    if (models.length === 0 && shape.length === 0) return null;
    return block("Model", facts([...counts, ...shape]), models.length > 1 ? table("Models", ["model", "parameters", "hidden"],
      models.map(([name, model]) => [name, format.tokens(model.params), format.tokens(model.hidden_params)])) : null);
  }

  const group = (name, object) => filled(object).length > 0 ? block(name, facts(filled(object))) : null;
  const without = (object = {}, start, unless) =>
    Object.fromEntries(Object.entries(object).filter(([key]) => unless || !key.startsWith(start)));

  function dataBlock({data: plan = {}}) {
    const made = plan.source === "synthetic", known = filled(data.data).length > 0;
    return group("Data", known ? {source: plan.source, ...data.data} : without(without(plan, "zipf_", made), "markov_", made));
  }

  const limits = ["retries", "stop_on_fail", "first_failures", "asks"]; // of the plan, in each start
  /* What all starts have in common once, the rest as a table. */
  function startsBlock(starts = []) {
    if (starts.length === 0) return null;
    const keys = [...new Set(starts.flatMap(start => Object.keys(start)))]
      .filter(key => !limits.includes(key) && starts.some(start => given(start[key])));
    const alike = key => starts.every(start => start[key] === starts[0][key]), others = keys.filter(key => !alike(key));
    const text = (start, key) => given(start[key]) ? valueText(key, start[key]) : "";
    return block(starts.length === 1 ? "Machine" : `Machines of ${starts.length} starts`,
      facts(keys.filter(alike).map(key => [key, starts[0][key]]), title),
      others.length === 1 ? facts(others.map(key => [key, starts.map(start => text(start, key)).join(", ")]), title)
        : others.length > 0 ? table("Starts", others.map(title), starts.map(start => others.map(key => text(start, key)))) : null);
  }

  function folded(name, id, text) {
    const details = el("details", {open: state.get(id, false), ontoggle: () => state.set(id, details.open)},
      el("summary", {}, name), el("pre", {tabindex: "0"}, text));
    return details;
  }

  page.figure({
    id: "about", title: "What was run", span: "full", flow: true, once: true,
    draw(holder) {
      const plan = data.plan || {}, resolved = plan.resolved || {}, version = data.lrsearch || {};
      page.nodeOf(holder).append(
        data.command ? el("div", {class: "repeat"}, el("h3", {}, "The command that repeats it"), page.command(data.command)) : "",
        page.blocks([modelBlock(resolved), dataBlock(resolved),
          group("Training", without(resolved.training, "muon_", resolved.training?.optimizer === "muon")),
          startsBlock(data.starts),
          group("Versions", {lrsearch: version.version, commit: version.commit, "run directory": data.run_dir,
            "page written": data.written_utc, schema: data.schema_version})]),
        el("div", {class: "plans"}, [plan.given ? folded("Plan as given", "plan-given", plan.given) : null,
          plan.resolved ? folded("Plan with every value", "plan-resolved", json(resolved)) : null].filter(Boolean)),
        el("div", {class: "tools"}, page.downloads.result(), page.downloads.data(), page.downloads.trials()));
    },
  });

  page.figure({
    id: "output", title: "Commands that failed", span: "full", flow: true, once: true,
    caption: "What they printed last, the latest first; all of it is in the folder output of the run.",
    needs: () => (data.outputs || []).length > 0,
    draw: holder => page.nodeOf(holder).append(...data.outputs.map((output, i) =>
      folded(output.heading || `trial ${output.trial}, attempt ${output.attempt}`, `output-${i}`, output.text || ""))),
  });
})();
