#!/bin/sh
# RUN_DIR/report.html: written by run and by report, whole by itself, with the answer of result.json
# and every training; of campaigns that failed, ran out of budget or still run; without gnuplot.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

figure() # FILE ID: its markup
{
    awk -v id="<figure id=\"$2\">" 'index($0, id) { on = 1 } on { print } on && /<\/figure>/ { exit }' "$1"
}

count_of() # TEXT, on stdin: how often, several on a line too
{
    awk -v text="$1" '{ n += gsub(text, "") } END { print n + 0 }'
}

expect_count() # WHAT EXPECTED FOUND
{
    [ "$2" -eq "$3" ] || fail "$1: $3 instead of $2"
}

expect_page() # FILE TEXT
{
    grep -qF -e "$2" "$1" || fail "$1 does not say: $2"
}

expect_whole() # FILE: nothing is loaded from anywhere
{
    expect_file "$1"
    expect_page "$1" "</html>"
    if grep -qE "https?:|@import|url\(|<link|<img|<iframe|<object| src=" "$1" ||
        sed "s/xlink:href='#/ /g" "$1" | grep -q "href="; then
        fail "$1 is not self-contained"
    fi
}

expect_same_lr() # RUN_DIR
{
    page_lr=$(sed -n 's/.*<data id="lr" value="\([^"]*\)".*/\1/p' "$1/report.html")
    awk -v a="$page_lr" -v b="$(json "$1/result.json" target lr)" 'BEGIN { exit !(a > 0 && a + 0 == b + 0) }' ||
        fail "$1: the page's learning rate is $page_lr, not that of result.json"
}

# At the end of a run, and the same again by report.
tiny_plan tiny.yaml
run "$LRSEARCH" tiny.yaml -q
dir=logs/tiny
expect_whole $dir/report.html
expect_same_lr $dir
[ "$(stat -c %a $dir/report.html)" = 600 ] || fail "report.html is not private"
trials=$(($(wc -l <$dir/trials.csv) - 1))
expect_count "rows of trials" "$trials" "$(count_of "<tr id=t" <$dir/report.html)"
cp $dir/report.html first.html
run "$LRSEARCH" report $dir
expect_status 0
expect_out "$dir/report.html"
cmp -s first.html $dir/report.html || fail "report writes another page than run"
run env -u LANG LC_ALL=C "$LRSEARCH" report $dir -q # as in a batch job
[ ! -s err ] || fail "gnuplot complains of the C locale"
if command -v gnuplot >/dev/null; then
    over=$(grep -cE ",(done|diverged)," $dir/trials.csv)
    expect_count "points of the basins" "$over" "$(figure $dir/report.html basins | count_of "data-t=")"
    expect_count "loss curves" "$over" "$(figure $dir/report.html curves | count_of "data-t=")"
    expect_count "bars of workers" "$trials" "$(figure $dir/report.html workers | count_of "data-t=")"
    for id in horizon spent; do
        [ "$(figure $dir/report.html $id | count_of "<svg")" -eq 1 ] || fail "figure $id is missing"
    done
    narrowed=$(figure $dir/report.html spent)
    echo "$narrowed" | grep -q "<details open>" || fail "how the search narrowed is hidden"
    first=$(echo "$narrowed" | grep -A9 "How the search narrowed" | tr -d '\n')
    tried=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["round"] == 1 { lr = $at["lr"] + 0; if (!low || lr < low) low = lr; if (lr > high) high = lr }
        END { printf "%.1e .. %.1e", low, high }' $dir/trials.csv | sed 's/e-0/e-/g')
    case $first in
    *">$tried<"*) ;;
    *) fail "the first round tried $tried: $first" ;;
    esac
    ! grep -q 'id="axes"' $dir/report.html || fail "axes without axes"
    [ -z "$(find $dir/figures -name '.*' -type f)" ] || fail "more than figures is left"
fi

# Without gnuplot the tables are there, and a word how to get the figures. Names are escaped.
mkdir bin "a<b&c"
cp -r $dir/. "a<b&c"
last_command="report without gnuplot"
PATH=$PWD/bin "$LRSEARCH" report "a<b&c" >out 2>err
status=$?
expect_status 0
expect_whole "a<b&c/report.html"
expect_page "a<b&c/report.html" "<code>lrsearch report a&lt;b&amp;c</code>"
expect_page "a<b&c/report.html" "<details open>"
! grep -q "<svg" "a<b&c/report.html" || fail "a figure without gnuplot"
for text in "What was measured at each length of training" "What each rank did" "How the search narrowed"; do
    expect_page "a<b&c/report.html" "<caption>$text"
done

# Out of budget; failed.
run "$LRSEARCH" tiny.yaml -q --run-dir poor --set budget.tokens=60k
expect_status 4
expect_whole poor/report.html
expect_page poor/report.html '<p class="badge budget_exhausted">budget used up</p>'
expect_page poor/report.html "budget.tokens is too small"
cat >fails.yaml <<'END'
version: 1
name: fails
trainer: {kind: simulate}
simulate: {lr: 8e-3, beta: 0.3, crash: 1}
search: {lr: [5e-4, 1e-1], horizons: [1M, 2M, 4M]}
target: {tokens: 64M}
limits: {max_failures: 2}
END
run "$LRSEARCH" fails.yaml -q --run-dir fails
expect_status 5
expect_whole fails/report.html
expect_page fails/report.html '<p class="badge interrupted">not finished</p>'
expect_page fails/report.html "too many failed trials"
! grep -q '<data id="lr"' fails/report.html || fail "a learning rate out of nothing"
run "$LRSEARCH" report fails
expect_status 0

# From beside, while it runs; then interrupted.
tiny_plan long.yaml "search: {lr: [1e-3, 3e-1], horizons: [1M, 2M, 4M], policy: grid}" \
    "target: {tokens: 64M}"
"$LRSEARCH" long.yaml -q --run-dir long >long.out 2>&1 </dev/null &
pid=$!
background="$background $pid"
wait_for_events long/journal.jsonl ended 1
run "$LRSEARCH" report long
expect_status 0
expect_whole long/report.html
expect_page long/report.html '<p class="badge interrupted">not finished</p>'
rm long/report.html
kill -TERM "$pid"
wait_gone "$pid" 20 || fail "SIGTERM did not end it"
expect_whole long/report.html
expect_same_lr long

# What cannot be.
mkdir none
cd none || exit 1
run "$LRSEARCH" report
cd ..
expect_status 2
expect_err "report: name a run's directory, as in: lrsearch report logs/quickstart"
run "$LRSEARCH" report $dir poor
expect_status 2
expect_err "report: one run's directory is expected, found also 'poor'"
run "$LRSEARCH" report nosuch
expect_status 65
expect_err "nosuch: is no directory of a run"
printf '{"event":"round","crc":"0"}\n{}\n' >>poor/journal.jsonl
run "$LRSEARCH" report poor
expect_status 74
expect_err "the checksum does not fit"
