#!/bin/sh
# report.html in headless Chromium, at 1400 and 400 pixels, light and dark: no error in the console
# and nothing loaded, every figure has its points and its table, a point tells its trial under the
# pointer and by keyboard, the table sorts and filters, contrast is 4.5 : 1 at least.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
for program in chromium python3 gnuplot; do
    command -v $program >/dev/null || skip "needs $program"
done

expect_pages() # RUN_DIR FIGURE...
{
    dir=$1
    shift
    expect_file "$dir/report.html"
    run python3 "$LRSEARCH_SOURCE_DIR/tests/cli/report_browser.py" "$dir/report.html"
    expect_status 0
    cp out found.json
    trials=$(($(wc -l <"$dir/trials.csv") - 1))
    over=$(grep ",search," "$dir/trials.csv" | grep -cE ",(done|diverged),")
    for page in 1400-light 1400-dark 400-light 400-dark; do
        last_command="$dir at $page"
        [ "$(found "$page" errors | tr -d ' \n')" = "[]" ] || fail "console: $(found "$page" errors)"
        for figure in "$@"; do
            found "$page" figures | grep -qF "\"$figure\"" || fail "figure $figure is missing"
        done
        expect_found "$page" "$over" basins
        expect_found "$page" "$trials" rows
        for key in unnamed untabled; do
            expect_found "$page" 0 $key
        done
        for key in left all_on sorted sorted_down filtered; do
            expect_found "$page" ON $key
        done
        expect_found "$page" OFF overflows
        hovered=$(found "$page" hovered)
        for key in hover pointer keyboard; do
            found "$page" $key | grep -q "^trial [0-9]" || fail "$key tells no trial"
        done
        found "$page" hover | grep -q "^trial $hovered\$" || fail "the point tells another trial"
        awk -v c="$(found "$page" contrast)" 'BEGIN { exit !(c >= 4.5) }' ||
            fail "contrast $(found "$page" contrast): $(found "$page" contrast_where)"
        awk -v a="$(found "$page" lr)" -v b="$(json "$dir/result.json" target lr)" \
            'BEGIN { exit !(a + 0 == b + 0) }' || fail "the page has another answer than result.json"
    done
}

found() # PAGE KEY
{
    cmake -DFILE=found.json -DKEYS="$1 $2" -P "$LRSEARCH_SOURCE_DIR/tests/cli/json.cmake"
}

expect_found() # PAGE VALUE KEY
{
    value=$(found "$1" "$3") || fail "$3 is missing"
    [ "$value" = "$2" ] || fail "$3: $value instead of $2"
}

tiny_plan tiny.yaml
run "$LRSEARCH" tiny.yaml -q
expect_pages logs/tiny basins horizon spent curves workers

tiny_plan cells.yaml \
    "model: {arch: gpt, d_model: [16, 32], n_layers: 1, n_heads: 2, context: 16, vocab: [64, 128], parametrization: mup, base_width: 16, embedding_lr_ratio: [0.25, 16]}" \
    "search: {lr: [1e-3, 3e-1], horizons: [8k, 16k], round_trials: 16}" \
    "budget: {trials: 60}"
run "$LRSEARCH" cells.yaml -q --run-dir cells
expect_pages cells basins horizon axes ratio spent curves workers

cat >fails.yaml <<'END'
version: 1
name: fails
trainer: {kind: simulate}
simulate: {lr: 8e-3, beta: 0.3, noise: 0.002, crash: 0.9}
search: {lr: [5e-4, 1e-1], horizons: [1M, 2M, 4M]}
target: {tokens: 64M}
limits: {max_failures: 8}
END
run "$LRSEARCH" fails.yaml -q --run-dir fails
expect_status 5
expect_pages fails basins workers

cat >many.yaml <<'END'
version: 1
name: many
trainer: {kind: simulate}
simulate: {lr: 8e-3, beta: 0.3, noise: 0.002}
search: {lr: [1e-6, 1], horizons: [1M, 2M, 3M, 4M, 5M, 6M, 7M, 8M, 9M, 10M, 11M, 12M, 13M, 14M, 15M, 16M], seeds: 32, policy: grid}
target: {tokens: 64M}
END
limit_s=600
run "$LRSEARCH" many.yaml -q --run-dir many
expect_status 0
[ "$(wc -l <many/trials.csv)" -gt 10000 ] || fail "fewer than 10,000 trials"
[ "$(stat -c %s many/report.html)" -lt 3000000 ] || fail "report.html is larger than 3 MB"
expect_pages many basins horizon spent workers
