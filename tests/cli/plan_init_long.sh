#!/bin/sh
# Longer: other times, sizes and texts, and a campaign of a minute as it is proposed.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
limit_s=600

make_story story.txt
gzip -k story.txt
run "$LRSEARCH" plan init --time 2s -q
expect_status 2
expect_err "--time: too short for a campaign on this machine; about "
[ ! -e plan.yaml ] || fail "plan.yaml was written"

run "$LRSEARCH" plan init -q # no text: made-up data
expect_status 0
grep -q "source: synthetic" plan.yaml || fail "the data are not synthetic"
run "$LRSEARCH" check plan.yaml --json
expect_status 0

run "$LRSEARCH" plan init story.txt.gz --time 700h --params 7B --target-tokens 100B -o large.yaml -q --json
expect_status 0
expect_json 100000000000 out target_tokens
for line in "parametrization: mup" "depth_rule: completep" "d_model: 4224" "n_layers: 33"; do
    grep -qF -e "$line" large.yaml || fail "large.yaml does not have: $line"
done
run "$LRSEARCH" check large.yaml --json
expect_status 0

# A larger text has a larger model, up to where its vocabulary cannot be learned: it has 60 words.
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do cat story.txt; done >long.txt
run "$LRSEARCH" plan init long.txt --time 700h -o null.yaml -q
expect_status 0
grep -qF "d_model: 128" null.yaml || fail "not the largest model on bytes"
run "$LRSEARCH" check null.yaml --json
expect_status 0
# A plan's name is that of its file, as far as a name may be so.
mkdir names
for file in true.yaml .-x.yaml "ä b.yaml" ...; do
    run "$LRSEARCH" plan init story.txt --target-tokens 1.1M -o "names/$file" -q
    expect_status 0
    run "$LRSEARCH" check "names/$file" --json
    expect_status 0
done
# This one has more of them.
awk 'BEGIN { for (i = 0; i < 3600000; i++) printf "%d%s", (i * 7919) % 99991 + i % 1013, i % 9 ? " " : "\n" }' >rich.txt
run "$LRSEARCH" plan init rich.txt --time 700h -o rich.yaml -q
expect_status 0
grep -qF "tokenizer: bpe" rich.yaml || fail "rich.yaml has bytes"
run "$LRSEARCH" check rich.yaml --json
expect_status 0

# Two minutes, or what this machine needs at its present load.
run "$LRSEARCH" plan init story.txt --time 1s -o run.yaml -q
expect_status 2
least_s=$(sed -n 's/.* about \(.*\) would do$/\1/p' err | sed 's/\<0\([0-9]\)/\1/g;s/h/*3600+/;s/m/*60+/;s/s/+/;s/$/0/')
time_s=$((($least_s) * 3 / 2))
[ "$time_s" -gt 120 ] || time_s=120
run "$LRSEARCH" plan init story.txt --time "${time_s}s" -o run.yaml -q
expect_status 0
before=$(date +%s)
run "$LRSEARCH" run.yaml -q --run-dir run
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || [ "$status" -eq 4 ] || fail "exit status $status"
[ $(($(date +%s) - before)) -le $((time_s * 5 / 4)) ] || fail "a campaign of $time_s s took longer"
expect_file run/result.json
