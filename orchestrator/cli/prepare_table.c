/* The table that trainer.kind replay takes its losses from. It is judged before anything is looked
 * up: what a plan asks for must be in it. Trials name a copy of what was read, in the cache under
 * its own hash, so that the user's file may change while a campaign runs. */
#define _XOPEN_SOURCE 700 /* realpath */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/prepare.h"
#include "lrsearch/log.h"
#include "store/run_dir.h"

/* "1000000, 2000000": as many as fit. */
static const char *horizons_of(const struct sweep *sweep, char *out, size_t capacity)
{
    size_t used = 0;
    for (uint64_t tokens = sweep_next_horizon(sweep, 0); tokens && used + 32 < capacity;
         tokens = sweep_next_horizon(sweep, tokens))
        used +=
            (size_t)snprintf(out + used, capacity - used, "%s%" PRIu64, used ? ", " : "", tokens);
    return out;
}

static int check_horizons(const struct plan *plan, const struct sweep *sweep, struct lr_error *err)
{
    char missing[256] = "", there[512];
    size_t used = 0;
    double low, high;
    for (size_t i = 0; i < plan->search.horizon_count && used + 32 < sizeof(missing); i++)
        if (sweep_range(sweep, plan->search.horizons[i], &low, &high) == 0)
            used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s%" PRIu64,
                                     used ? ", " : "", plan->search.horizons[i]);
    if (!used)
        return 0;
    return lr_fail(err, LR_EDATA,
                   "search.horizons: the table has no trainings on %s tokens, only on %s; choose "
                   "among these (trainer.table %s)",
                   missing, horizons_of(sweep, there, sizeof(there)), plan->trainer.table);
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

static void warn_of_ends(const struct plan *plan, const struct sweep *sweep)
{
    char known[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < plan->search.horizon_count && used + 80 < sizeof(known); i++) {
        double low, high;
        sweep_range(sweep, plan->search.horizons[i], &low, &high);
        if (plan->search.lr[0] < low || plan->search.lr[1] > high)
            used += (size_t)snprintf(known + used, sizeof(known) - used,
                                     "%s%.4g to %.4g on %" PRIu64 " tokens", used ? ", " : "", low,
                                     high, plan->search.horizons[i]);
    }
    if (used)
        lr_log(LR_LOG_WARNING,
               "search.lr, %g to %g, reaches beyond the table, which knows %s; what lies beyond "
               "will stay unknown",
               plan->search.lr[0], plan->search.lr[1], known);
}

int prepare_table_read(struct sweep *sweep, const struct plan *plan, struct lr_error *err)
{
    struct sweep_where where[PLAN_PAIRS];
    for (size_t i = 0; i < plan->trainer.where_count; i++)
        where[i] = (struct sweep_where){plan->trainer.where[i].key, plan->trainer.where[i].value};
    const struct sweep_request request = {.path = plan->trainer.table,
                                          .lr = plan_column(plan, "lr"),
                                          .tokens = plan_column(plan, "tokens"),
                                          .loss = plan_column(plan, "loss"),
                                          .seed = plan_column(plan, "seed"),
                                          .where = where,
                                          .where_count = plan->trainer.where_count};
    int rc = sweep_read(sweep, &request, err);
    if (rc)
        return lr_prefix(err, "trainer.table");
    rc = check_horizons(plan, sweep, err);
    rc = rc ? rc : check_range(plan, sweep, err);
    if (rc)
        sweep_release(sweep);
    else
        warn_of_ends(plan, sweep);
    return rc;
}

int prepare_table(const struct prepare *prepare, struct event_campaign *opening,
                  struct lr_error *err)
{
    struct sweep sweep;
    int rc = prepare_table_read(&sweep, prepare->plan, err);
    if (rc)
        return rc;
    rc = run_dir_make(prepare->cache_dir, err);
    char *folder = rc ? NULL : realpath(prepare->cache_dir, NULL); /* ranks may start elsewhere */
    if (!rc && !folder)
        rc = lr_fail_errno(err, LR_ECREATE, "%s", prepare->cache_dir);
    rc = rc ? rc : sweep_write(&sweep, folder, opening->data_path, &opening->data_hash, err);
    if (!rc)
        lr_log(LR_LOG_INFO, "table: %zu trainings", sweep.count);
    free(folder);
    sweep_release(&sweep);
    return rc;
}
