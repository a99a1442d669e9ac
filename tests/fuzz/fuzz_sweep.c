/* Any bytes as a table of losses: what is accepted keeps sweep.h's word, is looked up as trainer
 * replay does, is written so that it reads back the same, and, for some, is fitted as fit --table
 * does. An input that begins with ?COLUMN=VALUE and a NUL has that condition; seeds are told apart
 * by a column that is called seed, where there is one. */
#define _GNU_SOURCE /* memmem */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include "estimate/fit_table.h"
#include "data/sweep_csv.h"
#include "fuzz_input.h"
#include "lrsearch/memory.h"

#define ROWS_MOST 64  /* of a table that is looked at row by row */
#define ROUNDING 1e-9 /* of the larger of two losses that are interpolated */

static void check_rows(const struct sweep *sweep)
{
    DEMAND(sweep->count > 0);
    for (size_t i = 0; i < sweep->count; i++) {
        const struct sweep_row *row = &sweep->rows[i], *before = i ? row - 1 : NULL;
        DEMAND(row->lr > 0 && isfinite(row->lr) && row->tokens > 0 && !isinf(row->loss));
        bool first = !before || before->tokens != row->tokens || before->lr != row->lr;
        DEMAND(row->seed == (first ? 0 : before->seed + 1));
        DEMAND(!before || before->tokens < row->tokens ||
               (before->tokens == row->tokens && before->lr <= row->lr));
        DEMAND(!first || !before || before->tokens < row->tokens ||
               row->lr - before->lr > SWEEP_SAME_LR * before->lr);
    }
}

/* Between the learning rates of two rows lies a loss between theirs. */
static void look_up_between(const struct sweep *sweep, const struct sweep_row *low,
                            const struct sweep_row *high)
{
    double loss, lr = exp((log(low->lr) + log(high->lr)) / 2);
    if (low->tokens != high->tokens || !(lr > low->lr) || !(lr < high->lr) || low->seed ||
        high->seed || !(high->lr - low->lr > 4 * SWEEP_SAME_LR * high->lr))
        return;
    enum sweep_found found = sweep_at(sweep, low->tokens, lr, 0, &loss);
    DEMAND(found == (isnan(low->loss) || isnan(high->loss) ? SWEEP_DIVERGED : SWEEP_LOSS));
    DEMAND((found == SWEEP_LOSS) == !isnan(loss));
    if (found != SWEEP_LOSS)
        return;
    double slack = ROUNDING * fmax(fabs(low->loss), fabs(high->loss)) + 1e-300;
    DEMAND(loss >= fmin(low->loss, high->loss) - slack);
    DEMAND(loss <= fmax(low->loss, high->loss) + slack);
}

static void look_up(const struct sweep *sweep)
{
    double loss, low, high;
    size_t lrs = 0;
    for (uint64_t tokens = 0; (tokens = sweep_next_horizon(sweep, tokens));) {
        size_t count = sweep_range(sweep, tokens, &low, &high);
        DEMAND(count > 0 && low <= high && (count > 1) == (low < high));
        DEMAND(sweep_at(sweep, tokens, low / 2, 0, &loss) == SWEEP_UNKNOWN);
        lrs += count;
    }
    DEMAND(lrs <= sweep->count);
    for (size_t i = 0; i < sweep->count; i++) {
        const struct sweep_row *row = &sweep->rows[i];
        enum sweep_found found = sweep_at(sweep, row->tokens, row->lr, row->seed, &loss);
        DEMAND(found != SWEEP_UNKNOWN && (found == SWEEP_LOSS) == !isnan(loss));
        DEMAND(loss == row->loss || (isnan(loss) && isnan(row->loss)));
        if (i + 1 < sweep->count)
            look_up_between(sweep, row, row + 1);
    }
}

static void write_again(const struct sweep *sweep)
{
    char path[TRIAL_PATH];
    struct sweep again;
    uint64_t hash;
    DEMAND(sweep_write(sweep, fuzz_folder(), path, &hash, NULL) == 0);
    DEMAND(sweep_read_written(&again, path, hash, NULL) == 0);
    DEMAND(unlink(path) == 0 && again.count == sweep->count);
    for (size_t i = 0; i < again.count; i++) {
        const struct sweep_row *a = &sweep->rows[i], *b = &again.rows[i];
        DEMAND(a->tokens == b->tokens && a->lr == b->lr && a->seed == b->seed);
        DEMAND(a->loss == b->loss || (isnan(a->loss) && isnan(b->loss)));
    }
    sweep_release(&again);
}

static void fit(const struct sweep *sweep, const char *text, size_t size, bool optima)
{
    static struct answer answer;
    const struct fit_table table = {.path = "table",
                                    .text = text,
                                    .size = size,
                                    .columns = optima ? "lr_opt=lr" : NULL,
                                    .target_tokens = sweep->rows[sweep->count - 1].tokens};
    struct lr_error err = {0};
    bool of_optima;
    memset(&answer, 0, sizeof(answer));
    int rc = fit_table(&answer, &table, &of_optima, &err);
    DEMAND(rc == 0 || ((rc == LR_EDATA || rc == LR_EUSAGE) && err.text[0]));
    if (rc)
        return;
    DEMAND(of_optima == optima && answer.horizon_count > 0);
    DEMAND(answer.status == ANSWER_IDENTIFIED || answer.reason[0]);
    if (answer.status != ANSWER_IDENTIFIED)
        return;
    DEMAND(answer.target.lr > 0 && isfinite(answer.target.lr));
    DEMAND(answer.target.ci90[0] <= answer.target.lr && answer.target.lr <= answer.target.ci90[1]);
    DEMAND(isfinite(answer.law.beta) || answer.horizon_count == 1); /* no slope */
}

static int read_text(struct sweep *sweep, const struct sweep_request *request, const char *text,
                     size_t size)
{
    struct lr_error err = {0};
    int rc = sweep_read_text(sweep, request, text, size, &err);
    DEMAND(rc == 0 || (err.code == rc && err.text[0]));
    DEMAND(rc == 0 || (!sweep->rows && !sweep->count));
    DEMAND(rc == 0 || rc == LR_EDATA || rc == LR_ENOMEM);
    return rc;
}

/* ?COLUMN=VALUE off the beginning of the input. */
static size_t take_where(char *text, size_t size, struct sweep_where *where)
{
    char *end = size && *text == '?' ? memchr(text, 0, size) : NULL;
    char *value = end ? memchr(text, '=', (size_t)(end - text)) : NULL;
    if (!value)
        return 0;
    *value = '\0';
    *where = (struct sweep_where){text + 1, value + 1};
    return (size_t)(end - text) + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sweep sweep;
    struct sweep_where where;
    struct sweep_request request = {
        .path = "table", .lr = "lr", .tokens = "tokens", .loss = "loss"};
    long countdown = fuzz_take_countdown(&data, &size);
    char *copy = fuzz_copy(data, size);
    size_t taken = take_where(copy, size, &where);
    const char *text = copy + taken;
    size -= taken;
    request.where = &where;
    request.where_count = taken > 0;
    request.seed = memmem(text, size, "seed", 4) ? "seed" : NULL;
    int rc = read_text(&sweep, &request, text, size);
    if (rc == 0) {
        check_rows(&sweep);
        if (sweep.count <= ROWS_MOST) {
            look_up(&sweep);
            write_again(&sweep);
        }
        if (!taken && !request.seed && fuzz_slow_begin(XXH3_64bits(text, size))) {
            fit(&sweep, text, size, size % 8 == 0);
            fuzz_slow_end();
        }
        sweep_release(&sweep);
    }
    if (countdown >= 0) {
        lr_memory_fail_after(countdown);
        int with = read_text(&sweep, &request, text, size);
        lr_memory_fail_after(-1);
        fuzz_demand_same(with, rc);
        sweep_release(&sweep);
    }
    fuzz_copy_free(copy);
    return 0;
}
