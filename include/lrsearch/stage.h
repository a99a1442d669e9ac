#ifndef LRSEARCH_STAGE_H
#define LRSEARCH_STAGE_H

#include <stddef.h>

/* Progress of work before the first trial: whoever works long says which stage it is in, and how
 * much of that is done (0 to 1; a little more where work comes in whole steps). Whoever asked for
 * the work shows it. The calls come as often as is convenient: the listener thins them out. */

struct stage_report {
    /* stage: valid during the call; NULL: the stage is over, and its line goes away */
    void (*say)(void *context, const char *stage, double share_done);
    void *context;
};

/* `report` NULL: nobody listens. */
static inline void stage_say(const struct stage_report *report, const char *stage,
                             double share_done)
{
    if (report)
        report->say(report->context, stage, share_done);
}

static inline void stage_over(const struct stage_report *report)
{
    stage_say(report, NULL, 1);
}

#endif
