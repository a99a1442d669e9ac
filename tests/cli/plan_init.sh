#!/bin/sh
# lrsearch plan init: what it writes is read, checked and run; what it cannot use it says.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

# So little text that the shortest horizons have to read it again; the shortest target, which needs
# the fewest simulated trainings; so much time that the slowest build ends in it.
make_story story.txt
head -c 80000 story.txt >"it's short.txt"
mkdir sub
run "$LRSEARCH" plan init "it's short.txt" -o sub/mine.yaml --target-tokens 1Mi --time 9h -q
expect_status 0
expect_out "sub/mine.yaml: "
expect_out "lrsearch check sub/mine.yaml"
[ ! -s err ] || fail "-q, but it says something"
for line in "name: mine" "'$work/it''s short.txt'" "repeat: true" "tokens: 1Mi" "wall: 9h" \
    "schedule: linear" "arXiv 2502.15938" "80k bytes of text, 80k tokens"; do
    grep -qF -e "$line" sub/mine.yaml || fail "sub/mine.yaml does not have: $line"
done
[ "$(grep -c '^  [a-z_]*:.* #' sub/mine.yaml)" -ge 12 ] || fail "keys without a comment"
run "$LRSEARCH" check sub/mine.yaml --json
expect_status 0
cp out mine.json
expect_json 0.0 mine.json training final_lr # down to zero, with its reason
# bf16 where this CPU has instructions for it and was faster; otherwise the default.
precision=$(json mine.json training precision)
if [ "$precision" = bf16 ]; then
    grep -q 'amx_bf16\|avx512_bf16' /proc/cpuinfo || fail "bf16 on a CPU that has no instructions for it"
    grep -q '^  precision: bf16 .* 0\.[0-9][0-9] of fp32.s$' sub/mine.yaml || fail "bf16 without its speed"
else
    grep -q precision sub/mine.yaml && fail "the default is written down"
fi
run "$LRSEARCH" sub/mine.yaml --set budget.trials=1 --set trainer.matmul=auto --run-dir run -q
expect_status 4

# ---- bad input ----

refused() # STATUS TEXT ARGUMENT...
{
    wanted_status=$1
    text=$2
    shift 2
    run "$LRSEARCH" plan init "$@"
    expect_status "$wanted_status"
    expect_err "$text"
    expect_out_empty
    [ ! -e bad.yaml ] || fail "bad.yaml was written"
}
cp sub/mine.yaml before.yaml
refused 73 "sub/mine.yaml: is there already" story.txt -o sub/mine.yaml
cmp -s before.yaml sub/mine.yaml || fail "an existing plan was changed"
refused 73 "nowhere/bad.yaml: cannot create it" -o nowhere/bad.yaml
refused 73 "sub: is there already" -o sub
: >empty.txt
refused 65 "empty.txt: is empty" empty.txt -o bad.yaml
echo short >short.txt
refused 65 "6 bytes of text are too few; at least 69.8k are needed" short.txt -o bad.yaml
printf 'a\0b' >binary.txt
refused 65 "binary.txt: is not text" binary.txt -o bad.yaml
refused 65 "sub: is no regular file" sub -o bad.yaml
refused 65 "missing.txt: no such file" missing.txt -o bad.yaml
refused 2 "control character" "$(printf 'a\nb')" -o bad.yaml
refused 2 "at least 1.05M" story.txt --target-tokens 100k -o bad.yaml
refused 2 "at most 10T" story.txt --params 1e18 -o bad.yaml
refused 2 "from 1s to 30d" --time 0s -o bad.yaml
refused 2 "--until: has no meaning" --until 3 -o bad.yaml
refused 2 "--lr, --seconds, --tokens and --batch-tokens are for --command" --lr 3 -o bad.yaml
# shellcheck disable=SC2046 # words
refused 2 "64 at most" $(seq 65) -o bad.yaml
run "$LRSEARCH" plan
expect_status 2
expect_err "lrsearch plan init"
