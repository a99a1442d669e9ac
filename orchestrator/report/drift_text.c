#include "report/drift_text.h"

#include <math.h>
#include <string.h>
#include "report/summary.h"
#include "report/wrap.h"

void drift_print(FILE *out, const char *lead, const struct drift *drift)
{
    char interval[96] = "", tokens[32], blank[32];
    snprintf(blank, sizeof(blank), "%*s", (int)strlen(lead), "");
    if (drift->lr_reason[0]) {
        wrap_print(out, lead, "LR not compared: %s", drift->lr_reason);
    } else {
        if (interval_known(drift->lr_ci90))
            snprintf(interval, sizeof(interval), " (90\v%% interval %.3g\v..\v%.3g)",
                     drift->lr_ci90[0], drift->lr_ci90[1]);
        wrap_print(out, lead, "LR %.3g times that%s%s", drift->lr_ratio, interval,
                   drift->lr_beyond ? ": beyond tolerance" : "");
    }
    if (drift->loss_reason[0]) {
        wrap_print(out, blank, "loss not compared: %s", drift->loss_reason);
        return;
    }
    interval[0] = '\0';
    if (interval_known(drift->loss_ci90))
        snprintf(interval, sizeof(interval), " (90\v%% interval %+.2g\v..\v%+.2g)",
                 drift->loss_ci90[0], drift->loss_ci90[1]);
    wrap_print(out, blank, "loss at %s tokens %+.4f nats%s%s",
               format_count(tokens, sizeof(tokens), (double)drift->loss_tokens),
               drift->loss_difference, interval, drift->loss_beyond ? ": beyond tolerance" : "");
}

void baseline_print(FILE *out, const struct answer *answer)
{
    const struct baseline_answer *baseline = &answer->baseline;
    if (!baseline->wanted)
        return;
    if (baseline->reason[0]) {
        wrap_print(out, "baseline  ", "not compared: %s", baseline->reason);
        return;
    }
    wrap_print(out, "baseline  ", "%s", baseline->run_dir);
    drift_print(out, "          ", &baseline->drift);
}
