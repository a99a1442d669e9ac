/* Who trains what. In this order:
 *
 *   1. An idle rank trains what a quiet worker trains alone (runs.c: twins).
 *   2. The queue, first in, first out: a rank for each trial that waits, on the host with most idle
 *      ranks; what is left over widens these groups (width.h), the longest first.
 *   3. Nothing waits: idle ranks join trials that run, those with most left first.
 *
 * A group keeps its ranks until its trial ends. A trial that comes to wait meanwhile (async) goes
 * before any growth, so it begins at the next end of any trial at the latest.
 *
 * A group stays on its leader's host while ranks are idle there, and takes no rank of a host whose
 * cores are all in use; the first rank of a trial may. */
#include "sched/sched_state.h"

#include <assert.h>
#include <string.h>
#include "lrsearch/memory.h"

/* Groups grow at most so often: a look at all that runs. */
enum { GROW_EVERY_MS = 250 };

static uint32_t usable_workers(const struct sched *sched)
{
    return sched->tally[WORKER_IDLE][false];
}

static uint32_t live_workers(const struct sched *sched)
{
    return usable_workers(sched) + sched->tally[WORKER_BUSY][false] +
           sched->tally[WORKER_LEAVING][false];
}

/* ---- what is to be shared ---- */

bool share_init(struct share *share, size_t size)
{
    *share = (struct share){.taken = lr_calloc(size, sizeof(*share->taken)),
                            .ranks = lr_calloc(size, sizeof(*share->ranks)),
                            .hosts = lr_calloc(size, sizeof(*share->hosts)),
                            .items = lr_calloc(size, sizeof(*share->items)),
                            .jobs = lr_calloc(size, sizeof(*share->jobs)),
                            .runs = lr_calloc(size, sizeof(struct run *))};
    return share->taken && share->ranks && share->hosts && share->items && share->jobs &&
           share->runs;
}

void share_release(struct share *share)
{
    lr_free(share->taken);
    lr_free(share->ranks);
    lr_free(share->hosts);
    lr_free(share->items);
    lr_free(share->jobs);
    lr_free(share->runs);
}

static void share_reset(struct sched *sched)
{
    sched->share.count = 0;
    memset(sched->share.taken, 0, (size_t)sched->transport->size * sizeof(bool));
}

/* Ranks that are idle and not taken. */
static void list_hosts(struct sched *sched)
{
    struct share *share = &sched->share;
    int at = 0;
    for (size_t i = 0; i < sched->host_count; i++) {
        const struct host *host = &sched->hosts[i];
        share->hosts[i].ranks = share->ranks + at;
        int first = at, taken = 0;
        for (int rank = 1; rank < sched->transport->size && host->idle > 0; rank++) {
            const struct worker *worker = &sched->workers[rank];
            if (worker->host != host || !worker_is_usable(worker))
                continue;
            taken += share->taken[rank];
            if (!share->taken[rank])
                share->ranks[at++] = rank;
        }
        share->hosts[i].count = at - first;
        share->hosts[i].room = host_room(sched, host) - taken;
    }
}

/* An idle worker that is not taken: if possible on another rank and host than `avoid`, then on a
 * host with `width` idle ranks, then on the host with most; 0: none is idle. */
static int choose_worker(const struct sched *sched, int avoid, uint32_t width)
{
    int best = 0;
    uint64_t best_fit = 0;
    if (usable_workers(sched) == 0)
        return 0;
    for (int rank = 1; rank < sched->transport->size; rank++) {
        const struct worker *worker = &sched->workers[rank];
        if (!worker_is_usable(worker) || sched->share.taken[rank])
            continue;
        uint32_t idle = 0;
        if (sched->host_count > 1)
            idle = worker->host->idle;
        uint64_t elsewhere =
            1u + (rank != avoid) + (avoid == 0 || worker->host != sched->workers[avoid].host);
        uint64_t fit = elsewhere << 40 | (uint64_t)(idle >= width) << 32 | idle;
        if (fit > best_fit) {
            best_fit = fit;
            best = rank;
        }
    }
    return best;
}

/* Until untake_all() it does not count as idle. */
static void take(struct sched *sched, int rank)
{
    sched->share.taken[rank] = true;
    sched->workers[rank].host->idle--;
}

/* ---- the queue ---- */

/* Ranks that a job has to have; 1 where the cost model decides. */
static uint32_t fixed_width(const struct sched *sched, const struct sched_job *job)
{
    uint32_t width = sched->limits.ranks_per_trial, live = live_workers(sched);
    if (width > width_most(job->cost.slices))
        width = width_most(job->cost.slices);
    while (width > 1 && width > live)
        width /= 2;
    return width > 0 ? width : 1;
}

static struct width_item item_of(const struct sched *sched, const struct sched_cost *cost, int rank)
{
    return (struct width_item){.job = run_width_job(cost),
                               .host = (int)(sched->workers[rank].host - sched->hosts),
                               .width = 1};
}

/* Takes jobs off the queue, each with its first rank, or with all of a fixed width. */
static void choose_jobs(struct sched *sched)
{
    struct share *share = &sched->share;
    const struct sched_job *job;
    uint32_t idle = usable_workers(sched);
    while ((job = queue_front(sched))) {
        uint32_t width = fixed_width(sched, job);
        int leader = width <= idle ? choose_worker(sched, job->avoid, width) : 0;
        if (leader == 0)
            return;
        struct width_item *item = &share->items[share->count];
        *item = item_of(sched, &job->cost, leader);
        item->taken[item->taken_count++] = leader;
        take(sched, leader);
        if (width > 1) {
            list_hosts(sched);
            for (size_t i = 0; i < sched->host_count; i++)
                share->hosts[i].room = sched->transport->size; /* the user's wish */
            bool all = width_take(item, share->hosts, (int)sched->host_count, (int)width - 1);
            assert(all);
            (void)all;
            for (uint32_t i = 1; i < width; i++)
                take(sched, item->taken[i]);
            item->width = width;
        }
        idle -= width;
        item->steps = job->cost.step_tokens > 0 && job->cost.tokens > job->cost.begun_tokens
                          ? (double)(job->cost.tokens - job->cost.begun_tokens) /
                                (double)job->cost.step_tokens
                          : 0;
        share->jobs[share->count++] = *job;
        queue_pop(sched);
    }
}

static void untake_all(struct sched *sched)
{
    for (int rank = 1; rank < sched->transport->size; rank++)
        if (sched->share.taken[rank])
            sched->workers[rank].host->idle++;
}

static bool chooses_widths(const struct sched *sched)
{
    return sched->limits.ranks_per_trial == 0;
}

static int assign_queue(struct sched *sched, struct lr_error *err)
{
    int rc;
    struct share *share = &sched->share;
    share_reset(sched);
    choose_jobs(sched);
    if (chooses_widths(sched) && share->count < (int)usable_workers(sched)) {
        list_hosts(sched);
        width_share(&sched->model, share->items, share->count, share->hosts,
                    (int)sched->host_count);
    }
    untake_all(sched);
    for (int i = 0; i < share->count; i++) {
        const struct width_item *item = &share->items[i];
        if ((rc = run_begin(sched, &share->jobs[i], item->taken, item->taken_count, err)))
            return rc;
    }
    return 0;
}

/* ---- what runs ---- */

static bool may_grow(const struct sched *sched, const struct run *run)
{
    return run->id > 0 && !run->twice && !run->withdrawn && run->left_ms == 0 &&
           !run_is_pending(run) && width_most(run->cost.slices) > (uint32_t)run->trained &&
           !sched->workers[run->members.ranks[0]].quiet;
}

static int grow_runs(struct sched *sched, struct lr_error *err)
{
    int rc;
    struct share *share = &sched->share;
    share_reset(sched);
    for (int i = 1; i < sched->transport->size; i++) {
        struct run *run = &sched->runs[i];
        if (!may_grow(sched, run))
            continue;
        struct width_item *item = &share->items[share->count];
        *item = item_of(sched, &run->cost, run->members.ranks[0]);
        item->steps = run_steps_left(run);
        item->running = true;
        item->width = (uint32_t)run->trained;
        for (int k = 1; k < run->trained; k++)
            item->spans = item->spans || sched->workers[run->members.ranks[k]].host !=
                                             sched->workers[run->members.ranks[0]].host;
        share->runs[share->count++] = run;
    }
    list_hosts(sched);
    width_share(&sched->model, share->items, share->count, share->hosts, (int)sched->host_count);
    for (int i = 0; i < share->count; i++) {
        const struct width_item *item = &share->items[i];
        if (item->taken_count > 0 &&
            (rc = run_grow(sched, share->runs[i], item->taken, item->taken_count, err)))
            return rc;
    }
    return 0;
}

static bool time_to_grow(struct sched *sched)
{
    if (!chooses_widths(sched) || queue_front(sched) || sched->running == 0 ||
        usable_workers(sched) == 0 || sched->now_ms - sched->grown_ms < GROW_EVERY_MS)
        return false;
    sched->grown_ms = sched->now_ms;
    return true;
}

/* ---- quiet workers ---- */

static int begin_twins(struct sched *sched, struct lr_error *err)
{
    int rc;
    share_reset(sched);
    for (int peer = 1; peer < sched->transport->size; peer++) {
        const struct worker *worker = &sched->workers[peer];
        struct run *run = worker->run;
        /* A program of the user's may write its files in place: never two of one attempt. */
        if (!worker->quiet || !run || run->twice || run->members.size > 1 ||
            run->job.spec.trainer == TRAINER_COMMAND)
            continue;
        int rank = choose_worker(sched, peer, 1);
        if (rank == 0)
            return 0;
        if ((rc = run_begin_twin(sched, run, rank, err)))
            return rc;
    }
    return 0;
}

int share_workers(struct sched *sched, struct lr_error *err)
{
    int rc;
    if (sched->draining || sched->held || usable_workers(sched) == 0)
        return 0;
    if (sched->tally[WORKER_BUSY][true] > 0 && (rc = begin_twins(sched, err)))
        return rc;
    if (queue_front(sched))
        return assign_queue(sched, err);
    return time_to_grow(sched) ? grow_runs(sched, err) : 0;
}
