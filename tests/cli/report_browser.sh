#!/bin/sh
# report.html in headless Chromium (report_browser.py says what is looked at). "quick": one page at
# one width, and that the check can fail. "long": four widths, light, dark and printed, of campaigns
# with axes, without an answer, with hostile texts, with 10,000 trials, while one runs, and of the
# program without D3, which is the second argument.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
for program in chromium python3; do
    command -v $program >/dev/null || skip "needs $program"
done

look() # RUN_DIR OPTION...
{
    run python3 "$LRSEARCH_SOURCE_DIR/tests/cli/report_browser.py" "$@"
    cat out
    expect_status 0
}

smaller() # FILE BYTES
{
    [ "$(stat -c %s "$1")" -lt "$2" ] || fail "$1 has $(stat -c %s "$1") bytes, not less than $2"
}

tiny_plan tiny.yaml
run "$LRSEARCH" tiny.yaml -q
expect_status 0
! grep -q "built without D3" logs/tiny/report.html || skip "needs a build with D3"

if [ "${1:-quick}" = quick ]; then
    look logs/tiny --quick
    # Each of these must be found, in a page that was whole but for them.
    breaks() # EXPECTED SED-SCRIPT
    {
        sed "$2" broken/report.html >broken/report.new
        cmp -s broken/report.html broken/report.new && fail "nothing to break: $2"
        mv broken/report.new broken/report.html
        printf '%s\n' "$1" >>broken/expected
    }
    mkdir broken
    cp logs/tiny/result.json logs/tiny/trials.csv logs/tiny/report.html broken
    # shellcheck disable=SC2016 # of JavaScript
    breaks "1400 pixels, light: console" \
        's/<\/body>/<script>setTimeout(() => { throw new Error("broken"); })<\/script>&/'
    breaks "1400 pixels, light: the page is" 's/<footer>/<div style="width: 2000px">wide<\/div>&/'
    breaks "1400 pixels, light: contrast" 's/<footer>/<p style="color: #999">pale<\/p>&/'
    breaks "another LR than in result.json" 's/id="lr" value="/&9/'
    run python3 "$LRSEARCH_SOURCE_DIR/tests/cli/report_browser.py" broken --quick
    expect_status 1
    while read -r expected; do
        expect_out "FAILED: $expected"
    done <broken/expected
    exit 0
fi

limit_s=900
look logs/tiny
tiny_plan cells.yaml \
    "model: {arch: gpt, d_model: [16, 32], n_layers: 1, n_heads: 2, context: 16, vocab: [64, 128], parametrization: mup, base_width: 16, embedding_lr_ratio: [0.25, 16]}" \
    "search: {lr: [1e-3, 3e-1], horizons: [8k, 16k], round_trials: 16}" \
    "budget: {trials: 60}"
run "$LRSEARCH" cells.yaml -q --run-dir cells
look cells

# ---- hostile texts ----

cat >train.sh <<'END'
#!/bin/sh
sleep "${SLEEP:-0}"
case $LRSEARCH_TRIAL in
[5-8])
    [ -n "${SLEEP:-}" ] || {
        printf '</pre></script><script>alert(1)</script><img src=x onerror=alert(2)> <!-- &amp; \342\200\250\n'
        exit 4
    } ;;
esac
awk -v lr="$LRSEARCH_LR" -v d="$LRSEARCH_TOKENS" 'BEGIN {
    t = log(lr / (8e-3 * (d / 1e6) ^ -.3)) / log(2)
    for (i = 1; i <= 10; i++)
        printf "{\"tokens\": %d, \"loss\": %.17g%s}\n", d * i / 10, 2 + .02 * t * t + (10 - i) / 10,
            i == 10 ? ", \"final\": true" : ""
}' >&"$LRSEARCH_REPORT_FD"
END
chmod +x train.sh
cat >hostile.yaml <<'END'
version: 1
name: hostile
trainer: {kind: command, argv: [./train.sh], env: {NOTE: '</script><script>alert(3)</script>'}}
search: {lr: [1e-3, 2.56e-1], horizons: [1M, 2M, 4M], policy: grid}
target: {tokens: 64M}
limits: {max_failures: 100}
END
hostile='<img src=x onerror=alert(4)>&amp;"'"'"
run "$LRSEARCH" hostile.yaml -q --run-dir "$hostile"
expect_status 0
look "$hostile"

# ---- no answer ----

cat >fails.yaml <<'END'
version: 1
name: fails
trainer: {kind: simulate}
simulate: {lr: 8e-3, beta: 0.3, noise: 0.03, misfit: 0.9}
search: {lr: [2.5e-3, 4e-2], horizons: [1M, 2M, 4M], policy: grid}
target: {tokens: 64M}
END
run "$LRSEARCH" fails.yaml -q --run-dir fails
expect_status 3
look fails

sed 's/name: fails/name: one/; s/, misfit: 0.9//; s/, 2M, 4M//; s/, policy: grid//' \
    fails.yaml >one.yaml
run "$LRSEARCH" one.yaml -q --run-dir one
expect_status 3
look one

# ---- a campaign that runs ----

sed 's/name: hostile/name: runs/; s/env: {/&SLEEP: "0.5", /; s/, policy: grid//' hostile.yaml >runs.yaml
start "$LRSEARCH" runs.yaml -q --run-dir runs
wait_for_events runs/journal.jsonl round 2
start "$LRSEARCH" report --watch runs
tries=300
until grep -q 'http-equiv="refresh"' runs/report.html 2>/dev/null; do
    [ "$tries" -gt 0 ] || fail "no page that reads itself again"
    sleep 0.1
    tries=$((tries - 1))
done
look runs --live

# ---- without D3 ----

if command -v gnuplot >/dev/null; then
    cp -r logs/tiny static
    run "$2" report static
    expect_status 0
    look static --no-d3
fi

# ---- sizes ----

cat >quickstart.yaml <<'END'
version: 1
name: quickstart
trainer: {kind: simulate}
simulate: {lr: 8e-3, beta: 0.3, noise: 0.012}
search: {lr: [5e-4, 1.6e-2], horizons: [256Ki, 512Ki, 1Mi], seeds: 2}
target: {tokens: 8Mi}
END
run "$LRSEARCH" quickstart.yaml -q --run-dir quickstart
expect_status 0
smaller quickstart/report.html 450000
look quickstart

sed 's/search:.*/search: {lr: [1e-4, 1], horizons: [1M, 2M, 4M, 8M], seeds: 18, policy: grid}/' quickstart.yaml >thousand.yaml
run "$LRSEARCH" thousand.yaml -q --run-dir thousand
expect_status 0
look thousand

cat >many.yaml <<'END'
version: 1
name: many
trainer: {kind: simulate}
simulate: {lr: 8e-3, beta: 0.3, noise: 0.002}
search: {lr: [1e-6, 1], horizons: [1M, 2M, 3M, 4M, 5M, 6M, 7M, 8M, 9M, 10M, 11M, 12M, 13M, 14M, 15M, 16M], seeds: 32, policy: grid}
target: {tokens: 64M}
END
run "$LRSEARCH" many.yaml -q --run-dir many
expect_status 0
[ "$(wc -l <many/trials.csv)" -gt 10000 ] || fail "fewer than 10,000 trials"
smaller many/report.html 4000000
look many
