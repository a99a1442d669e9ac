#!/bin/sh
# The comparison of the policies on tables made up here: surfaces without noise, a known optimum.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

bench=$(dirname "$LRSEARCH")/tests/bench_search
mkdir sweeps
for width in 1 2; do
    awk -v width=$width 'BEGIN {
        print "lr,tokens,loss"
        for (h = 0; h < 4; h++)
            for (k = 0; k < 13; k++) {
                lr = 5e-4 * 2 ^ (k / 2)
                t = log(lr / (6e-3 * width * (2 ^ h) ^ -0.3)) / log(2)
                printf "%.17g,%de6,%s\n", lr, 2 ^ h, (t > 2.2 ? "" : 3 - .1 * h + .02 * t * t)
            }
    }' >"sweeps/width-$width.csv"
done
printf 'width,steps,best\n1,2,3\n' >sweeps/other.csv

run "$bench" sweeps none
expect_status 0
expect_out "2 campaigns"
expect_err "left out, not in none: sweeps/other.csv:1: no column"
for policy in papers grid design; do
    grep -Eq "^$policy +0\.00[01]" out || fail "$policy is far from a clean optimum"
done
grep -Eq '^design .* 100%' out || fail "the interval of design misses"

# A list says which columns hold what, and which rows make a campaign.
awk -F, 'NR == 1 { print "w,kind,peak,D,val" } NR > 1 { print "a,x," $1 "," $2 "," $3 }' \
    sweeps/width-1.csv >sweeps/both.csv
awk -F, 'NR > 1 { print "b,x," $1 "," $2 "," $3; print "c,y," $1 "," $2 "," $3 }' \
    sweeps/width-2.csv >>sweeps/both.csv
echo "both.csv lr=peak tokens=D loss=val by=w where=kind:x" >list
run "$bench" sweeps list --policy design --verbose
expect_out "both.csv a"
expect_out "both.csv b"
! grep -q "both.csv c" out || fail "a row that the list leaves out was used"
expect_out "4 campaigns"
run "$bench" sweeps list --policy best
expect_status 2
expect_err "no policy is called best"
run "$bench" --decision
expect_out "1000 trials, 8 horizons: the next round takes"
