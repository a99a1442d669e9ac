/* What the figure "loss against learning rate" shows: page.basins.
 *
 *   groups, of(cell)     {cell, tokens, fit, curve, own: trials drawn, confirm: confirmations,
 *                        floor: level of the optimum (NaN: unknown), hollow(trial): whether its
 *                        ratios are not those of the best one}, by cell and horizon; of(cell):
 *                        those not hidden
 *   cells, horizons      those that have a group, ascending
 *   view                 {above, muted}: whether losses are shown as nats above each optimum;
 *                        horizons hidden
 *   target, targetCell   data.target, and the cell whose panel shows it; null: one of its own
 *   shown(group)         its trials up to the slider's round
 *   optimum(group), targetNow()   {lr, ci90} as known after that round, or null
 *   hasLoss(trial), lowest(trials), lossAt(curve, lr), level(group)
 *   lrDomain(cells), lossDomain(cells)   null among the cells: the target's own panel;
 *                        the loss' is null if there is none */
(() => {
  "use strict";
  const {data, trials, known} = page;
  const octavesShown = 2.5; // of a curve, to each side of its optimum: the loss axis ends there,
  const octavesSure = 1.5;  // and not before, however low the losses are,
  const mostSure = 0.5;     // except where a curve is more nats above its optimum
  const otherRatio = 0.75;  // octaves between a trial's ratios and the best one's: drawn hollow
  const modelNames = {width: "width", vocab: "vocab", depth: "n_layers", // axis: key of the target
    batch_tokens: "batch_tokens", parametrization: "parametrization"};

  const octaves = (a, b) => Math.abs(Math.log2(a / b));
  const hasLoss = trial => trial.state === "done" && known(trial.loss);
  const isOver = trial => trial.state === "done" || trial.state === "diverged";
  const lowest = list => list.filter(hasLoss).reduce((best, trial) =>
    !best || trial.loss < best.loss ? trial : best, null);

  const target = data.target && data.target.lr > 0 ? data.target : null;
  const wanted = data.answer && data.answer.target || {};
  const isLikeTarget = (cell, axes) => axes.every(axis => {
    const value = wanted[modelNames[axis]];
    return value === undefined || cell.axes[axis] === value;
  });
  const tried = new Set(data.fits.map(fit => fit.cell)); // cells with trials
  const alike = data.cells.findIndex((cell, i) =>
    data.cells.length === 1 || tried.has(i) && isLikeTarget(cell, data.varies || []));
  const targetCell = alike < 0 ? null : alike;
  const isTargetModel = targetCell !== null &&
    isLikeTarget(data.cells[targetCell], Object.keys(modelNames));

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
      const {cell, tokens} = trial;
      if (!(trial.lr > 0) || !isOver(trial)) continue;
      if (trial.purpose === "search" && known(cell)) at(cell, tokens).own.push(trial);
      else if (isTargetModel && hasLoss(trial) && byKey.has(`${targetCell} ${tokens}`))
        at(targetCell, tokens).confirm.push(trial);
    }
    for (const group of byKey.values()) {
      const {fit} = group, best = lowest(group.own);
      group.curve = fit && fit.curve && fit.curve.lr.length > 1 ? fit.curve : null;
      group.floor = group.curve ? d3.min(group.curve.loss)
        : fit && known(fit.loss_min) ? fit.loss_min : best ? best.loss : NaN;
      group.hollow = trial => best !== null && Object.keys(page.ratios).some(name =>
        trial[name] > 0 && best[name] > 0 && octaves(trial[name], best[name]) > otherRatio);
    }
    return [...byKey.values()].sort((a, b) => a.tokens - b.tokens);
  }
  const groups = makeGroups();
  const horizons = [...new Set(groups.map(group => group.tokens))];
  const byCell = data.cells.map((cell, i) => groups.filter(group => group.cell === i));
  const kept = [page.state.get("basins-muted", [])].flat().filter(known);
  const view = {above: false, muted: new Set(kept)};
  const cells = d3.range(byCell.length).filter(cell => byCell[cell].length > 0);
  const of = cell => (byCell[cell] || []).filter(group => !view.muted.has(group.tokens));
  const level = group => view.above ? group.floor : 0;

  // ---- rounds ----

  const shown = group => group.own.filter(trial => !(trial.round > page.rounds.now));
  function optimum({fit, cell, tokens}) {
    if (!fit) return null;
    const then = page.knownThen();
    if (then === null) return {lr: fit.lr_opt, ci90: fit.ci90};
    const old = then && then.fits.find(one => one.cell === cell && one.tokens === tokens);
    return old ? {lr: old.lr_opt, ci90: old.ci90} : null;
  }
  function targetNow() {
    const then = page.knownThen();
    if (!target || then === null) return target;
    return then && then.lr > 0 ? {...target, lr: then.lr, ci90: then.ci90} : null;
  }

  function lossAt({lr: lrs, loss}, lr) {
    const i = Math.min(lrs.length - 1, Math.max(1, d3.bisect(lrs, lr)));
    const part = Math.log(lr / lrs[i - 1]) / Math.log(lrs[i] / lrs[i - 1]);
    return loss[i - 1] + Math.min(1, Math.max(0, part)) * (loss[i] - loss[i - 1]);
  }

  // ---- domains ----

  /* All trials, and the target's interval unless it reaches more than two octaves beyond them. */
  function lrDomain(cells) {
    const lrs = [];
    for (const group of cells.flatMap(cell => byCell[cell] || [])) {
      for (const trial of group.own) lrs.push(trial.lr);
      if (group.curve && group.fit.lr_opt > 0) lrs.push(group.fit.lr_opt);
    }
    const [low, high] = d3.extent(lrs);
    if (target && cells.includes(targetCell))
      for (const lr of [target.lr, ...(target.ci90 || [])])
        if (lr > 0) lrs.push(low ? Math.min(high * 4, Math.max(low / 4, lr)) : lr);
    return page.padded(lrs, "lr");
  }

  /* The highest loss worth showing. A few high losses do not stretch the axis: it ends where the
   * curve is after octavesShown, or at the 90 % quantile of the losses, and not above three times
   * their median excess. */
  function topOf({own, fit, curve, floor}) {
    const losses = own.filter(hasLoss).map(trial => trial.loss).sort(d3.ascending);
    let top = floor, limit = Infinity;
    if (losses.length > 0) {
      const cap = losses[0] + Math.max(1e-4, 3 * (d3.median(losses) - losses[0]));
      top = Math.min(cap, d3.quantile(losses, 0.9));
      limit = Math.max(cap, losses[losses.length - 1]);
    }
    if (curve) curve.lr.forEach((lr, i) => {
      const away = octaves(lr, fit.lr_opt), loss = curve.loss[i];
      if (away <= octavesSure) top = Math.max(top, Math.min(floor + mostSure, loss));
      else if (away <= octavesShown) top = Math.max(top, Math.min(limit, loss));
    });
    return top;
  }
  function lossDomain(cells) {
    const ends = [];
    for (const group of cells.flatMap(of).filter(({floor}) => known(floor))) {
      const best = lowest(group.own);
      ends.push(group.floor - level(group), topOf(group) - level(group));
      if (best) ends.push(best.loss - level(group));
    }
    if (cells.includes(null) && target.curve) // nats above its optimum
      target.curve.lr.forEach((lr, i) => {
        if (octaves(lr, target.lr) <= octavesShown) ends.push(0, target.curve.loss[i]);
      });
    if (ends.length === 0) return null;
    const [low, high] = d3.extent(ends), pad = Math.max(1e-4, 0.05 * (high - low));
    return [low - pad, high + pad];
  }

  page.basins = {groups, cells, of, horizons, view, target, targetCell, shown, optimum, targetNow,
    lossAt, level, lrDomain, lossDomain, hasLoss, lowest};
})();
