/* Schedules end with the horizon: an LR read from a loss that was not annealed is about 3x too low.
 */
#include "train/schedule.h"

#include <math.h>

double schedule_factor(const struct trial_spec *spec, uint64_t step)
{
    const double pi = 3.14159265358979323846;
    double steps = (double)trial_steps(spec), warmup = floor(spec->warmup * steps);
    double at = (double)step;
    if (at <= warmup)
        return at / warmup;
    double left = steps - warmup;
    double share = left > 0 ? (at - warmup) / left : 1.0;
    return spec->final_lr + (1.0 - spec->final_lr) * 0.5 * (1.0 + cos(pi * share));
}
