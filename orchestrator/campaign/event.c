/* Names and field tables of the events, from the one map in event.h. */
#include "campaign/event.h"

#define FIELD_OWNER event_campaign
FIELD_TABLE_DEFINE(event_campaign, EVENT_CAMPAIGN_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER event_data
FIELD_TABLE_DEFINE(event_data, EVENT_DATA_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER event_session
FIELD_TABLE_DEFINE(event_session, EVENT_SESSION_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER event_round
FIELD_TABLE_DEFINE(event_round, EVENT_ROUND_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER event_planned
FIELD_TABLE_DEFINE(event_planned, EVENT_PLANNED_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER event_started
FIELD_TABLE_DEFINE(event_started, EVENT_STARTED_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER event_curve
FIELD_TABLE_DEFINE(event_curve, EVENT_CURVE_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER event_ended
FIELD_TABLE_DEFINE(event_ended, EVENT_ENDED_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER event_finished
FIELD_TABLE_DEFINE(event_finished, EVENT_FINISHED_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER event_clock
FIELD_TABLE_DEFINE(event_clock, EVENT_CLOCK_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER event_worker
FIELD_TABLE_DEFINE(event_worker, EVENT_WORKER_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER event_group
FIELD_TABLE_DEFINE(event_group, EVENT_GROUP_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER event_steps
FIELD_TABLE_DEFINE(event_steps, EVENT_STEPS_FIELDS)
#undef FIELD_OWNER

static const struct {
    const char *name;
    const struct field_table *fields;
} kinds[EVENT_KINDS] = {
#define X(KIND, tag, FIELDS) {#tag, &event_##tag##_fields},
    EVENT_MAP(X)
#undef X
};

const char *event_name(enum event_kind kind)
{
    return (unsigned)kind < EVENT_KINDS ? kinds[kind].name : "?";
}

const struct field_table *event_fields(enum event_kind kind)
{
    return (unsigned)kind < EVENT_KINDS ? kinds[kind].fields : NULL;
}
