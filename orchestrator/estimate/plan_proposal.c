/* A proposal is made in steps: time the smallest model of the ladder and simulate its campaign
 * (estimate.h); derive the horizons of every larger model from the FLOP rate; choose the largest
 * that sees enough tokens, time it too, in both precisions if the CPU has instructions for bf16,
 * and fit its horizons to the time. Only the timings depend on the machine. */
#include "estimate/plan_proposal.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>
#include "estimate/estimate.h"
#include "estimate/temp_data.h"
#include "kernels/gemm_bf16.h"
#include "lrsearch/memory.h"
#include "plan/plan.h"
#include "plan/quantity.h"
#include "report/summary.h"
#include "plan/plan_load.h"

#define TIME_SHARE 0.9     /* of the time, for the 90 % quantile of the campaigns */
#define TOKENS_PER_PARAM 5 /* least, of the longest horizon; below, a larger model adds little */
#define STEPS_LEAST 128    /* of the longest horizon */
#define EPOCHS_MOST 4      /* repeated text is nearly as good as new (Muennighoff 2023) */
#define TARGET_LEAST 4     /* target / longest horizon, at least */
#define TARGET_DEFAULT 16  /* the same by default */
#define VAL_MOST 65536
#define VAL_SHARE 20          /* validation takes 1 / this of the text at most */
#define FACTOR_PER_WIDTH 0.75 /* the best LR of sp scales as 1 / width^this (docs/science.md) */
#define WIDTH_KNOWN 64.0      /* width that LR_LOW to LR_HIGH suits */
#define LR_LOW 1e-3
#define LR_HIGH 3.2e-2
#define BF16_CLEARLY 0.9 /* bf16 is proposed if its step takes less of fp32's: beyond the noise */
#define PARAMS_MOST UINT64_C(10000000000000)
#define TARGET_WIDTH_STEP 64
#define LARGE_PARAMS 1e9 /* from here on models are 128 times as wide as deep, below 64 times */

static const struct proposal_size sizes[] = {
    {64, 2, 32, 128, 256, 2048},     {96, 3, 32, 128, 256, 2048},   {128, 4, 32, 256, 256, 4096},
    {192, 5, 64, 256, 2048, 8192},   {256, 6, 64, 256, 4096, 8192}, {384, 8, 64, 512, 8192, 16384},
    {512, 10, 64, 512, 8192, 32768},
};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

/* ---- what follows from a size ---- */

static struct trial_spec model_of(const struct proposal_size *size)
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

static uint64_t least_horizon(const struct proposal_size *size)
{
    return (uint64_t)STEPS_LEAST * size->batch_tokens;
}

static uint64_t least_target(void)
{
    return TARGET_LEAST * least_horizon(&sizes[0]);
}

/* At most `wanted`: 2^k or 3 * 2^k steps, so that half and a quarter of them are whole. */
static uint64_t round_horizon(const struct proposal_size *size, double wanted)
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

/* Fills what follows from the model, and the text's length in its tokens. */
static int set_size(struct plan_proposal *out, const struct proposal_size *size,
                    const struct proposal_request *request, struct lr_error *err)
{
    struct trial_spec spec = model_of(size);
    double factor = pow(WIDTH_KNOWN / size->d_model, FACTOR_PER_WIDTH);
    uint64_t val = VAL_MOST;
    int rc;
    *out = (struct plan_proposal){.size = *size,
                                  .lr = {two_digits(LR_LOW * factor), two_digits(LR_HIGH * factor)},
                                  .params = trial_params(&spec),
                                  .train_tokens = UINT64_MAX,
                                  .bytes_per_token = 1};
    if (request->text) {
        if (size->vocab > 256 &&
            (rc = text_sample_bytes_per_token(request->text, size->vocab, &out->bytes_per_token,
                                              request->stages, err)))
            return rc;
        out->text_tokens = request->text->bytes / out->bytes_per_token;
        while ((double)val > out->text_tokens / VAL_SHARE && val > 2 * size->context)
            val /= 2;
        double rest = out->text_tokens - (double)val - size->context;
        out->train_tokens = rest > 0 ? (uint64_t)rest : 0;
    }
    out->val_tokens = val;
    return 0;
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
static void set_target_model(struct plan_proposal *out, uint64_t params)
{
    double aspect = (double)params < LARGE_PARAMS ? 64 : 128;
    double width = cbrt((double)params * aspect / 12);
    uint32_t d_model = (uint32_t)(round(width / TARGET_WIDTH_STEP)) * TARGET_WIDTH_STEP;
    if (d_model <= out->size.d_model) /* the proxy is as wide already */
        return;
    out->target_d_model = d_model;
    out->target_n_layers =
        (uint32_t)fmax(round((double)params / 12 / d_model / d_model), out->size.n_layers);
}

static void set_target(struct plan_proposal *out, const struct proposal_request *request)
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
        set_target_model(out, request->target_params);
}

/* ---- cost ---- */

static int write_plan(const char *path, const struct plan_proposal *proposal,
                      const struct proposal_request *request, struct lr_error *err)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return lr_fail_errno(err, LR_ECREATE, "%s", path);
    plan_proposal_print(file, proposal, request);
    return fclose(file) ? lr_fail_errno(err, LR_EIO, "%s: cannot write it", path) : 0;
}

/* Loads the proposal as a plan, from a temporary file. */
static int load_plan(struct plan *plan, const struct plan_proposal *proposal,
                     const struct proposal_request *request, struct lr_error *err)
{
    struct plan_errors errors;
    char folder[TEMP_FOLDER], path[TEMP_FOLDER + 16];
    int rc;
    if ((rc = temp_folder_make(folder, "lrsearch-plan", err)))
        return rc;
    snprintf(path, sizeof(path), "%s/plan.yaml", folder);
    if ((rc = write_plan(path, proposal, request, err)))
        goto out;
    if (plan_load(plan, path, NULL, 0, &errors)) {
        rc = lr_fail(err, LR_EINTERNAL, "the proposed plan is wrong: %s",
                     errors.count ? errors.lines[0] : "out of memory");
        plan_errors_release(&errors);
    }
out:
    temp_folder_remove(folder);
    return rc;
}

/* Times the model of a proposal whose horizons are set, and simulates its campaigns. */
static int expect_cost(struct plan_proposal *out, const struct proposal_request *request,
                       struct lr_error *err)
{
    struct expected expected;
    struct plan *plan = lr_calloc(1, sizeof(*plan));
    int rc;
    if (!plan)
        return lr_nomem(err);
    set_target(out, request);
    if ((rc = load_plan(plan, out, request, err)))
        goto out;
    out->workers = estimate_workers(plan);
    if ((rc = estimate_expect(&expected, plan, out->workers, request->stages, err)))
        goto out;
    out->step_s = expected.step_s;
    out->wall_s = expected.wall_s;
    out->wall_most_s = expected.wall_most_s;
    out->trials = expected.trials;
    out->tokens = expected.tokens;
out:
    lr_free(plan);
    return rc;
}

/* The longest horizon that fits the time; a campaign's time is proportional to it. */
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
    if (request->text && (double)smallest->train_tokens * EPOCHS_MOST < (double)least)
        return lr_fail(err, LR_EDATA,
                       "%s: %s bytes of text are too few; at least %s are needed. Without a text "
                       "the plan has made-up data",
                       request->texts[0], format_count(have, sizeof(have), request->text->bytes),
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
static int choose_size(struct plan_proposal *out, const struct plan_proposal *smallest,
                       const struct proposal_request *request, struct lr_error *err)
{
    struct trial_spec first = model_of(&sizes[0]);
    *out = *smallest;
    for (size_t i = 1; i < SIZES; i++) {
        struct trial_spec spec = model_of(&sizes[i]);
        double ratio = trial_flops_per_token(&spec) / trial_flops_per_token(&first);
        double tokens = fitting_tokens(smallest, request, ratio);
        if (tokens < TOKENS_PER_PARAM * (double)trial_params(&spec) ||
            (request->target_params > 0 && trial_params(&spec) > request->target_params))
            break;
        struct plan_proposal larger;
        struct lr_error refused = {0};
        int rc = set_size(&larger, &sizes[i], request, &refused);
        if (rc == LR_EDATA) /* the text has too few distinct pieces */
            break;
        if (rc)
            return lr_fail(err, rc, "%s", refused.text);
        tokens = fmin(tokens, most_tokens(&larger, request));
        if (tokens < TOKENS_PER_PARAM * (double)larger.params)
            break;
        *out = larger;
        set_horizons(out, round_horizon(&sizes[i], fmax(tokens, (double)least_horizon(&sizes[i]))));
    }
    return 0;
}

/* Sets the longest horizon to what fits, and scales the expected cost. Returns true if it
 * changed. */
static bool refit(struct plan_proposal *out, const struct proposal_request *request)
{
    double tokens = fmin(fitting_tokens(out, request, 1), most_tokens(out, request));
    uint64_t longest = round_horizon(&out->size, fmax(tokens, (double)least_horizon(&out->size)));
    double ratio = (double)longest / (double)longest_of(out);
    bool changed = longest != longest_of(out);
    set_horizons(out, longest);
    out->wall_s *= ratio;
    out->wall_most_s *= ratio;
    out->tokens *= ratio;
    set_target(out, request);
    return changed;
}

/* Proposes bf16 if this CPU has instructions for it and they make the model faster. */
static int choose_precision(struct plan_proposal *out, const struct proposal_request *request,
                            struct lr_error *err)
{
    double step_s[PRECISION_BF16 + 1];
    if (strcmp(gemm_bf16_instructions(), "plain") == 0)
        return 0;
    struct plan *plan = lr_calloc(1, sizeof(*plan));
    if (!plan)
        return lr_nomem(err);
    int rc = load_plan(plan, out, request, err);
    if (!rc)
        rc = estimate_precisions(step_s, plan, request->stages, err);
    lr_free(plan);
    if (rc || step_s[PRECISION_BF16] > BF16_CLEARLY * step_s[PRECISION_FP32])
        return rc;
    out->bf16_step = step_s[PRECISION_BF16] / step_s[PRECISION_FP32];
    return expect_cost(out, request, err);
}

static int fit_time(struct plan_proposal *out, const struct proposal_request *request,
                    struct lr_error *err)
{
    char time[24];
    double tokens = fitting_tokens(out, request, 1), least = (double)least_horizon(&out->size);
    int rc;
    if (tokens < least && out->size.d_model == sizes[0].d_model)
        return lr_fail(
            err, LR_EUSAGE, "--time: too short for a campaign on this machine; about %s would do",
            format_seconds(time, sizeof(time), ceil(1.2 * request->time_s * least / tokens)));
    if (refit(out, request) && (rc = expect_cost(out, request, err)))
        return rc;
    if (out->wall_most_s > request->time_s) /* the machine was slower this time */
        refit(out, request);
    return 0;
}

int plan_proposal_make(struct plan_proposal *out, const struct proposal_request *request,
                       struct lr_error *err)
{
    struct plan_proposal smallest;
    int rc;
    assert(!request->text_count == !request->text);
    if ((rc = set_size(&smallest, &sizes[0], request, err)))
        return rc;
    if ((rc = check_request(&smallest, request, err)))
        return rc;
    set_horizons(&smallest, least_horizon(&sizes[0]));
    if ((rc = expect_cost(&smallest, request, err)))
        return rc;
    if ((rc = choose_size(out, &smallest, request, err)))
        return rc;
    if (out->size.d_model > smallest.size.d_model && (rc = expect_cost(out, request, err)))
        return rc;
    if ((rc = choose_precision(out, request, err)))
        return rc;
    return fit_time(out, request, err);
}

/* ---- YAML: each key with its meaning and reason ---- */

/* A YAML string, quoted if a character could have a meaning. */
static void put_name(FILE *out, const char *name)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_./";
    if (strspn(name, plain) == strlen(name) && strcasecmp(name, "null") != 0) {
        fputs(name, out);
        return;
    }
    fputc('\'', out);
    for (; *name; name++)
        fprintf(out, *name == '\'' ? "''" : "%c", *name);
    fputc('\'', out);
}

const char *proposal_count_text(char out[24], uint64_t count)
{
    char binary[24] = "";
    quantity_count_text(count, out, 24);
    if (count > 0 && count % (1 << 20) == 0)
        snprintf(binary, sizeof(binary), "%" PRIu64 "Mi", count >> 20);
    else if (count > 0 && count % (1 << 10) == 0)
        snprintf(binary, sizeof(binary), "%" PRIu64 "Ki", count >> 10);
    if (*binary && strlen(binary) <= strlen(out))
        memcpy(out, binary, sizeof(binary));
    return out;
}

static void put_head(FILE *out, const struct plan_proposal *p,
                     const struct proposal_request *request)
{
    char time[24], half[24], most[24], trials[24];
    fprintf(out,
            "# Made by `lrsearch plan init` for a machine with %u core%s and a campaign of %s.\n"
            "# Expected with %u ranks: %s trainings in %s, in one case of ten more than %s; "
            "`lrsearch check`\n# shows more. lrsearch-plan(5) and docs/plan.md have every key.\n"
            "version: 1\nname: ",
            p->workers, p->workers == 1 ? "" : "s",
            format_seconds(time, sizeof(time), request->time_s), p->workers + 1,
            format_count(trials, sizeof(trials), p->trials),
            format_seconds(half, sizeof(half), p->wall_s),
            format_seconds(most, sizeof(most), p->wall_most_s));
    put_name(out, request->name);
    fputc('\n', out);
}

static void put_model(FILE *out, const struct plan_proposal *p)
{
    char params[24];
    fprintf(out,
            "\n# The model of the short trainings, a small one of the kind that you want to train: "
            "%s parameters,\n# the largest of a ladder of sizes that sees enough tokens in the "
            "time.\n"
            "model:\n"
            "  arch: gpt             # or llama: RMSNorm, SwiGLU, rotary positions, no biases\n"
            "  d_model: %-12" PRIu32 " # width\n"
            "  n_layers: %-11" PRIu32 " # blocks of attention and MLP\n"
            "  head_size: %-10" PRIu32 " # channels of an attention head; width / this are the "
            "heads\n"
            "  context: %-12" PRIu32 " # tokens of a sequence\n",
            format_count(params, sizeof(params), (double)p->params), p->size.d_model,
            p->size.n_layers, p->size.head_size, p->size.context);
    fprintf(out, "  vocab: %-14" PRIu32 " # %s\n", p->size.vocab,
            p->size.vocab == 256
                ? "bytes are the tokens: a large vocabulary would outweigh so small a "
                  "model"
                : "tokens, learned from the text: as many as suit the width");
    if (!p->target_d_model)
        return;
    fprintf(out,
            "  parametrization: mup  # keeps the best learning rate over widths; the target is "
            "wider\n"
            "  base_width: %-9" PRIu32 " # where the learning rates of this plan hold\n",
            p->size.d_model);
    if (p->target_n_layers > p->size.n_layers)
        fprintf(out,
                "  depth_rule: completep # and over depths\n"
                "  base_layers: %-8" PRIu32 " # where this rule changes nothing\n",
                p->size.n_layers);
}

static void put_data(FILE *out, const struct plan_proposal *p,
                     const struct proposal_request *request)
{
    char bytes[24], tokens[24], val[24];
    if (!request->text) {
        fprintf(out,
                "\ndata:\n"
                "  source: synthetic     # made-up text; with your own: text: [corpus/*.txt.gz] "
                "instead\n"
                "  val_tokens: %-9s # for the validation loss\n",
                proposal_count_text(val, p->val_tokens));
        return;
    }
    fprintf(out, "\n# %s%s bytes of text, %s tokens", request->text->whole ? "" : "about ",
            format_count(bytes, sizeof(bytes), request->text->bytes),
            format_count(tokens, sizeof(tokens), p->text_tokens));
    if (p->size.vocab > 256)
        fprintf(out, " of %.2f bytes", p->bytes_per_token);
    fprintf(out,
            ".\ndata:\n"
            "  # Files plain or gzip, named from this file's folder; globs are fine.\n  text: [");
    for (size_t i = 0; i < request->text_count; i++) {
        fputs(i ? ", " : "", out);
        put_name(out, request->texts[i]);
    }
    fprintf(out,
            "]\n"
            "  tokenizer: %-10s # %s\n"
            "  val_tokens: %-9s # the end of the text, never trained on: its loss is what counts\n",
            p->size.vocab == 256 ? "bytes" : "bpe",
            p->size.vocab == 256 ? "or bpe, with a vocab of 512 or more"
                                 : "learned once on the text; or bytes, with a vocab of 256",
            proposal_count_text(val, p->val_tokens));
    if (p->repeat)
        fprintf(
            out,
            "  repeat: true          # the longest horizon reads the text %.1f times: it has no "
            "more\n",
            (double)p->horizons[PROPOSAL_HORIZONS - 1] / (double)p->train_tokens);
}

static void put_search(FILE *out, const struct plan_proposal *p)
{
    char texts[PROPOSAL_HORIZONS][24], batch[24], step[24], low[24], high[24];
    for (int i = 0; i < PROPOSAL_HORIZONS; i++)
        proposal_count_text(texts[i], p->horizons[i]);
    snprintf(step, sizeof(step), p->step_s < 0.1 ? "%.1f ms" : "%.0f ms", 1e3 * p->step_s);
    fprintf(
        out,
        "\ntraining:\n"
        "  batch_tokens: %-7s # tokens of a step (%s here); as in the long training"
        "\n"
        "  warmup: 0.1           # share of each training in which the learning rate rises\n"
        "  schedule: linear      # then it falls, to 0: better than to a tenth, by .77 %% of the "
        "loss at 610M\n"
        "                        # parameters (arXiv 2502.15938); as in the long training\n",
        proposal_count_text(batch, p->size.batch_tokens), step);
    if (p->bf16_step > 0)
        fprintf(
            out,
            "  precision: bf16       # of what is multiplied, as long trainings mostly have it; "
            "%.2f of fp32's\n                        # time here (%s)\n",
            p->bf16_step, gemm_bf16_instructions());
    fprintf(out,
            "\nsearch:\n"
            "  # Lowest and highest learning rate to try: five octaves around what suits this "
            "width. The report\n  # says when the best one lies at an end.\n"
            "  lr: [%s, %s]\n"
            "  # Lengths of the short trainings, in tokens (Ki: 1024): the longest that end in "
            "the time. Three\n  # that double are the least that give a slope and a back-test.\n"
            "  horizons: [%s, %s, %s]\n"
            "  seeds: %u              # trainings of each learning rate%s\n",
            format_lr(low, sizeof(low), 2, p->lr[0]), format_lr(high, sizeof(high), 2, p->lr[1]),
            texts[0], texts[1], texts[2], p->params < 1000000 ? 3 : 1,
            p->params < 1000000 ? ": so small a model is noisy" : "");
}

static void put_target(FILE *out, const struct plan_proposal *p,
                       const struct proposal_request *request)
{
    char tokens[24], time[24];
    const char *why = request->target_tokens > 0 ? "as you said"
                      : p->train_tokens < UINT64_MAX && p->target_tokens == p->train_tokens
                          ? "the whole text, once"
                          : "16 times the longest horizon";
    fprintf(out,
            "\n# The long training whose learning rate is wanted.\n"
            "target:\n"
            "  tokens: %-13s # its length: %s%s\n",
            proposal_count_text(tokens, p->target_tokens), why,
            request->target_tokens > 0 ? "" : "; write here what you have in mind");
    if (p->target_d_model) {
        fprintf(out, "  d_model: %-12" PRIu32 " # its width, by the number of parameters\n",
                p->target_d_model);
        if (p->target_n_layers > p->size.n_layers)
            fprintf(out, "  n_layers: %-11" PRIu32 " # its depth, the same way\n",
                    p->target_n_layers);
    } else {
        fprintf(out,
                "  # d_model: 1024       # when it is wider; then model.parametrization: mup\n");
    }
    fprintf(out,
            "\n# confirm: {}           # would train the answer itself, with half and twice of it\n"
            "\nbudget:\n"
            "  wall: %-15s # the search ends then, and answers with what it has\n",
            quantity_duration_text(request->time_s, time, sizeof(time)));
}

void plan_proposal_print(FILE *out, const struct plan_proposal *proposal,
                         const struct proposal_request *request)
{
    put_head(out, proposal, request);
    put_model(out, proposal);
    put_data(out, proposal, request);
    put_search(out, proposal);
    put_target(out, proposal, request);
}
