#!/bin/sh
# usage: parallel.sh [-o FILE] [-r RUNS] [-s STEPS] [-g RANKS] PROGRAM: what groups of ranks gain on
# this machine; PROGRAM is bench_parallel.
#
# Trains d_model 256, 6 layers, 8 x 256 tokens by 1 rank, by 1 rank with 2 threads, and by 2, 4, ...
# RANKS ranks (default: as many as cores), in turn, RUNS times; prints medians and ratios. On a
# machine that others use too, the leader's CPU time of a step tells more than the time: "by_cpu" is
# what it saves (with 2 threads: both threads' time, halved). Then it measures the exchange beside
# what the latency and bandwidth of a pair predict. FILE gets a line "RANKS SPEED-UP" for each size
# of a group.
set -u
out=
runs=5
steps=12
most=$(nproc)
while getopts o:r:s:g: option; do
    case $option in
    o) out=$OPTARG ;;
    r) runs=$OPTARG ;;
    s) steps=$OPTARG ;;
    g) most=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
program=$(realpath "${1:?usage: parallel.sh [options] PROGRAM}") || exit 2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export OPENBLAS_NUM_THREADS=1 OMP_WAIT_POLICY=passive
if [ "$(id -u)" -eq 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
ranks() # NP ARGUMENT...
{
    np=$1
    shift
    timeout 600 mpirun --oversubscribe --bind-to none -np "$np" "$program" "$@"
}

echo "CPU: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores; load before: $(cut -d ' ' -f 1-3 /proc/loadavg)"
run=0
while [ "$run" -lt "$runs" ]; do
    ranks 1 train --steps "$steps" >>"$work/train" || exit 1
    ranks 1 train --steps "$steps" --threads 2 >>"$work/train" || exit 1
    np=2
    while [ "$np" -le "$most" ]; do
        ranks "$np" train --steps "$steps" >>"$work/train" || exit 1
        np=$((2 * np))
    done
    run=$((run + 1))
done
sort -k 1,1n -k 2,2n -k 3,3g "$work/train" | awk -v out="$out" '
function add_row(    f) {
    split(row[now, int((count[now] + 1) / 2)], f, " ")
    if (first == 0) { first = f[3]; first_cpu = f[5] }
    printf "%5d %7d %8.4f %8.4f %8.4f %8.4f %8.2f %8.2f %8.2f\n", f[1], f[2], f[3], best[now], f[4], f[5],
        f[6], first / f[3], first_cpu / f[5] * f[2]
    if (out != "" && f[2] == 1) printf "%d %.3f\n", f[1], first / f[3] >out
}
BEGIN { print "ranks threads   step_s  least_s   wait_s    cpu_s  all_cpu speed-up   by_cpu" }
{
    key = $1 " " $2
    if (!(key in count)) { order[++keys] = key; best[key] = $3 }
    row[key, ++count[key]] = $0
    if (bits == "") bits = $7
    if ($7 != bits) differ = 1
}
END {
    if (out != "") print "# ranks, speed-up; measured: tests/bench/parallel/parallel.sh" >out
    for (k = 1; k <= keys; k++) { now = order[k]; add_row() }
    print differ ? "LOSSES DIFFER" : "equal losses, bit for bit"
    exit differ
}' || exit 1
echo "exchange:"
np=2
while [ $((2 * np)) -le "$most" ]; do np=$((2 * np)); done
ranks $np exchange
echo "load after: $(cut -d ' ' -f 1-3 /proc/loadavg)"
