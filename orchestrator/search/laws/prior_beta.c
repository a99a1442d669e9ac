/* beta_prior_of(): the average of a local exponent over the lengths from the shortest horizon to
 * the target, and over what is not known of the best batch.
 *
 * Below the best batch LR* ~ sqrt(B) S^-1/4 (S = tokens / B steps), so at a fixed batch about
 * tokens^-1/4. Above it the exponent changes its sign. The local exponent of ln tokens is
 *
 *     beta(x, S) = high v (1 - u) + low u,    u = 1 / (1 + exp(-(x - TURN) / WIDTH)),
 *                                             v = S / (S + FEW_STEPS),
 *
 * x = ln(batch / best batch(tokens)). Published exponents:
 *
 *     Bjorck 2024 (arXiv 2409.19913), AdamW, batch .5M    .32 for large models, .38 to .70 small
 *     Zhou 2026 (arXiv 2601.05049)                        .35
 *     marin, AdamH, sqrt(B) law of 186 runs               .28
 *     marin, MuonH, sqrt(B) law of 17 cells               .395
 *     ArchScale, MuonH                                    .32
 *     Scion (arXiv 2510.03871)                            .56 at a fixed batch
 *     Step Law (arXiv 2503.04715), AdamW                  -.307 with the best batch; its runs at
 *                                                         batches <= 262k tokens .24, from .7M on
 *                                                         below 0 */
#include "search/laws/prior_beta.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "lrsearch/count.h"

/* `high`: the middle of the published exponents below the best batch. `scale`: Bjorck's small
 * models (.7) and families where LR* does not move (0) are within two of them. Narrower scales hold
 * a rising optimum down: at .2 made-up surfaces with beta = -.3 were missed by a quarter octave. */
static const struct {
    const char *name, *published;
    double high, scale;
} optimizers[BETA_OPTIMIZERS] = {
    [BETA_ADAMW] = {"AdamW", "-0.25 to -0.35", 0.28, 0.25},
    [BETA_MUON] = {"Muon", "-0.32 to -0.56", 0.38, 0.25},
    [BETA_OTHER] = {"AdamW and Muon", "-0.25 to -0.56", 0.30, 0.25},
};

/* Names in tables of trainings; the exponents behind them are listed above. */
static const struct {
    const char *name;
    enum beta_optimizer optimizer;
} names[] = {{"adam", BETA_ADAMW}, {"adamw", BETA_ADAMW}, {"adamh", BETA_ADAMW},
             {"muon", BETA_MUON},  {"muonh", BETA_MUON},  {"scion", BETA_MUON}};

#define LOW (-0.3) /* Step Law: what LR* does along the best batch it does at least above it */
/* Step Law's runs change the sign at .7M tokens, 1.6 times the best batch of their middle length;
 * the mean of .24 at 65k to 262k tokens gives the width. */
#define TURN 0.5
#define WIDTH 0.5
/* Direct sweeps of small models: LR* is the same at 256 and 1,024 steps or rises; from 1,000 on the
 * exponent is that of long trainings. */
#define FEW_STEPS 200.0

/* Best batch = BEST_BATCH (tokens / BEST_TOKENS)^exponent: Step Law's .58 tokens^.571 at 1e10
 * tokens. DeepSeek's law gives twice that there. Exponents: Power Lines .38, Scion .45, Step
 * Law. */
#define BEST_TOKENS 1e10
#define BEST_BATCH 298e3
static const double batch_exponents[] = {0.38, 0.45, 0.571};
static const double batch_factors[] = {0.5, 1, 2};

/* Unknown batch: exponents from -.39 (dense models, large batches) to .7 (small ones) are within
 * two scales. */
#define UNKNOWN_CENTER 0.1
#define SCALE_MOST 0.35

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PLACES 5 /* lengths, and batches if there are several, evenly in the logarithm */

static double between(const uint64_t range[2], size_t i)
{
    double low = log((double)range[0]), high = log((double)range[1]);
    return low + (high - low) * (double)i / (PLACES - 1);
}

static double local_exponent(double high, double ln_batch, double ln_tokens, double ln_best)
{
    double u = 1 / (1 + exp(-(ln_batch - ln_best - TURN) / WIDTH));
    double steps = exp(ln_tokens - ln_batch);
    return high * steps / (steps + FEW_STEPS) * (1 - u) + LOW * u;
}

enum beta_optimizer beta_optimizer_of(const char *name)
{
    for (size_t i = 0; i < COUNT(names); i++)
        if (strcasecmp(name, names[i].name) == 0)
            return names[i].optimizer;
    return BETA_OTHER;
}

struct average {
    double sum, squares, ln_best;
    size_t count;
};

static struct average average_exponent(const struct beta_setting *setting)
{
    struct average average = {0, 0, 0, 0};
    const uint64_t lengths[2] = {setting->shortest, setting->target};
    for (size_t t = 0; t < PLACES; t++)
        for (size_t b = 0; b < PLACES; b++)
            for (size_t e = 0; e < COUNT(batch_exponents); e++)
                for (size_t f = 0; f < COUNT(batch_factors); f++) {
                    double ln_tokens = between(lengths, t);
                    double ln_best = log(BEST_BATCH * batch_factors[f]) +
                                     batch_exponents[e] * (ln_tokens - log(BEST_TOKENS));
                    double beta =
                        local_exponent(optimizers[setting->optimizer].high,
                                       between(setting->batch_tokens, b), ln_tokens, ln_best);
                    average.sum += beta;
                    average.squares += beta * beta;
                    average.ln_best += ln_best;
                    average.count++;
                }
    return average;
}

/* ---- in words ---- */

static const char *batch_text(const struct beta_setting *setting, char *out, size_t capacity)
{
    char low[COUNT_TEXT], high[COUNT_TEXT];
    uint64_t least = setting->batch_tokens[0], most = setting->batch_tokens[1];
    format_count(low, sizeof(low), (double)least);
    format_count(high, sizeof(high), (double)most);
    if (least == most)
        snprintf(out, capacity, "a batch of %s tokens is", low);
    else
        snprintf(out, capacity, "batches of %s to %s tokens are", low, high);
    return out;
}

static void explain(char why[BETA_WHY], const struct beta_setting *setting, double ln_best)
{
    char batch[96], best[COUNT_TEXT], few[96] = "";
    const uint64_t *range = setting->batch_tokens;
    double ln_batch = (log((double)range[0]) + log((double)range[1])) / 2;
    double steps = (double)setting->shortest / exp(ln_batch);
    batch_text(setting, batch, sizeof(batch));
    format_count(best, sizeof(best), exp(ln_best));
    if (steps < 3 * FEW_STEPS)
        snprintf(few, sizeof(few), "; with %.0f steps at the shortest horizon it changes less",
                 steps);
    if (ln_batch < ln_best - log(2))
        snprintf(why, BETA_WHY,
                 "%s below the best one for these lengths (about %s), where published exponents "
                 "for %s are %s%s",
                 batch, best, optimizers[setting->optimizer].name,
                 optimizers[setting->optimizer].published, few);
    else if (ln_batch <= ln_best + log(2))
        snprintf(why, BETA_WHY,
                 "%s near the best one for these lengths (about %s), where the best LR stops "
                 "falling with the tokens%s",
                 batch, best, few);
    else
        snprintf(why, BETA_WHY,
                 "%s above the best one for these lengths (about %s), where the best LR stays or "
                 "rises with the tokens",
                 batch, best);
}

static double in_hundredths(double value)
{
    return round(value * 100) / 100; /* the same in every libm, as a plan's hash needs it */
}

struct beta_prior beta_prior_of(const struct beta_setting *setting)
{
    struct beta_prior prior = {.center = UNKNOWN_CENTER, .scale = SCALE_MOST};
    if (setting->batch_tokens[0] == 0) {
        snprintf(prior.why, sizeof(prior.why),
                 "the batch is not known (training.batch_tokens), and it decides whether the best "
                 "LR falls or rises with the tokens");
        return prior;
    }
    struct average average = average_exponent(setting);
    double count = (double)average.count, mean = average.sum / count;
    double spread = sqrt(fmax(average.squares / count - mean * mean, 0));
    prior.center = in_hundredths(mean);
    prior.scale =
        in_hundredths(fmin(hypot(optimizers[setting->optimizer].scale, spread), SCALE_MOST));
    explain(prior.why, setting, average.ln_best / count);
    return prior;
}
