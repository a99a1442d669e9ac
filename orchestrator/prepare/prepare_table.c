/* Checks the table of trainer.kind replay before the campaign begins: it must have what the plan
 * needs. Trials name a copy of the rows read, in the cache under its hash, so that the user's file
 * may change while a campaign runs. */
#include "prepare/prepare_table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "data/sweep_csv.h"
#include "lrsearch/log.h"
#include "prepare/prepare.h"

/* Appends an item to "1000000, 2000000", or nothing if it does not fit. */
static void add_to_list(char *list, size_t capacity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add_to_list(char *list, size_t capacity, const char *format, ...)
{
    char item[96];
    size_t used = strlen(list);
    va_list args;
    va_start(args, format);
    vsnprintf(item, sizeof(item), format, args);
    va_end(args);
    if (used + strlen(item) + sizeof(", ") <= capacity)
        snprintf(list + used, capacity - used, "%s%s", used ? ", " : "", item);
}

static int check_horizons(const struct plan *plan, const struct sweep *sweep, struct lr_error *err)
{
    char missing[256] = "", there[512] = "";
    double low, high;
    for (size_t i = 0; i < plan->search.horizon_count; i++)
        if (sweep_range(sweep, plan->search.horizons[i], &low, &high) == 0)
            add_to_list(missing, sizeof(missing), "%" PRIu64, plan->search.horizons[i]);
    if (!*missing)
        return 0;
    for (uint64_t tokens = sweep_next_horizon(sweep, 0);
         tokens && strlen(there) + 32 < sizeof(there); tokens = sweep_next_horizon(sweep, tokens))
        add_to_list(there, sizeof(there), "%" PRIu64, tokens);
    return lr_fail(err, LR_EDATA,
                   "search.horizons: the table has no trainings on %s tokens, only on %s; choose "
                   "among these (trainer.table %s)",
                   missing, there, plan->trainer.table);
}

static int check_range(const struct plan *plan, const struct sweep *sweep, struct lr_error *err)
{
    const double *lr = plan->search.lr;
    for (size_t i = 0; i < plan->search.horizon_count; i++) {
        uint64_t tokens = plan->search.horizons[i];
        double low, high;
        size_t count = sweep_range(sweep, tokens, &low, &high);
        if (count == 1)
            return lr_fail(err, LR_EDATA,
                           "trainer.table: %s: has one learning rate only (%g) on %" PRIu64
                           " tokens; leave that horizon out",
                           plan->trainer.table, low, tokens);
        if (lr[0] > high || lr[1] < low)
            return lr_fail(err, LR_EDATA,
                           "search.lr: %g to %g is not in the table, which has %g to %g on %" PRIu64
                           " tokens (trainer.table %s)",
                           lr[0], lr[1], low, high, tokens, plan->trainer.table);
    }
    return 0;
}

static void warn_of_ends(const struct plan *plan, const struct sweep *sweep, const char *of)
{
    char known[512] = "";
    for (size_t i = 0; i < plan->search.horizon_count; i++) {
        uint64_t tokens = plan->search.horizons[i];
        double low, high;
        sweep_range(sweep, tokens, &low, &high);
        if (plan->search.lr[0] < low || plan->search.lr[1] > high)
            add_to_list(known, sizeof(known), "%.4g to %.4g on %" PRIu64 " tokens", low, high,
                        tokens);
    }
    if (*known)
        lr_log(LR_LOG_WARNING,
               "%s%ssearch.lr, %g to %g, reaches beyond the table, which knows %s; what lies "
               "beyond will stay unknown",
               of, of[0] ? ": " : "", plan->search.lr[0], plan->search.lr[1], known);
}

#define AXES_NAMED 6

/* The cell's values in the columns that the plan names for axes; `texts` holds them. */
static size_t fill_where(const struct plan *plan, size_t cell, struct sweep_where *where,
                         char texts[AXES_NAMED][32])
{
    struct trial_spec spec = plan_cell(plan, cell);
    const struct {
        const char *name;
        double value;
    } axes[AXES_NAMED] = {{"d_model", spec.d_model},
                          {"n_layers", spec.n_layers},
                          {"vocab", spec.vocab},
                          {"batch_tokens", spec.batch_tokens},
                          {"weight_decay", spec.weight_decay},
                          {"parametrization", 0}};
    size_t count = 0;
    for (size_t i = 0; i < AXES_NAMED; i++) {
        const char *column = plan_column(plan, axes[i].name);
        if (!column)
            continue;
        if (i == AXES_NAMED - 1)
            snprintf(texts[count], sizeof(texts[count]), "%s",
                     parametrization_name(spec.parametrization));
        else /* as short as it reads back the same */
            snprintf(texts[count], sizeof(texts[count]), "%.15g", axes[i].value);
        where[count] = (struct sweep_where){column, texts[count]};
        count++;
    }
    return count;
}

/* Trainings of one horizon that differ in the weight decay count as seeds of one another. */
static void warn_of_decays(const struct plan *plan, const struct sweep *sweep, const char *of)
{
    if (sweep->mixed_tokens > 0)
        lr_log(LR_LOG_WARNING,
               "%s%sthe table has several weight decays on %" PRIu64
               " tokens, %s, which count alike; choose one by trainer.where, or name the column in "
               "trainer.columns.weight_decay (trainer.table %s)",
               of, of[0] ? ": " : "", sweep->mixed_tokens, sweep->decays, plan->trainer.table);
}

int prepare_table_read(struct sweep *sweep, const struct plan *plan, size_t cell,
                       struct lr_error *err)
{
    struct sweep_where where[PLAN_PAIRS + AXES_NAMED];
    char texts[AXES_NAMED][32], of[128];
    size_t count = plan->trainer.where_count;
    for (size_t i = 0; i < count; i++)
        where[i] = (struct sweep_where){plan->trainer.where[i].key, plan->trainer.where[i].value};
    count += fill_where(plan, cell, where + count, texts);
    const struct sweep_request request = {.path = plan->trainer.table,
                                          .lr = plan_column(plan, "lr"),
                                          .tokens = plan_column(plan, "tokens"),
                                          .loss = plan_column(plan, "loss"),
                                          .seed = plan_column(plan, "seed"),
                                          .optimizer = plan_column(plan, "optimizer"),
                                          .weight_decay = plan_column(plan, "weight_decay"),
                                          .batch_tokens = plan_column(plan, "batch_tokens"),
                                          .where = where,
                                          .where_count = count};
    int rc = sweep_read(sweep, &request, err);
    if (rc)
        return lr_prefix(err, "trainer.table");
    plan_cell_text(plan, cell, of, sizeof(of));
    if ((rc = check_horizons(plan, sweep, err)) || (rc = check_range(plan, sweep, err))) {
        sweep_release(sweep);
        return of[0] ? lr_prefix(err, "%s", of) : rc;
    }
    warn_of_ends(plan, sweep, of);
    warn_of_decays(plan, sweep, of);
    return 0;
}

int prepare_table(const struct plan *plan, size_t cell, const char *cache_dir,
                  struct event_data *data, struct lr_error *err)
{
    struct sweep sweep;
    char of[128], *folder = NULL;
    int rc;
    if ((rc = prepare_table_read(&sweep, plan, cell, err)))
        return rc;
    if ((rc = prepare_cache_make(cache_dir, &folder, err)))
        goto out;
    if ((rc = sweep_write(&sweep, folder, data->data_path, &data->data_hash, err)))
        goto out;
    plan_cell_text(plan, cell, of, sizeof(of));
    lr_log(LR_LOG_INFO, "table: %zu trainings%s%s", sweep.count, of[0] ? " of " : "", of);
out:
    free(folder);
    sweep_release(&sweep);
    return rc;
}
