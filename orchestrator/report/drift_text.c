#include "report/drift_text.h"

#include <math.h>
#include <string.h>
#include "report/summary.h"
#include "report/wrap.h"

static void ratio_text(char out[128], double ratio, const double ci90[2])
{
    char interval[96] = "";
    if (interval_known(ci90))
        snprintf(interval, sizeof(interval), " (90\v%% interval %.3g\v..\v%.3g)", ci90[0], ci90[1]);
    snprintf(out, 128, "%.3g times that%s", ratio, interval);
}

void drift_print(FILE *out, const char *lead, const struct drift *drift)
{
    char ratio[128], interval[96] = "", tokens[32], blank[32];
    const char *beyond = drift->lr_beyond ? "; beyond tolerance" : "";
    snprintf(blank, sizeof(blank), "%*s", (int)strlen(lead), "");
    ratio_text(ratio, drift->lr_ratio, drift->lr_ci90);
    if (drift->lr_reason[0])
        wrap_print(out, lead, "LR at the target not compared: %s", drift->lr_reason);
    else
        wrap_print(out, lead, "LR at the target %s%s", ratio, drift->at_tokens ? "" : beyond);
    ratio_text(ratio, drift->at_ratio, drift->at_ci90);
    if (drift->at_tokens)
        wrap_print(out, blank, "LR at %s tokens %s%s",
                   format_count(tokens, sizeof(tokens), (double)drift->at_tokens), ratio, beyond);
    if (drift->loss_reason[0]) {
        wrap_print(out, blank, "loss not compared: %s", drift->loss_reason);
        return;
    }
    if (interval_known(drift->loss_ci90))
        snprintf(interval, sizeof(interval), " (90\v%% interval %+.2g\v..\v%+.2g)",
                 drift->loss_ci90[0], drift->loss_ci90[1]);
    wrap_print(out, blank, "loss at %s tokens %+.4f nats%s%s",
               format_count(tokens, sizeof(tokens), (double)drift->loss_tokens),
               drift->loss_difference, interval, drift->loss_beyond ? "; beyond tolerance" : "");
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
