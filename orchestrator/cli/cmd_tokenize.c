/* lrsearch tokenize: text into token files, once for any number of plans and vocabularies. */
#include <stdio.h>
#include "cli/progress_line.h"
#include "cli/options.h"
#include "data/dataset.h"
#include "lrsearch/log.h"
#include "lrsearch/printable.h"
#include "report/summary.h"
#include "store/json_value.h"

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

/* Operands are names of files; globs in them are allowed, as in a plan. */
int command_tokenize(const struct options *options)
{
    struct lr_error err = {0};
    struct live live;
    struct dataset dataset;
    live_init(&live, options);
    const struct stage_report stages = live_stages(&live);
    const struct dataset_request request = {
        .texts = (const char *const *)options->operands,
        .text_count = options->operand_count,
        .bpe = options->vocab > 256,
        .vocab = options->vocab,
        .context = 1,
        .cache_dir = options->out,
        .stages = &stages,
    };
    int rc = dataset_prepare(&dataset, &request, &err);
    live_release(&live);
    if (!rc && options->json)
        rc = print_json(&dataset, options->vocab, &err);
    else if (!rc)
        print_text(&dataset, options->vocab);
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    return rc ? lr_error_exit_status(rc) : 0;
}
