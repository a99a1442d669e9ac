#!/bin/sh
# usage: tests/bench/sched/busy_workers.sh [--row KEY] [--workers N]... [--ranks auto|N]...
# [--surfaces N]
#                                 [--efficiency SHARE | --speedup FILE] ...
#
# How long campaigns take on 1, 8 and 63 workers, what they cost and how busy the workers are: the
# real coordinator, search and scheduler in virtual time. Minutes; a row: one, one-async, nine,
# nine-async, many, many-async. Without arguments: all rows, ten surfaces (two of many).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
cmake -S "$root" -B "$root/build" -G Ninja >/dev/null
ninja -C "$root/build" bench_sched >/dev/null
bench=$root/build/tests/bench_sched
[ $# -eq 0 ] || exec "$bench" "$@"
for row in one one-async nine nine-async; do
    "$bench" --row "$row"
done
"$bench" --row many --surfaces 2
