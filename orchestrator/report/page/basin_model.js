/* What the figure "loss against learning rate" shows: page.basins.
 *
 *   groups, of(cell)     {cell, tokens, fit, curve, own: trials drawn, confirm, best, floor, hollow(trial)}
 *                        by cell and horizon; floor: level of the optimum; of(cell): those not hidden
 *   horizons             tokens that have a group, ascending
 *   view                 {above, x, y, muted}: whether losses are shown as nats above each optimum; domains
 *                        after dragging (y by cell, or "all"); horizons hidden
 *   target, targetCell   data.target, and the cell whose panel shows it; null: a panel of its own
 *   shown(group)         its trials up to the slider's round
 *   optimum(group), targetNow()   {lr, ci90} as known after that round, or null
 *   lossAt(curve, lr), level(group), lrDomain(cells), lossDomain(cells)
 */
(() => {
  "use strict";
  const {data, trials, known} = page;
  const octavesShown = 2.5; // of a curve, to each side of its optimum: the loss axis ends there,
  const octavesSure = 1.5;  // and not before, however low the losses are
  const otherRatio = 0.75;  // octaves between the ratios of a trial and of the best one: drawn hollow
  const ratioNames = ["embedding_lr_ratio", "output_lr_ratio", "vector_lr_ratio", "weight_decay"];
  const modelNames = {width: "width", vocab: "vocab", depth: "n_layers", batch_tokens: "batch_tokens",
    parametrization: "parametrization"}; // of a cell's axes, and of the answer's target

  const octaves = (a, b) => Math.abs(Math.log2(a / b));
  const hasLoss = trial => trial.state === "done" && known(trial.loss);
  const isOver = trial => trial.state === "done" || trial.state === "diverged";
  const lower = (best, trial) => !best || trial.loss < best.loss ? trial : best;
  const lowest = list => list.filter(hasLoss).reduce(lower, null);

  const target = data.target && data.target.lr > 0 ? data.target : null;
  const wanted = data.answer && data.answer.target || {};
  const fits = axes => cell => axes.every(axis => !modelNames[axis] || wanted[modelNames[axis]] === undefined ||
    cell.axes[axis] === wanted[modelNames[axis]]);
  const found = data.cells.findIndex(fits(data.varies || []));
  const targetCell = data.cells.length === 1 ? 0 : found < 0 ? null : found;
  const isTargetModel = targetCell !== null && fits(Object.keys(modelNames))(data.cells[targetCell]);

  // ---- groups ----

  function makeGroups() {
    const byKey = new Map();
    const at = (cell, tokens) => {
      const key = `${cell} ${tokens}`;
      if (!byKey.has(key)) byKey.set(key, {cell, tokens, fit: null, own: [], confirm: []});
      return byKey.get(key);
    };
    for (const fit of data.fits) at(fit.cell, fit.tokens).fit = fit;
    for (const trial of trials) {
      if (!(trial.lr > 0) || !isOver(trial)) continue;
      if (trial.purpose === "search" && known(trial.cell)) at(trial.cell, trial.tokens).own.push(trial);
      else if (isTargetModel && byKey.has(`${targetCell} ${trial.tokens}`) && hasLoss(trial))
        at(targetCell, trial.tokens).confirm.push(trial);
    }
    for (const group of byKey.values()) {
      const {fit} = group, best = lowest(group.own);
      const curve = fit && fit.curve && fit.curve.lr.length > 1 ? fit.curve : null;
      group.curve = curve;
      group.floor = curve ? d3.min(curve.loss) : fit && known(fit.loss_min) ? fit.loss_min : best ? best.loss : 0;
      group.hollow = trial => best !== null && ratioNames.some(name =>
        trial[name] > 0 && best[name] > 0 && octaves(trial[name], best[name]) > otherRatio);
    }
    return [...byKey.values()].sort((a, b) => a.tokens - b.tokens);
  }
  const groups = makeGroups();
  const horizons = [...new Set(groups.map(group => group.tokens))];
  const byCell = data.cells.map((cell, i) => groups.filter(group => group.cell === i));
  const view = {above: page.state.get("basins-above", false) === true, x: null, y: new Map(),
    muted: new Set([page.state.get("basins-muted", [])].flat().filter(known))};
  const of = cell => cell === null ? [] : byCell[cell].filter(group => !view.muted.has(group.tokens));
  const level = group => view.above ? group.floor : 0;

  // ---- rounds ----

  const shown = group => group.own.filter(trial => !(trial.round > page.rounds.now));
  const known_then = () => (data.rounds || []).find(entry => entry.round === null || entry.round > page.rounds.now);
  function optimum(group) {
    if (!group.fit) return null;
    if (page.now === null) return {lr: group.fit.lr_opt, ci90: group.fit.ci90};
    const then = known_then();
    const fit = then && then.fits.find(one => one.cell === group.cell && one.tokens === group.tokens);
    return fit ? {lr: fit.lr_opt, ci90: fit.ci90} : null;
  }
  function targetNow() {
    if (!target || page.now === null) return target;
    const then = known_then();
    return then && then.lr > 0 ? {tokens: target.tokens, curve: target.curve, lr: then.lr, ci90: then.ci90} : null;
  }

  function lossAt(curve, lr) {
    const i = Math.min(curve.lr.length - 1, Math.max(1, d3.bisect(curve.lr, lr)));
    const part = Math.log(lr / curve.lr[i - 1]) / Math.log(curve.lr[i] / curve.lr[i - 1]);
    return curve.loss[i - 1] + Math.min(1, Math.max(0, part)) * (curve.loss[i] - curve.loss[i - 1]);
  }

  // ---- domains ----

  /* All trials, and the target's interval unless it reaches more than two octaves beyond them. */
  function lrDomain(cells) {
    const lrs = [];
    for (const cell of cells) for (const group of byCell[cell] || []) {
      for (const trial of group.own) lrs.push(trial.lr);
      if (group.fit && group.fit.lr_opt > 0 && group.curve) lrs.push(group.fit.lr_opt);
    }
    const [low, high] = d3.extent(lrs);
    if (target && cells.includes(targetCell))
      for (const lr of [target.lr, ...(target.ci90 || [])])
        if (lr > 0) lrs.push(low ? Math.min(high * 4, Math.max(low / 4, lr)) : lr);
    return page.padded(lrs, "lr");
  }

  /* Around the basins. A few high losses do not stretch the axis: it ends where the curves are after
   * octavesShown, or at the 90 % quantile of the losses, at most three times their median excess. */
  function lossDomain(cells) {
    let low = Infinity, high = -Infinity;
    for (const cell of cells) for (const group of of(cell)) {
      const losses = group.own.filter(hasLoss).map(trial => trial.loss).sort(d3.ascending);
      const least = losses.length > 0 ? losses[0] : group.floor, most = losses.length > 0 ? losses[losses.length - 1] : Infinity;
      const cap = losses.length > 0 ? least + Math.max(1e-4, 3 * (d3.median(losses) - least)) : Infinity;
      let top = losses.length > 0 ? Math.min(cap, d3.quantile(losses, 0.9)) : group.floor;
      if (group.curve) group.curve.lr.forEach((lr, i) => {
        const away = octaves(lr, group.fit.lr_opt), limit = away <= octavesSure ? Infinity : Math.max(cap, most);
        if (away <= octavesShown) top = Math.max(top, Math.min(limit, group.curve.loss[i]));
      });
      low = Math.min(low, least - level(group), group.floor - level(group));
      high = Math.max(high, top - level(group));
    }
    if (cells.includes(null) && target.curve) { // nats above its optimum
      const near = target.curve.loss.filter((v, i) => octaves(target.curve.lr[i], target.lr) <= octavesSure);
      [low, high] = [Math.min(0, low), Math.max(high, d3.max(near) || 0)];
    }
    if (!(high >= low)) return [0, 1];
    const pad = Math.max(1e-4, 0.05 * (high - low));
    return [low - pad, high + pad];
  }

  page.basins = {groups, of, horizons, view, target, targetCell, shown, optimum, targetNow, lossAt, level, lrDomain,
    lossDomain, hasLoss, lowest};
})();
