"""The numbers of plans/proof.sh, which calls it:

    proof_table.py range DIR K [LR]   the LRs "[low, high]" of the octave grid that is the K-th sweep; empty: no
                                      more. The first two are five LRs around the prediction, or seven around LR
    proof_table.py table DIR          the table, as Markdown; *.dat for the figure are written to DIR

The best LR at the target is measured without the search's model: the vertex of a parabola in log2 LR,
by least squares through the losses of the five LRs nearest to the lowest mean. Seeds may have a level
of their own. Intervals are 90 %, of 4000 fits to residuals drawn again (bootstrap): they hold the
scatter of the seeds, and the misfit of the parabola.
"""
import csv
import json
import os
import random
import sys
from math import isfinite, log2, sqrt

SWEEPS = 5  # two around the prediction, three to widen it
NEAREST = 5
DRAWS = 4000
SHOWN = 0.12  # nats above the best in the figure


def read_json(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return json.load(file)


def centre(folder):
    """The predicted LR; without a prediction, the best LR seen at the longest horizon."""
    result = read_json(folder, "search", "result.json")
    lr = result["target"]["lr"]
    if lr is None and result["horizons"]:
        lr = result["horizons"][-1]["lowest_seen"]["lr"]
    if lr is None:
        sys.exit("proof.sh: the search found no learning rate at all: see search.txt")
    return lr


def kept_lrs(folder):
    """The best LRs of the longest short training: as fitted (if so), and the lowest loss seen."""
    longest = read_json(folder, "search", "result.json")["horizons"][-1]
    return [lr for lr in (longest["lr_opt"], longest["lowest_seen"]["lr"]) if lr]


def sweep_losses(folder, count):
    """{LR: {seed: loss, or None where it diverged}} of the first `count` sweeps."""
    losses = {}
    for k in range(1, count + 1):
        path = os.path.join(folder, f"sweep-{k}", "trials.csv")
        if not os.path.exists(path):
            break
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["outcome"] in ("done", "diverged"):
                    loss = float(row["val_loss"]) if row["outcome"] == "done" else None
                    losses.setdefault(float(row["lr"]), {})[row["seed"]] = loss
    return dict(sorted(losses.items()))


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def mean_losses(losses):
    """{LR: mean over the seeds}, where none diverged."""
    return {lr: mean(seeds.values()) for lr, seeds in losses.items() if None not in seeds.values()}


def edge(means):
    """-1 or 1: the lowest or highest LR is the best; 0: it has neighbours on both sides."""
    lrs = list(means)
    best = min(means, key=means.get)
    return -1 if best == lrs[0] else 1 if best == lrs[-1] else 0


def open_side(losses):
    """-1 or 1: the best LR may lie below or above all that were tried, because the lowest mean or the
    vertex of the parabola is at that end; 0: it lies between them."""
    means = mean_losses(losses)
    side = edge(means)
    if side or len(means) < NEAREST:
        return side
    basin = Basin(losses)
    x = basin.vertex(basin.fit)
    if x <= log2(min(means) / basin.best):
        return -1
    return 1 if x >= log2(max(means) / basin.best) else 0


def range_of(folder, k, given):
    middle = given or centre(folder)
    if k == 1:
        return middle / 2, middle * 2
    if k == 2:
        reach = 2 ** (1.5 if given else 0.5)
        return middle / reach, middle * reach
    losses = sweep_losses(folder, k - 1)
    means = mean_losses(losses)
    kept = kept_lrs(folder)
    if k > SWEEPS:
        return None
    if not means or open_side(losses) < 0 or min(kept) < min(losses):
        return min(losses) / 2 ** 1.5, min(losses) / sqrt(2)
    if max(means) == max(losses) and (open_side(losses) > 0 or max(kept) > max(losses)):  # none diverged
        return max(losses) * sqrt(2), max(losses) * 2 ** 1.5
    return None


# ---- the parabola ----

def parabola(points):
    """(a, b, c) of a + b x + c x^2 by least squares, from the normal equations."""
    sums = [sum(x ** k for x, _ in points) for k in range(5)]
    rows = [[sums[i + j] for j in range(3)] + [sum(y * x ** i for x, y in points)] for i in range(3)]
    for i in range(3):
        pivot = max(range(i, 3), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(3):
            if r != i:
                factor = rows[r][i] / rows[i][i]
                rows[r] = [u - factor * v for u, v in zip(rows[r], rows[i])]
    return tuple(rows[i][3] / rows[i][i] for i in range(3))


def at(fit, x):
    return fit[0] + fit[1] * x + fit[2] * x * x


class Basin:
    """The parabola through a sweep's basin, and draws of it. x is log2 of LR / best LR tried."""

    def __init__(self, losses):
        means = mean_losses(losses)
        self.means = means
        self.best = min(means, key=means.get)
        used = sorted(means, key=lambda lr: abs(log2(lr / self.best)))[:NEAREST]
        seeds = list(losses[self.best])
        levels = {s: mean(losses[lr][s] - means[lr] for lr in used) for s in seeds}
        points = [(log2(lr / self.best), losses[lr][s] - levels[s]) for lr in used for s in seeds]
        self.range = min(x for x, _ in points), max(x for x, _ in points)
        self.fit = parabola(points)
        left = len(points) - 3 - (len(seeds) - 1)
        scale = sqrt(len(points) / left) if left > 0 else float("nan")
        residuals = [(y - at(self.fit, x)) * scale for x, y in points]
        draw = random.Random(1)
        self.draws = []
        for _ in range(DRAWS if left > 0 else 0):
            fit = parabola([(x, at(self.fit, x) + draw.choice(residuals)) for x, _ in points])
            self.draws.append(fit)

    def vertex(self, fit):
        """Within the LRs that were fitted: beyond them, a parabola says nothing."""
        low, high = self.range
        if fit[2] > 0:
            return min(max(-fit[1] / (2 * fit[2]), low), high)
        return low if at(fit, low) < at(fit, high) else high

    def interval(self, value):
        """(value of the fit, low, high) of a function of a parabola."""
        draws = sorted(value(fit) for fit in self.draws)
        if not draws:
            return value(self.fit), float("nan"), float("nan")
        return value(self.fit), draws[int(0.05 * len(draws))], draws[int(0.95 * len(draws))]

    def optimum(self):
        return tuple(self.best * 2 ** x for x in self.interval(self.vertex))

    def penalty(self, lr):
        """Nats above the vertex, with its interval: by the parabola, or, beyond the LRs that it was
        fitted to, between the mean losses of the two LRs beside it. None: nothing was trained there."""
        x = log2(lr / self.best)
        if self.range[0] - 1e-9 <= x <= self.range[1] + 1e-9:
            return self.interval(lambda fit: at(fit, x) - at(fit, self.vertex(fit)))
        below = max((tried for tried in self.means if tried <= lr), default=None)
        above = min((tried for tried in self.means if tried >= lr), default=None)
        if below is None or above is None:
            return None
        share = log2(lr / below) / log2(above / below) if above > below else 0
        loss = (1 - share) * self.means[below] + share * self.means[above]
        return self.interval(lambda fit: loss - at(fit, self.vertex(fit)))


# ---- what is printed ----

def lr_text(lr):
    return f"{lr:.2e}".replace("e-0", "e-")


def interval_text(value, low, high):
    if value is None:
        return "none"
    if low is None or not isfinite(low):
        return lr_text(value)
    return f"{lr_text(value)} ({lr_text(low)} .. {lr_text(high)})"


def published(folder, batch_rule):
    """(name, LR) of the formulas, carried from their own batch to the recipe's where asked for."""
    audit = read_json(folder, "audit.json")
    for law in audit["laws"]:
        if law["name"] in ("Bjorck 2024", "Step Law 2025"):
            batch = audit["recipe"]["batch_tokens"] / law["batch_published"]
            yield law["name"], law["lr_published"] * (sqrt(batch) if batch_rule else 1)


def write_data(folder, name, rows):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        for row in rows:
            print(*(f"{value:.9g}" for value in row), file=file)


def write_blocks(folder, name, blocks):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        for rows in blocks:
            for lr, loss in rows:
                print(f"{lr:.9g} {loss:.9g}", file=file)
            print("\n", file=file)  # two empty lines: the next block of gnuplot


def tokens_text(tokens):
    """As the answer writes them: 262k, 1.05M."""
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if tokens >= unit:
            return f"{tokens / unit:.3g}{name}"
    return str(tokens)


def penalty_text(basin, losses, lr):
    penalty = basin.penalty(lr)
    if penalty:
        return "%.4f (%.4f .. %.4f)" % penalty
    means = mean_losses(losses)
    beyond = max(losses) if lr > basin.best else min(losses)
    if beyond not in means:
        return f"diverged at {lr_text(beyond)}"
    return f"beyond the sweep: more than {means[beyond] - means[basin.best]:.4f}"


def table(folder):
    result = read_json(folder, "search", "result.json")
    target, horizons = result["target"], result["horizons"]
    losses = sweep_losses(folder, SWEEPS)
    means = mean_losses(losses)
    longest = horizons[-1]
    tokens = target["tokens"]
    if not means:
        sys.exit("proof.sh: every training of the sweep diverged")
    basin = Basin(losses)
    side = open_side(losses)
    optimum = basin.optimum() if side == 0 else None
    times = tokens / longest["tokens"]
    print(f"Target: {tokens:,} tokens, {times:.3g} times the longest short training. The search took "
          f"{result['cost']['trials']} trainings and {result['cost']['target_run_fraction']:.2f} of one target "
          f"run; its answer is {result['status'].replace('_', ' ')}.\n")
    print("| learning rate | value (90 %) | loss above the best, nats (90 %) |\n|---|---|---|")
    rows = [("predicted", target["lr"], *target["ci90"])]
    if optimum:
        print(f"| **measured at the target** | **{interval_text(*optimum)}** | 0 |")
    else:
        print(f"| **measured at the target** | **{'below' if side < 0 else 'above'} {lr_text(basin.best)}** "
              "(at the edge of the sweep) | |")
    rows.append(("kept: best fitted at the longest short training", longest["lr_opt"], *longest["ci90"]))
    rows.append(("kept: lowest loss seen there", longest["lowest_seen"]["lr"], None, None))
    rows += [(f"{name}, as published", lr, None, None) for name, lr in published(folder, False)]
    rows += [(f"{name}, times the root of the batch", lr, None, None) for name, lr in published(folder, True)]
    for name, lr, low, high in rows:
        cost = penalty_text(basin, losses, lr) if lr and optimum else ""
        print(f"| {name} | {interval_text(lr, low, high)} | {cost} |")
    print("\nTrained at the target:\n\n| learning rate | mean loss, nats | seeds |\n|---|---|---|")
    for lr, seeds in losses.items():
        each = " ".join("diverged" if loss is None else f"{loss:.4f}" for loss in seeds.values())
        print(f"| {lr_text(lr)} | {f'{means[lr]:.4f}' if lr in means else ''} | {each} |")

    write_data(folder, "horizons.dat", [(h["tokens"], h["lr_opt"], *h["ci90"]) for h in horizons if h["lr_opt"]])
    write_data(folder, "predicted.dat", [(tokens, target["lr"], *target["ci90"])] if target["lr"] else [])
    write_data(folder, "measured.dat", [(tokens, *optimum)] if optimum else [])
    write_figure(folder, basin, losses)


def write_figure(folder, basin, losses):
    """basins.dat, basin_curves.dat: a block a length, the target's the last, in nats above the minimum of its
    curve; law.dat: tokens, LR, 90 % band; marks.gp: names of the lengths. From the page's data."""
    page = read_json(folder, "report.json")
    fits = [fit for fit in page["fits"] if fit["lr_opt"]]
    trials = [row for row in zip(*(page["trials"][key] for key in ("tokens", "lr", "loss", "state")))
              if row[3] == "done"]
    blocks = [[(lr, loss - fit["loss_min"]) for tokens, lr, loss, _ in trials if tokens == fit["tokens"]]
              for fit in fits]
    curves = [[(lr, loss - fit["loss_min"]) for lr, loss in zip(fit["curve"]["lr"], fit["curve"]["loss"])]
              for fit in fits]
    lowest = at(basin.fit, basin.vertex(basin.fit))
    blocks.append([(lr, loss - lowest) for lr, seeds in losses.items() for loss in seeds.values() if loss is not None])
    low, high = basin.range
    curves.append([(basin.best * 2 ** x, at(basin.fit, x) - lowest)
                   for x in (low + (high - low) * i / 60 for i in range(61))])
    write_blocks(folder, "basins.dat", blocks)
    write_blocks(folder, "basin_curves.dat", curves)
    line = page["law"][0]["line"] if page["law"] else {key: [] for key in ("tokens", "lr", "low", "high")}
    write_data(folder, "law.dat", zip(line["tokens"], line["lr"], line["low"], line["high"]))
    names = [tokens_text(fit["tokens"]) for fit in fits] + [tokens_text(page["target"]["tokens"])]
    with open(os.path.join(folder, "marks.gp"), "w", encoding="utf-8") as file:
        lrs = [lr for block in blocks for lr, above in block if above < SHOWN]
        print(f"lengths = {len(names)}\nnames = '{' '.join(names)}'\nshown = {SHOWN}\n"
              f"lr_min = {min(lrs) / 1.3:.9g}\nlr_max = {max(lrs) * 1.3:.9g}", file=file)


def main():
    action, folder = sys.argv[1:3]
    if action == "range":
        limits = range_of(folder, int(sys.argv[3]), float(sys.argv[4]) if len(sys.argv) > 4 else None)
        print("" if limits is None else "[%.17g, %.17g]" % limits)
    else:
        table(folder)


if __name__ == "__main__":
    main()
