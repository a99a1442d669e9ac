#!/bin/sh
# Real text, from file to answer: bytes and BPE, plain and gzip, tokenized once.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

make_story story.txt
gzip -nk story.txt

text_plan() # FILE NAME DATA VOCAB
{
    tiny_plan "$1" "name: $2" "$3" \
        "model: {arch: gpt, d_model: 16, n_layers: 1, n_heads: 2, context: 16, vocab: $4}" \
        "search: {lr: [1e-2, 8e-2], horizons: [4k, 8k], policy: grid}"
}
text_plan bytes.yaml bytes "data: {text: [story.txt], tokenizer: bytes, val_tokens: 2048}" 256
text_plan gzip.yaml gzip "data: {text: ['story.*gz'], tokenizer: bytes, val_tokens: 2048}" 256
text_plan bpe.yaml bpe "data: {text: [story.txt], tokenizer: bpe, val_tokens: 2048}" 512

for name in bytes gzip bpe; do
    run "$LRSEARCH" $name.yaml
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "$name: exit status $status"
    expect_err "training tokens"
done
expect_same_answer logs/bytes/result.json logs/gzip/result.json

# Another campaign on the same text finds the tokens in the cache.
run "$LRSEARCH" bpe.yaml --run-dir logs/again
expect_err "(cached)"
expect_same_answer logs/bpe/result.json logs/again/result.json

# The text changes under a campaign that is not finished: refused, not mixed.
cp -r logs/bytes logs/changed
sed -i '/"event":"finished"/,$d' logs/changed/journal.jsonl
echo "and one line more" >>story.txt
run "$LRSEARCH" bytes.yaml --run-dir logs/changed
expect_status 65
expect_err "have changed"

# Bits per byte of two vocabularies: of the same bytes, whether the plan or the first one says of
# how many.
for span in "val_tokens: 2048" "val_bytes: 3k"; do
    name=$(echo "$span" | tr -d ': ')
    tiny_plan span.yaml "name: $name" "data: {text: [story.txt], tokenizer: bpe, $span}" \
        "model: {arch: gpt, d_model: 16, n_layers: 1, n_heads: 2, context: 16, vocab: [512, 256]}" \
        "search: {lr: [2e-3, 8e-3], horizons: [4k, 8k], policy: grid}"
    run "$LRSEARCH" span.yaml
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "$name: exit status $status"
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { bits = $at["val_loss"] * $at["val_tokens"] / log(2) / $at["val_bytes"]
          off = $at["val_bits_per_byte"] / bits - 1
          if (!(off * off < 1e-20)) exit 1
          print $at["vocab"], $at["val_tokens"], $at["val_bytes"] }' "logs/$name/trials.csv" |
        sort -u >spans || fail "$name: bits per byte"
    awk '{ if (NR > 1 && $3 != bytes) exit 1; bytes = $3; if ($1 == 256 && $2 != $3) exit 1
           if ($1 == 512 && "'"$name"'" == "val_tokens2048" && $2 != 2048) exit 1
           if ("'"$name"'" == "val_bytes3k" && $3 != 3000) exit 1 } END { exit NR != 2 }' spans ||
        fail "$name: $(cat spans)"
done
