#include "search/prior_lr.h"

#include <math.h>
#include "lrsearch/count.h"

#define Z90 1.6448536269514722
#define REACH_LEAST 1.0 /* octaves each way: nearer points would not show the basin's sides */

struct expected_place prior_lr_at(const struct search_space *space, double tokens)
{
    double t = log2(tokens / (double)space->prior_tokens);
    return (struct expected_place){log2(space->prior_lr) - space->prior_beta * t,
                                   hypot(space->prior_lr_sd, space->prior_beta_sd * t)};
}

double prior_lr_density(const struct search_space *space, double place)
{
    double z = (place - log2(space->prior_lr)) / space->prior_lr_sd;
    return pow(1 + z * z / 3, -2);
}

void prior_lr_reach(const struct lr_grid *grid, const struct expected_place *place, int *first,
                    int *last)
{
    double reach = fmax(REACH_LEAST, place->deviation);
    *first = lr_grid_nearest(grid, place->center - reach);
    *last = lr_grid_nearest(grid, place->center + reach);
    /* Beyond the range, or at its end: as much of it as there is on that side. */
    int wanted = (int)fmin(ceil(2 * reach / grid->step), grid->last);
    if (*last - *first < wanted && *first == 0)
        *last = wanted;
    else if (*last - *first < wanted && *last == grid->last)
        *first = grid->last - wanted;
}

void warn_prior_lr(struct answer *answer, const struct search_space *space, double found)
{
    char tokens[COUNT_TEXT];
    if (fabs(found - log2(space->prior_lr)) <= Z90 * space->prior_lr_sd)
        return;
    answer_warn(
        answer,
        "search.prior_lr expects %.2g at %s tokens; the losses say %.2g: what it comes from "
        "differs from this plan by more than search.prior_lr_sd",
        space->prior_lr, format_count(tokens, sizeof(tokens), (double)space->prior_tokens),
        exp2(found));
}
