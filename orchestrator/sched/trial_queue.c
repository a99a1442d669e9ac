/* The queue of attempts, first in, first out. A job keeps its number for life, so that a withdrawal
 * finds it by the trial's id and leaves a gap: nothing is scanned or moved. */
#include "sched/sched_state.h"

#include <assert.h>
#include <string.h>
#include "lrsearch/memory.h"

/* Makes room for this id; false without memory. */
static bool reserve_number(struct sched *sched, uint32_t id)
{
    if (id < sched->number_capacity)
        return true;
    size_t capacity = 2 * (size_t)id + 16;
    uint64_t *larger = lr_realloc(sched->number_of, capacity * sizeof(*larger));
    if (!larger)
        return false;
    memset(larger + sched->number_capacity, 0,
           (capacity - sched->number_capacity) * sizeof(*larger));
    sched->number_of = larger;
    sched->number_capacity = capacity;
    return true;
}

int sched_enqueue(struct sched *sched, const struct sched_job *job, struct lr_error *err)
{
    assert(job->id > 0 && job->avoid >= 0 && job->avoid < sched->transport->size);
    if (!reserve_number(sched, job->id))
        return lr_nomem(err);
    if (sched->queue_first == sched->queue_end) {
        sched->queue_base += sched->queue_end;
        sched->queue_first = sched->queue_end = 0;
    }
    void *larger =
        lr_grow(sched->queue, sched->queue_end, &sched->queue_capacity, sizeof(*sched->queue));
    if (!larger)
        return lr_nomem(err);
    sched->queue = larger;
    sched->queue[sched->queue_end++] = *job;
    sched->number_of[job->id] = sched->queue_base + sched->queue_end;
    sched->queued++;
    return 0;
}

/* Takes a job out; its place stays. */
static void take_out(struct sched *sched, struct sched_job *job)
{
    sched->number_of[job->id] = 0;
    job->id = 0;
    sched->queued--;
}

void sched_withdraw(struct sched *sched, uint32_t id)
{
    uint64_t number = id < sched->number_capacity ? sched->number_of[id] : 0;
    if (number > 0)
        take_out(sched, &sched->queue[number - 1 - sched->queue_base]);
}

const struct sched_job *queue_front(struct sched *sched)
{
    while (sched->queue_first < sched->queue_end && sched->queue[sched->queue_first].id == 0)
        sched->queue_first++;
    return sched->queue_first < sched->queue_end ? &sched->queue[sched->queue_first] : NULL;
}

void queue_pop(struct sched *sched)
{
    take_out(sched, &sched->queue[sched->queue_first++]);
}

void queue_clear(struct sched *sched)
{
    while (queue_front(sched))
        queue_pop(sched);
}
