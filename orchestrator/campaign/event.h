#ifndef LRSEARCH_EVENT_H
#define LRSEARCH_EVENT_H

#include "lrsearch/group.h"
#include "lrsearch/trial.h"

/* The events of a campaign, as the journal records them. The state of a campaign follows from its
 * events alone, applied in order. */

/* The format of the journal. Each release of lrsearch that adds an event or a field to one has the
 * next format. It reads earlier ones, where the field is 0 or has what event_from_json() sets
 * (store/event_json.c), and goes on with them; an earlier release refuses the later format. 0:
 * before release 0.2. */
#define JOURNAL_FORMAT 1

/* clang-format off */
#define EVENT_CAMPAIGN_FIELDS(U32, U64, F64, TEXT, STRUCT)                                         \
    TEXT(name, 64) TEXT(version, 32) U64(plan_hash) /* XXH3-64 of the resolved plan */             \
    TEXT(data_path, TRIAL_PATH) U64(data_hash)                                                     \
    U64(train_tokens) U64(val_tokens) U64(val_bytes) /* as in trial_spec */                        \
    TEXT(products, TRIAL_PRODUCTS)                                                                 \
    U32(shares_wsd_prefix) /* 1: trials continue from shorter horizons' states */                  \
    U32(format)            /* JOURNAL_FORMAT of the lrsearch that began it */
/* The data of a cell that differ from those of cell 0 (in the CAMPAIGN event): tokens of another
 * vocabulary, rows of another table. `cell` counts from 1; the number of cells means the target. */
#define EVENT_DATA_FIELDS(U32, U64, F64, TEXT, STRUCT)                                             \
    U32(cell) TEXT(data_path, TRIAL_PATH) U64(data_hash)                                           \
    U64(train_tokens) U64(val_tokens) U64(val_bytes)
#define EVENT_SESSION_FIELDS(U32, U64, F64, TEXT, STRUCT) /* one start of the program */           \
    TEXT(host, 64) U32(ranks) TEXT(started_utc, 32)                                                \
    TEXT(version, 32) TEXT(compiler, 64) TEXT(system, 128) TEXT(cpu, 128) TEXT(mpi, 160)           \
    TEXT(blas, 192)      /* for matrix products: instruction set, libraries, their cores */        \
    TEXT(libraries, 192) /* all others: "libyaml 0.2.5, libuv 1.44.2, ..." */                      \
    U32(retries) U32(stop_on_fail) /* the plan's on_fail at this start */                          \
    U32(first_failures) /* so many of the first attempts that fail alike end it; 0: none do */ \
    U32(asks)   /* 1: of ask and tell, whose trials others train; 0: of a run */                   \
    U32(format) /* JOURNAL_FORMAT of the lrsearch that writes what follows */                      \
    TEXT(commit, 48)
#define EVENT_ROUND_FIELDS(U32, U64, F64, TEXT, STRUCT) U32(round) U32(trials)                     \
    U32(purpose) /* enum trial_purpose */
#define EVENT_PLANNED_FIELDS(U32, U64, F64, TEXT, STRUCT)                                          \
    U32(trial_id) U32(round) U32(replicate)                                                        \
    U32(cell)    /* index of the plan's cell; for a confirmation of the parametrization */         \
    U32(purpose) /* enum trial_purpose */                                                          \
    U64(wsd_prefix_tokens) /* trained by a shorter horizon: not charged; 0: none */                \
    STRUCT(spec, trial_spec)
#define EVENT_STARTED_FIELDS(U32, U64, F64, TEXT, STRUCT)                                          \
    U32(trial_id) U32(attempt)                                                                     \
    U32(rank) /* 0: not trained, the result is taken over from another campaign */                 \
    TEXT(host, 64)                                                                                 \
    TEXT(cpu, 128) /* of the rank, from its HELLO; "": unknown */                                  \
    F64(at_s)  /* campaign wall time by the CLOCK events */                                        \
    TEXT(members, GROUP_TEXT) /* of its group, "3,7,8,9"; "": it trains alone */
#define EVENT_CURVE_FIELDS(U32, U64, F64, TEXT, STRUCT)                                            \
    U32(trial_id) U32(attempt) U64(tokens) F64(train_loss)
#define EVENT_ENDED_FIELDS(U32, U64, F64, TEXT, STRUCT)                                            \
    U32(trial_id) U32(attempt)                                                                     \
    U32(abandoned) /* 1: the coordinator stopped while it ran; not a failure of the trial */       \
    F64(at_s)      /* as in STARTED */                                                             \
    U32(ranks)     /* that trained it, the most at a time; 0: one (older journals) */              \
    F64(rank_s)    /* their time, summed; 0: unknown */                                            \
    STRUCT(result, trial_result)
#define EVENT_FINISHED_FIELDS(U32, U64, F64, TEXT, STRUCT) /* the search has ended */              \
    TEXT(status, 32) TEXT(reason, 320)                                                             \
    U64(need_tokens) /* need_*: the budget to continue with if it was too small; */                \
    U64(need_trials) /* such a budget reopens the campaign. trials 0: it sufficed */               \
    F64(need_flops) F64(need_core_hours) F64(need_wall_s)                                          \
    U32(need_purpose) /* enum trial_purpose: what the budget was too small for */
#define EVENT_CLOCK_FIELDS(U32, U64, F64, TEXT, STRUCT) F64(wall_s) /* since the last CLOCK */     \
    U64(until_ms) /* Unix time at its end, where no process runs through; 0: not known */
#define EVENT_WORKER_FIELDS(U32, U64, F64, TEXT, STRUCT) /* for display only */                    \
    U32(rank) TEXT(host, 64) /* "": before its HELLO */                                            \
    U32(news) /* enum worker_news */ F64(at_s) TEXT(why, 64)
#define EVENT_GROUP_FIELDS(U32, U64, F64, TEXT, STRUCT) /* grown to these; for display only */     \
    U32(trial_id) U32(attempt) TEXT(members, GROUP_TEXT) F64(at_s)
#define EVENT_STEPS_FIELDS(U32, U64, F64, TEXT, STRUCT) /* of a session; for display only */       \
    U32(ranks) U32(samples)                                                                        \
    F64(ratio) /* time of a step of so many ranks over that of the cost model (width.h) */
/* clang-format on */

/* 0: does not answer; 1: answers again; 2: gone for good. */
enum worker_news { NEWS_QUIET, NEWS_HEARD, NEWS_GONE };

/* X(KIND, tag, field list) */
#define EVENT_MAP(X)                                                                               \
    X(CAMPAIGN, campaign, EVENT_CAMPAIGN_FIELDS)                                                   \
    X(DATA, data, EVENT_DATA_FIELDS)                                                               \
    X(SESSION, session, EVENT_SESSION_FIELDS)                                                      \
    X(ROUND, round, EVENT_ROUND_FIELDS)                                                            \
    X(PLANNED, planned, EVENT_PLANNED_FIELDS)                                                      \
    X(STARTED, started, EVENT_STARTED_FIELDS)                                                      \
    X(CURVE, curve, EVENT_CURVE_FIELDS)                                                            \
    X(ENDED, ended, EVENT_ENDED_FIELDS)                                                            \
    X(FINISHED, finished, EVENT_FINISHED_FIELDS)                                                   \
    X(CLOCK, clock, EVENT_CLOCK_FIELDS)                                                            \
    X(WORKER, worker, EVENT_WORKER_FIELDS)                                                         \
    X(GROUP, group, EVENT_GROUP_FIELDS)                                                            \
    X(STEPS, steps, EVENT_STEPS_FIELDS)

/* clang-format off */
enum event_kind {
#define X(KIND, tag, FIELDS) EVENT_##KIND,
    EVENT_MAP(X)
#undef X
    EVENT_KINDS /* their number */
};
/* clang-format on */

#define X(KIND, tag, FIELDS)                                                                       \
    struct event_##tag {                                                                           \
        FIELD_DECLARE(FIELDS)                                                                      \
    };                                                                                             \
    extern const struct field_table event_##tag##_fields;
EVENT_MAP(X)
#undef X

struct event {
    enum event_kind kind;
    union {
#define X(KIND, tag, FIELDS) struct event_##tag tag;
        EVENT_MAP(X)
#undef X
    } as;
};

const char *event_name(enum event_kind kind); /* "planned", ...; "?" when unknown */
const struct field_table *event_fields(enum event_kind kind);

#endif
