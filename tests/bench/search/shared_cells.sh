#!/bin/sh
# usage: tests/bench/search/shared_cells.sh [FOLDER]
#
# What a shared search over many cells costs beside as many separate ones, for intervals of the same
# width: on 12 made-up campaigns of 3 x 3 cells, and, where FOLDER has it, on the 215M sweep of Step
# Law with a cell for each batch that has all four horizons.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
folder=${1:-${LRSEARCH_SWEEPS:-../shared/sweeps}}
cmake -S "$root" -B "$root/build" -G Ninja >/dev/null
ninja -C "$root/build" bench_cells >/dev/null
"$root/build/tests/bench_cells" 12
sweep=$folder/steplaw_dense_215m.csv
[ -f "$sweep" ] || {
    echo "left out: there is no $sweep" >&2
    exit 0
}
"$root/build/tests/bench_cells" "$sweep" batch_tokens lr=lr_grid loss=train_loss_smooth
