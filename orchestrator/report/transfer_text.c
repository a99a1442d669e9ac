#include "report/transfer_text.h"

#include <math.h>
#include "report/wrap.h"

void transfer_text_print(FILE *out, const struct answer *answer)
{
    for (size_t i = 0; i < answer->step_count; i++) {
        const struct transfer_step *step = &answer->steps[i];
        char factor[32] = "not known", interval[64] = "";
        if (isfinite(step->factor))
            snprintf(factor, sizeof(factor), "times %.3g", step->factor);
        if (isfinite(step->ci90[0]) && isfinite(step->ci90[1]))
            snprintf(interval, sizeof(interval), " (90\v%% interval %.2g\v..\v%.2g)", step->ci90[0],
                     step->ci90[1]);
        wrap_print(out, i == 0 ? "transfer  - " : "          - ", "%s: LR %s%s; %s%s", step->of,
                   factor, interval, step->measured ? "measured: " : "assumed: ", step->how);
    }
}
