#ifndef LRSEARCH_STAGE_H
#define LRSEARCH_STAGE_H

#include <stddef.h>

/* Progress of the work before the first trial. Long-running code reports its stage and the share
 * done (0 to 1; slightly more where work comes in whole steps), and a callback of its caller shows
 * it. Reports come at any rate; the callback limits how often it draws. */

struct stage_report {
    /* stage: valid during the call; NULL: the stage is over, and its line goes away */
    void (*say)(void *context, const char *stage, double share_done);
    void *context;
};

/* `report` NULL: no reports. */
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
