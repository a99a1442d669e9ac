/* The terms of a law and their priors. The priors are wide, because campaigns with axes exist to
 * measure these exponents. */
#include "search/cell_terms.h"

#include <math.h>

#define SAME 1e-9        /* octaves */
#define RANGE_MARGIN 1.0 /* octaves that an optimum may lie beyond the range */

/* Exponents: mean, standard deviation. Step Law's runs at fixed tokens: LR* ~ N^-.47 B^.72 below
 * the critical batch; theory says B^.5. Doubling the depth doubles N. */
static const double lr_axis[AXIS_COUNT][2] = {[AXIS_DEPTH] = {-0.25, 0.4},
                                              [AXIS_VOCAB] = {0, 0.25},
                                              [AXIS_BATCH] = {0.45, 0.3},
                                              [AXIS_DECAY] = {0, 0.3}};
static const double ratio_axis[AXIS_COUNT][2] = {[AXIS_DEPTH] = {0, 0.3},
                                                 [AXIS_VOCAB] = {0, 0.3},
                                                 [AXIS_BATCH] = {0, 0.2},
                                                 [AXIS_DECAY] = {0, 0.2}};
/* The best weight decay, at the best LR. arXiv 2505.13738: in runs, the best time scale
 * tau = B / (LR decay D) goes as (D/N)^-.52, so that LR decay ~ B D^-.48 N^-.52; over LR* by the
 * means above (and ~ D^-.28): decay ~ B^.55 D^-.2, and depth^-.27. Over the width the best LR decay
 * falls as 1 / width (arXiv 2512.05620), as the LRs of hidden matrices under mup do. */
static const double decay_axis[AXIS_COUNT][2] = {[AXIS_DEPTH] = {-0.25, 0.3},
                                                 [AXIS_VOCAB] = {0, 0.3},
                                                 [AXIS_BATCH] = {0.55, 0.4},
                                                 [AXIS_DECAY] = {0, 0.3} /* no plan has both */};
static const double decay_tokens[2] = {-0.2, 0.3};
/* Bjorck: beta .70 at 50M, .65 at 125M, .38 at 350M, .32 at 760M: about .1 per octave of
 * parameters. */
#define TOKENS_SIZE 0.1
#define TOKENS_BATCH 0.1
#define TOKENS_DECAY 0.1
/* log LR* against log tokens bends up at long horizons (arXiv 2606.29158), by how much is not
 * known. */
#define TOKENS_BEND 0.02
#define BEND_HORIZONS 4 /* fewer do not tell it */
#define RATIO_TOKENS 0.1
#define WIDTH_VOCAB 0.15
/* Standard deviation between groups of the width exponent of the trained embedding ratio.
 * Embedding and hidden matrices get the same gradients under each, so these exponents are close. */
#define GAMMA_APART 0.2
static const double other_width[2] = {0, 0.5}; /* of the other ratios */

static void add_term(struct terms *terms, enum term_kind kind, uint32_t of, double mean,
                     double deviation)
{
    terms->term[terms->count++] = (struct term){
        .kind = kind, .of = of, .mean = mean, .deviation = deviation, .heavy = kind == TERM_TOKENS};
}

/* True if a cell or the target does not have the base width. */
static bool off_base(const struct search_space *space)
{
    bool off = fabs(space->target.axes[AXIS_WIDTH] - space->base_width) > SAME;
    for (size_t c = 0; c < space->cell_count; c++)
        off = off || fabs(space->cells[c].axes[AXIS_WIDTH] - space->base_width) > SAME;
    return off;
}

static void add_level(struct terms *terms, const struct search_space *space, int coordinate,
                      bool lengths)
{
    if (coordinate == 0 && space->prior_lr > 0) {
        double tokens = (double)(lengths ? space->prior_tokens : space->horizons[0]);
        struct expected_place place = prior_lr_at(space, tokens);
        add_term(terms, TERM_LEVEL, 0, place.center, place.deviation);
        terms->term[terms->count - 1].heavy = true;
        return;
    }
    const struct ratio_range *range = coordinate ? &space->ratios[coordinate - 1] : NULL;
    double low = log2(range ? range->low : space->lr_low);
    double high = log2(range ? range->high : space->lr_high);
    add_term(terms, TERM_LEVEL, 0, (low + high) / 2, (high - low) / 2 + RANGE_MARGIN);
}

static const double *width_prior(const struct search_group *group, int coordinate)
{
    return coordinate == 0                     ? group->lr_width
           : coordinate - 1 == RATIO_EMBEDDING ? group->ratio_width
                                               : other_width;
}

/* Standard deviation of the part of the width exponents that all groups share; 0: none. */
static double shared_deviation(const struct search_space *space, int coordinate)
{
    double least = INFINITY;
    for (uint32_t g = 0; g < space->group_count; g++)
        least = fmin(least, width_prior(&space->groups[g], coordinate)[1]);
    if (space->group_count < 2 || coordinate != 1 + RATIO_EMBEDDING || least <= GAMMA_APART)
        return 0;
    return sqrt(least * least - GAMMA_APART * GAMMA_APART);
}

static void add_width(struct terms *terms, const struct search_space *space, enum term_kind kind,
                      uint32_t group, double mean, double deviation)
{
    add_term(terms, kind, group, mean, deviation);
    terms->term[terms->count - 1].origin = space->base_width;
}

static void add_widths(struct terms *terms, const struct search_space *space, int coordinate)
{
    if (!axis_is_spanned(space, AXIS_WIDTH) && !(space->group_count > 1 && off_base(space)))
        return;
    double shared = shared_deviation(space, coordinate);
    for (uint32_t g = 0; g < space->group_count; g++) {
        const double *width = width_prior(&space->groups[g], coordinate);
        add_width(terms, space, TERM_WIDTH, g, width[0],
                  sqrt(width[1] * width[1] - shared * shared));
    }
    if (shared > 0)
        add_width(terms, space, TERM_WIDTH_SHARED, 0, 0, shared);
}

static void add_axes(struct terms *terms, const struct search_space *space, int coordinate)
{
    bool decay = coordinate == 1 + RATIO_DECAY;
    const double(*priors)[2] = coordinate == 0 ? lr_axis : decay ? decay_axis : ratio_axis;
    for (uint32_t axis = AXIS_DEPTH; axis < AXIS_COUNT; axis++) {
        double shift = decay && axis == AXIS_BATCH ? space->decay_over_batch : 0;
        if (axis_is_spanned(space, axis))
            add_term(terms, TERM_AXIS, axis, priors[axis][0] + shift, priors[axis][1]);
    }
}

void terms_lay(struct terms *terms, const struct search_space *space, int coordinate)
{
    bool sizes = axis_is_spanned(space, AXIS_WIDTH) || axis_is_spanned(space, AXIS_DEPTH);
    bool lengths = space->horizon_count > 1 || space->target_tokens != space->horizons[0];
    bool cells = space->cell_count > 1;
    terms->count = 0;
    for (uint32_t c = 0; c < space->cell_count && cells; c++) {
        add_term(terms, TERM_CELL, c, 0, 1);
        if (coordinate == 0 && lengths)
            add_term(terms, TERM_CELL_TOKENS, c, 0, CELL_TOKENS);
    }
    for (uint32_t h = 0; h < space->horizon_count && cells && coordinate == 0 && lengths; h++)
        add_term(terms, TERM_HORIZON, h, 0, 1);
    add_level(terms, space, coordinate, lengths);
    add_widths(terms, space, coordinate);
    add_axes(terms, space, coordinate);
    if (coordinate == 0 && lengths) {
        add_term(terms, TERM_TOKENS, 0, space->prior_beta, space->prior_beta_sd);
        if (space->horizon_count >= BEND_HORIZONS)
            add_term(terms, TERM_TOKENS_BEND, 0, 0, TOKENS_BEND);
        if (sizes)
            add_term(terms, TERM_TOKENS_SIZE, 0, 0, TOKENS_SIZE);
        if (axis_is_spanned(space, AXIS_BATCH))
            add_term(terms, TERM_TOKENS_BATCH, 0, 0, TOKENS_BATCH);
        if (axis_is_spanned(space, AXIS_DECAY))
            add_term(terms, TERM_TOKENS_DECAY, 0, 0, TOKENS_DECAY);
    } else if (lengths && coordinate == 1 + RATIO_DECAY) {
        double exponent = decay_tokens[0] + space->decay_over_tokens;
        add_term(terms, TERM_TOKENS, 0, -exponent, decay_tokens[1]);
    } else if (lengths) {
        add_term(terms, TERM_TOKENS, 0, 0, RATIO_TOKENS);
    }
    if (coordinate > 0 && axis_is_spanned(space, AXIS_WIDTH) && axis_is_spanned(space, AXIS_VOCAB))
        add_term(terms, TERM_WIDTH_VOCAB, 0, 0, WIDTH_VOCAB);
}

void terms_set_reference(struct terms *terms, const struct search_space *space, double reference)
{
    const struct term *level = term_find(terms, TERM_LEVEL, 0);
    if (space->prior_lr > 0 && level->heavy)
        for (size_t i = 0; i < terms->count; i++)
            if (terms->term[i].kind == TERM_TOKENS)
                terms->term[i].origin = log2((double)space->prior_tokens / reference);
}

static double size_of(const struct search_cell *cell)
{
    /* 2 octaves of hidden parameters for one of the width */
    return 2 * cell->axes[AXIS_WIDTH] + cell->axes[AXIS_DEPTH];
}

double term_value(const struct term *term, const struct search_cell *cell, int index, int horizon,
                  double t)
{
    switch (term->kind) {
    case TERM_LEVEL:
        return 1;
    case TERM_WIDTH:
        return cell->group == term->of ? cell->axes[AXIS_WIDTH] - term->origin : 0;
    case TERM_WIDTH_SHARED:
        return cell->axes[AXIS_WIDTH] - term->origin;
    case TERM_AXIS:
        return cell->axes[term->of];
    case TERM_TOKENS:
        return -(t - term->origin);
    case TERM_TOKENS_BEND:
        return t * t;
    case TERM_TOKENS_SIZE:
        return -t * size_of(cell);
    case TERM_TOKENS_BATCH:
        return -t * cell->axes[AXIS_BATCH];
    case TERM_TOKENS_DECAY:
        return -t * cell->axes[AXIS_DECAY];
    case TERM_WIDTH_VOCAB:
        return cell->axes[AXIS_WIDTH] * cell->axes[AXIS_VOCAB];
    case TERM_CELL:
        return index == (int)term->of;
    case TERM_CELL_TOKENS:
        return index == (int)term->of ? -t : 0;
    case TERM_HORIZON:
        return horizon == (int)term->of;
    }
    return 0;
}

const struct term *term_find(const struct terms *terms, enum term_kind kind, uint32_t of)
{
    for (size_t i = 0; i < terms->count; i++)
        if (terms->term[i].kind == kind && terms->term[i].of == of)
            return &terms->term[i];
    return NULL;
}
