#!/bin/sh
# usage: plans/mup-transfer.sh
#
# Runs plans/mup-transfer.yaml for sp and mup at three widths (finished ones answer at once), prints
# how far the best learning rate moves from width to width, and draws logs/mup-transfer.svg (by
# gnuplot, when it is there).
set -u
cd "$(dirname "$0")/.." || exit 70
widths="64 128 256"
runs=logs/mup-transfer
mkdir -p "$runs" || exit 73

value() # KEY RUN: a number of the first horizon in its result.json
{
    sed -n "/\"horizons\"/,\$s/^ *\"$1\": *\([-0-9.e]*\),*\$/\1/p" "$runs/$2/result.json" | head -n 1
}

# One line for each learning rate: mean loss over the seeds that did not diverge.
basin() # RUN
{
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
             $column["outcome"] == "done" { sum[$column["lr"]] += $column["val_loss"]; count[$column["lr"]]++ }
             END { for (lr in sum) print lr, sum[lr] / count[lr] }' "$runs/$1/trials.csv" | sort -g
}

for kind in sp mup; do
    for width in $widths; do
        # one horizon gives no slope: exit status 3 is as good as 0 here
        ./run.sh plans/mup-transfer.yaml -- --set "model.parametrization=$kind" \
            --set "model.d_model=$width" --run-dir "$runs/$kind-$width" >"$runs/$kind-$width.txt"
        status=$?
        if [ "$status" -ne 0 ] && [ "$status" -ne 3 ]; then
            echo "$0: $kind at width $width ended with exit status $status" >&2
            exit "$status"
        fi
        basin "$kind-$width" >"$runs/$kind-$width.dat"
        echo "$(value lr_opt "$kind-$width") $(value loss_min "$kind-$width")" >"$runs/$kind-$width.best"
    done
done

for kind in sp mup; do
    for width in $widths; do
        echo "$kind $width $(cat "$runs/$kind-$width.best")"
    done
done | awk '
    BEGIN { printf "%-5s %6s %10s %8s  %s\n", "", "width", "best LR", "loss", "octaves from width 64" }
    $2 == 64 { base = $3 }
    { printf "%-5s %6d %10.2e %8.4f  %+.2f\n", $1, $2, $3, $4, log($3 / base) / log(2) }'

command -v gnuplot >/dev/null || {
    echo "no gnuplot here: the figure is not drawn; the basins are in $runs/*.dat"
    exit 0
}
gnuplot <<END || exit 70
set terminal svg size 860,340 font "sans-serif,13" background "white"
set output "logs/mup-transfer.svg"
set multiplot layout 1,2
set logscale x 2
set format x "%.0e"
set xrange [4e-4:4e-2]
set yrange [2.3:3.4]
set xtics (5e-4, 2e-3, 8e-3, 3.2e-2)
set grid lc rgb "#dddddd"
set xlabel "learning rate"
set ylabel "validation loss, nats per token"
do for [kind in "sp mup"] {
    set title kind
    plot for [i = 1:3] "$runs/".kind."-".word("$widths", i).".dat" using 1:2 with linespoints pt 7 ps 0.5 lw 1.5 lt i title "width ".word("$widths", i), \
         for [i = 1:3] "$runs/".kind."-".word("$widths", i).".best" using 1:2 with points pt 2 ps 1.6 lw 2.5 lt i notitle
}
unset multiplot
END
echo "figure: logs/mup-transfer.svg"
