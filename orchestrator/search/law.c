/* The power law over horizons (Bjorck et al. 2024), as a small Bayesian regression. A free exponent
 * through two or three noisy optima transfers worse than a fixed one, so beta has a prior; its
 * weight follows from the data's own variance. Each horizon misses the law by about .15 in ln LR
 * for reasons of its own (published sweeps), which is noise here; with four horizons or more it is
 * estimated, never below that. */
#include "search/law.h"

#include <math.h>
#include "search/basin.h"

#define MISFIT 0.15
#define Z90 1.6448536269514722

bool law_uses(const struct horizon_answer *horizon)
{
    return isfinite(horizon->lr_opt) && isfinite(horizon->se_ln_lr) && !horizon->at_edge &&
           !horizon->flat;
}

static void regress(struct law *law, const struct horizon_answer *horizons, size_t count,
                    const struct search_space *space)
{
    double prior = 1 / (space->prior_beta_sd * space->prior_beta_sd);
    double w0 = 0, w1 = 0, w2 = prior, y0 = 0, y1 = -prior * space->prior_beta;
    for (size_t h = 0; h < count; h++) {
        if (!law_uses(&horizons[h]))
            continue;
        double se = horizons[h].se_ln_lr;
        double w = 1 / (se * se + law->misfit * law->misfit);
        double t = log((double)horizons[h].tokens) - law->center, y = log(horizons[h].lr_opt);
        w0 += w;
        w1 += w * t;
        w2 += w * t * t;
        y0 += w * y;
        y1 += w * t * y;
    }
    double determinant = w0 * w2 - w1 * w1;
    law->level = (w2 * y0 - w1 * y1) / determinant;
    law->beta = -(w0 * y1 - w1 * y0) / determinant;
    law->level_variance = w2 / determinant;
    law->beta_variance = w0 / determinant;
    law->covariance = w1 / determinant; /* of level and beta: minus that of level and slope */
    law->prior_weight = prior * law->beta_variance;
}

/* Sum of squared residuals, and around the mean. */
static double residuals(const struct law *law, const struct horizon_answer *horizons, size_t count,
                        double *total, double *mean_variance)
{
    double sum = 0, squares = 0, left = 0, n = (double)law->count;
    *mean_variance = 0;
    for (size_t h = 0; h < count; h++) {
        if (!law_uses(&horizons[h]))
            continue;
        double y = log(horizons[h].lr_opt), t = log((double)horizons[h].tokens) - law->center;
        double off = y - (law->level - law->beta * t);
        sum += y;
        squares += y * y;
        left += off * off;
        *mean_variance += horizons[h].se_ln_lr * horizons[h].se_ln_lr / n;
    }
    *total = squares - sum * sum / n;
    return left;
}

void law_fit(struct law *law, const struct horizon_answer *horizons, size_t count,
             const struct search_space *space)
{
    *law = (struct law){.misfit = MISFIT, .r2 = NAN};
    for (size_t h = 0; h < count; h++) {
        if (!law_uses(&horizons[h]))
            continue;
        law->count++;
        law->center += log((double)horizons[h].tokens);
    }
    if (law->count == 0)
        return;
    law->center /= (double)law->count;
    law->freedom = (double)law->count + 1;
    regress(law, horizons, count, space);
    double total, of_fits, left = residuals(law, horizons, count, &total, &of_fits);
    if (law->count >= 4) {
        double own = left / ((double)law->count - 2) - of_fits;
        if (own > MISFIT * MISFIT) {
            law->misfit = sqrt(own);
            regress(law, horizons, count, space);
            left = residuals(law, horizons, count, &total, &of_fits);
        }
    }
    if (law->count >= 3 && total > 0)
        law->r2 = 1 - left / total;
}

double law_predict(const struct law *law, uint64_t tokens, double ci90[2])
{
    if (law->count == 0) {
        ci90[0] = ci90[1] = NAN;
        return NAN;
    }
    double t = log((double)tokens) - law->center;
    double mean = law->level - law->beta * t;
    double variance = law->level_variance + t * t * law->beta_variance - 2 * t * law->covariance +
                      law->misfit * law->misfit;
    double half = Z90 * student_widening(law->freedom) * sqrt(variance);
    ci90[0] = exp(mean - half);
    ci90[1] = exp(mean + half);
    return exp(mean);
}

void law_answer_fill(struct law_answer *answer, const struct law *law)
{
    double half = Z90 * student_widening(law->freedom) * sqrt(law->beta_variance);
    bool any = law->count > 0;
    *answer = (struct law_answer){
        .beta = any ? law->beta : NAN,
        .beta_ci90 = {any ? law->beta - half : NAN, any ? law->beta + half : NAN},
        .b = any ? law->level + law->beta * law->center : NAN,
        .r2 = law->r2,
        .prior_weight = any ? law->prior_weight : NAN,
        .misfit = law->misfit};
    answer->holdout.lr_predicted = answer->holdout.lr_measured = NAN;
    answer->holdout.ci90[0] = answer->holdout.ci90[1] = NAN;
}
