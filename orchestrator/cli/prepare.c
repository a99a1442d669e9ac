/* Makes the training data ready on the coordinator's host. Workers find the token file at the same
 * path (a shared file system) and check its hash before they train on it. */
#include "cli/prepare.h"

#include <stdio.h>
#include <string.h>
#include "data/dataset.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "net/transports.h"
#include "report/summary.h"

char *prepare_cache_dir(const char *run_dir)
{
    size_t length = strlen(run_dir);
    while (length > 1 && run_dir[length - 1] == '/')
        length--;
    while (length > 0 && run_dir[length - 1] != '/')
        length--;
    char *path = lr_malloc(length + sizeof("cache"));
    if (path) {
        memcpy(path, run_dir, length);
        memcpy(path + length, "cache", sizeof("cache"));
    }
    return path;
}

int prepare_plan(struct plan **plan, const struct options *options)
{
    struct plan_errors errors = {0};
    *plan = lr_calloc(1, sizeof(**plan));
    int rc = *plan ? plan_load(*plan, options->operand, options->sets, options->set_count, &errors)
                   : LR_ENOMEM;
    for (size_t i = 0; i < errors.count && mpi_launched_rank() == 0; i++)
        fprintf(stderr, "%s\n", errors.lines[i]);
    if (rc == LR_ENOMEM && mpi_launched_rank() == 0)
        lr_log(LR_LOG_ERROR, "out of memory");
    plan_errors_release(&errors);
    if (rc) {
        lr_free(*plan);
        *plan = NULL;
    }
    return rc;
}

static int check_length(const struct prepare *prepare, const struct dataset *dataset,
                        struct lr_error *err)
{
    char wanted[24], found[24];
    if (prepare->plan->data.repeat || prepare->longest <= dataset->train_tokens)
        return 0;
    return lr_fail(err, LR_EDATA,
                   "%s, %s tokens, is more than the text gives: %s training "
                   "tokens. Shorten it, add text, or set data.repeat: true to read the text again",
                   prepare->longest_key,
                   format_count(wanted, sizeof(wanted), (double)prepare->longest),
                   format_count(found, sizeof(found), (double)dataset->train_tokens));
}

int prepare_data(void *context, struct event_campaign *opening, struct lr_error *err)
{
    const struct prepare *prepare = context;
    const struct plan *plan = prepare->plan;
    const struct trial_spec spec = plan_trial(plan);
    int rc = prepare_products(opening->products, plan, &spec, prepare->cache_dir, err);
    if (rc || plan->data.source == SOURCE_SYNTHETIC)
        return rc;

    const char *patterns[PLAN_TEXTS];
    for (size_t i = 0; i < plan->data.text_count; i++)
        patterns[i] = plan->data.text[i];
    struct dataset_request request = {
        .patterns = patterns,
        .pattern_count = plan->data.text_count,
        .bpe = plan->data.tokenizer == TOKENIZER_BPE,
        .vocab = plan->model.vocab,
        .val_tokens = plan->data.val_tokens,
        .context = plan->model.context,
        .cache_dir = prepare->cache_dir,
        .progress = live_stage,
        .context_of_progress = prepare->live,
    };
    struct dataset dataset;
    rc = dataset_prepare(&dataset, &request, err);
    live_clear(prepare->live);
    if (!rc)
        rc = check_length(prepare, &dataset, err);
    if (rc)
        return rc;
    char tokens[24];
    lr_log(LR_LOG_INFO, "text: %s training tokens, %.2f bytes each%s",
           format_count(tokens, sizeof(tokens), (double)dataset.train_tokens),
           dataset.bytes_per_token, dataset.cached ? " (cached)" : "");
    memcpy(opening->data_path, dataset.path, sizeof(opening->data_path));
    opening->data_hash = dataset.hash;
    opening->train_tokens = dataset.train_tokens;
    opening->bytes_per_token = dataset.bytes_per_token;
    return 0;
}

int prepare_trial(struct trial_spec *spec, const struct plan *plan, const char *longest_key,
                  struct live *live, struct lr_error *err)
{
    struct event_campaign *opening = lr_calloc(1, sizeof(*opening));
    char *cache_dir = prepare_cache_dir(plan->output.dir);
    struct prepare prepare = {plan, spec->horizon_tokens, longest_key, cache_dir, live};
    int rc = opening && cache_dir ? prepare_data(&prepare, opening, err)
                                  : lr_fail(err, LR_ENOMEM, "out of memory");
    if (!rc) {
        memcpy(spec->data_path, opening->data_path, sizeof(spec->data_path));
        spec->data_hash = opening->data_hash;
        spec->bytes_per_token = opening->bytes_per_token;
        memcpy(spec->products, opening->products, sizeof(spec->products));
    }
    lr_free(cache_dir);
    lr_free(opening);
    return rc;
}
