/* lrsearch tokenize: turns text into token files of one vocabulary, for any number of plans. */
#include <stdio.h>
#include "cli/progress_line.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "data/dataset.h"
#include "lrsearch/log.h"
#include "lrsearch/printable.h"
#include "report/summary.h"
#include "store/json_value.h"

#define VOCAB_MAX 131072

struct tokenize_options {
    uint32_t vocab;
    const char *out;
    bool json;
};

static void print_text(const struct dataset *dataset, uint32_t vocab)
{
    char tokens[24];
    lr_say(stdout,
           "%s tokens, %.3f bytes each, in %zu file%s%s\n%s\n\nin a plan:\n"
           "  model: {vocab: %u, ...}\n  data: {tokens: [%s]}\n",
           format_count(tokens, sizeof(tokens), (double)dataset->tokens), dataset->bytes_per_token,
           dataset->files, dataset->files > 1 ? "s" : "", dataset->cached ? " (was there)" : "",
           dataset->path, vocab, dataset->path);
}

static int print_json(const struct dataset *dataset, uint32_t vocab, struct lr_error *err)
{
    bool ok = true;
    json_t *object = json_object();
    json_put(object, "schema_version", json_of_count(1), &ok);
    json_put(object, "dataset", json_of_text(dataset->path), &ok);
    json_put(object, "files", json_of_count(dataset->files), &ok);
    json_put(object, "tokens", json_of_count(dataset->tokens), &ok);
    json_put(object, "bytes_per_token", json_of_double(dataset->bytes_per_token), &ok);
    json_put(object, "vocab", json_of_count(vocab), &ok);
    json_put(object, "vocab_used", json_of_count(dataset->vocab_used), &ok);
    json_put(object, "cached", json_boolean(dataset->cached), &ok);
    return json_print(object, ok, err);
}

/* Operands are file names or globs, as in a plan. */
static int run(const struct command_line *line)
{
    const struct tokenize_options *options = line->options;
    struct lr_error err = {0};
    struct progress_line progress;
    struct dataset dataset;
    progress_line_init(&progress, line->verbosity >= 0, false);
    const struct stage_report stages = progress_line_stages(&progress);
    const struct dataset_request request = {
        .texts = (const char *const *)line->operands,
        .text_count = line->operand_count,
        .bpe = options->vocab > 256,
        .vocab = options->vocab,
        .context = 1,
        .cache_dir = options->out,
        .stages = &stages,
    };
    int rc = dataset_prepare(&dataset, &request, &err);
    progress_line_release(&progress);
    if (rc)
        goto out;
    if (options->json)
        rc = print_json(&dataset, options->vocab, &err);
    else
        print_text(&dataset, options->vocab);

out:
    return outcome_error(rc, &err);
}

static int check_options(const struct command_line *line, struct lr_error *err)
{
    const struct tokenize_options *options = line->options;
    if (line->operand_count == 0 || !options->vocab || !options->out)
        return lr_fail(err, LR_EUSAGE,
                       "tokenize: name text files, --vocab and --out, as in: lrsearch tokenize "
                       "book.txt.gz --vocab 8192 --out tokens");
    if (options->vocab != 256 && options->vocab < 512)
        return lr_fail(err, LR_EUSAGE, "--vocab %u: must be 256 (bytes), or 512 to %d",
                       options->vocab, VOCAB_MAX);
    return 0;
}

static const struct option_row rows[] = {
    {"vocab", "N", "256: the bytes; 512 to 131072: bpe, learned from the text; needed",
     OPTION_AT(tokenize_options, vocab), .type = OPTION_U32, .low = 2, .high = VOCAB_MAX,
     .wanted = "256 (bytes), or 512 to 131072"},
    {"out", "PATH", "folder of the token files; existing ones are kept; needed", .letter = 'o',
     OPTION_AT(tokenize_options, out), .type = OPTION_TEXT, .wanted = "a name", .values = "@file"},
    OPTION_ROW_JSON(tokenize_options),
};

const struct command cmd_tokenize = {
    .name = "tokenize",
    .operand = "TEXT...",
    .help = "text into token files, for any number of plans; needs --vocab and --out",
    .operand_help = "text files, .gz and .dz too, or patterns in quotes",
    .examples = "lrsearch tokenize 'corpus/*.txt.gz' --vocab 8192 --out tokens",
    .kind = OPERAND_FILE,
    .least_most = {0, SIZE_MAX},
    COMMAND_ROWS(rows),
    .options = &(struct tokenize_options){0},
    .check = check_options,
    .run = run,
};
