/* Text to tokens to sequences. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "data/dataset_file.h"
#include "data/dataset.h"
#include "data/source.h"
#include "data/synthetic.h"
#include "data/token_file.h"
#include "data/tokenizer.h"

static char folder[] = "/tmp/lrsearch-data-XXXXXX";
static char text_path[256], cache_path[256];
static struct lr_error err;

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(text_path, sizeof(text_path), "%s/text.txt", folder);
    snprintf(cache_path, sizeof(cache_path), "%s/cache/deep", folder);
    return 0;
}

static int tear_down(void **state)
{
    char command[300];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

static void write_text(const char *text, size_t size)
{
    FILE *file = fopen(text_path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    fclose(file);
}

/* Words of a small language: something for BPE to learn. */
static char story[40000];

static void make_story(void)
{
    static const char *const words[] = {"the ",  "cat ",   "sat\n",         "na\xc3\xafve ",
                                        "on ",   "mat.\n", "\xe6\xbc\xa2 ", "dog ",
                                        "runs ", "\tand "};
    size_t used = 0;
    for (unsigned i = 0; used + 16 < sizeof(story); i++) {
        const char *word = words[(i * i + i / 7) % 10];
        memcpy(story + used, word, strlen(word));
        used += strlen(word);
    }
    memset(story + used, 'z', sizeof(story) - used);
}

static int prepare(struct dataset *dataset, bool bpe, uint32_t vocab, uint64_t val_tokens)
{
    const char *patterns[] = {text_path};
    struct dataset_request request = {.texts = patterns,
                                      .text_count = 1,
                                      .bpe = bpe,
                                      .vocab = vocab,
                                      .val_tokens = val_tokens,
                                      .context = 16,
                                      .cache_dir = cache_path};
    memset(&err, 0, sizeof(err));
    return dataset_prepare(dataset, &request, &err);
}

static struct trial_spec spec_of(const struct dataset *dataset, uint32_t vocab, uint64_t val_tokens)
{
    struct trial_spec spec = {.context = 16,
                              .vocab = vocab,
                              .val_tokens = val_tokens,
                              .data_hash = dataset->hash,
                              .seed = 1};
    return spec;
}

static void bytes_become_disjoint_shuffled_windows(void **state)
{
    (void)state;
    struct dataset dataset;
    struct source *source, *other;
    uint32_t tokens[17], elsewhere[17];
    make_story();
    write_text(story, sizeof(story));
    assert_int_equal(prepare(&dataset, false, 256, 4096), 0);
    assert_int_equal(dataset.tokens, sizeof(story));
    assert_false(dataset.cached);
    assert_int_equal(dataset.train_tokens, (sizeof(story) - 4096 - 1) / 16 * 16);
    struct trial_spec spec = spec_of(&dataset, 256, 4096);
    assert_int_equal(source_open(&source, &spec, dataset.path, NULL), 0);
    spec.seed = 2;
    assert_int_equal(source_open(&other, &spec, dataset.path, NULL), 0);

    uint64_t windows = dataset.train_tokens / 16, moved = 0;
    unsigned char *seen = calloc(windows, 1);
    for (uint64_t i = 0; i < windows; i++) {
        source_train(source, i, tokens);
        source_train(other, i, elsewhere);
        moved += memcmp(tokens, elsewhere, sizeof(tokens)) != 0;
        uint64_t hits = 0; /* find the window by its text */
        for (uint64_t w = 0; w < windows && !hits; w++) {
            bool same = !seen[w];
            for (size_t t = 0; t < 17 && same; t++)
                same = tokens[t] == (unsigned char)story[w * 16 + t];
            hits += same;
            if (same)
                seen[w] = 1;
        }
        assert_int_equal(hits, 1); /* each window once an epoch */
    }
    assert_true(moved > windows / 2);
    free(seen);
    assert_int_equal(dataset.val_tokens, 4096);
    assert_int_equal(dataset.val_bytes, 4096);
    assert_int_equal(source_val_count(source), 4096 / 16);
    for (uint64_t i = 0; i < source_val_count(source); i++) {
        assert_int_equal(source_val(source, i, tokens), 16);
        for (size_t t = 0; t < 17; t++)
            assert_int_equal(tokens[t], (unsigned char)story[sizeof(story) - 4097 + i * 16 + t]);
    }
    source_close(source);
    source_close(other);
}

static void gzip_and_cache_give_the_same_file(void **state)
{
    (void)state;
    struct dataset plain, zipped;
    make_story();
    write_text(story, sizeof(story));
    assert_int_equal(prepare(&plain, false, 256, 4096), 0);
    gzFile file = gzopen(text_path, "wb");
    assert_int_equal(gzwrite(file, story, sizeof(story)), (int)sizeof(story));
    gzclose(file);
    assert_int_equal(prepare(&zipped, false, 256, 4096), 0);
    assert_true(zipped.cached);
    assert_string_equal(plain.path, zipped.path);
    assert_true(plain.hash == zipped.hash);
    assert_int_equal(truncate(text_path, 100), 0);
    assert_int_equal(prepare(&zipped, false, 256, 4096), LR_EDATA);
    assert_non_null(strstr(err.text, "text.txt: damaged gzip"));
}

static void bpe_is_lossless(void **state)
{
    (void)state;
    struct dataset dataset;
    struct dataset_file file;
    struct token_file shard;
    uint64_t hash;
    struct tokenizer *tokenizer;
    char model[1100], message[256];
    const char *text;
    size_t size;
    make_story();
    write_text(story, sizeof(story));
    assert_int_equal(prepare(&dataset, true, 290, 1024), 0);
    assert_true(dataset.bytes_per_token > 1.2);
    assert_int_equal(dataset_file_read(&file, &hash, dataset.path, NULL), 0);
    snprintf(model, sizeof(model), "%s", file.model);
    assert_true(hash == dataset.hash);
    assert_string_equal(file.tokenizer, "bpe");
    assert_int_equal(file.text_bytes, sizeof(story));
    assert_int_equal(dataset_part_open(&shard, &file.train.part[0], NULL), 0);
    uint32_t *ids = malloc(shard.count * sizeof(*ids));
    token_file_copy(&shard, 0, shard.count, ids);
    assert_int_equal(tokenizer_load(&tokenizer, model, message, sizeof(message)), 0);
    assert_int_equal(
        tokenizer_decode(tokenizer, ids, shard.count, &text, &size, message, sizeof(message)), 0);
    assert_int_equal(size, sizeof(story));
    assert_memory_equal(text, story, size);
    tokenizer_free(tokenizer);
    free(ids);
    token_file_close(&shard);
    dataset_file_release(&file);
    assert_int_equal(prepare(&dataset, true, 60000, 1024), LR_EDATA);
    assert_non_null(strstr(err.text, "a vocabulary of 60000 cannot be learned from this text; "
                                     "the largest is"));
}

/* What sentencepiece alone would not give back: U+2581, which it takes for a space, and bytes that
 * are no UTF-8: of Latin-1, of a surrogate, beyond Unicode, too long, and a character cut short. */
static void bpe_loses_no_byte(void **state)
{
    static const char odd[] = "\xe2\x96\x81 \xe2\x96\x81\xe2\x96\x81 caf\xe9 \xed\xa0\x80 "
                              "\xf4\x90\x80\x80 \xc0\xaf\xe2\x82\n\xff";
    enum { FIRST_BYTE = 3 }; /* <unk>, <s> and </s> come before the bytes */
    struct tokenizer *tokenizer;
    struct dataset dataset;
    struct dataset_file file;
    uint64_t hash;
    char message[256], back[2 * sizeof(odd)];
    const uint32_t *ids;
    size_t count, used = 0;
    (void)state;
    make_story();
    write_text(story, sizeof(story));
    assert_int_equal(prepare(&dataset, true, 290, 1024), 0);
    assert_int_equal(dataset_file_read(&file, &hash, dataset.path, NULL), 0);
    assert_int_equal(tokenizer_load(&tokenizer, file.model, message, sizeof(message)), 0);
    assert_int_equal(
        tokenizer_encode(tokenizer, odd, sizeof(odd) - 1, &ids, &count, message, sizeof(message)),
        0);
    uint32_t *kept = malloc(count * sizeof(*kept)); /* the tokenizer's own end with its next call */
    memcpy(kept, ids, count * sizeof(*kept));
    for (size_t i = 0; i < count; i++) {
        const char *piece = back + used;
        size_t size = 1;
        if (kept[i] >= FIRST_BYTE && kept[i] < FIRST_BYTE + 256)
            back[used] = (char)(kept[i] - FIRST_BYTE);
        else
            assert_int_equal(
                tokenizer_decode(tokenizer, &kept[i], 1, &piece, &size, message, sizeof(message)),
                0);
        assert_int_equal(tokenizer_bytes(tokenizer, kept[i]), size);
        assert_true(used + size <= sizeof(back));
        memmove(back + used, piece, size);
        used += size;
    }
    assert_int_equal(used, sizeof(odd) - 1);
    assert_memory_equal(back, odd, used);
    free(kept);
    tokenizer_free(tokenizer);
    dataset_file_release(&file);
}

/* As some corpora are. */
static void bpe_learns_from_one_long_line(void **state)
{
    static char line[4 * sizeof(story)];
    struct dataset dataset;
    (void)state;
    make_story();
    for (size_t i = 0; i < sizeof(line); i++)
        line[i] = story[i % sizeof(story)] == '\n' ? ' ' : story[i % sizeof(story)];
    write_text(line, sizeof(line));
    if (prepare(&dataset, true, 290, 1024))
        fail_msg("%s", err.text);
    assert_true(dataset.bytes_per_token > 1.2);
}

static void unusable_text_says_why(void **state)
{
    (void)state;
    struct dataset dataset;
    unlink(text_path);
    assert_int_equal(prepare(&dataset, false, 256, 64), LR_EDATA);
    assert_non_null(strstr(err.text, "text.txt: no such file"));
    write_text("", 0);
    prepare(&dataset, false, 256, 64);
    assert_non_null(strstr(err.text, "text.txt: is empty"));
    write_text("abc\0def", 7);
    prepare(&dataset, false, 256, 4);
    assert_non_null(strstr(err.text, "text.txt: is not text (it has NUL bytes)"));
    make_story();
    write_text(story, 1024);
    prepare(&dataset, false, 256, 4096);
    assert_non_null(strstr(err.text, "text.txt: 1024 bytes of text are too few for 4096 validation "
                                     "tokens (data.val_tokens), which may be a quarter of them at "
                                     "most; use fewer, or more text"));
    prepare(&dataset, false, 256, 257);
    assert_non_null(strstr(err.text, "text.txt: 1024 bytes of text are too few for 257"));
    assert_int_equal(prepare(&dataset, false, 128, 64), LR_EDATA);
    assert_non_null(strstr(err.text, "a vocabulary of 128 is too small: bytes need 256"));
}

static void damaged_token_files_are_refused(void **state)
{
    (void)state;
    struct dataset dataset;
    struct source *source;
    make_story();
    write_text(story, sizeof(story));
    assert_int_equal(prepare(&dataset, false, 256, 4096), 0);
    struct trial_spec spec = spec_of(&dataset, 100, 4096);
    memset(&err, 0, sizeof(err));
    assert_int_equal(source_open(&source, &spec, dataset.path, &err), LR_EDATA);
    assert_non_null(strstr(err.text, ", but model.vocab is 100"));
    spec.vocab = 256;
    spec.data_hash++;
    memset(&err, 0, sizeof(err));
    assert_int_equal(source_open(&source, &spec, dataset.path, &err), LR_EDATA);
    assert_non_null(strstr(err.text, "is not the file that the campaign began with"));
    spec.data_hash = dataset.hash;
    char shard[TRIAL_PATH];
    snprintf(shard, sizeof(shard), "%s", dataset.path);
    strcpy(strrchr(shard, '.'), "-000.bin");
    assert_int_equal(truncate(shard, 5001), 0);
    memset(&err, 0, sizeof(err));
    assert_int_equal(source_open(&source, &spec, dataset.path, &err), LR_EDATA);
    assert_non_null(strstr(err.text, "-000.bin: is not the file that the campaign began with"));
    assert_int_equal(prepare(&dataset, false, 256, 4096), 0); /* made again */
    assert_false(dataset.cached);
    assert_int_equal(source_open(&source, &spec, dataset.path, NULL), 0);
    source_close(source);
    unlink(dataset.path);
}

#define PART                                                                                       \
    "{\"path\":\"a\",\"format\":\"nanogpt\",\"width\":1,\"bytes\":9223372036854775807,"            \
    "\"begins\":0,\"tokens\":9223372036854775807,\"sample_hash\":\"0\"}"

static void description_is(const char *rest, const char *expected)
{
    char text[1024];
    struct dataset_file file;
    snprintf(text, sizeof(text), "{\"lrsearch_dataset\":2,\"vocab_used\":9,%s}", rest);
    memset(&err, 0, sizeof(err));
    assert_int_equal(dataset_file_parse(&file, text, strlen(text), "d.json", &err),
                     *expected ? LR_EDATA : 0);
    assert_string_equal(err.text, expected);
    dataset_file_release(&file);
}

static void descriptions_say_what_can_be_kept(void **state)
{
    (void)state;
    description_is("\"train\":[" PART "]", "");
    description_is("\"train\":[" PART "," PART "," PART "]",
                   "d.json: train: its files have more tokens than can be counted");
    description_is("\"train\":[" PART "],\"val\":[" PART "," PART "]",
                   "d.json: val: its files have more tokens than can be counted");
    description_is("\"tokenizer\":\"aaaaaaaaaaaaa\xc3\xa9\",\"train\":[" PART "]", "");
    description_is("\"tokenizer\":\"aaaaaaaaaaaaaa\xc3\xa9\",\"train\":[" PART "]",
                   "d.json: tokenizer is no text of at most 15 bytes");
    description_is("\"text_hash\":\"0123456789abcdef0123\",\"train\":[" PART "]",
                   "d.json: text_hash is no text of at most 19 bytes");
    description_is("\"model_hash\":7,\"train\":[" PART "]",
                   "d.json: model_hash is no text of at most 19 bytes");
}

static void synthetic_text_has_its_entropy(void **state)
{
    (void)state;
    enum { V = 32, COUNT = 2000001 };
    struct trial_spec spec = {.vocab = V, .zipf_exponent = 1.0, .markov_weight = 0.7};
    struct synthetic *synthetic;
    static double pairs[V][V], singles[V];
    uint32_t *tokens = malloc(COUNT * sizeof(*tokens)), again[64];
    assert_int_equal(synthetic_create(&synthetic, &spec, NULL), 0);
    synthetic_sequence(synthetic, 3, 3, 0, COUNT, tokens);
    for (size_t i = 0; i + 1 < COUNT; i++) {
        assert_true(tokens[i] < V);
        pairs[tokens[i]][tokens[i + 1]]++;
        singles[tokens[i]]++;
    }
    double empirical = 0;
    for (size_t i = 0; i < V; i++)
        for (size_t j = 0; j < V; j++)
            if (pairs[i][j] > 0)
                empirical -= pairs[i][j] / (COUNT - 1) * log(pairs[i][j] / singles[i]);
    double error;
    assert_true(fabs(synthetic_entropy(synthetic, &error) / empirical - 1) < 0.01);
    assert_true(error == 0);
    assert_true(empirical < log(V) * 0.8);
    synthetic_sequence(synthetic, 3, 3, 7, 64, again);
    synthetic_sequence(synthetic, 3, 3, 7, 64, tokens);
    assert_memory_equal(tokens, again, sizeof(again));
    synthetic_sequence(synthetic, 4, 3, 7, 64, tokens);
    assert_memory_not_equal(tokens, again, sizeof(again));
    synthetic_destroy(synthetic);
    free(tokens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_become_disjoint_shuffled_windows),
        cmocka_unit_test(gzip_and_cache_give_the_same_file),
        cmocka_unit_test(bpe_is_lossless),
        cmocka_unit_test(bpe_loses_no_byte),
        cmocka_unit_test(bpe_learns_from_one_long_line),
        cmocka_unit_test(unusable_text_says_why),
        cmocka_unit_test(damaged_token_files_are_refused),
        cmocka_unit_test(descriptions_say_what_can_be_kept),
        cmocka_unit_test(synthetic_text_has_its_entropy),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
