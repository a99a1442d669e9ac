/* Nine surfaces of surface.c with their optima on a law. */
#include "cell_surface.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/rng.h"
#include "search/search_answer.h"

#define DRAW_CELLS ((uint64_t)RNG_SIMULATE + (9u << 8))
#define OWN 0.12 /* octaves */
#define ASYMMETRY 0.2

struct cell_surface cell_surface_draw(uint64_t seed, double noise)
{
    struct cell_surface all = {.ratio_curvature = 0};
    struct surface base = surface_draw(100 + seed, noise);
    all.width_exponent = -0.2 - 0.6 * rng_uniform(seed, DRAW_CELLS, 0);
    all.vocab_exponent = -0.15 + 0.3 * rng_uniform(seed, DRAW_CELLS, 1);
    all.gamma = 0.5 + 0.5 * rng_uniform(seed, DRAW_CELLS, 2);
    for (int c = 0; c < CELL_SURFACES; c++) {
        int width = c % 3, vocab = 2 * (c / 3); /* octaves */
        all.axes[c] = (struct search_cell){.axes = {[AXIS_WIDTH] = width, [AXIS_VOCAB] = vocab},
                                           .cost = pow(4, width),
                                           .log2_params = 20 + 2 * width};
        all.cells[c] = base;
        all.cells[c].seed = base.seed * 1000 + (uint64_t)c;
        all.cells[c].lr_first =
            8e-3 * exp2(all.width_exponent * width + all.vocab_exponent * vocab +
                        OWN * rng_normal(seed, DRAW_CELLS, 10 + (uint64_t)c));
        all.ratio[c] = 2 * exp2((all.gamma - 0.05 * vocab) * width +
                                OWN * rng_normal(seed, DRAW_CELLS, 20 + (uint64_t)c));
    }
    return all;
}

struct search_space cell_surface_space(const struct cell_surface *surface)
{
    struct search_space space = surface_space(&surface->cells[0], 1);
    space.cells = surface->axes;
    space.cell_count = CELL_SURFACES;
    space.target = surface->axes[CELL_SURFACES - 1];
    space.base[AXIS_WIDTH] = 64;
    space.base[AXIS_VOCAB] = 1024;
    space.group_count = 1;
    space.groups[0] = (struct search_group){
        .embedding_exponent = NAN, .lr_width = {-0.7, 0.4}, .ratio_width = {0.75, 0.5}};
    if (surface->ratio_curvature > 0)
        space.ratios[RATIO_EMBEDDING] = (struct ratio_range){0.25, 32};
    return space;
}

struct observation cell_surface_try(const struct cell_surface *surface,
                                    const struct proposal *proposal)
{
    const struct surface *cell = &surface->cells[proposal->cell];
    struct observation o = surface_observe(cell, proposal->tokens, proposal->lr, proposal->seed);
    double best = surface_optimum(cell, proposal->tokens) * surface->ratio[proposal->cell];
    double off = log2(proposal->lr * proposal->ratios[RATIO_EMBEDDING] / best);
    o.loss += surface->ratio_curvature * off * off * (1 + ASYMMETRY * tanh(off));
    o.cell = proposal->cell;
    memcpy(o.ratios, proposal->ratios, sizeof(o.ratios));
    return o;
}

static double cost_of(const struct search_space *space, const struct search_cell *cells,
                      const struct proposal *proposal)
{
    double mean = 0;
    for (int c = 0; c < CELL_SURFACES; c++)
        mean += cells[c].cost / CELL_SURFACES;
    return (double)proposal->tokens * cells[proposal->cell].cost /
           ((double)space->target_tokens * mean);
}

int cell_surface_round(struct cell_run *run, const struct cell_surface *surface,
                       const struct search_space *space, const struct policy *policy)
{
    static struct proposal round[POLICY_ROUND_MAX];
    size_t asked;
    int rc = search_next(policy, space, run->seen, run->count, round, &asked);
    if (rc)
        return rc;
    if (run->count + asked > SURFACE_SEEN)
        return LR_EINTERNAL;
    for (size_t i = 0; i < asked; i++) {
        run->seen[run->count++] = cell_surface_try(surface, &round[i]);
        run->cost += cost_of(space, surface->axes, &round[i]);
    }
    run->rounds += asked > 0;
    return (int)asked;
}

static void add_outcome(struct cell_outcome *outcome, const struct surface *surface, double lr,
                        const double ci90[2])
{
    double optimum = surface_optimum(surface, surface->target);
    outcome->width += log2(ci90[1] / ci90[0]) / CELL_SURFACES;
    outcome->penalty += surface_penalty(surface, surface->target, lr) / CELL_SURFACES;
    outcome->holds += (ci90[0] <= optimum && optimum <= ci90[1]) / (double)CELL_SURFACES;
}

struct cell_outcome cell_surface_outcome(const struct cell_run *run,
                                         const struct cell_surface *surface,
                                         const struct search_space *space)
{
    struct cell_outcome outcome = {0};
    struct answer *answer = calloc(1, sizeof(*answer));
    if (answer && search_answer(answer, space, run->seen, run->count, NULL) == 0)
        for (int c = 0; c < CELL_SURFACES; c++)
            add_outcome(&outcome, &surface->cells[c], answer->cells[c].lr, answer->cells[c].ci90);
    free(answer);
    return outcome;
}

struct cell_outcome cell_surface_apart(const struct cell_surface *surface,
                                       const struct search_space *space, double *cost)
{
    struct cell_outcome outcome = {0};
    struct surface_run *run = calloc(1, sizeof(*run));
    *cost = 0;
    for (uint32_t c = 0; c < CELL_SURFACES && run; c++) {
        struct search_space own = cell_space(space, c);
        if (surface_search(run, &surface->cells[c], &own, &policy_design))
            break;
        for (size_t i = 0; i < run->count; i++)
            *cost += cost_of(space, surface->axes,
                             &(struct proposal){.tokens = run->seen[i].tokens, .cell = c});
        add_outcome(&outcome, &surface->cells[c], run->answer.target.lr, run->answer.target.ci90);
    }
    free(run);
    return outcome;
}
