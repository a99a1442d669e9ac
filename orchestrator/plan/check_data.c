/* Rules across the keys of data and the vocabulary. */
#include <inttypes.h>
#include "plan/plan_reader.h"

#define BYTES_VOCAB 256 /* every byte is a token */
#define BPE_VOCAB 512   /* bytes, specials and some room for merges */

/* Text or token files; what belongs to the one says nothing about the other. */
static void check_kind(struct plan_reader *reader)
{
    static const struct {
        size_t member;
        bool of_tokens;
    } keys[] = {{MEMBER(data.tokenizer), false},
                {MEMBER(data.val_bytes), false},
                {MEMBER(data.val), true},
                {MEMBER(data.format), true}};
    bool text = reader_given(reader, MEMBER(data.text));
    bool tokens = reader_given(reader, MEMBER(data.tokens));
    if (text && tokens)
        reader_complain(reader, MEMBER(data.tokens), "data.text is there too; name one of the two");
    for (size_t i = 0; text != tokens && i < sizeof(keys) / sizeof(*keys); i++)
        if (keys[i].of_tokens != tokens && reader_given(reader, keys[i].member))
            reader_complain(reader, keys[i].member, "is for %s only; leave it out",
                            tokens ? "data.text" : "data.tokens");
}

/* Text becomes other tokens for each vocabulary. */
static void check_vocabs(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (plan->axes.vocab.count == 1)
        return;
    if (reader_given(reader, MEMBER(data.tokens)))
        reader_complain(reader, MEMBER(model.vocab),
                        "a list needs data.text: token files have one vocabulary");
    else if (plan->data.tokenizer == TOKENIZER_BYTES)
        reader_complain(reader, MEMBER(model.vocab),
                        "a list needs data.tokenizer: bpe (of which 256 are the bytes alone)");
}

static void check_vocab(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (!reader_has(reader, MEMBER(model.vocab)) || !reader_has(reader, MEMBER(data.tokenizer)) ||
        !reader_has(reader, MEMBER(data.source)) || plan->data.source != SOURCE_TOKENS ||
        plan->trainer.kind != TRAINER_TRANSFORMER)
        return;
    check_vocabs(reader);
    bool bpe = plan->data.tokenizer == TOKENIZER_BPE,
         tokens = reader_given(reader, MEMBER(data.tokens));
    uint32_t least = bpe ? BPE_VOCAB : BYTES_VOCAB;
    for (size_t i = 0; i < plan->axes.vocab.count && !tokens; i++) {
        uint32_t vocab = plan->axes.vocab.values[i];
        if (vocab < least && !(bpe && vocab == BYTES_VOCAB))
            reader_complain_item(reader, MEMBER(model.vocab), i,
                                 "%" PRIu32 " is too small for data.tokenizer %s; use %" PRIu32
                                 " or more",
                                 vocab, bpe ? "bpe" : "bytes", least);
    }
}

/* One whole sequence at least; what val_bytes are in tokens is known when they are there. */
static void check_validation(struct plan_reader *reader)
{
    if (reader_given(reader, MEMBER(data.val_tokens)) &&
        reader_given(reader, MEMBER(data.val_bytes)))
        reader_complain(reader, MEMBER(data.val_bytes),
                        "is there beside data.val_tokens; leave one out");
    if (!reader_has(reader, MEMBER(data.val_tokens)) || !reader_has(reader, MEMBER(model.context)))
        return;
    uint64_t val = reader->plan->data.val_tokens, context = reader->plan->model.context;
    if (val < context)
        reader_complain(reader, MEMBER(data.val_tokens),
                        "%" PRIu64 " is less than one sequence of model.context %" PRIu64
                        "; use that or more",
                        val, context);
}

void reader_check_data(struct plan_reader *reader)
{
    check_kind(reader);
    check_vocab(reader);
    check_validation(reader);
}
