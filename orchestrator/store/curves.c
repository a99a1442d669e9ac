#include "store/curves.h"

#include <string.h>
#include "lrsearch/memory.h"
#include "store/journal.h"

static struct curve *curve_of(struct curves *curves, uint32_t trial_id)
{
    return trial_id > 0 && trial_id <= curves->count ? &curves->curves[trial_id - 1] : NULL;
}

/* A later attempt resumes from a checkpoint: its points replace earlier ones from there on. */
static int add_point(struct curve *curve, const struct event_curve *point, struct lr_error *err)
{
    while (curve->count > 0 && curve->points[curve->count - 1].tokens >= point->tokens)
        curve->count--;
    struct event_curve *larger =
        lr_grow(curve->points, curve->count, &curve->capacity, sizeof(*curve->points));
    if (!larger)
        return lr_nomem(err);
    curve->points = larger;
    curve->points[curve->count++] = *point;
    return 0;
}

static int collect_point(void *context, const struct event *event, struct lr_error *err)
{
    struct curves *curves = context;
    struct curve *curve;
    switch (event->kind) {
    case EVENT_SESSION:
        memcpy(curves->session_utc, event->as.session.started_utc, sizeof(curves->session_utc));
        return 0;
    case EVENT_STARTED:
        if ((curve = curve_of(curves, event->as.started.trial_id)))
            memcpy(curve->session_utc, curves->session_utc, sizeof(curve->session_utc));
        return 0;
    case EVENT_CURVE:
        curve = curve_of(curves, event->as.curve.trial_id);
        return curve ? add_point(curve, &event->as.curve, err) : 0;
    default:
        return 0;
    }
}

int curves_read(struct curves *curves, const char *run_dir, size_t count, struct lr_error *err)
{
    *curves = (struct curves){count, lr_calloc(count + 1, sizeof(*curves->curves)), ""};
    const unsigned kinds = 1u << EVENT_SESSION | 1u << EVENT_STARTED | 1u << EVENT_CURVE;
    return curves->curves ? journal_read_run(run_dir, kinds, collect_point, curves, err)
                          : lr_nomem(err);
}

void curves_release(struct curves *curves)
{
    for (size_t i = 0; curves->curves && i < curves->count; i++)
        lr_free(curves->curves[i].points);
    lr_free(curves->curves);
    memset(curves, 0, sizeof(*curves));
}
