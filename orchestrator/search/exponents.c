/* The law's terms as exponents of the axes, and the joint law of size and horizon, LR* = C N^-alpha
 * D^-beta, of Bjorck et al. 2024. */
#include "search/exponents.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/error.h"
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"

#define REFIT ((uint64_t)RNG_CELLS + (1u << 8))

/* ---- exponents ---- */

/* `group`: that it applies to; NULL: all. */
static void add_exponent(struct answer *answer, const struct posterior *posterior, int k,
                         const char *axis, const struct search_group *group, uint32_t vocab,
                         const double coefficients[TERMS_MAX], double offset)
{
    if (answer->exponent_count == ANSWER_EXPONENTS)
        return;
    struct exponent_answer *exponent = &answer->exponents[answer->exponent_count++];
    const struct terms *terms = &posterior->data->terms[k];
    struct spread spread = posterior_combine(posterior, k, coefficients);
    double expected = offset, variance = 0;
    for (size_t i = 0; i < terms->count; i++) {
        double heavy = terms->term[i].heavy ? 3 : 1; /* Student's variance over its scale^2 */
        expected += coefficients[i] * terms->term[i].mean;
        variance += pow(coefficients[i] * terms->term[i].deviation, 2) * heavy;
    }
    int coordinate = posterior->data->coordinates[k];
    *exponent = (struct exponent_answer){
        .parametrization = group ? group->parametrization : ANSWER_EVERY,
        .embedding_lr_exponent = group ? group->embedding_exponent : NAN,
        .vocab = vocab,
        .value = spread.mean + offset,
        .ci90 = {spread.ci90[0] + offset, spread.ci90[1] + offset},
        .expected = expected,
        .prior_weight = fmin(1, spread.deviation / sqrt(variance)),
    };
    snprintf(exponent->of, sizeof(exponent->of), "%s",
             coordinate ? answer_ratio_name((enum answer_ratio)(coordinate - 1)) : "lr");
    snprintf(exponent->axis, sizeof(exponent->axis), "%s", axis);
}

static size_t index_of(const struct terms *terms, const struct term *term)
{
    return (size_t)(term - terms->term);
}

/* Adds a group's width exponent at one place (log2) of the vocabulary axis. */
static void add_width(struct answer *answer, const struct posterior *posterior, int k,
                      uint32_t group, double vocab_axis, uint32_t vocab)
{
    const struct terms *terms = &posterior->data->terms[k];
    const struct term *width = term_find(terms, TERM_WIDTH, group);
    const struct term *shared = term_find(terms, TERM_WIDTH_SHARED, 0);
    const struct term *both = term_find(terms, TERM_WIDTH_VOCAB, 0);
    const struct search_group *of = &posterior->data->space.groups[group];
    double coefficients[TERMS_MAX] = {0};
    if (!width)
        return;
    coefficients[index_of(terms, width)] = 1;
    if (shared)
        coefficients[index_of(terms, shared)] = 1;
    if (both)
        coefficients[index_of(terms, both)] = vocab_axis;
    /* converts it to the ratio of the trained LRs */
    double offset =
        posterior->data->coordinates[k] == 1 + RATIO_EMBEDDING ? of->ratio_width_offset : 0;
    add_exponent(answer, posterior, k, answer_axis_name(AXIS_WIDTH), of, vocab, coefficients,
                 offset);
}

/* Adds the width exponent for each vocabulary of the cells, ascending. */
static void add_widths_of_vocabularies(struct answer *answer, const struct posterior *posterior,
                                       int k, uint32_t group)
{
    const struct search_space *space = &posterior->data->space;
    double last = -INFINITY;
    for (;;) {
        double next = INFINITY;
        for (size_t c = 0; c < space->cell_count; c++)
            if (space->cells[c].axes[AXIS_VOCAB] > last + 1e-9)
                next = fmin(next, space->cells[c].axes[AXIS_VOCAB]);
        if (!isfinite(next))
            return;
        add_width(answer, posterior, k, group, next,
                  (uint32_t)lround(space->base[AXIS_VOCAB] * exp2(next)));
        last = next;
    }
}

/* What the rule adds to the exponent of the plan's weight decay. */
static double decay_shift(const struct search_space *space, const struct term *term)
{
    return term->kind == TERM_TOKENS ? space->decay_over_tokens
           : term->of == AXIS_BATCH  ? space->decay_over_batch
                                     : 0;
}

static void add_shared(struct answer *answer, const struct posterior *posterior, int k)
{
    const struct terms *terms = &posterior->data->terms[k];
    for (size_t i = 0; i < terms->count; i++) {
        double coefficients[TERMS_MAX] = {0};
        bool tokens = terms->term[i].kind == TERM_TOKENS;
        if (!tokens && terms->term[i].kind != TERM_AXIS)
            continue;
        coefficients[i] = tokens ? -1 : 1; /* LR* ~ tokens^-beta */
        bool decay = posterior->data->coordinates[k] == 1 + RATIO_DECAY;
        double offset = decay ? -decay_shift(&posterior->data->space, &terms->term[i]) : 0;
        add_exponent(answer, posterior, k,
                     tokens ? "tokens" : answer_axis_name((enum answer_axis)terms->term[i].of),
                     NULL, 0, coefficients, offset);
    }
}

void exponents_fill(struct answer *answer, const struct posterior *posterior)
{
    for (int k = 0; k < posterior->data->coordinate_count; k++) {
        for (uint32_t g = 0; g < posterior->data->space.group_count; g++) {
            if (term_find(&posterior->data->terms[k], TERM_WIDTH_VOCAB, 0))
                add_widths_of_vocabularies(answer, posterior, k, g);
            else
                add_width(answer, posterior, k, g, 0, 0);
        }
        add_shared(answer, posterior, k);
    }
}

/* ---- the joint law ---- */

struct plane { /* y = x[0] + x[1] ln N + x[2] ln D */
    double x[3];
};

struct joint {
    const struct posterior *posterior;
    size_t count;
    size_t basin[ANSWER_BASINS];
    double ln_params[ANSWER_BASINS], ln_tokens[ANSWER_BASINS];
    double normal[9]; /* Cholesky factor of the normal matrix */
    double center[2]; /* of ln N and ln D */
};

static bool varies(const double *values, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (fabs(values[i] - values[0]) > 1e-9)
            return true;
    return false;
}

/* Collects the measured basins of the target's parametrization. False: they do not span sizes and
 * horizons, or are fewer than 4. */
static bool gather(struct joint *joint, const struct posterior *posterior)
{
    const struct search_space *space = &posterior->data->space;
    *joint = (struct joint){.posterior = posterior};
    for (size_t b = 0; b < posterior->data->basin_count && joint->count < ANSWER_BASINS; b++) {
        const struct cell_basin *basin = &posterior->data->basins[b];
        const struct search_cell *cell = &space->cells[basin->cell];
        if (basin->losses < 2 || cell->group != space->target.group || !(cell->log2_params > 0))
            continue;
        joint->basin[joint->count] = b;
        joint->ln_params[joint->count] = cell->log2_params * log(2.0);
        joint->ln_tokens[joint->count++] = log((double)space->horizons[basin->horizon]);
    }
    for (size_t i = 0; i < joint->count; i++) {
        joint->center[0] += joint->ln_params[i] / (double)joint->count;
        joint->center[1] += joint->ln_tokens[i] / (double)joint->count;
    }
    for (size_t i = 0; i < joint->count; i++) {
        double row[3] = {1, joint->ln_params[i] - joint->center[0],
                         joint->ln_tokens[i] - joint->center[1]};
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++)
                joint->normal[3 * a + b] += row[a] * row[b];
    }
    return joint->count > 3 && varies(joint->ln_params, joint->count) &&
           varies(joint->ln_tokens, joint->count) && cholesky(joint->normal, 3);
}

/* Least squares through ln LR of each basin. */
static struct plane fit_plane(const struct joint *joint, const double *ln_lr)
{
    struct plane plane = {{0}};
    for (size_t i = 0; i < joint->count; i++) {
        plane.x[0] += ln_lr[i];
        plane.x[1] += ln_lr[i] * (joint->ln_params[i] - joint->center[0]);
        plane.x[2] += ln_lr[i] * (joint->ln_tokens[i] - joint->center[1]);
    }
    cholesky_solve(joint->normal, plane.x, 3);
    plane.x[0] -= plane.x[1] * joint->center[0] + plane.x[2] * joint->center[1];
    return plane;
}

static double explained(const struct joint *joint, const double *ln_lr, const struct plane *plane)
{
    double mean = 0, total = 0, left = 0;
    for (size_t i = 0; i < joint->count; i++)
        mean += ln_lr[i] / (double)joint->count;
    for (size_t i = 0; i < joint->count; i++) {
        double off = ln_lr[i] - plane->x[0] - plane->x[1] * joint->ln_params[i] -
                     plane->x[2] * joint->ln_tokens[i];
        left += off * off;
        total += (ln_lr[i] - mean) * (ln_lr[i] - mean);
    }
    return total > 0 ? 1 - left / total : NAN;
}

static void fill_plane(struct joint_answer *answer, const struct joint *joint)
{
    double alphas[POSTERIOR_SAMPLES], betas[POSTERIOR_SAMPLES], ln_lr[ANSWER_BASINS];
    double means[ANSWER_BASINS] = {0};
    for (int s = 0; s < POSTERIOR_SAMPLES; s++) {
        for (size_t i = 0; i < joint->count; i++) {
            ln_lr[i] = posterior_basin(joint->posterior, s, joint->basin[i])->vertex[0] * log(2.0);
            means[i] += ln_lr[i] / POSTERIOR_SAMPLES;
            /* the misfits that other basins of the same kind would have */
            ln_lr[i] += joint->posterior->samples[s].misfit[0] * log(2.0) *
                        rng_normal(joint->posterior->data->space.seed, REFIT,
                                   (uint64_t)s * joint->count + i);
        }
        struct plane plane = fit_plane(joint, ln_lr);
        alphas[s] = -plane.x[1];
        betas[s] = -plane.x[2];
    }
    struct spread alpha = spread_of(alphas, POSTERIOR_SAMPLES),
                  beta = spread_of(betas, POSTERIOR_SAMPLES);
    struct plane plane = fit_plane(joint, means);
    answer->known = true;
    answer->ln_c = plane.x[0];
    answer->alpha = alpha.mean;
    answer->beta = beta.mean;
    memcpy(answer->alpha_ci90, alpha.ci90, sizeof(alpha.ci90));
    memcpy(answer->beta_ci90, beta.ci90, sizeof(beta.ci90));
    answer->r2 = explained(joint, means, &plane);
}

/* ---- hold-out ---- */

/* The costliest measured basin (two LRs with a loss); -1: fewer than two others would remain. */
static int costliest(const struct posterior *posterior)
{
    int best = -1;
    double most = 0;
    size_t measured = 0;
    for (size_t b = 0; b < posterior->data->basin_count; b++) {
        const struct cell_basin *basin = &posterior->data->basins[b];
        const struct search_space *space = &posterior->data->space;
        double cost = space->cells[basin->cell].cost * (double)space->horizons[basin->horizon];
        measured += basin->losses >= 2;
        if (basin->losses >= 2 && cost >= most) {
            most = cost;
            best = (int)b;
        }
    }
    return measured > 2 ? best : -1;
}

static int hold_out(struct joint_answer *answer, const struct posterior *posterior,
                    const struct observation *seen, size_t count)
{
    int b = costliest(posterior);
    if (b < 0)
        return 0;
    struct cell_data *without = cell_data_create(&posterior->data->space, seen, count, b);
    struct posterior *others = without ? posterior_create(without) : NULL;
    if (others) {
        size_t vertex = offsetof(struct basin_sample, vertex);
        struct spread predicted = posterior_spread(others, (size_t)b, vertex);
        struct spread measured = posterior_spread(posterior, (size_t)b, vertex);
        answer->holdout.known = true;
        answer->holdout.cell = posterior->data->basins[b].cell;
        answer->holdout.tokens =
            posterior->data->space.horizons[posterior->data->basins[b].horizon];
        spread_exp2(&predicted, &answer->holdout.lr_predicted, answer->holdout.ci90);
        spread_exp2(&measured, &answer->holdout.lr_measured, answer->holdout.measured_ci90);
    }
    bool good = others != NULL;
    posterior_destroy(others);
    cell_data_destroy(without);
    return good ? 0 : LR_ENOMEM;
}

int joint_fill(struct answer *answer, const struct posterior *posterior,
               const struct observation *seen, size_t count)
{
    struct joint *joint = lr_malloc(sizeof(*joint));
    struct joint_answer *of = &answer->joint;
    if (!joint)
        return LR_ENOMEM;
    of->parametrization =
        posterior->data->space.groups[posterior->data->space.target.group].parametrization;
    of->ln_c = of->alpha = of->beta = of->r2 = NAN;
    of->alpha_ci90[0] = of->alpha_ci90[1] = of->beta_ci90[0] = of->beta_ci90[1] = NAN;
    of->holdout.lr_predicted = of->holdout.lr_measured = NAN;
    for (int i = 0; i < 2; i++)
        of->holdout.ci90[i] = of->holdout.measured_ci90[i] = NAN;
    if (gather(joint, posterior))
        fill_plane(of, joint);
    lr_free(joint);
    return hold_out(of, posterior, seen, count);
}
