/* The life of an attempt, from its ASSIGNs to the one call of owner.ended():
 *
 *     what happens                         the attempt                  its other members
 *     leader's RESULT                      ends with it                 LEAVING; CANCEL unless they
 *                                                                       end in good order
 *     follower's RESULT                    goes on (it has the          -
 *                                          leader's word), 30 s
 *     follower's RESULT, failed            ends with it                 LEAVING, CANCEL
 *     member lost or silent                ends as LOST                 LEAVING, CANCEL
 *     joiner lost before it was taken in   goes on; GROUP with a        other joiners: LEAVING,
 *                                          higher epoch, old members    CANCEL
 *     after that the leader reports more   ends as LOST                 LEAVING, CANCEL
 *     ranks, or nothing for 150 s
 *     a rank alone is quiet for 30 s       a twin begins on an idle     -
 *                                          rank
 *     one of twins ends DONE, DIVERGED     ends with it                 the other: LEAVING, CANCEL
 *     one of twins ends otherwise          the other is the attempt     -
 *
 * Only one growth is under way at a time: the next is ordered after a PROGRESS has shown the size
 * of the last. A leader that has taken a rank in and then gets a GROUP without it gives the
 * training up. Twins share the attempt's number, so the journal knows of one attempt; their ranks
 * are disjoint and their groups do not grow, so that no old message can be taken for a new one. */
#include "sched/sched_state.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/log.h"

#define LEARN_S 0.2 /* the time of a step is measured over so long at least */

bool run_is_pending(const struct run *run)
{
    return run->members.size > run->trained;
}

struct sched_cost sched_cost_of(const struct trial_spec *spec, uint64_t begun_tokens)
{
    return (struct sched_cost){
        .tokens = spec->horizon_tokens,
        .begun_tokens = begun_tokens,
        .step_tokens = spec->batch_tokens,
        .step_flops = spec->trainer == TRAINER_TRANSFORMER
                          ? trial_flops_per_token(spec) * spec->batch_tokens
                          : 0,
        .parameters = spec->trainer == TRAINER_TRANSFORMER ? (double)trial_params(spec) : 0,
        .slices = trial_slices(spec),
    };
}

struct width_job run_width_job(const struct sched_cost *cost)
{
    return (struct width_job){cost->step_flops, cost->parameters, cost->slices};
}

double run_steps_left(const struct run *run)
{
    const struct sched_cost *cost = &run->cost;
    uint64_t tokens = run->tokens > cost->begun_tokens ? run->tokens : cost->begun_tokens;
    return cost->step_tokens > 0 && cost->tokens > tokens
               ? (double)(cost->tokens - tokens) / (double)cost->step_tokens
               : 0;
}

static bool spans_hosts(const struct sched *sched, const struct run *run)
{
    for (int i = 1; i < run->trained; i++)
        if (sched->workers[run->members.ranks[i]].host !=
            sched->workers[run->members.ranks[0]].host)
            return true;
    return false;
}

/* Counts what its ranks have used until now. */
static void account(struct sched *sched, struct run *run)
{
    run->use.rank_s += run->members.size * (double)(sched->now_ms - run->used_ms) / 1000;
    run->used_ms = sched->now_ms;
    if (run->use.ranks < (uint32_t)run->trained)
        run->use.ranks = (uint32_t)run->trained;
}

/* ---- beginning and growing ---- */

/* Each worker has at most one run, and each run a worker of its own: one is free. */
static struct run *free_run(struct sched *sched)
{
    int i = 1;
    while (sched->runs[i].id > 0)
        i++;
    assert(i < sched->transport->size);
    return &sched->runs[i];
}

static void occupy(struct sched *sched, struct run *run, int rank)
{
    struct worker *worker = &sched->workers[rank];
    assert(worker_is_usable(worker));
    worker_set(sched, rank, WORKER_BUSY, false);
    worker->run = run;
    worker->trial_id = run->id;
    worker->attempt = run->attempt;
    worker->epoch = run->members.epoch;
    worker->leads = rank == run->members.ranks[0];
    worker->serial = ++sched->serial;
    worker->job_nonce = sched->nonce;
    worker->members[0] = '\0';
    if (run->members.size > 1)
        group_members_text(worker->members, &run->members);
}

static void begin(struct sched *sched, struct run *run, const int *ranks, int count)
{
    run->started_ms = run->progress_ms = run->used_ms = sched->now_ms;
    run->members.size = run->trained = count;
    memcpy(run->members.ranks, ranks, (size_t)count * sizeof(*ranks));
    for (int i = 0; i < count; i++)
        occupy(sched, run, ranks[i]);
}

int run_begin(struct sched *sched, const struct sched_job *job, const int *ranks, int count,
              struct lr_error *err)
{
    int rc;
    struct run *run = free_run(sched);
    run->id = job->id;
    run->attempt = job->attempt;
    run->cost = job->cost;
    sched->running++;
    begin(sched, run, ranks, count);
    if ((rc = sched->owner.describe(sched->owner.context, run->id, run->attempt, &run->job, err)))
        return rc;
    if ((rc = sched->owner.started(sched->owner.context, run->id, run->attempt, &run->members,
                                   &sched->workers[ranks[0]].hello, err)))
        return rc;
    for (int i = 0; i < count; i++)
        if ((rc = send_job(sched, ranks[i], err)))
            return rc;
    return 0;
}

int run_begin_twin(struct sched *sched, struct run *first, int rank, struct lr_error *err)
{
    struct run *run = free_run(sched);
    assert(!first->twice);
    run->id = first->id;
    run->attempt = first->attempt;
    run->cost = first->cost;
    run->job = first->job;
    run->shown_tokens = first->shown_tokens;
    run->twin = first;
    first->twin = run;
    first->twice = run->twice = true;
    lr_log(LR_LOG_WARNING,
           "trial %u, attempt %u: rank %d trains it as well, rank %d does not answer", run->id,
           run->attempt, rank, first->members.ranks[0]);
    begin(sched, run, &rank, 1);
    return send_job(sched, rank, err);
}

int run_grow(struct sched *sched, struct run *run, const int *ranks, int count,
             struct lr_error *err)
{
    int rc;
    assert(!run_is_pending(run) && !run->twice && run->members.size + count <= GROUP_MOST);
    account(sched, run);
    memcpy(run->members.ranks + run->members.size, ranks, (size_t)count * sizeof(*ranks));
    run->members.size += count;
    run->members.epoch++;
    lr_log(LR_LOG_DEBUG, "trial %u, attempt %u: may grow to %d ranks", run->id, run->attempt,
           run->members.size);
    for (int i = 0; i < count; i++)
        occupy(sched, run, ranks[i]);
    for (int i = 0; i < count; i++)
        if ((rc = send_job(sched, ranks[i], err)))
            return rc;
    return send_group(sched, run, err);
}

/* ---- the end ---- */

/* Members from the `first`-th on that still have the run are leaving it. */
static int let_go(struct sched *sched, const struct run *run, int first, bool cancel,
                  struct lr_error *err)
{
    int rc;
    for (int i = first; i < run->members.size; i++) {
        int rank = run->members.ranks[i];
        struct worker *worker = &sched->workers[rank];
        if (worker->run != run)
            continue;
        worker_set(sched, rank, WORKER_LEAVING, worker->quiet);
        if ((cancel || i >= run->trained) &&
            (rc = send_cancel(sched, rank, run->id, run->attempt, false, err)))
            return rc;
    }
    return 0;
}

/* Gives up one of twins. */
static int drop_twin(struct sched *sched, struct run *run, struct lr_error *err)
{
    account(sched, run);
    run->twin->use.rank_s += run->use.rank_s;
    run->twin->twin = NULL;
    int rc = let_go(sched, run, 0, true, err);
    *run = (struct run){0};
    return rc;
}

static int end_run(struct sched *sched, struct run *run, const struct trial_result *result,
                   bool cancel, struct lr_error *err)
{
    int rc;
    if (run->twin && (rc = drop_twin(sched, run->twin, err)))
        return rc;
    account(sched, run);
    if ((rc = let_go(sched, run, 0, cancel, err)))
        return rc;
    struct run ended = *run;
    *run = (struct run){0}; /* before the owner, who may queue more */
    sched->running--;
    return sched->owner.ended(sched->owner.context, ended.id, ended.attempt, result, &ended.use,
                              err);
}

/* The ranks that were to join do not. */
static int withdraw_growth(struct sched *sched, struct run *run, struct lr_error *err)
{
    account(sched, run);
    int rc = let_go(sched, run, run->trained, true, err);
    run->members.size = run->trained;
    run->members.epoch++;
    run->withdrawn = true;
    return rc ? rc : send_group(sched, run, err);
}

static int index_in(const struct run *run, int peer)
{
    int i = 0;
    while (run->members.ranks[i] != peer)
        i++;
    assert(i < run->members.size);
    return i;
}

int run_lose(struct sched *sched, struct run *run, int peer, const char *why, struct lr_error *err)
{
    struct trial_result result = {.outcome = OUTCOME_LOST,
                                  .val_loss = NAN,
                                  .val_loss_se = NAN,
                                  .val_bits_per_byte = NAN,
                                  .train_loss = NAN};
    if (index_in(run, peer) >= run->trained)
        return withdraw_growth(sched, run, err);
    if (run->twin)
        return drop_twin(sched, run, err);
    result.seconds = (double)(sched->now_ms - run->started_ms) / 1000.0;
    snprintf(result.message, sizeof(result.message), "rank %d on host %s: %s", peer,
             sched->workers[peer].hello.host, why);
    return end_run(sched, run, &result, true, err);
}

/* ---- what its members say ---- */

/* The time of a step, from two PROGRESSes of a group of one size. */
static void measure(struct sched *sched, struct run *run, const struct msg_progress *progress)
{
    int ranks = progress->ranks > 0 ? (int)progress->ranks : 1;
    if (ranks != run->measured || progress->tokens < run->tokens) {
        run->measured = ranks;
    } else {
        double steps = run->cost.step_tokens > 0 ? (double)(progress->tokens - run->tokens) /
                                                       (double)run->cost.step_tokens
                                                 : 0;
        double seconds = progress->seconds - run->seconds;
        if (steps < 1 || !(seconds >= LEARN_S))
            return;
        run->step_s = seconds / steps;
        const struct width_job job = run_width_job(&run->cost);
        if (run->cost.step_flops > 0)
            width_learn(&sched->model, &job, (uint32_t)ranks, spans_hosts(sched, run), run->step_s);
    }
    run->tokens = progress->tokens;
    run->seconds = progress->seconds;
}

int run_progress(struct sched *sched, struct run *run, int peer,
                 const struct msg_progress *progress, struct lr_error *err)
{
    int rc;
    if (peer != run->members.ranks[0]) {
        sched->stale++;
        return 0;
    }
    run->progress_ms = sched->now_ms;
    if (progress->ranks > (uint32_t)run->members.size)
        return run_lose(sched, run, peer, "it trains with a rank that is gone", err);
    if (progress->ranks == (uint32_t)run->members.size && run_is_pending(run)) {
        run->trained = run->members.size;
        lr_log(LR_LOG_DEBUG, "trial %u, attempt %u: %d ranks train it", run->id, run->attempt,
               run->trained);
        if ((rc = sched->owner.grown(sched->owner.context, run->id, run->attempt, &run->members,
                                     err)))
            return rc;
    }
    measure(sched, run, progress);
    if (run->twice && progress->tokens <= run->shown_tokens)
        return 0;
    run->shown_tokens = progress->tokens;
    if (run->twin)
        run->twin->shown_tokens = progress->tokens;
    return sched->owner.progress(sched->owner.context, progress, peer, err);
}

static int strike_members(struct sched *sched, const struct group_members *members, uint32_t id,
                          struct lr_error *err)
{
    int rc;
    for (int i = 0; i < members->size; i++)
        if ((rc = strike_host(sched, members->ranks[i], id, err)))
            return rc;
    return 0;
}

static bool is_final(enum outcome outcome)
{
    return outcome == OUTCOME_DONE || outcome == OUTCOME_DIVERGED || outcome == OUTCOME_REFUSED;
}

int run_result(struct sched *sched, struct run *run, int peer, const struct trial_result *result,
               struct lr_error *err)
{
    int rc, index = index_in(run, peer);
    const struct group_members members = run->members;
    const uint32_t id = run->id;
    bool failed = result->outcome == OUTCOME_FAILED;
    account(sched, run);
    if ((rc = release_worker(sched, peer, err)))
        return rc;
    if (index >= run->trained)
        return withdraw_growth(sched, run, err);
    if (index > 0 && !failed) {
        run->left_ms = run->left_ms > 0 ? run->left_ms : sched->now_ms;
        return 0;
    }
    bool drained = sched->draining && result->outcome == OUTCOME_CANCELED;
    rc = run->twin && !is_final(result->outcome) && !drained
             ? drop_twin(sched, run, err)
             : end_run(sched, run, result, !is_final(result->outcome), err);
    return rc || !failed ? rc : strike_members(sched, &members, id, err);
}
