/* Rules across the keys of data and the vocabulary. */
#include <inttypes.h>
#include "plan/read_plan.h"

#define BYTES_VOCAB 256 /* every byte is a token */
#define BPE_VOCAB 512   /* bytes, specials and some room for merges */

/* Text or token files; what belongs to the one says nothing about the other. */
static void check_kind(struct plan_reader *reader)
{
    static const struct {
        size_t member;
        bool of_tokens;
    } keys[] = {
        {MEMBER(data.tokenizer), false}, {MEMBER(data.val), true}, {MEMBER(data.format), true}};
    bool text = reader_given(reader, MEMBER(data.text));
    bool tokens = reader_given(reader, MEMBER(data.tokens));
    if (text && tokens)
        reader_complain(reader, MEMBER(data.tokens), "data.text is there too; name one of the two");
    for (size_t i = 0; text != tokens && i < sizeof(keys) / sizeof(*keys); i++)
        if (keys[i].of_tokens != tokens && reader_given(reader, keys[i].member))
            reader_complain(reader, keys[i].member, "is for %s only; leave it out",
                            tokens ? "data.text" : "data.tokens");
}

static void check_vocab(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (!reader_has(reader, MEMBER(model.vocab)) || !reader_has(reader, MEMBER(data.tokenizer)) ||
        !reader_has(reader, MEMBER(data.source)) || plan->data.source != SOURCE_TOKENS ||
        reader_given(reader, MEMBER(data.tokens)))
        return;
    bool bpe = plan->data.tokenizer == TOKENIZER_BPE;
    uint32_t vocab = plan->model.vocab, least = bpe ? BPE_VOCAB : BYTES_VOCAB;
    if (vocab < least && !(bpe && vocab == BYTES_VOCAB))
        reader_complain(reader, MEMBER(model.vocab),
                        "%" PRIu32 " is too small for data.tokenizer %s; use %" PRIu32 " or more",
                        vocab, bpe ? "bpe" : "bytes", least);
}

/* A validation sequence is context tokens and the label of the last. */
static void check_validation(struct plan_reader *reader)
{
    if (!reader_has(reader, MEMBER(data.val_tokens)) || !reader_has(reader, MEMBER(model.context)))
        return;
    uint64_t val = reader->plan->data.val_tokens, context = reader->plan->model.context;
    if (val <= context)
        reader_complain(reader, MEMBER(data.val_tokens),
                        "%" PRIu64 " holds no sequence of model.context %" PRIu64
                        " and its last label; use %" PRIu64 " or more",
                        val, context, context + 1);
}

void reader_check_data(struct plan_reader *reader)
{
    check_kind(reader);
    check_vocab(reader);
    check_validation(reader);
}
