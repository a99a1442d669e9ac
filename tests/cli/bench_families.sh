#!/bin/sh
# The tables of the search bench: a row for each family, the same numbers each time, one CSV line a
# campaign.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

bench=$(dirname "$LRSEARCH")/tests/bench_families
run "$bench" families rising --campaigns 1
expect_status 0
for row in quartic flat-bottom left-steep right-steep v seed-noise all rising; do
    grep -Eq "^$row +[0-9]+ +[0-9.]+%" out || fail "there is no row $row"
done

run "$bench" decay --campaigns 1
expect_status 0
for row in "ridge" "ridge, the decay" "ridge, decay fixed" "tilted, the decay"; do
    grep -Eq "^$row +1 +[0-9.]+%" out || fail "there is no row $row"
done

run "$bench" refusals --only all-diverge --campaigns 2 --csv
expect_status 0
expect_err "To be refused"
expect_out "row,campaign,truth,lr,ci_low,ci_high,status"
[ "$(grep -Ec '^all-diverge,"[12]",nan,.*,not_identified,' out)" = 2 ] ||
    fail "where all diverge an optimum is identified, or lines are missing"
cp out before
run "$bench" refusals --only all-diverge --campaigns 2 --csv
cmp -s out before || fail "the same campaigns end differently"

mkdir sweeps
awk 'BEGIN {
    print "lr,tokens,loss"
    for (h = 0; h < 4; h++)
        for (k = 0; k < 13; k++) {
            lr = 5e-4 * 2 ^ (k / 2)
            t = log(lr / (6e-3 * (2 ^ h) ^ -0.3)) / log(2)
            printf "%.17g,%de6,%s\n", lr, 2 ^ h, 3 - .1 * h + .02 * t * t
        }
}' >sweeps/made-up.csv
run "$bench" sweeps seeds --folder sweeps
expect_status 0
grep -Eq '^made-up +1 +100\.0%' out || fail "the interval misses a clean optimum"
expect_out "Plan seeds 1 to 3 on the sweeps: same status in 1 of 1"

run "$bench" sweeps
expect_out "sweeps: skipped"
run "$bench" nothing
expect_status 2
expect_err "not understood: nothing"
