/* Bits per byte: of the text that is scored, which is the same at every vocabulary. The text here
 * is words, and numbers and Chinese at its end, so that its bytes per token are not those of its
 * end. */
#include "temp_dir.h"
#include "cmocka_all.h"
#include "small_trial.h"

#include <string.h>
#include "data/dataset.h"
#include "data/dataset_file.h"
#include "data/source.h"
#include "data/tokenizer.h"
#include "kernels/kernels.h"
#include "trainers/trainer.h"

enum { TEXT = 48000, VAL_TOKENS = 3001 }; /* no multiple of CONTEXT */

static char folder[512], cache[600], text_path[600], text[TEXT + 1];
static struct lr_error err;

static int set_up(void **state)
{
    static const char *const words[] = {"the ", "cat ",          "sat ",  "on ",
                                        "a ",   "na\xc3\xafve ", "mat.\n"};
    size_t used = 0;
    (void)state;
    if (temp_dir_make(folder, sizeof(folder)))
        return -1;
    snprintf(cache, sizeof(cache), "%s/cache", folder);
    snprintf(text_path, sizeof(text_path), "%s/text.txt", folder);
    for (unsigned i = 0; used < TEXT - 12000; i++)
        used += (size_t)snprintf(text + used, TEXT - used, "%s", words[(i * i + i / 5) % 7]);
    for (unsigned i = 0; used + 16 < TEXT; i++) /* one line: validation begins in it */
        used += (size_t)snprintf(text + used, TEXT - used, "%u\xe6\xbc%c", i * 7919, 0x80 + i % 60);
    memset(text + used, 'z', TEXT - used);
    FILE *file = fopen(text_path, "wb");
    bool good = file && fwrite(text, 1, TEXT, file) == TEXT;
    return file && fclose(file) == 0 && good ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(folder);
    return 0;
}

static int prepare(struct dataset *dataset, const char *tokens, uint32_t vocab, uint64_t val_tokens,
                   uint64_t val_bytes)
{
    const char *name = tokens ? tokens : text_path;
    const struct dataset_request request = {.texts = &name,
                                            .text_count = tokens ? 0 : 1,
                                            .tokens = &name,
                                            .token_count = tokens ? 1 : 0,
                                            .bpe = vocab > 256,
                                            .vocab = vocab,
                                            .val_tokens = val_tokens,
                                            .val_bytes = val_bytes,
                                            .context = CONTEXT,
                                            .cache_dir = cache};
    memset(&err, 0, sizeof(err));
    return dataset_prepare(dataset, &request, &err);
}

static struct trial_result train(const struct trial_spec *spec, const struct dataset *dataset)
{
    struct trial_place place = {.threads = 1};
    struct trial_result result;
    memcpy(place.data_path, dataset->path, sizeof(place.data_path));
    trainer_run(spec, NULL, &(struct train_hooks){.attempt = 1, .place = &place}, &result);
    return result;
}

static struct trial_spec spec_on(const struct dataset *dataset, uint32_t vocab)
{
    struct trial_spec spec = spec_of();
    spec.source = SOURCE_TOKENS;
    spec.vocab = vocab;
    spec.lr = 1e-12; /* the model stays what it was */
    spec.horizon_tokens = 2 * BATCH;
    spec.data_hash = dataset->hash;
    spec.val_tokens = dataset->val_tokens;
    spec.val_bytes = dataset->val_bytes;
    return spec;
}

/* Tokens back to text, of bytes or by the tokenizer itself; as many bytes as there are. */
static size_t decoded(char *out, const char *model, const uint32_t *ids, size_t count)
{
    struct tokenizer *tokenizer;
    char message[256];
    const char *piece;
    size_t size;
    if (!model[0]) {
        for (size_t i = 0; i < count; i++)
            out[i] = (char)ids[i];
        return count;
    }
    assert_int_equal(tokenizer_load(&tokenizer, model, message, sizeof(message)), 0);
    assert_int_equal(
        tokenizer_decode(tokenizer, ids, count, &piece, &size, message, sizeof(message)), 0);
    assert_true(size <= TEXT);
    memcpy(out, piece, size);
    tokenizer_free(tokenizer);
    return size;
}

/* The labels of validation are the end of the text, each once; all that is trained on lies before.
 * The trainer's figure is the naive one. */
static void check(const struct dataset *dataset, const char *model_path, uint32_t vocab)
{
    static uint32_t labels[TEXT];
    static char back[TEXT];
    struct trial_spec spec = spec_on(dataset, vocab);
    struct model *model = model_of(&spec);
    struct source *source;
    uint32_t tokens[CONTEXT + 1];
    double sum = 0, loss, other;
    size_t count = 0;
    assert_int_equal(source_open(&source, &spec, dataset->path, &err), 0);
    for (uint64_t i = 0; i < source_val_count(source); i++) {
        uint32_t here = source_val(source, i, tokens);
        model_losses(model, tokens, 1, here, &loss);
        for (uint32_t t = here + 1; t <= CONTEXT; t++)
            tokens[t] = vocab - t; /* what stands behind the labels is of no account */
        model_losses(model, tokens, 1, here, &other);
        assert_true(loss == other);
        memcpy(labels + count, tokens + 1, here * sizeof(*labels));
        count += here;
        sum += loss * here;
    }
    source_close(source);
    model_destroy(model);
    assert_int_equal(count, dataset->val_tokens);
    size_t bytes = decoded(back, model_path, labels, count);
    assert_int_equal(bytes, dataset->val_bytes);
    assert_memory_equal(back, text + TEXT - bytes, bytes);
    assert_true(dataset->train_tokens + 1 + count <= dataset->tokens);

    struct trial_result result = train(&spec, dataset);
    assert_int_equal(result.outcome, OUTCOME_DONE);
    near(result.val_loss, sum / (double)count, 1e-6);
    near(result.val_bits_per_byte, sum / log(2) / (double)bytes, 1e-6);
    assert_true(fabs(dataset->bytes_per_token * (double)count / (double)bytes - 1) > .05 ||
                vocab == 256);
}

static void model_of_dataset(char out[TRIAL_PATH], const struct dataset *dataset)
{
    struct dataset_file file;
    uint64_t hash;
    assert_int_equal(dataset_file_read(&file, &hash, dataset->path, &err), 0);
    memcpy(out, file.model, sizeof(file.model));
    dataset_file_release(&file);
}

static void vocabularies_are_scored_on_the_same_text(void **state)
{
    static const uint32_t vocabs[] = {290, 256, 280, 304};
    char model[TRIAL_PATH];
    struct dataset dataset;
    (void)state;
    if (prepare(&dataset, NULL, vocabs[0], VAL_TOKENS, 0)) /* as the plan's first vocabulary */
        fail_msg("%s", err.text);
    assert_int_equal(dataset.val_tokens, VAL_TOKENS);
    uint64_t bytes = dataset.val_bytes;
    for (size_t i = 0; i < sizeof(vocabs) / sizeof(*vocabs); i++) {
        if (prepare(&dataset, NULL, vocabs[i], i ? 0 : VAL_TOKENS, i ? bytes : 0))
            fail_msg("%s", err.text);
        assert_int_equal(dataset.val_bytes, bytes);
        assert_int_equal(dataset.cached, i == 0);
        model_of_dataset(model, &dataset);
        check(&dataset, model, vocabs[i]);
    }
}

/* Where data.val_bytes would cut a character, validation begins with all of it. */
static void no_character_is_cut(void **state)
{
    struct dataset dataset;
    char model[TRIAL_PATH];
    (void)state;
    for (uint64_t bytes = 5000; bytes < 5003; bytes++)
        for (uint32_t vocab = 256; vocab <= 300; vocab += 44) {
            uint64_t begins = TEXT - bytes;
            while (((unsigned char)text[begins] & 0xc0) == 0x80)
                begins--;
            assert_int_equal(prepare(&dataset, NULL, vocab, 0, bytes), 0);
            assert_int_equal(dataset.val_bytes, TEXT - begins);
            model_of_dataset(model, &dataset);
            check(&dataset, model, vocab);
        }
}

/* `lrsearch tokenize` keeps nothing apart; the plan that names its files does. */
static void token_files_of_our_own(void **state)
{
    struct dataset whole, dataset;
    char model[TRIAL_PATH];
    (void)state;
    for (uint32_t vocab = 256; vocab <= 300; vocab += 44) {
        assert_int_equal(prepare(&whole, NULL, vocab, 0, 0), 0);
        assert_int_equal(whole.val_tokens, 0);
        model_of_dataset(model, &whole);
        assert_int_equal(prepare(&dataset, whole.path, vocab, VAL_TOKENS, 0), 0);
        check(&dataset, model, vocab);
    }
    assert_int_equal(unlink(model), 0); /* then nobody knows what a token stands for */
    assert_int_equal(prepare(&dataset, whole.path, 300, VAL_TOKENS, 0), 0);
    assert_int_equal(dataset.val_bytes, 0);
    struct trial_spec spec = spec_on(&dataset, 300);
    struct trial_result result = train(&spec, &dataset);
    assert_int_equal(result.outcome, OUTCOME_DONE);
    assert_true(isnan(result.val_bits_per_byte));
}

/* Ids of one tokenizer are other text to the other. */
static void validation_by_another_tokenizer(void **state)
{
    struct dataset bytes, bpe, dataset;
    (void)state;
    assert_int_equal(prepare(&bytes, NULL, 256, 0, 0), 0);
    assert_int_equal(prepare(&bpe, NULL, 304, 0, 0), 0);
    const char *tokens = bpe.path, *val = bytes.path;
    const struct dataset_request request = {.tokens = &tokens,
                                            .token_count = 1,
                                            .vals = &val,
                                            .val_count = 1,
                                            .vocab = 304,
                                            .val_tokens = VAL_TOKENS,
                                            .context = CONTEXT,
                                            .cache_dir = cache};
    assert_int_equal(dataset_prepare(&dataset, &request, &err), LR_EDATA);
    assert_non_null(strstr(err.text, "was made with another tokenizer than data.tokens"));
}

static void a_dataset_of_an_earlier_program(void **state)
{
    struct dataset made, again;
    char own[700], line[TRIAL_PATH + 64];
    (void)state;
    assert_int_equal(prepare(&made, NULL, 256, 0, 4000), 0);
    FILE *from = fopen(made.path, "r");
    snprintf(own, sizeof(own), "%s/old.json", folder);
    FILE *to = fopen(own, "w");
    assert_true(from && to);
    while (fgets(line, sizeof(line), from)) {
        char *version = strstr(line, "\"lrsearch_dataset\": 2");
        if (version)
            version[strlen("\"lrsearch_dataset\": ")] = '1';
        fputs(line, to);
    }
    fclose(from);
    fclose(to);
    assert_int_equal(prepare(&again, own, 256, 512, 0), LR_EDATA);
    assert_non_null(strstr(err.text, "old.json: was written by an earlier lrsearch; run `lrsearch "
                                     "tokenize` again"));
    assert_int_equal(rename(own, made.path), 0);
    assert_int_equal(prepare(&again, NULL, 256, 0, 4000), 0);
    assert_false(again.cached);
    assert_int_equal(prepare(&again, NULL, 256, 0, 4000), 0);
    assert_true(again.cached && again.hash == made.hash);
}

/* The last test: it cuts the text. */
static void a_text_that_is_too_short(void **state)
{
    struct dataset dataset;
    (void)state;
    assert_int_equal(prepare(&dataset, NULL, 300, 0, TEXT / 4 + 1), LR_EDATA);
    assert_non_null(strstr(err.text, "48000 bytes of text are too few for 12001 validation bytes "
                                     "(data.val_bytes), which may be a quarter of them at most"));
    /* bytes enough, but the last quarter of the words has not so many tokens */
    assert_int_equal(truncate(text_path, 36000), 0);
    assert_int_equal(prepare(&dataset, NULL, 290, 8999, 0), LR_EDATA);
    assert_non_null(strstr(err.text, "36000 bytes of text are too few for 8999 validation tokens"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vocabularies_are_scored_on_the_same_text),
        cmocka_unit_test(no_character_is_cut),
        cmocka_unit_test(token_files_of_our_own),
        cmocka_unit_test(validation_by_another_tokenizer),
        cmocka_unit_test(a_dataset_of_an_earlier_program),
        cmocka_unit_test(a_text_that_is_too_short),
    };
    kernels_init();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
