#!/bin/sh
# Real text, from file to answer: bytes and BPE, plain and gzip, tokenized once.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

make_story story.txt
gzip -nk story.txt

text_plan() # FILE NAME DATA VOCAB
{
    tiny_plan "$1" "name: $2" "$3" \
        "model: {arch: gpt, d_model: 16, n_layers: 1, n_heads: 2, context: 16, vocab: $4}"
}
text_plan bytes.yaml bytes "data: {text: [story.txt], tokenizer: bytes, val_tokens: 4096}" 256
text_plan gzip.yaml gzip "data: {text: ['story.*gz'], tokenizer: bytes, val_tokens: 4096}" 256
text_plan bpe.yaml bpe "data: {text: [story.txt], tokenizer: bpe, val_tokens: 4096}" 512

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
