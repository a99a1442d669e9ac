/* The power law over horizons (Bjorck et al. 2024), as a small Bayesian regression. A free exponent
 * through two or three noisy optima transfers worse than a fixed one, so beta has a prior; its
 * weight follows from the data's own variance. Each horizon also misses the law by .15 to .2 in
 * ln LR for reasons of its own (published sweeps). Few horizons cannot tell how much, so intervals
 * are those of a mixture over its size: with many horizons the data decide, with few the prior. */
#include "search/law.h"

#include <math.h>
#include <string.h>

#define Z90 1.6448536269514722
/* ln units. Never below the least; the prior's center and width say ".15 to .2"; the largest is 1.1
 * so that data far off any law are called that. */
#define MISFIT_LEAST 0.15
#define MISFIT_GROWTH 1.2
#define MISFIT_CENTER 0.17
#define MISFIT_WIDTH 0.3 /* in ln misfit */

bool law_uses(const struct horizon_answer *horizon)
{
    return isfinite(horizon->lr_opt) && isfinite(horizon->se_ln_lr) && !horizon->at_edge &&
           !horizon->flat;
}

/* Fits one part; returns the log of its marginal likelihood. */
static double regress(struct law_part *part, double center, const struct horizon_answer *horizons,
                      size_t count, const struct search_space *space)
{
    double prior = 1 / (space->prior_beta_sd * space->prior_beta_sd);
    double w0 = 0, w1 = 0, w2 = prior, y0 = 0, y1 = -prior * space->prior_beta, likelihood = 0;
    for (size_t h = 0; h < count; h++) {
        if (!law_uses(&horizons[h]))
            continue;
        double se = horizons[h].se_ln_lr, w = 1 / (se * se + part->misfit * part->misfit);
        double t = log((double)horizons[h].tokens) - center, y = log(horizons[h].lr_opt);
        w0 += w;
        w1 += w * t;
        w2 += w * t * t;
        y0 += w * y;
        y1 += w * t * y;
        likelihood += log(w) / 2;
    }
    double determinant = w0 * w2 - w1 * w1;
    part->level = (w2 * y0 - w1 * y1) / determinant;
    part->beta = -(w0 * y1 - w1 * y0) / determinant;
    part->level_variance = w2 / determinant;
    part->beta_variance = w0 / determinant;
    part->covariance = w1 / determinant;
    double off_prior = part->beta - space->prior_beta;
    likelihood -= log(determinant) / 2 + prior * off_prior * off_prior / 2;
    for (size_t h = 0; h < count; h++) {
        if (!law_uses(&horizons[h]))
            continue;
        double se = horizons[h].se_ln_lr, t = log((double)horizons[h].tokens) - center;
        double off = log(horizons[h].lr_opt) - (part->level - part->beta * t);
        likelihood -= off * off / (se * se + part->misfit * part->misfit) / 2;
    }
    return likelihood;
}

static double explained(const struct law *law, const struct horizon_answer *horizons, size_t count)
{
    double sum = 0, total = 0, left = 0;
    for (size_t h = 0; h < count; h++)
        sum += law_uses(&horizons[h]) ? log(horizons[h].lr_opt) : 0;
    for (size_t h = 0; h < count; h++) {
        if (!law_uses(&horizons[h]))
            continue;
        double y = log(horizons[h].lr_opt), t = log((double)horizons[h].tokens) - law->center;
        double off = y - (law->level - law->beta * t), around = y - sum / (double)law->count;
        left += off * off;
        total += around * around;
    }
    return law->count >= 3 && total > 0 ? 1 - left / total : NAN;
}

void law_fit(struct law *law, const struct horizon_answer *horizons, size_t count,
             const struct search_space *space)
{
    double logs[LAW_MISFITS], highest = -INFINITY, sum = 0;
    double prior = 1 / (space->prior_beta_sd * space->prior_beta_sd);
    *law = (struct law){.r2 = NAN};
    for (size_t h = 0; h < count; h++) {
        if (!law_uses(&horizons[h]))
            continue;
        law->count++;
        law->center += log((double)horizons[h].tokens);
    }
    if (law->count == 0)
        return;
    law->center /= (double)law->count;
    for (int i = 0; i < LAW_MISFITS; i++) {
        struct law_part *part = &law->parts[i];
        part->misfit = MISFIT_LEAST * pow(MISFIT_GROWTH, i);
        double off = log(part->misfit / MISFIT_CENTER) / MISFIT_WIDTH;
        logs[i] = regress(part, law->center, horizons, count, space) - off * off / 2;
        highest = fmax(highest, logs[i]);
    }
    for (int i = 0; i < LAW_MISFITS; i++)
        sum += exp(logs[i] - highest);
    for (int i = 0; i < LAW_MISFITS; i++) {
        struct law_part *part = &law->parts[i];
        part->weight = exp(logs[i] - highest) / sum;
        law->level += part->weight * part->level;
        law->beta += part->weight * part->beta;
        law->misfit += part->weight * part->misfit;
        law->prior_weight += part->weight * prior * part->beta_variance;
    }
    law->r2 = explained(law, horizons, count);
}

/* ---- quantiles of a mixture of normals ---- */

struct mixture {
    double mean[LAW_MISFITS], deviation[LAW_MISFITS], weight[LAW_MISFITS];
};

static double quantile(const struct mixture *mixture, double share)
{
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < LAW_MISFITS; i++) { /* no quantile lies outside of all the parts' own */
        low = fmin(low, mixture->mean[i] - Z90 * mixture->deviation[i]);
        high = fmax(high, mixture->mean[i] + Z90 * mixture->deviation[i]);
    }
    for (int step = 0; step < 60; step++) {
        double middle = (low + high) / 2, below = 0;
        for (int i = 0; i < LAW_MISFITS; i++)
            below += mixture->weight[i] *
                     erfc((mixture->mean[i] - middle) / mixture->deviation[i] / sqrt(2)) / 2;
        *(below < share ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

double law_predict(const struct law *law, uint64_t tokens, double ci90[2])
{
    struct mixture mixture;
    ci90[0] = ci90[1] = NAN;
    if (law->count == 0)
        return NAN;
    double t = log((double)tokens) - law->center;
    for (int i = 0; i < LAW_MISFITS; i++) {
        const struct law_part *part = &law->parts[i];
        mixture.weight[i] = part->weight;
        mixture.mean[i] = part->level - part->beta * t;
        mixture.deviation[i] = sqrt(part->level_variance + t * t * part->beta_variance -
                                    2 * t * part->covariance + part->misfit * part->misfit);
    }
    ci90[0] = exp(quantile(&mixture, 0.05));
    ci90[1] = exp(quantile(&mixture, 0.95));
    return exp(law->level - law->beta * t);
}

void law_answer_fill(struct law_answer *answer, const struct law *law)
{
    struct mixture mixture;
    memset(answer, 0, sizeof(*answer)); /* padding too: answers are compared as bytes */
    answer->beta = answer->beta_ci90[0] = answer->beta_ci90[1] = answer->b = NAN;
    answer->r2 = law->r2;
    answer->prior_weight = answer->misfit = NAN;
    answer->holdout.lr_predicted = answer->holdout.lr_measured = NAN;
    answer->holdout.ci90[0] = answer->holdout.ci90[1] = NAN;
    if (law->count == 0)
        return;
    for (int i = 0; i < LAW_MISFITS; i++) {
        mixture.weight[i] = law->parts[i].weight;
        mixture.mean[i] = law->parts[i].beta;
        mixture.deviation[i] = sqrt(law->parts[i].beta_variance);
    }
    answer->beta = law->beta;
    answer->beta_ci90[0] = quantile(&mixture, 0.05);
    answer->beta_ci90[1] = quantile(&mixture, 0.95);
    answer->b = law->level + law->beta * law->center;
    answer->prior_weight = law->prior_weight;
    answer->misfit = law->misfit;
}
