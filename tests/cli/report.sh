#!/bin/sh
# RUN_DIR/report.html: written by run and by report, whole by itself, with the answer of result.json
# and every trial; of campaigns that failed, ran out of budget or still run; --data; --watch.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
no_d3=${1:?} # lrsearch, built without D3

length() # KEY...: of the array of numbers in page.json
{
    json page.json "$@" | tr ',' '\n' | grep -c '[0-9]'
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
    expect_page "$1" "content=\"default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline'; img-src data: blob:\""
    ! grep -qE '<link|<iframe|<object|<img[^>]* src="[^d]' "$1" || fail "$1 is not self-contained"
}

page_data() # PAGE: its JSON
{
    sed -n 's,.*<script type="application/json" id="data">\(.*\)</script>$,\1,p' "$1"
}

without_time() # JSON FILE, or a page
{
    sed 's/"written_utc":"[^"]*"//' "$1"
}

expect_same_lr() # RUN_DIR
{
    page_lr=$(sed -n 's/.*<data id="lr" value="\([^"]*\)".*/\1/p' "$1/report.html")
    awk -v a="$page_lr" -v b="$(json "$1/result.json" target lr)" 'BEGIN { exit !(a > 0 && a + 0 == b + 0) }' ||
        fail "$1: the page's learning rate is $page_lr, not that of result.json"
    page_data "$1/report.html" >page.json
    for key in target law horizons warnings cost confidence; do
        [ "$(json page.json answer $key)" = "$(json "$1/result.json" $key)" ] ||
            fail "$1: the page's $key is not that of result.json"
    done
}

# At the end of a run, and the same again by report.
tiny_plan tiny.yaml
run "$LRSEARCH" tiny.yaml -q
dir=logs/tiny
expect_whole $dir/report.html
expect_same_lr $dir
[ "$(stat -c %a $dir/report.html)" = 600 ] || fail "report.html is not private"
trials=$(($(wc -l <$dir/trials.csv) - 1))
expect_count "trials" "$trials" "$(length trials id)"
over=$(grep -cE ",(done|diverged)," $dir/trials.csv)
expect_count "loss curves" "$over" "$(length curves trial)"
expect_count "attempts" "$trials" "$(length attempts rank)"
expect_count "points of a posterior curve" 49 "$(length fits 0 curve lr)"
lr=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 5 { print $at["lr"] }' \
    $dir/trials.csv)
awk -v a="$(json page.json trials lr 3)" -v b="$lr" 'BEGIN { exit !(a > 0 && a + 0 == b + 0) }' ||
    fail "the learning rate of trial 4 is not that of trials.csv"
[ "$(json page.json command)" = "lrsearch tiny.yaml" ] || fail "the page repeats another command"
[ "$(stat -c %s $dir/report.html)" -lt 450000 ] || fail "the page is too large"
cp $dir/report.html first.html
run "$LRSEARCH" report $dir
expect_status 0
expect_out "$dir/report.html"
without_time first.html >first.txt
without_time $dir/report.html | cmp -s first.txt - || fail "report writes another page than run"
run env -u LANG LC_ALL=C "$LRSEARCH" report $dir -q # as in a batch job
[ ! -s err ] || fail "gnuplot complains of the C locale"
drawing_path=$PATH
empty_figures

# Its data alone, which changes no file.
rm $dir/report.html
run "$LRSEARCH" report $dir --data
expect_status 0
[ ! -e $dir/report.html ] || fail "--data wrote the page"
without_time out >data.txt
without_time page.json | cmp -s - data.txt || fail "--data prints other data than the page has"
# One commit in all that names it.
run "$LRSEARCH" --version
commit=$(sed -n 's/^commit: //p' out)
case $commit in
unknown) [ -z "$(json page.json lrsearch commit)" ] || fail "the page knows a commit" ;;
*) expect_json "$commit" page.json lrsearch commit ;;
esac
expect_json "$commit" $dir/provenance.json starts 0 commit

# Names are escaped, and without gnuplot the page is the same.
mkdir bin "a<b&c"
cp -r $dir/. "a<b&c"
last_command="report without gnuplot"
PATH=$PWD/bin "$LRSEARCH" report "a<b&c" >out 2>err
status=$?
expect_status 0
expect_whole "a<b&c/report.html"
expect_page "a<b&c/report.html" '"run_dir":"a\u003cb&c"'

# Several at once wait for each other: their temporary files have the same names.
writers=
for at_once in 1 2 3 4; do
    "$LRSEARCH" report $dir >at-once.$at_once 2>&1 </dev/null &
    writers="$writers $!"
    background="$background $!"
done
for at_once in $writers; do
    wait "$at_once" || fail "reports at the same time: $(cat at-once.*)"
done
[ "$(sort -u at-once.*)" = "$dir/report.html" ] || fail "reports at the same time: $(cat at-once.*)"
expect_whole $dir/report.html

# A build without D3 embeds none, and says so. (Its page: test_report_static.)
# The compiler and what it has are known from the build of the program, where that is at hand.
built=$(dirname "$LRSEARCH")
mkdir -p without/CMakeFiles
if [ -f "$built/CMakeCache.txt" ] && cp -r "$built"/CMakeFiles/[0-9]* without/CMakeFiles; then
    sed '/^CMAKE_CACHEFILE_DIR/d; /^CMAKE_HOME_DIRECTORY/d' "$built/CMakeCache.txt" >without/CMakeCache.txt
fi
run cmake -S "$LRSEARCH_SOURCE_DIR" -B without -DLRSEARCH_D3=OFF -DBUILD_TESTING=OFF
expect_status 0
expect_out "reports get static figures only"
[ "$(wc -c <without/orchestrator/report/page_d3.c)" -lt 200 ] || fail "D3 is embedded, though OFF"

# Out of budget; failed.
run "$LRSEARCH" tiny.yaml -q --run-dir poor --set budget.tokens=60k
expect_status 4
expect_whole poor/report.html
expect_page poor/report.html '<p class="badge budget_exhausted none">budget used up</p>'
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
expect_page fails/report.html '<p class="badge interrupted none">not finished</p>'
expect_page fails/report.html "too many failed trials"
! grep -q '<data id="lr"' fails/report.html || fail "a learning rate out of nothing"
run "$LRSEARCH" report fails
expect_status 0

# From beside, while it runs; then interrupted.
cat >train.sh <<'END'
#!/bin/sh
[ "$LRSEARCH_TRIAL" -le 6 ] || exec sleep 600
awk -v lr="$LRSEARCH_LR" -v tokens="$LRSEARCH_TOKENS" 'BEGIN {
    t = log(lr / 8e-3 * (tokens / 1e6) ^ .3)
    printf "{\"tokens\": %d, \"loss\": %.9g, \"final\": true}\n", tokens, 2 + .04 * t * t
}' >&"$LRSEARCH_REPORT_FD"
END
chmod +x train.sh
cat >long.yaml <<'END' # its seventh training waits for the signal
version: 1
name: tiny
trainer: {kind: command, argv: [./train.sh]}
search: {lr: [1e-3, 3e-1], horizons: [1M, 2M, 4M], policy: grid}
target: {tokens: 64M}
END
"$LRSEARCH" long.yaml -q --run-dir long >long.out 2>&1 </dev/null &
pid=$!
background="$background $pid"
wait_for_events long/journal.jsonl ended 6
run "$LRSEARCH" report long
expect_status 0
expect_whole long/report.html
grep -q '<p class="badge interrupted [a-z]*">running' long/report.html ||
    fail "it does not say that it runs"
[ "$(page_data long/report.html | sed 's/.*"state":"\([a-z]*\)".*/\1/')" = running ] || fail "state"

# --watch: refreshes itself until Ctrl-C, which leaves a page that does not; a write by the campaign
# in between, and its end.
refresh='<meta http-equiv="refresh" content="5">'
rm long/report.html
"$LRSEARCH" report long --watch >watch.out 2>watch.err </dev/null &
watch=$!
background="$background $watch"
wait_for_page() # TEXT
{
    tries=100
    until grep -qF -e "$1" long/report.html 2>/dev/null; do
        [ "$tries" -gt 0 ] || fail "long/report.html: no $1"
        sleep 0.2
        tries=$((tries - 1))
    done
}
wait_for_page "$refresh"
kill -INT "$watch"
wait "$watch"
status=$?
last_command="report long --watch"
expect_status 0
! grep -qF "$refresh" long/report.html || fail "the last page refreshes itself"
grep -qF "long/report.html: running, " watch.err || fail "--watch does not say what it did"
grep -qxF long/report.html watch.out || fail "--watch does not name the page"
kill -0 "$pid" || fail "--watch ended the campaign"

# A page that cannot be written does not end the watch.
rm long/report.html
mkdir long/report.html
"$LRSEARCH" report long --watch >watch.out 2>watch.err </dev/null &
watch=$!
background="$background $watch"
tries=400
until grep -qF "it is tried again" watch.err; do
    [ "$tries" -gt 0 ] || fail "--watch does not say that the page could not be written"
    sleep 0.05
    tries=$((tries - 1))
done
rmdir long/report.html
wait_for_page "$refresh"
kill -INT "$watch"
wait "$watch" || fail "--watch failed after a page that could not be written"

# A build without D3 draws its figures while it watches.
if command -v gnuplot >/dev/null; then
    rm -rf long/report.html long/figures
    PATH=$drawing_path "$no_d3" report long --watch >watch.out 2>watch.err </dev/null &
    watch=$!
    background="$background $watch"
    wait_for_page "$refresh"
    expect_page long/report.html '<figure id="basins"><figcaption>Loss against learning rate'
    kill "$watch"
    wait "$watch"
fi

# Ctrl-C before there is a campaign: no page is named.
mkdir preparing
cp long/lock long/plan.resolved.json long/plan.yaml preparing
"$LRSEARCH" report preparing --watch >watch.out 2>watch.err </dev/null &
watch=$!
background="$background $watch"
tries=400
until grep -q '^SigCgt:.*[2367abef]$' "/proc/$watch/status"; do # SIGINT is ignored before
    [ "$tries" -gt 0 ] || fail "--watch does not catch SIGINT"
    sleep 0.05
    tries=$((tries - 1))
done
kill -INT "$watch"
wait "$watch"
status=$?
last_command="report preparing --watch"
expect_status 65
[ ! -s watch.out ] || fail "--watch names a page that it did not write"
grep -qF "preparing/journal.jsonl: holds no campaign yet" watch.err || fail "--watch does not say why"

"$LRSEARCH" report long --watch >watch.out 2>watch.err </dev/null &
watch=$!
background="$background $watch"
wait_for_page "$refresh"
kill -TERM "$pid"
wait_gone "$pid" 20 || fail "SIGTERM did not end it"
wait_gone "$watch" 60 || fail "--watch goes on without a campaign"
wait "$watch" || fail "--watch failed"
! grep -qF "$refresh" long/report.html || fail "the last page refreshes itself"
expect_whole long/report.html
expect_same_lr long
run "$LRSEARCH" report long --watch # of one that does not run: once
expect_status 0
expect_err "long/report.html: interrupted, "

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
run "$LRSEARCH" report $dir --data --watch
expect_status 2
expect_err "report: --data goes without --watch"
run "$LRSEARCH" report nosuch
expect_status 65
expect_err "nosuch: is no directory of a run"
printf '{"event":"round","crc":"0"}\n{}\n' >>poor/journal.jsonl
run "$LRSEARCH" report poor
expect_status 74
expect_err "the checksum does not fit"
