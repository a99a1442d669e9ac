/* Token files as others write them (tests/tokens/write.py) to sequences, and what is wrong with
 * those that cannot be used. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <string.h>
#include <sys/stat.h>
#include "data/dataset.h"
#include "data/dataset_file.h"
#include "data/shard_writer.h"
#include "data/source.h"
#include "data/token_stream.h"

enum { CONTEXT = 16, VAL_TOKENS = 128 };

static char folder[512], cache[600];
static struct lr_error err;

static int set_up(void **state)
{
    (void)state;
    int rc = temp_dir_make(folder, sizeof(folder));
    snprintf(cache, sizeof(cache), "%s/cache", folder);
    return rc;
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(folder);
    return 0;
}

static const char *given(const char *name) /* beside write.py; four at a time */
{
    static char paths[4][1100];
    static int next;
    const char *source = getenv("LRSEARCH_SOURCE_DIR");
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/tests/tokens/%s", source ? source : ".", name);
    return path;
}

static const char *own(const char *name) /* in the folder; four at a time */
{
    static char paths[4][1100];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static uint32_t token_at(uint64_t i, uint32_t vocab)
{
    return (uint32_t)((7919 * i + i / 97) % vocab);
}

static int prepare(struct dataset *dataset, const char *tokens, const char *val, uint32_t vocab)
{
    const struct dataset_request request = {.tokens = &tokens,
                                            .token_count = 1,
                                            .vals = &val,
                                            .val_count = val ? 1 : 0,
                                            .vocab = vocab,
                                            .val_tokens = VAL_TOKENS,
                                            .context = CONTEXT,
                                            .cache_dir = cache};
    memset(&err, 0, sizeof(err));
    return dataset_prepare(dataset, &request, &err);
}

static struct source *open_source(const struct dataset *dataset, uint32_t vocab)
{
    struct trial_spec spec = {.context = CONTEXT,
                              .vocab = vocab,
                              .val_tokens = dataset->val_tokens,
                              .data_hash = dataset->hash,
                              .seed = 1};
    struct source *source;
    if (source_open(&source, &spec, dataset->path, &err))
        fail_msg("%s", err.text);
    return source;
}

/* Every window of an epoch once, and every token of validation as a label once, the first of them
 * val_first, of a stream of that vocabulary. */
static void check_source(const struct dataset *dataset, uint64_t train, uint64_t val_first,
                         uint64_t val_tokens, uint32_t vocab)
{
    struct source *source = open_source(dataset, vocab);
    uint32_t tokens[CONTEXT + 1];
    uint64_t windows = dataset->train_tokens / CONTEXT, sum = 0;
    assert_int_equal(windows, (train - 1) / CONTEXT);
    for (uint64_t i = 0; i < windows; i++) {
        source_train(source, i, tokens);
        uint64_t at = 0; /* windows differ in their first two tokens */
        while (at < windows && (tokens[0] != token_at(at * CONTEXT, vocab) ||
                                tokens[1] != token_at(at * CONTEXT + 1, vocab)))
            at++;
        assert_true(at < windows);
        sum += at;
        for (uint64_t t = 0; t <= CONTEXT; t++)
            assert_int_equal(tokens[t], token_at(at * CONTEXT + t, vocab));
    }
    assert_int_equal(sum, windows * (windows - 1) / 2);
    assert_int_equal(dataset->val_tokens, val_tokens);
    assert_int_equal(source_val_count(source), (val_tokens + CONTEXT - 1) / CONTEXT);
    uint64_t label = 0;
    for (uint64_t i = 0; i < source_val_count(source); i++) {
        uint32_t labels = source_val(source, i, tokens);
        assert_int_equal(tokens[0], token_at(val_first + label - 1, vocab));
        for (uint32_t t = 1; t <= CONTEXT; t++)
            assert_int_equal(tokens[t], t <= labels ? token_at(val_first + label++, vocab) : 0);
    }
    assert_int_equal(label, val_tokens);
    assert_int_equal(source_failed(source, NULL), 0);
    source_close(source);
}

static void one_file_or_many(void **state)
{
    struct dataset dataset;
    (void)state;
    /* two shards as one stream; its end is validation */
    assert_int_equal(prepare(&dataset, given("llmc_train_*.bin"), NULL, 1000), 0);
    assert_int_equal(dataset.tokens, 1200);
    assert_int_equal(dataset.files, 2);
    assert_int_equal(dataset.vocab_used, 1000);
    assert_true(dataset.bytes_per_token == 0);
    check_source(&dataset, 1200 - VAL_TOKENS, 1200 - VAL_TOKENS, VAL_TOKENS, 1000);
    assert_false(dataset.cached);
    assert_int_equal(prepare(&dataset, given("llmc_train_*.bin"), NULL, 1000), 0);
    assert_true(dataset.cached);
    /* validation by a name pattern, also where the other pattern takes it in */
    assert_int_equal(prepare(&dataset, given("llmc_*.bin"), given("llmc_val_*.bin"), 1000), 0);
    assert_int_equal(dataset.tokens, 1200);
    check_source(&dataset, 1200, 1201, VAL_TOKENS, 1000);

    assert_int_equal(prepare(&dataset, given("wide_000.bin"), NULL, 70000), 0);
    check_source(&dataset, 600 - VAL_TOKENS, 600 - VAL_TOKENS, VAL_TOKENS, 70000);
    assert_int_equal(prepare(&dataset, given("nanogpt.bin"), NULL, 1000), 0);
    check_source(&dataset, 800 - VAL_TOKENS, 800 - VAL_TOKENS, VAL_TOKENS, 1000);
}

/* Documents begin at tokens 0, 150, 300 and 500: 600 - 128 lies in the third. */
static void megatron_in_documents(void **state)
{
    static const struct {
        const char *name;
        uint32_t vocab;
    } cases[] = {{"megatron_u8.bin", 200},
                 {"megatron_u16.idx", 1000},
                 {"megatron_u16.*", 1000}, /* both are one */
                 {"megatron_i32.bin", 70000}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct dataset dataset;
        if (prepare(&dataset, given(cases[i].name), NULL, cases[i].vocab))
            fail_msg("%s", err.text);
        assert_int_equal(dataset.files, 1);
        check_source(&dataset, 300, 300, VAL_TOKENS, cases[i].vocab);
    }
}

static void copy(const char *from, const char *to, long size, long at, unsigned char value);

/* The same bytes elsewhere are the same dataset; others are not. */
static void a_dataset_may_be_moved(void **state)
{
    struct dataset here, there, other;
    (void)state;
    assert_int_equal(prepare(&here, given("llmc_train_*.bin"), NULL, 1000), 0);
    copy("llmc_train_000.bin", "moved_0.bin", -1, -1, 0);
    copy("llmc_train_001.bin", "moved_1.bin", -1, -1, 0);
    assert_int_equal(prepare(&there, own("moved_*.bin"), NULL, 1000), 0);
    assert_true(here.hash == there.hash);
    assert_string_not_equal(here.path, there.path);
    copy("llmc_train_001.bin", "moved_1.bin", -1, 1024, 1);
    assert_int_equal(prepare(&other, own("moved_*.bin"), NULL, 1000), 0);
    assert_true(here.hash != other.hash);
    assert_int_equal(prepare(&other, given("llmc_train_*.bin"), given("llmc_val_000.bin"), 1000),
                     0);
    assert_true(here.hash != other.hash);
}

/* What `lrsearch tokenize` wrote; shards so small that there are several. */
static void shards_of_our_own(void **state)
{
    struct dataset_file file = {.val_first = VAL_AT_END, .vocab_used = 300, .text_bytes = 3000};
    struct shard_writer *writer;
    struct dataset dataset;
    (void)state;
    assert_int_equal(shard_writer_open(&writer, own("shard"), false, 400, NULL), 0);
    for (uint64_t i = 0; i < 1000; i++) {
        uint32_t token = token_at(i, 300);
        assert_int_equal(shard_writer_put(writer, &token, 1, NULL), 0);
    }
    assert_true(access(own("shard-000.bin"), F_OK) != 0); /* not before all are whole */
    assert_int_equal(shard_writer_finish(writer, &file.train, NULL), 0);
    assert_int_equal(shard_writer_highest(writer), 299);
    shard_writer_close(writer);
    assert_int_equal(file.train.count, 3);
    assert_int_equal(dataset_file_write(&file, own("shard.json"), NULL), 0);
    dataset_file_release(&file);
    assert_int_equal(prepare(&dataset, own("shard.json"), NULL, 300), 0);
    assert_int_equal(dataset.files, 3);
    assert_true(dataset.bytes_per_token == 3);
    check_source(&dataset, 1000 - VAL_TOKENS, 1000 - VAL_TOKENS, VAL_TOKENS, 300);
    /* the text of a shard alone is not known */
    assert_int_equal(prepare(&dataset, own("shard.json"), own("shard-002.bin"), 300), 0);
    assert_int_equal(dataset.files, 2);
    assert_true(dataset.bytes_per_token == 0);
}

/* ---- what cannot be used ---- */

/* A copy under another name, `size` bytes of it, `value` put at byte `at` (at < 0: nowhere). */
static void copy(const char *from, const char *to, long size, long at, unsigned char value)
{
    static unsigned char bytes[4096];
    FILE *in = fopen(given(from), "rb"), *out = fopen(own(to), "wb");
    assert_true(in && out);
    long whole = (long)fread(bytes, 1, sizeof(bytes), in);
    if (at >= 0)
        bytes[at] = value;
    long wanted = size < 0 ? whole : size;
    assert_int_equal(fwrite(bytes, 1, (size_t)wanted, out), wanted);
    fclose(in);
    fclose(out);
}

static void must_fail(const char *tokens, const char *val, uint32_t vocab, const char *text)
{
    struct dataset dataset;
    assert_int_equal(prepare(&dataset, tokens, val, vocab), LR_EDATA);
    if (!strstr(err.text, text))
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
}

static void unusable_files_say_why(void **state)
{
    (void)state;
    must_fail(own("nothing*.bin"), NULL, 1000, "data.tokens: ");
    must_fail(own("nothing*.bin"), NULL, 1000, "nothing*.bin: no such file");
    copy("nanogpt.bin", "a.bin", 0, -1, 0);
    must_fail(own("a.bin"), NULL, 1000, "a.bin: is empty");
    copy("nanogpt.bin", "a.bin", 801, -1, 0);
    must_fail(own("a.bin"), NULL, 1000, "a.bin: 801 bytes are no whole number of uint16 tokens");
    copy("nanogpt.bin", "a.tokens", -1, -1, 0);
    must_fail(own("a.tokens"), NULL, 1000, "no known kind of token file; say data.format");
    copy("write.py", "a.bin", -1, -1, 0);
    must_fail(own("a.bin"), NULL, 1000, "a.bin: looks like text; name it under data.text");
    copy("llmc_train_000.bin", "a.bin", -1, 8, 17);
    must_fail(own("a.bin"), NULL, 1000,
              "a.bin: the header says 529 tokens, so 2082 bytes, but the file has 2424");
    copy("llmc_train_000.bin", "a.bin", 2000, -1, 0);
    must_fail(own("a.bin"), NULL, 1000, "but the file has 2000: it is cut short or damaged");
    copy("llmc_train_000.bin", "a.bin", -1, 4, 9);
    must_fail(own("a.bin"), NULL, 1000, "token file version 9 is not known");
    must_fail(own(""), NULL, 1000, "is no regular file");
    assert_int_equal(mkfifo(own("pipe.bin"), 0600), 0); /* its reader must not wait for a writer */
    must_fail(own("pipe.bin"), NULL, 1000, "pipe.bin: is no regular file");
    copy("llmc_train_000.bin", "mixed_a.bin", -1, -1, 0);
    copy("nanogpt.bin", "mixed_b.bin", -1, -1, 0);
    must_fail(own("mixed_*.bin"), NULL, 1000, "mixed_b.bin is nanogpt, but ");
    must_fail(own("mixed_*.bin"), NULL, 1000, "mixed_a.bin is llmc: name files of one kind");
    must_fail(own("mixed_a.bin"), own("mixed_a.bin"), 1000, "all files are taken by data.val");
    must_fail(given("llmc_train_*.bin"), NULL, 900,
              "llmc_train_000.bin: token 1 (byte 1026) is 919, but model.vocab is 900; use 920");
}

static void damaged_indexes_say_why(void **state)
{
    (void)state;
    copy("megatron_u16.bin", "m.bin", -1, -1, 0);
    copy("megatron_u16.idx", "m.idx", 100, -1, 0);
    must_fail(own("m.bin"), NULL, 1000, "m.idx: the header says 6 sequences and 5 documents");
    copy("megatron_u16.idx", "m.idx", -1, 0, 'X');
    must_fail(own("m.bin"), NULL, 1000, "m.idx: is no index of Megatron-LM");
    copy("megatron_u16.idx", "m.idx", -1, 9, 2);
    must_fail(own("m.bin"), NULL, 1000, "m.idx: version 2 of the index is not known");
    copy("megatron_u16.idx", "m.idx", -1, 17, 6);
    must_fail(own("m.bin"), NULL, 1000, "m.idx: tokens of type 6 are not known");
    copy("megatron_u16.idx", "m.idx", -1, 34, 99);
    must_fail(own("m.bin"), NULL, 1000, "sequence 1 does not begin where the one before it ends");
    copy("megatron_u16.idx", "m.idx", -1, 106 + 8, 7);
    must_fail(own("m.bin"), NULL, 1000, "m.idx: document 1 begins at sequence 7: damaged");
    copy("megatron_u16.idx", "m.idx", -1, -1, 0);
    copy("megatron_u16.bin", "m.bin", 1000, -1, 0);
    must_fail(own("m.idx"), NULL, 1000, "ends after the 1000 bytes of its .bin file");
    copy("megatron_u16.idx", "m.idx", 0, -1, 0);
    must_fail(own("m.bin"), NULL, 1000, "m.idx: is empty");
}

/* Under a training: what is there no more is an error of the trial, not the end of the process. */
static void a_file_that_goes_away(void **state)
{
    struct dataset dataset;
    uint32_t tokens[CONTEXT + 1];
    static unsigned char zeros[1 << 20];
    (void)state;
    memset(zeros, 1, sizeof(zeros)); /* tokens 257, and no text */
    zeros[0] = 0;
    FILE *file = fopen(own("large.bin"), "wb");
    assert_int_equal(fwrite(zeros, 1, sizeof(zeros), file), sizeof(zeros));
    fclose(file);
    assert_int_equal(prepare(&dataset, own("large.bin"), NULL, 300), 0);
    struct source *source = open_source(&dataset, 300);
    source_val(source, 0, tokens);
    assert_int_equal(tokens[3], 257);
    assert_int_equal(truncate(own("large.bin"), 4096), 0);
    assert_int_equal(source_failed(source, &err), 0);
    source_val(source, 0, tokens);
    assert_int_equal(tokens[3], 0);
    memset(&err, 0, sizeof(err));
    assert_int_equal(source_failed(source, &err), LR_EDATA);
    assert_non_null(strstr(err.text, "large.bin: went away or was cut short while it was read"));
    source_close(source);
}

/* Changed in place, same size: an id that the model does not have must not be looked up. */
static void a_file_that_changes(void **state)
{
    struct dataset dataset;
    uint32_t tokens[CONTEXT + 1];
    (void)state;
    copy("nanogpt.bin", "c.bin", -1, -1, 0);
    assert_int_equal(prepare(&dataset, own("c.bin"), NULL, 1000), 0);
    struct source *source = open_source(&dataset, 1000);
    FILE *file = fopen(own("c.bin"), "r+b");
    for (int i = 0; i < 1600; i++)
        fputc(0xff, file);
    fclose(file);
    source_train(source, 0, tokens);
    memset(&err, 0, sizeof(err));
    assert_int_equal(source_failed(source, &err), LR_EDATA);
    assert_non_null(strstr(err.text, "is 65535, but model.vocab is 1000"));
    source_close(source);
    struct trial_spec spec = {.context = CONTEXT, .vocab = 1000, .val_tokens = VAL_TOKENS};
    memset(&err, 0, sizeof(err));
    assert_int_equal(source_open(&source, &spec, dataset.path, &err), LR_EDATA);
    assert_non_null(strstr(err.text, "c.bin: is not the file that the campaign began with"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_file_or_many),       cmocka_unit_test(megatron_in_documents),
        cmocka_unit_test(a_dataset_may_be_moved), cmocka_unit_test(shards_of_our_own),
        cmocka_unit_test(unusable_files_say_why), cmocka_unit_test(damaged_indexes_say_why),
        cmocka_unit_test(a_file_that_goes_away),  cmocka_unit_test(a_file_that_changes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
