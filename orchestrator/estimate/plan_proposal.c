/* How a proposal is made. The smallest model of the ladder is timed in a campaign of its own
 * (estimate.h); by its FLOP rate the horizons of every larger one follow, and the largest that
 * still sees enough tokens is taken, timed itself, and its horizons fitted to the time. Nothing but
 * those timings depends on the machine. */
#define _XOPEN_SOURCE 700 /* mkstemp */
#include "estimate/plan_proposal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "estimate/estimate.h"
#include "lrsearch/memory.h"
#include "plan/plan.h"
#include "report/summary.h"

#define TIME_SHARE 0.9     /* of the time, in which 9 of 10 campaigns shall end */
#define TOKENS_PER_PARAM 5 /* of the longest horizon: below, a larger model shows little more */
#define STEPS_LEAST 128    /* of the longest horizon */
#define EPOCHS_MOST 4      /* repeated text is nearly as good as new (Muennighoff 2023) */
#define TARGET_LEAST 4     /* longest horizons in the target */
#define TARGET_DEFAULT 16  /* the same where nothing is said: as in plans/quickstart.yaml */
#define VAL_MOST 65536
#define VAL_SHARE 20          /* of the text, one part */
#define FACTOR_PER_WIDTH 0.75 /* the best LR of sp goes as 1 / width^this (README.md) */
#define WIDTH_KNOWN 64.0      /* where LR_LOW to LR_HIGH is right */
#define LR_LOW 1e-3
#define LR_HIGH 3.2e-2
#define PARAMS_MOST UINT64_C(10000000000000)
#define TARGET_WIDTH_STEP 64
#define LARGE_PARAMS 1e9 /* from here on models are 128 times as wide as deep, below 64 times */

static const struct size {
    uint32_t d_model, n_layers, head_size, context, vocab, batch_tokens;
} sizes[] = {
    {64, 2, 32, 128, 256, 2048},     {96, 3, 32, 128, 256, 2048},   {128, 4, 32, 256, 256, 4096},
    {192, 5, 64, 256, 2048, 8192},   {256, 6, 64, 256, 4096, 8192}, {384, 8, 64, 512, 8192, 16384},
    {512, 10, 64, 512, 8192, 32768},
};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

/* ---- what follows from a size ---- */

static struct trial_spec spec_of(const struct size *size)
{
    struct trial_spec spec;
    memset(&spec, 0, sizeof(spec));
    spec.d_model = size->d_model;
    spec.n_layers = size->n_layers;
    spec.n_heads = size->d_model / size->head_size;
    spec.context = size->context;
    spec.vocab = size->vocab;
    spec.d_ff = 4 * size->d_model;
    return spec;
}

static uint64_t least_horizon(const struct size *size)
{
    return (uint64_t)STEPS_LEAST * size->batch_tokens;
}

static uint64_t least_target(void)
{
    return TARGET_LEAST * least_horizon(&sizes[0]);
}

/* At most `wanted`: 2^k or 3 * 2^k steps, so that a half and a quarter of them are whole. */
static uint64_t round_horizon(const struct size *size, double wanted)
{
    double steps = wanted / size->batch_tokens, power = exp2(floor(log2(steps)));
    return (uint64_t)(power * (steps >= 1.5 * power ? 1.5 : 1)) * size->batch_tokens;
}

static void set_horizons(struct plan_proposal *out, uint64_t longest)
{
    for (int i = 0; i < PROPOSAL_HORIZONS; i++)
        out->horizons[i] = longest >> (PROPOSAL_HORIZONS - 1 - i);
}

static uint64_t longest_of(const struct plan_proposal *out)
{
    return out->horizons[PROPOSAL_HORIZONS - 1];
}

static double two_digits(double value)
{
    double unit = pow(10, floor(log10(value)) - 1);
    return round(value / unit) * unit;
}

/* The model's part, and what the text is in its tokens. */
static int take_size(struct plan_proposal *out, const struct size *size,
                     const struct proposal_request *request, struct lr_error *err)
{
    struct trial_spec spec = spec_of(size);
    double factor = pow(WIDTH_KNOWN / size->d_model, FACTOR_PER_WIDTH);
    uint64_t val = VAL_MOST;
    int rc = 0;
    *out = (struct plan_proposal){.d_model = size->d_model,
                                  .n_layers = size->n_layers,
                                  .head_size = size->head_size,
                                  .context = size->context,
                                  .vocab = size->vocab,
                                  .batch_tokens = size->batch_tokens,
                                  .lr = {two_digits(LR_LOW * factor), two_digits(LR_HIGH * factor)},
                                  .params = trial_params(&spec),
                                  .train_tokens = UINT64_MAX,
                                  .bytes_per_token = 1};
    if (request->text_count > 0) {
        if (size->vocab > 256)
            rc =
                request->bytes_per_token(request->context, size->vocab, &out->bytes_per_token, err);
        out->text_tokens = request->text_bytes / out->bytes_per_token;
        while ((double)val > out->text_tokens / VAL_SHARE && val > 2 * size->context)
            val /= 2;
        double rest = out->text_tokens - (double)val - size->context;
        out->train_tokens = rest > 0 ? (uint64_t)rest : 0;
    }
    out->val_tokens = val;
    return rc;
}

/* The longest horizon that text and target allow. */
static double most_tokens(const struct plan_proposal *out, const struct proposal_request *request)
{
    double most = 1e15;
    if (out->train_tokens < UINT64_MAX)
        most = (double)out->train_tokens * EPOCHS_MOST;
    if (request->target_tokens > 0)
        most = fmin(most, (double)request->target_tokens / TARGET_LEAST);
    return most;
}

/* ---- the target ---- */

/* hidden parameters = 12 layers width^2, at the usual aspect. */
static void take_target_model(struct plan_proposal *out, uint64_t params)
{
    double aspect = (double)params < LARGE_PARAMS ? 64 : 128;
    double width = cbrt((double)params * aspect / 12);
    uint32_t d_model = (uint32_t)(round(width / TARGET_WIDTH_STEP)) * TARGET_WIDTH_STEP;
    if (d_model <= out->d_model) /* the proxy is as wide already */
        return;
    out->target_d_model = d_model;
    out->target_n_layers =
        (uint32_t)fmax(round((double)params / 12 / d_model / d_model), out->n_layers);
}

static void take_target(struct plan_proposal *out, const struct proposal_request *request)
{
    uint64_t longest = longest_of(out);
    out->repeat = longest > out->train_tokens;
    if (request->target_tokens > 0)
        out->target_tokens = request->target_tokens;
    else if (out->train_tokens < UINT64_MAX && out->train_tokens >= TARGET_LEAST * longest)
        out->target_tokens = out->train_tokens;
    else
        out->target_tokens = TARGET_DEFAULT * longest;
    if (request->target_params > 0)
        take_target_model(out, request->target_params);
}

/* ---- what it takes ---- */

static int print_to(const char *path, int fd, const struct plan_proposal *proposal,
                    const struct proposal_request *request, struct lr_error *err)
{
    FILE *file = fdopen(fd, "w");
    if (!file) {
        close(fd);
        return lr_fail_errno(err, LR_ECREATE, "%s", path);
    }
    plan_proposal_print(file, proposal, request);
    return fclose(file) ? lr_fail_errno(err, LR_EIO, "%s: cannot write it", path) : 0;
}

/* The proposal as a plan that is read as every plan is. */
static int load(struct plan *plan, const struct plan_proposal *proposal,
                const struct proposal_request *request, struct lr_error *err)
{
    const char *place = getenv("TMPDIR");
    struct plan_errors errors;
    char path[1024];
    snprintf(path, sizeof(path), "%s/lrsearch-plan-XXXXXX", place && *place ? place : "/tmp");
    int fd = mkstemp(path);
    if (fd < 0)
        return lr_fail_errno(err, LR_ECREATE,
                             "%s: cannot create it (set TMPDIR to a folder that can be written)",
                             path);
    int rc = print_to(path, fd, proposal, request, err);
    if (!rc && plan_load(plan, path, NULL, 0, &errors)) {
        rc = lr_fail(err, LR_EINTERNAL, "the proposed plan is wrong: %s",
                     errors.count ? errors.lines[0] : "out of memory");
        plan_errors_release(&errors);
    }
    unlink(path);
    return rc;
}

static int expect(struct plan_proposal *out, const struct proposal_request *request,
                  const struct stage_report *stages, struct lr_error *err)
{
    struct expected expected = {0};
    struct plan *plan = lr_calloc(1, sizeof(*plan));
    int rc = plan ? 0 : lr_nomem(err);
    take_target(out, request);
    rc = rc ? rc : load(plan, out, request, err);
    if (!rc) {
        out->workers = estimate_workers(plan);
        rc = estimate_expect(&expected, plan, out->workers, stages, err);
    }
    out->step_s = expected.step_s;
    out->wall_s = expected.wall_s;
    out->wall_most_s = expected.wall_most_s;
    out->trials = expected.trials;
    out->tokens = expected.tokens;
    lr_free(plan);
    return rc;
}

/* The longest horizon for the time, if `timed` took so long; a campaign's time goes with it. */
static double fitting_tokens(const struct plan_proposal *timed,
                             const struct proposal_request *request, double flops_ratio)
{
    return (double)longest_of(timed) * TIME_SHARE * request->time_s / timed->wall_most_s /
           flops_ratio;
}

/* ---- the choice ---- */

static int check_request(const struct plan_proposal *smallest,
                         const struct proposal_request *request, struct lr_error *err)
{
    char have[24], need[24];
    uint64_t least = least_horizon(&sizes[0]);
    double text = (double)(least / EPOCHS_MOST) * VAL_SHARE / (VAL_SHARE - 1) + sizes[0].context;
    if (request->text_count > 0 && (double)smallest->train_tokens * EPOCHS_MOST < (double)least)
        return lr_fail(err, LR_EDATA,
                       "%s: %s bytes of text are too few; at least %s are needed. Without a text "
                       "the plan has made-up data",
                       request->texts[0], format_count(have, sizeof(have), request->text_bytes),
                       format_count(need, sizeof(need), 1.01 * text));
    if (request->target_params > PARAMS_MOST)
        return lr_fail(err, LR_EUSAGE, "--params: %s is no model's size; at most 10T",
                       format_count(have, sizeof(have), (double)request->target_params));
    if (request->target_tokens > 0 && request->target_tokens < least_target())
        return lr_fail(err, LR_EUSAGE,
                       "--target-tokens: a training of %s tokens needs no search by shorter ones; "
                       "at least %s",
                       format_count(have, sizeof(have), (double)request->target_tokens),
                       format_count(need, sizeof(need), (double)least_target()));
    return 0;
}

/* The largest size that sees enough tokens in the time, by the FLOP rate of the smallest. */
static int choose_size(size_t *chosen, struct plan_proposal *out,
                       const struct plan_proposal *smallest, const struct proposal_request *request,
                       struct lr_error *err)
{
    struct trial_spec first = spec_of(&sizes[0]);
    *chosen = 0;
    for (size_t i = 1; i < SIZES; i++) {
        struct trial_spec spec = spec_of(&sizes[i]);
        double ratio = trial_flops_per_token(&spec) / trial_flops_per_token(&first);
        double tokens = fitting_tokens(smallest, request, ratio);
        if (tokens < TOKENS_PER_PARAM * (double)trial_params(&spec) ||
            (request->target_params > 0 && trial_params(&spec) > request->target_params))
            break;
        struct plan_proposal larger;
        struct lr_error refused = {0};
        int rc = take_size(&larger, &sizes[i], request, &refused);
        if (rc == LR_EDATA) /* the text has not so many different pieces */
            break;
        if (rc)
            return lr_fail(err, rc, "%s", refused.text);
        tokens = fmin(tokens, most_tokens(&larger, request));
        if (tokens < TOKENS_PER_PARAM * (double)larger.params)
            break;
        *chosen = i;
        *out = larger;
        set_horizons(out, round_horizon(&sizes[i], fmax(tokens, (double)least_horizon(&sizes[i]))));
    }
    return 0;
}

/* The longest horizon becomes what fits, and what is expected goes with it. true: it changed. */
static bool refit(struct plan_proposal *out, const struct size *size,
                  const struct proposal_request *request)
{
    double tokens = fmin(fitting_tokens(out, request, 1), most_tokens(out, request));
    uint64_t longest = round_horizon(size, fmax(tokens, (double)least_horizon(size)));
    double ratio = (double)longest / (double)longest_of(out);
    bool changed = longest != longest_of(out);
    set_horizons(out, longest);
    out->wall_s *= ratio;
    out->wall_most_s *= ratio;
    out->tokens *= ratio;
    take_target(out, request);
    return changed;
}

static int fit_time(struct plan_proposal *out, const struct size *size,
                    const struct proposal_request *request, const struct stage_report *stages,
                    struct lr_error *err)
{
    char time[24];
    double tokens = fitting_tokens(out, request, 1), least = (double)least_horizon(size);
    if (tokens < least && size == &sizes[0])
        return lr_fail(
            err, LR_EUSAGE, "--time: too short for a campaign on this machine; about %s would do",
            format_seconds(time, sizeof(time), ceil(1.2 * request->time_s * least / tokens)));
    int rc = refit(out, size, request) ? expect(out, request, stages, err) : 0;
    if (!rc && out->wall_most_s > request->time_s) /* the machine was slower this time */
        refit(out, size, request);
    return rc;
}

int plan_proposal_make(struct plan_proposal *out, const struct proposal_request *request,
                       const struct stage_report *stages, struct lr_error *err)
{
    size_t chosen = 0;
    int rc = take_size(out, &sizes[0], request, err);
    rc = rc ? rc : check_request(out, request, err);
    set_horizons(out, least_horizon(&sizes[0]));
    rc = rc ? rc : expect(out, request, stages, err);
    if (rc)
        return rc;
    const struct plan_proposal smallest = *out;
    rc = choose_size(&chosen, out, &smallest, request, err);
    if (!rc && chosen > 0)
        rc = expect(out, request, stages, err);
    return rc ? rc : fit_time(out, &sizes[chosen], request, stages, err);
}
