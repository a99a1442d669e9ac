/* Prepares the training data on the coordinator's host. Workers open them at the same path (on a
 * shared file system) and check their hash before training. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "prepare/prepare.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "data/dataset.h"
#include "data/synthetic.h"
#include "lrsearch/count.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"
#include "net/launch.h"
#include "plan/plan_load.h"
#include "prepare/prepare_command.h"
#include "prepare/prepare_products.h"
#include "prepare/prepare_table.h"
#include "store/run_dir.h"

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

int prepare_cache_make(const char *cache_dir, char **folder, struct lr_error *err)
{
    *folder = NULL;
    int rc = run_dir_make(cache_dir, err);
    if (!rc && !(*folder = realpath(cache_dir, NULL)))
        rc = lr_fail_errno(err, LR_ECREATE, "%s", cache_dir);
    return rc;
}

/* A user who can write to the cache could replace the training data. */
static int check_cache(const char *cache_dir, struct lr_error *err)
{
    return access(cache_dir, F_OK) == 0 ? own_folder_check(cache_dir, OWN_FOLDER_NAMED, err) : 0;
}

/* ---- the plan ---- */

int prepare_plan(struct plan **plan, const char *path, const char *const *sets, size_t set_count)
{
    struct plan_errors errors = {0};
    *plan = lr_calloc(1, sizeof(**plan));
    int rc = *plan ? plan_load(*plan, path, sets, set_count, &errors) : LR_ENOMEM;
    fflush(stdout);
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

/* ---- tokens ---- */

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

static size_t list_paths(const char *patterns[PLAN_TEXTS], const char (*paths)[TRIAL_PATH],
                         size_t count)
{
    for (size_t i = 0; i < count; i++)
        patterns[i] = paths[i];
    return count;
}

static void log_tokens(const struct prepare *prepare, const struct dataset *dataset, const char *of)
{
    char count[24], bytes[32] = "", epochs[64] = "";
    if (dataset->bytes_per_token > 0)
        snprintf(bytes, sizeof(bytes), ", %.2f bytes each", dataset->bytes_per_token);
    if (prepare->longest > dataset->train_tokens)
        snprintf(epochs, sizeof(epochs), "; the longest horizon reads them %.1f times",
                 (double)prepare->longest / (double)dataset->train_tokens);
    lr_log(LR_LOG_INFO, "data%s: %s training tokens%s%s%s", of,
           format_count(count, sizeof(count), (double)dataset->train_tokens), bytes,
           dataset->cached ? " (cached)" : "", epochs);
}

/* val_bytes: bytes of validation text, to match an earlier vocabulary; 0: by the plan. */
static int prepare_tokens(const struct prepare *prepare, uint32_t vocab, uint64_t val_bytes,
                          struct event_data *data, struct lr_error *err)
{
    const struct plan *plan = prepare->plan;
    const char *texts[PLAN_TEXTS], *tokens[PLAN_TEXTS], *vals[PLAN_TEXTS];
    struct dataset_request request = {
        .texts = texts,
        .text_count = list_paths(texts, plan->data.text, plan->data.text_count),
        .bpe = plan->data.tokenizer == TOKENIZER_BPE,
        .tokens = tokens,
        .token_count = list_paths(tokens, plan->data.tokens, plan->data.token_count),
        .vals = vals,
        .val_count = list_paths(vals, plan->data.val, plan->data.val_count),
        .format = (enum token_format)plan->data.format,
        .vocab = vocab,
        .val_tokens = plan->data.val_tokens,
        .val_bytes = val_bytes ? val_bytes : plan->data.val_bytes,
        .context = plan->model.context,
        .cache_dir = prepare->cache_dir,
        .stages = prepare->stages,
    };
    struct dataset dataset;
    char of[40] = "";
    if (plan->axes.vocab.count > 1)
        snprintf(of, sizeof(of), ", vocabulary of %" PRIu32, vocab);
    int rc = dataset_prepare(&dataset, &request, err);
    stage_over(prepare->stages);
    if (rc)
        return rc == LR_EDATA && request.text_count ? lr_prefix(err, "data.text%s", of) : rc;
    if ((rc = check_length(prepare, &dataset, err)))
        return of[0] ? lr_prefix(err, "data.text%s", of) : rc;
    log_tokens(prepare, &dataset, of);
    memcpy(data->data_path, dataset.path, sizeof(data->data_path));
    data->data_hash = dataset.hash;
    data->train_tokens = dataset.train_tokens;
    data->val_tokens = dataset.val_tokens;
    data->val_bytes = dataset.val_bytes;
    return 0;
}

static int log_entropy(const struct trial_spec *spec, struct lr_error *err)
{
    struct synthetic *synthetic;
    char plus_minus[32] = "";
    double error;
    int rc = synthetic_create(&synthetic, spec, err);
    if (rc)
        return rc;
    double entropy = synthetic_entropy(synthetic, &error);
    if (error > 0)
        snprintf(plus_minus, sizeof(plus_minus), " +- %.4f", error);
    lr_log(LR_LOG_INFO,
           "data: synthetic, Zipf exponent %.3g, order %u: entropy rate %.4f%s nats per token; no "
           "loss can be below it",
           spec->zipf_exponent, spec->markov_order, entropy, plus_minus);
    synthetic_destroy(synthetic);
    return 0;
}

/* ---- cells ---- */

/* The first cell with this vocabulary; the number of cells if there is none. */
static size_t cell_of_vocab(const struct plan *plan, uint32_t vocab)
{
    size_t cell = 0, count = plan_cell_count(plan);
    while (cell < count && plan_cell(plan, cell).vocab != vocab)
        cell++;
    return cell;
}

/* Prepares the data of a cell, or of the target if `cell` is plan_cell_count(). Cells with the same
 * vocabulary share their data. */
static int prepare_cell(const struct prepare *prepare, size_t cell, struct event_data *data,
                        struct lr_error *err)
{
    const struct plan *plan = prepare->plan;
    bool target = cell == plan_cell_count(plan);
    struct trial_spec spec = target ? plan_target(plan) : plan_cell(plan, cell);
    if (spec.trainer == TRAINER_SIMULATE || spec.trainer == TRAINER_EXTERNAL ||
        (target && !plan->confirm.wanted))
        return 0;
    if (spec.trainer == TRAINER_REPLAY)
        return target ? 0 : prepare_table(plan, cell, prepare->cache_dir, &data[cell], err);
    if (spec.trainer == TRAINER_COMMAND) { /* one command for all cells */
        data[cell] = data[0];
        return cell ? 0 : prepare_command(plan, prepare->cache_dir, &data[0], err);
    }
    size_t same = cell_of_vocab(plan, spec.vocab);
    if (same < cell) {
        data[cell] = data[same];
        return 0;
    }
    if (spec.source == SOURCE_SYNTHETIC)
        return log_entropy(&spec, err);
    /* all vocabularies are scored on the same text */
    uint64_t val_bytes = plan->data.text_count && cell > 0 ? data[0].val_bytes : 0;
    return prepare_tokens(prepare, spec.vocab, val_bytes, &data[cell], err);
}

int prepare_data(void *context, char products[TRIAL_PRODUCTS], struct event_data *data,
                 struct lr_error *err)
{
    const struct prepare *prepare = context;
    const struct trial_spec spec = plan_trial(prepare->plan);
    int rc;
    if ((rc = check_cache(prepare->cache_dir, err)))
        return rc;
    if (spec.trainer == TRAINER_TRANSFORMER &&
        (rc = prepare_products(products, prepare->plan, &spec, prepare->cache_dir, true, err)))
        return rc;
    for (size_t cell = 0; cell <= plan_cell_count(prepare->plan); cell++)
        if ((rc = prepare_cell(prepare, cell, data, err)))
            return rc;
    return 0;
}

int prepare_trial(struct trial_spec *spec, char data_path[TRIAL_PATH], const struct plan *plan,
                  const char *longest_key, const struct stage_report *stages, struct lr_error *err)
{
    struct event_data data = {0};
    assert(spec->horizon_tokens > 0);
    char *cache_dir = prepare_cache_dir(plan->output.dir);
    struct prepare prepare = {plan, spec->horizon_tokens, longest_key, cache_dir, stages};
    int rc;
    if (!cache_dir)
        return lr_nomem(err);
    if (spec->trainer == TRAINER_EXTERNAL) {
        rc = lr_fail(err, LR_EPLAN, PREPARE_EXTERNAL);
        goto out;
    }
    if ((rc = check_cache(cache_dir, err)))
        goto out;
    if (spec->trainer == TRAINER_TRANSFORMER &&
        (rc = prepare_products(spec->products, plan, spec, cache_dir, true, err)))
        goto out;
    if ((rc = prepare_cell(&prepare, 0, &data, err)))
        goto out;
    memcpy(data_path, data.data_path, sizeof(data.data_path));
    spec->data_hash = data.data_hash;
    if (data.val_tokens > 0)
        spec->val_tokens = data.val_tokens;
    spec->val_bytes = data.val_bytes;
out:
    lr_free(cache_dir);
    return rc;
}
