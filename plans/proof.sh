#!/bin/sh
# usage: plans/proof.sh [TRAINER] [--small] [--dir DIR] [-- LRSEARCH-OPTION...]
#
# Predicts the best learning rate of a training 32 times as long as the longest short one, trains
# that one itself at five learning rates half an octave apart with two seeds each, and prints what
# the prediction, the best LR of the short trainings and the published formulas cost there.
# table.md, proof.svg (by gnuplot, when it is there) and the runs lie in DIR/TRAINER.
#
#   adamw    the built-in trainer (plans/proof.yaml); without a name, this one. An hour on two cores
#   muon     the same with training.optimizer: muon
#   command  a PyTorch script (plans/proof-command.yaml); needs python3-torch. Two to three hours
#   quickstart  plans/quickstart.yaml, whose target is 8 times the longest short training; there at
#            seven learning rates around 2e-3, whatever the prediction, with three seeds each
#   --small  horizons up to 128Ki tokens, target 2Mi: minutes instead of hours
#   --dir    folder of the results (logs/proof, with --small logs/proof-small)
#
# The same command goes on where it stopped; what is finished is not trained again. The sweep is
# widened where the best learning rate may lie below or above it, and up or down to the best one of
# the short trainings. LRSEARCH: the program to run; without it, run.sh builds it.
set -eu
unset CDPATH
export LC_ALL=C

usage_error() # TEXT
{
    echo "proof.sh: $1 (usage: plans/proof.sh [adamw|muon|command|quickstart] [--small] [--dir DIR] [-- OPTION...])" >&2
    exit 2
}

trainer='' small='' dir=''
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    case $1 in
    adamw | muon | command | quickstart)
        [ -z "$trainer" ] || usage_error "'$1': one trainer at a time"
        trainer=$1
        ;;
    --small) small=-small ;;
    --dir)
        [ -n "${2:-}" ] || usage_error "--dir: needs a folder"
        dir=$2
        shift
        ;;
    -h | --help)
        sed -n '2,/^set -eu/{/^set -eu/d;s/^# \{0,1\}//p;}' "$0"
        exit 0
        ;;
    -*) usage_error "$1: unknown option" ;;
    *) usage_error "'$1': unknown trainer" ;;
    esac
    shift
done
[ $# -eq 0 ] || shift # the --
trainer=${trainer:-adamw}

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
case $dir in
'') dir=$root/logs/proof$small ;;
/*) ;;
*) dir=$PWD/$dir ;;
esac
dir=$dir/$trainer
command -v python3 >/dev/null || {
    echo "proof.sh: python3 is needed for the table: install python3" >&2
    exit 69
}
mkdir -p "$dir" || exit 73

plan=$here/proof.yaml
params=100k # hidden parameters of the plan's model, for the published formulas
batch=512
target=64Mi
seeds=2   # of the sweep
middle='' # of the sweep, instead of the prediction
case $trainer in
muon) set -- --set training.optimizer=muon --set 'search.lr=[1e-3, 6.4e-2]' "$@" ;;
command)
    plan=$here/proof-command.yaml
    python3 -c 'import torch' 2>/dev/null || {
        echo "proof.sh: python3 has no torch: install python3-torch, or put the python3 that has it first in PATH" >&2
        exit 69
    }
    ;;
quickstart) plan=$here/quickstart.yaml params=25k batch=256 target=8Mi seeds=3 middle=2e-3 ;;
esac
if [ -n "$small" ]; then
    target=2Mi
    set -- --set 'search.horizons=[32Ki, 64Ki, 128Ki]' --set target.tokens=$target "$@"
fi

trap : INT # Ctrl-C reaches lrsearch, too, whose exit status says what to do

# A campaign in DIR/NAME, its summary in DIR/NAME.txt. No optimum (3) and a used budget (4) are
# results, too.
campaign() # NAME LRSEARCH-OPTION...
{
    name=$1
    shift
    status=0
    if [ -n "${LRSEARCH:-}" ]; then
        "$LRSEARCH" run "$plan" -n auto --run-dir "$dir/$name" "$@" >"$dir/$name.txt" || status=$?
    else
        "$root/run.sh" "$plan" -- --run-dir "$dir/$name" "$@" >"$dir/$name.txt" || status=$?
    fi
    case $status in
    0 | 3 | 4) ;;
    75)
        echo "proof.sh: interrupted; the same command goes on" >&2
        exit 75
        ;;
    *)
        echo "proof.sh: $name ended with exit status $status" >&2
        exit "$status"
        ;;
    esac
}

echo "proof.sh: $trainer: the search, for a training of $target tokens" >&2
campaign search "$@"

# Octave grids half an octave apart: an octave on either side, the places between, and wider ones.
sweep=1
while :; do
    range=$(python3 "$here/proof_table.py" range "$dir" "$sweep" $middle)
    [ -n "$range" ] || break
    echo "proof.sh: $trainer: sweep $sweep at $target tokens, learning rates $range" >&2
    campaign "sweep-$sweep" "$@" --set search.policy=grid --set "search.horizons=[$target]" \
        --set "search.lr=$range" --set search.seeds=$seeds --set target.tokens=$target --set budget.tokens=none \
        --set budget.wall=none
    sweep=$((sweep + 1))
done

"${LRSEARCH:-$root/build/lrsearch}" audit --json --lr 1e-3 --tokens "$target" --params $params \
    --batch $batch >"$dir/audit.json" || [ $? -eq 3 ] # 3: no formula was made for so small a model
"${LRSEARCH:-$root/build/lrsearch}" report "$dir/search" --data >"$dir/report.json"
python3 "$here/proof_table.py" table "$dir" >"$dir/table.md.new"
mv "$dir/table.md.new" "$dir/table.md"
cat "$dir/table.md"

command -v gnuplot >/dev/null || {
    echo "no gnuplot here: the figure is not drawn; its numbers are in $dir/*.dat"
    exit 0
}
cd "$dir"
gnuplot <<'END' || exit 70
set terminal svg size 900,380 font "sans-serif,13" background "white"
set output "proof.svg.new"
lr_tics = '"1e-5" 1e-5, "2e-5" 2e-5, "5e-5" 5e-5, "1e-4" 1e-4, "2e-4" 2e-4, "5e-4" 5e-4, "1e-3" 1e-3, "2e-3" 2e-3, "5e-3" 5e-3, "1e-2" 1e-2, "2e-2" 2e-2, "5e-2" 5e-2, "1e-1" 1e-1'
load "marks.gp"
set multiplot layout 1,2
set grid lc rgb "#dddddd"
set logscale x
set xtics (@lr_tics)
set xlabel "learning rate"
set ylabel "validation loss above the best, nats"
set yrange [*:shown]
set key outside top center horizontal Left reverse samplen 1
set palette defined (0 "#fde725", 0.5 "#21918c", 1 "#440154")
unset colorbox
set cbrange [-0.15:1]
place(i) = lengths > 1 ? i*1.0/(lengths-1) : 1 # the target, which is always there, is the last
plot [lr_min:lr_max] for [i=0:lengths-1] "basin_curves.dat" index i using 1:2 with lines lw (i == lengths-1 ? 2.5 : 1.2) \
         lc palette frac place(i) notitle, \
     for [i=0:lengths-1] "basins.dat" index i using 1:2 with points pt (i == lengths-1 ? 9 : 7) ps (i == lengths-1 ? 0.8 : 0.5) \
         lc palette frac place(i) title word(names, i+1)
set xtics autofreq
set format x "%.0s%c"
set logscale y
set ytics (@lr_tics)
set xlabel "tokens"
set ylabel "best learning rate"
set autoscale y
set key outside top center horizontal Left reverse samplen 2 maxcols 2
plot "law.dat" using 1:3:4 with filledcurves fc rgb "#d8e6f3" title "law, 90 %", "" using 1:2 with lines lc rgb "#4477aa" notitle, \
     "horizons.dat" using 1:2:3:4 with yerrorbars pt 7 ps 0.6 lw 1.5 lc rgb "#21918c" title "short trainings, fitted", \
     "predicted.dat" using ($1*0.93):2:3:4 with yerrorbars pt 5 ps 0.8 lw 2 lc rgb "black" title "predicted", \
     "measured.dat" using ($1*1.07):2:3:4 with yerrorbars pt 9 ps 0.9 lw 2 lc rgb "#cc3311" title "measured"
unset multiplot
END
mv proof.svg.new proof.svg
echo "figure: $dir/proof.svg"
