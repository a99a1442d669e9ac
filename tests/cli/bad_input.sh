#!/bin/sh
# Bad data and bad places: each is refused with what is wrong and where, before anything is trained.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

refused() # STATUS TEXT ARGUMENT...
{
    wanted_status=$1
    text=$2
    shift 2
    run "$LRSEARCH" "$@"
    expect_status "$wanted_status"
    expect_err "$text"
    expect_out_empty
    ! grep -q '"event":"started"' logs/*/journal.jsonl 2>/dev/null || fail "a trial was started"
}

model="model: {arch: gpt, d_model: 16, n_layers: 1, n_heads: 2, context: 16, vocab: 256}"
tiny_plan text.yaml "$model" "name: text" "data: {text: [story.txt], tokenizer: bytes, val_tokens: 4096}"
refused 65 "story.txt" text.yaml

awk 'BEGIN { for (i = 0; i < 25; i++) print "the quick brown fox jumps over a lazy dog" }' |
    head -c 1024 >story.txt
refused 65 "story.txt" text.yaml

: >story.txt
refused 65 "story.txt" text.yaml

# Enough to validate on, too little for the longest horizon: says how much there is, and the mend.
awk 'BEGIN { for (i = 0; i < 1000; i++) print "the quick brown fox jumps over lazy dog", i * i % 977 }' \
    >story.txt
tiny_plan long.yaml "$model" "name: long" "data: {text: [story.txt], tokenizer: bytes, val_tokens: 4096}" \
    "search: {lr: [1e-3, 1e-1], horizons: [8k, 16k, 1M]}"
refused 65 "data.repeat" long.yaml
expect_err "search.horizons"

printf '\037\213\010\000garbage that is no gzip stream' >broken.txt.gz
tiny_plan broken.yaml "$model" "name: broken" \
    "data: {text: [broken.txt.gz], tokenizer: bytes, val_tokens: 4096}"
refused 65 "broken.txt.gz" broken.yaml

# A place where no directory can be made: under a file, which stops root too.
tiny_plan tiny.yaml
: >a_file
refused 73 "a_file/run" tiny.yaml --run-dir a_file/run
if [ "$(id -u)" -ne 0 ]; then
    mkdir locked
    chmod 500 locked
    refused 73 "locked" tiny.yaml --run-dir locked/run
fi

# Everything diverges: an answer that says so, not an error.
tiny_plan hot.yaml "name: hot" "search: {lr: [1, 10], horizons: [8k, 16k, 32k], policy: grid}"
run "$LRSEARCH" hot.yaml
expect_status 3
expect_json not_identified logs/hot/result.json status
grep -qi 'edge\|diverg\|lower' out || fail "the table does not say why there is no optimum"
[ -n "$(json logs/hot/result.json reason)" ] || fail "result.json gives no reason"
