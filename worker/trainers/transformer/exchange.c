/* Sums of the members' gradients without a collective operation: each member sends segment j of its
 * partial sum straight to member j, a bucket as soon as it is complete, so that late layers travel
 * while early ones are computed. Segments are whole blocks of param_block(), and everybody adds the
 * blocks' sums in the order of optimizer_step(), so that the norm has the bits of one rank. */
#include "trainers/transformer/exchange.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "kernels/kernels.h"
#include "lrsearch/memory.h"
#include "trainers/transformer/optimizer.h"

struct exchange {
    struct group *group;
    int size, index; /* as in the group */
    bool given_up;
    bool bulk;     /* more than commands and reports may be under way: memory of the model too */
    bool gathered; /* leader: all moments are current */
    struct command command;
    struct report own, reports[GROUP_MOST]; /* by member */

    const struct trial_spec *spec;
    struct model *model;
    double *losses;
    size_t buckets;
    size_t *cuts;    /* (buckets, size + 1): where the segments begin, in floats */
    size_t own_most; /* floats of the own segments */
    float *received; /* (size, own_most): partial sums of the own segments */
    double *squares; /* of all blocks: each member's together, in the order of the floats */
    size_t first_of[GROUP_MOST + 1]; /* of a member's blocks in squares */

    struct exchange *next; /* given up */
};

/* Given up: their memory may still be read and written. */
static _Atomic(struct exchange *) kept;

/* ---- segments ---- */

static size_t cut(const struct exchange *e, size_t bucket, int member)
{
    return e->cuts[bucket * ((size_t)e->size + 1) + (size_t)member];
}

/* Of a block, beside that of AdamW, in floats that AdamW updates meanwhile: 28 bytes at 4 GB/s and
 * 40 GFLOP/s (sched/width.c has the same rates). */
static size_t work_of_muon(const struct param *p)
{
    enum { FLOPS_OF_A_FLOAT = 280 };
    if (p->matrices == 0)
        return 0;
    return (size_t)(newton_schulz_flops(p->rows / p->matrices, p->cols) / FLOPS_OF_A_FLOAT);
}

/* A block belongs to the member in whose equal share of the bucket's work it begins; a matrix of
 * Muon to that in whose share the middle of its product lies. */
static void cut_bucket(struct exchange *e, size_t bucket)
{
    struct model_bucket range = model_bucket(e->model, bucket);
    const struct param *last = model_param(e->model, range.end - 1);
    size_t begin = model_param(e->model, range.first)->offset, end = last->offset + last->count;
    size_t size = (size_t)e->size, *cuts = e->cuts + bucket * (size + 1), next = 0;
    size_t all = end - begin, muon = 0;
    for (size_t i = range.first; i < range.end; i++)
        all += model_param(e->model, i)->matrices * work_of_muon(model_param(e->model, i));
    cuts[0] = begin;
    for (size_t i = range.first; i < range.end; i++) {
        const struct param *p = model_param(e->model, i);
        size_t block = param_block(p);
        for (size_t at = p->offset; at < p->offset + p->count; at += block) {
            size_t work = work_of_muon(p), owner = (at - begin + muon + work / 2) * size / all;
            muon += work;
            while (next < owner)
                cuts[++next] = at;
            e->first_of[owner + 1]++;
        }
    }
    while (next < size)
        cuts[++next] = end;
}

/* ---- the group ---- */

static void note(struct exchange *e, enum group_status status)
{
    e->given_up |= status != GROUP_OK;
}

static void send(struct exchange *e, int member, const void *data, size_t bytes)
{
    if (!e->given_up && bytes > 0)
        note(e, e->group->ops->send(e->group, member, data, bytes));
}

static void receive(struct exchange *e, int member, void *data, size_t bytes)
{
    if (!e->given_up && bytes > 0)
        note(e, e->group->ops->receive(e->group, member, data, bytes));
}

bool exchange_progress(struct exchange *e)
{
    bool done = !e->given_up && e->group->ops->progress(e->group);
    e->given_up |= e->group->lost;
    return done || e->given_up;
}

int exchange_wait(struct exchange *e, struct lr_error *err)
{
    if (!e->given_up)
        note(e, e->group->ops->wait(e->group));
    if (!e->given_up) {
        e->bulk = false;
        return 0;
    }
    if (e->group->given_up && e->group->given_up(e->group->context))
        return lr_fail(err, LR_ECANCELED, "canceled with its group of %d ranks", e->size);
    return lr_fail(err, LR_EWORKERS, "one of the %d ranks of its group is gone", e->size);
}

struct exchange *exchange_create(struct group *group)
{
    struct exchange *e = lr_calloc(1, sizeof(*e));
    if (!e)
        return NULL;
    e->group = group;
    e->size = group->members.size;
    e->index = group->index;
    return e;
}

int exchange_open(struct exchange *e, const struct trial_spec *spec, struct model *model,
                  double *losses, struct lr_error *err)
{
    if (trial_slices(spec) < (uint32_t)e->size)
        return lr_fail(err, LR_EINVAL, "%d ranks for %u slices of a batch", e->size,
                       trial_slices(spec));
    size_t size = (size_t)e->size;
    e->spec = spec;
    e->model = model;
    e->losses = losses;
    e->buckets = model_bucket_count(model);
    e->cuts = lr_calloc(e->buckets * (size + 1), sizeof(*e->cuts));
    if (!e->cuts)
        return lr_nomem(err);
    for (size_t bucket = 0; bucket < e->buckets; bucket++)
        cut_bucket(e, bucket);
    for (size_t j = 0; j < size; j++)
        e->first_of[j + 1] += e->first_of[j];
    for (size_t bucket = 0; bucket < e->buckets; bucket++)
        e->own_most += cut(e, bucket, e->index + 1) - cut(e, bucket, e->index);
    e->squares = lr_calloc(e->first_of[size], sizeof(*e->squares));
    e->received = e->own_most > 0 ? lr_malloc(e->own_most * size * sizeof(*e->received)) : NULL;
    return e->squares && (e->received || e->own_most == 0) ? 0 : lr_nomem(err);
}

bool exchange_given_up(const struct exchange *e)
{
    return e->given_up;
}

bool exchange_destroy(struct exchange *e)
{
    if (!e)
        return true;
    bool rests = exchange_progress(e) && !e->given_up, bulk = e->bulk && !rests;
    if (!bulk) {
        lr_free(e->received);
        lr_free(e->squares);
        lr_free(e->cuts);
    }
    if (rests) {
        lr_free(e);
        return true;
    }
    e->next = atomic_load(&kept);
    while (!atomic_compare_exchange_weak(&kept, &e->next, e))
        continue;
    return !bulk;
}

struct group *exchange_group(const struct exchange *e)
{
    return e->group;
}

/* ---- commands and reports ---- */

void exchange_send_command(struct exchange *e, const struct command *command)
{
    e->command = *command;
    for (int member = 1; member < e->size; member++)
        send(e, member, &e->command, sizeof(e->command));
}

int exchange_next_command(struct exchange *e, struct command *out, struct lr_error *err)
{
    receive(e, 0, &e->command, sizeof(e->command));
    int rc = exchange_wait(e, err);
    *out = e->command;
    return rc;
}

void exchange_send_report(struct exchange *e, const struct report *report)
{
    e->own = *report;
    send(e, 0, &e->own, sizeof(e->own));
}

void exchange_await_reports(struct exchange *e, int first)
{
    for (int member = first; member < e->size; member++)
        receive(e, member, &e->reports[member], sizeof(e->reports[member]));
}

int exchange_reported(const struct exchange *e, int first, struct lr_error *err)
{
    for (int member = first; member < e->size; member++)
        if (member != e->index && e->reports[member].state != REPORT_GOOD)
            return lr_fail(err, LR_EDATA, "rank %d: %.255s", e->group->members.ranks[member],
                           e->reports[member].text);
    return 0;
}

/* ---- state ---- */

/* From one member to another; called by all. */
static void transfer(struct exchange *e, int from, int to, void *data, size_t bytes)
{
    if (from == to)
        return;
    e->bulk = true;
    if (e->index == from)
        send(e, to, data, bytes);
    else if (e->index == to)
        receive(e, from, data, bytes);
}

static void transfer_segment(struct exchange *e, int from, int to, float *array, size_t bucket,
                             int segment)
{
    size_t begin = cut(e, bucket, segment), end = cut(e, bucket, segment + 1);
    transfer(e, from, to, array + begin, (end - begin) * sizeof(float));
}

int exchange_state(struct exchange *e, struct lr_error *err)
{
    struct model_floats floats = model_floats(e->model);
    for (size_t bucket = 0; bucket < e->buckets; bucket++)
        for (int member = 1; member < e->size; member++) {
            for (int segment = 0; segment < e->size; segment++)
                transfer_segment(e, 0, member, floats.value, bucket, segment);
            transfer_segment(e, 0, member, floats.m, bucket, member);
            transfer_segment(e, 0, member, floats.v, bucket, member);
        }
    e->gathered = true;
    return exchange_wait(e, err);
}

bool exchange_gathered(const struct exchange *e)
{
    return e->gathered;
}

int exchange_gather(struct exchange *e, struct lr_error *err)
{
    struct model_floats floats = model_floats(e->model);
    for (size_t bucket = 0; bucket < e->buckets; bucket++)
        for (int member = 1; member < e->size; member++) {
            transfer_segment(e, member, 0, floats.m, bucket, member);
            transfer_segment(e, member, 0, floats.v, bucket, member);
        }
    e->gathered = true;
    return exchange_wait(e, err);
}

/* ---- a step ---- */

void exchange_gradients_begin(struct exchange *e)
{
    size_t at = 0;
    e->bulk = true;
    for (size_t bucket = e->buckets; bucket-- > 0;) {
        size_t length = cut(e, bucket, e->index + 1) - cut(e, bucket, e->index);
        for (int member = 0; member < e->size; member++)
            if (member != e->index)
                receive(e, member, e->received + (size_t)member * e->own_most + at,
                        length * sizeof(float));
        at += length;
    }
}

void exchange_complete(void *exchange, size_t bucket)
{
    struct exchange *e = exchange;
    for (int member = 0; member < e->size; member++)
        transfer_segment(e, e->index, member, model_floats(e->model).grad, bucket, member);
    exchange_progress(e);
}

int exchange_gradients_end(struct exchange *e, struct lr_error *err)
{
    int rc = exchange_wait(e, err);
    size_t at = 0;
    for (size_t bucket = e->buckets; rc == 0 && bucket-- > 0;) {
        size_t begin = cut(e, bucket, e->index), length = cut(e, bucket, e->index + 1) - begin;
        float *own = model_floats(e->model).grad + begin;
        const float *terms[GROUP_MOST];
        for (int member = 0; member < e->size; member++)
            terms[member] =
                member == e->index ? own : e->received + (size_t)member * e->own_most + at;
        if (e->size > 1)
            add_tree(own, terms, (size_t)e->size, length);
        at += length;
    }
    return rc;
}

/* Of the blocks in the own segments. */
static void own_squares(struct exchange *e)
{
    double *next = e->squares + e->first_of[e->index];
    for (size_t bucket = 0; bucket < e->buckets; bucket++) {
        struct model_bucket range = model_bucket(e->model, bucket);
        size_t begin = cut(e, bucket, e->index), end = cut(e, bucket, e->index + 1);
        for (size_t i = range.first; i < range.end; i++) {
            const struct param *p = model_param(e->model, i);
            size_t block = param_block(p);
            size_t from = begin > p->offset ? begin - p->offset : 0;
            size_t to = end > p->offset ? end - p->offset : 0;
            to = to < p->count ? to : p->count;
            if (from >= to)
                continue;
            sums_of_squares(next, p->grad + from, block, to - from);
            next += (to - from - 1) / block + 1;
        }
    }
}

/* The sums of each tensor, in the order of the tensors. */
static double norm_of(const struct exchange *e)
{
    size_t next[GROUP_MOST];
    double squares = 0;
    memcpy(next, e->first_of, sizeof(next));
    for (size_t bucket = 0; bucket < e->buckets; bucket++) {
        struct model_bucket range = model_bucket(e->model, bucket);
        int owner = 0;
        for (size_t i = range.first; i < range.end; i++) {
            const struct param *p = model_param(e->model, i);
            size_t block = param_block(p);
            double sum = 0;
            for (size_t at = p->offset; at < p->offset + p->count; at += block) {
                while (at >= cut(e, bucket, owner + 1))
                    owner++;
                sum += e->squares[next[owner]++];
            }
            squares += sum;
        }
    }
    return sqrt(squares);
}

int exchange_sums(struct exchange *e, const struct report *own, double *loss, double *norm,
                  struct lr_error *err)
{
    double losses[GROUP_MOST];
    own_squares(e);
    e->reports[e->index] = *own;
    for (int from = 0; from < e->size; from++)
        for (int to = 0; to < e->size; to++) {
            size_t first = e->first_of[from], count = e->first_of[from + 1] - first;
            transfer(e, from, to, &e->reports[from], sizeof(e->reports[from]));
            transfer(e, from, to, e->squares + first, count * sizeof(*e->squares));
        }
    int rc = exchange_wait(e, err);
    if (rc)
        return rc;
    for (int member = 0; member < e->size; member++)
        losses[member] = e->reports[member].loss;
    for (int left = e->size / 2; left > 0; left /= 2)
        for (int i = 0; i < left; i++)
            losses[i] = losses[2 * i] + losses[2 * i + 1];
    *loss = losses[0];
    *norm = norm_of(e);
    return 0;
}

int exchange_update(struct exchange *e, double schedule, uint64_t step, double norm,
                    struct lr_error *err)
{
    const struct update update = {.schedule = schedule, .norm = norm, .step = step};
    float *values = model_floats(e->model).value;
    e->gathered = false;
    for (size_t bucket = 0; bucket < e->buckets; bucket++)
        for (int from = 0; from < e->size; from++)
            if (from != e->index)
                transfer_segment(e, from, e->index, values, bucket, from);
    for (size_t bucket = 0; bucket < e->buckets; bucket++) {
        optimizer_update(e->model, e->spec, &update, bucket, cut(e, bucket, e->index),
                         cut(e, bucket, e->index + 1));
        for (int to = 0; to < e->size; to++)
            transfer_segment(e, e->index, to, values, bucket, e->index);
        exchange_progress(e);
    }
    return exchange_wait(e, err);
}

/* ---- validation ---- */

uint64_t exchange_share(const struct exchange *e, int member, uint64_t batches)
{
    return batches * (uint64_t)member / (uint64_t)e->size;
}

int exchange_losses(struct exchange *e, const struct report *own, uint64_t batches,
                    uint32_t sequences, uint64_t count, struct lr_error *err)
{
    e->reports[e->index] = *own;
    for (int member = 1; member < e->size; member++) {
        uint64_t first = exchange_share(e, member, batches) * sequences;
        uint64_t end = exchange_share(e, member + 1, batches) * sequences;
        end = end < count ? end : count;
        transfer(e, member, 0, &e->reports[member], sizeof(e->reports[member]));
        transfer(e, member, 0, e->losses + first,
                 (end > first ? end - first : 0) * sizeof(*e->losses));
    }
    return exchange_wait(e, err);
}
