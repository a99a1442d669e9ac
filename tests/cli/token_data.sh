#!/bin/sh
# Token files, from those of others and from lrsearch tokenize to an answer, and one that goes away
# in the middle.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures
limit_s=400 # a campaign under AddressSanitizer on a loaded machine

cp "$LRSEARCH_SOURCE_DIR"/tests/tokens/*.bin "$LRSEARCH_SOURCE_DIR"/tests/tokens/*.idx .
token_plan() # FILE NAME DATA VOCAB
{
    tiny_plan "$1" "name: $2" "$3" \
        "model: {arch: gpt, d_model: 16, n_layers: 1, n_heads: 2, context: 16, vocab: $4}" \
        "search: {lr: [1e-2, 8e-2], horizons: [4k, 8k], policy: grid}"
}
answers() # PLAN: an answer, or exit status 3 with the reason why there is none
{
    run "$LRSEARCH" "$@"
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "$1: exit status $status"
}

token_plan shards.yaml shards "data: {tokens: ['llmc_*.bin'], val: ['llmc_val_*.bin'], val_tokens: 128, repeat: true}" 1000
answers shards.yaml
expect_err "training tokens; the longest horizon reads them"
token_plan megatron.yaml megatron "data: {tokens: [megatron_u8.idx], val_tokens: 128, repeat: true}" 200
answers megatron.yaml
token_plan bare.yaml bare "data: {tokens: [nanogpt.bin], format: nanogpt, val_tokens: 128, repeat: true}" 1000
answers bare.yaml

# Before anything is trained: ids that the model does not have, and what is no token file.
run "$LRSEARCH" shards.yaml --set model.vocab=900 --run-dir logs/small
expect_status 65
expect_err "but model.vocab is 900; use"
run "$LRSEARCH" bare.yaml --set "data.tokens=[shards.yaml]" --set data.format=auto --run-dir logs/yaml
expect_status 65
expect_err "shards.yaml: looks like text; name it under data.text"

# lrsearch tokenize: two at once, and what they made is what a plan over the text makes.
make_story story.txt
"$LRSEARCH" tokenize story.txt --vocab 512 --out made -q >first.txt 2>&1 &
background=$!
run "$LRSEARCH" tokenize story.txt --vocab 512 --out made -q
expect_status 0
wait "$background" || fail "the other one failed"
background=
expect_out "bytes each"
run "$LRSEARCH" tokenize story.txt --vocab 512 --out made -q
expect_out "(was there)"
[ "$(find made -type f | wc -l)" -eq 3 ] || fail "more than a shard, its description and the tokenizer in made/"
token_plan text.yaml text "data: {text: [story.txt], tokenizer: bpe, val_tokens: 2048}" 512
token_plan made.yaml made "data: {tokens: [$(echo made/*.json)], val_tokens: 2048}" 512
answers text.yaml
answers made.yaml
expect_same_answer logs/text/result.json logs/made/result.json
run "$LRSEARCH" tokenize story.txt --vocab 300 --out made
expect_status 2
expect_err "--vocab 300: must be 256 (bytes), or 512 to 131072"

# A file that goes away under a running campaign costs attempts, not the campaign.
token_plan gone.yaml gone "data: {tokens: [llmc_train_000.bin], val: [llmc_val_000.bin], val_tokens: 128, repeat: true}" 1000
sed -i 's/^search: .*/search: {lr: [2e-2, 8e-2], horizons: [64k, 96k], policy: grid}/' gone.yaml
echo "limits: {max_failures: 1000}" >>gone.yaml
echo "on_fail: {retries: 100}" >>gone.yaml
answers gone.yaml --run-dir logs/calm
"$LRSEARCH" gone.yaml --run-dir logs/gone -q >gone.txt 2>&1 &
background=$!
until grep -q '"outcome":0' logs/gone/journal.jsonl 2>/dev/null; do
    kill -0 "$background" || fail "ended before a trial was done: $(cat gone.txt)"
    sleep 0.02
done
mv llmc_val_000.bin away
until grep -q 'llmc_val_000.bin: No such file' logs/gone/journal.jsonl; do
    kill -0 "$background" || fail "ended before the file was missed: $(cat gone.txt)"
    sleep 0.02
done
mv away llmc_val_000.bin
wait "$background"
background=
expect_same_answer logs/calm/result.json logs/gone/result.json
