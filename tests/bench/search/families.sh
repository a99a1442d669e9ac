#!/bin/sh
# usage: tests/bench/search/families.sh
#            [families|refusals|rising|flattening|decay|cells|sweeps|seeds|speed]...
#            [--only ROW] [--campaigns N] [--misfit OCTAVES] [--subsets] [--csv]
#
# How well the search answers with default settings, where the truth is known; all tables without an
# argument, seeds fixed.
#   families   surfaces outside the model, 200 campaigns each
#   refusals   surfaces without an optimum in the range, 200 each: `identified` should be 0
#              (low-lrs-diverge has an optimum: there `wrong` and `outside` should be 0)
#   rising     beta -.3
#   flattening the curvature falls over tokens, in one row only to the longest horizon
#   decay      a ridge between LR and weight decay, which are searched together, 200 campaigns: in
#              LR * decay (ridge) or in LR^.6 * decay (tilted); three rows each: the LR, the decay,
#              and the LR of a search with the best decay fixed
#   cells      3 x 3 cells that miss their laws in common, 60 campaigns, stopped at three budgets
#   sweeps     published sweeps in ${LRSEARCH_SWEEPS:-../shared/sweeps}; --subsets: of horizons
#   seeds      plan seeds 1 to 3 on those sweeps
#   speed      one decision
# wrong: identified, and the interval does not hold the truth. outside: an LR below or above all
# that were tried. |error|, width: medians. answered: with an LR, identified or not. keeping: the
# penalty at the target of the longest horizon's fitted optimum; saved: keeping minus answer, where
# both are known. A penalty counts as 1 nat at most. Penalty, printed over true: the mean that the
# answers print over the true mean, for the answer and for keeping; 2x: the same for half or twice
# the optimum, median of all campaigns; near: the share of these within a factor 3. --only: one row
# of a table, or files by the beginning of their names; --misfit: standard deviation of each
# horizon's optimum in families, refusals, rising, flattening and decay (.1); --csv: one line a
# campaign, with the tables on stderr.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
folder=${LRSEARCH_SWEEPS:-../shared/sweeps}
if ls "$folder"/*.csv >/dev/null 2>&1; then
    set -- "$@" --folder "$folder" --list "$here/campaigns.txt"
fi
cmake -S "$root" -B "$root/build" -G Ninja >/dev/null
ninja -C "$root/build" bench_families >/dev/null
exec "$root/build/tests/bench_families" "$@"
