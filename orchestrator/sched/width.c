/* The cost model of a group's step. With g members, S slices padded to P (a power of two):
 *
 *     T(g) = F / f * min(S, P/g) / S          products: F FLOPs a step, f FLOP/s a rank; Muon's are
 *                                            among them, since members share its matrices too
 *          + 28 N / g / 4e9                   AdamW: N parameters, 28 bytes each, memory-bound
 *          + 2 (g-1)/g 4N / b + 3 (g-1) l     reduce-scatter, all-gather; and the norm's sums
 *
 * The overlap of the exchange with the backward pass is not modelled; it shows in the measured
 * ratio, as does all else that is missing here. */
#include "sched/width.h"

#include <math.h>

#define DEFAULT_FLOPS 5e10
/* Between hosts nothing is measured: Ethernet of 10 Gbit/s. */
#define REMOTE_LATENCY_S 5e-5
#define REMOTE_BYTES_PER_S 1e9

#define UPDATE_BYTES 28.0 /* weight, gradient, m, v: read; weight, m, v: written */
#define MEMORY_BYTES_PER_S 4e9
#define STATE_BYTES 12.0   /* of a parameter, that a joining rank receives */
#define JOIN_S 0.1         /* what joining costs besides: messages, building the model */
#define PAYS 0.9           /* doubling must cut a step to this share */
#define LEARNING_RATE 0.25 /* weight of a new measurement, in the logarithm */

static int index_of(uint32_t width)
{
    int i = 0;
    while (width >>= 1)
        i++;
    return i < WIDTHS ? i : WIDTHS - 1;
}

uint32_t width_most(uint32_t slices)
{
    uint32_t most = 1;
    while (most < slices && most < GROUP_MOST)
        most *= 2;
    return most;
}

/* Slices of the member that has the most: runs of padded/width slices, the last ones incomplete. */
static double largest_share(uint32_t slices, uint32_t width)
{
    uint32_t padded = 1;
    while (padded < slices)
        padded *= 2;
    uint32_t run = padded > width ? padded / width : 1;
    return slices > 0 ? (double)(run < slices ? run : slices) / slices : 1;
}

static double or_default(double value, double otherwise)
{
    return value > 0 && isfinite(value) ? value : otherwise;
}

static double modelled_step_s(const struct width_model *model, const struct width_job *job,
                              double width, bool spans)
{
    double latency_s = or_default(model->latency_s, WIDTH_LATENCY_S);
    double bytes_per_s = or_default(model->bytes_per_s, WIDTH_BYTES_PER_S);
    if (spans) {
        latency_s = fmax(latency_s, REMOTE_LATENCY_S);
        bytes_per_s = fmin(bytes_per_s, REMOTE_BYTES_PER_S);
    }
    double products_s = job->step_flops / or_default(model->flops, DEFAULT_FLOPS) *
                        largest_share(job->slices, (uint32_t)width);
    double update_s = UPDATE_BYTES * job->parameters / width / MEMORY_BYTES_PER_S;
    double exchange_s =
        2 * (width - 1) / width * 4 * job->parameters / bytes_per_s + 3 * (width - 1) * latency_s;
    return products_s + update_s + exchange_s;
}

static double ratio_of(const struct width_model *model, uint32_t width)
{
    for (int i = index_of(width); i >= 0; i--)
        if (model->ratio[i] > 0)
            return model->ratio[i];
    return 1;
}

double width_step_s(const struct width_model *model, const struct width_job *job, uint32_t width,
                    bool spans)
{
    return modelled_step_s(model, job, width, spans) * ratio_of(model, width);
}

void width_learn(struct width_model *model, const struct width_job *job, uint32_t width, bool spans,
                 double step_s)
{
    double modelled_s = modelled_step_s(model, job, width, spans);
    int i = index_of(width);
    double ratio = step_s / modelled_s;
    if (!(ratio > 0) || !isfinite(ratio))
        return;
    double old = model->ratio[i] > 0 ? model->ratio[i] : ratio;
    model->ratio[i] = old * pow(ratio / old, LEARNING_RATE);
    model->samples[i]++;
}

/* Whether doubling the group cuts its time by a real share. */
static bool pays(const struct width_model *model, const struct width_job *job, uint32_t width,
                 bool spans)
{
    return 2 * width <= width_most(job->slices) &&
           width_step_s(model, job, 2 * width, spans) <=
               PAYS * width_step_s(model, job, width, spans && width > 1);
}

uint32_t width_best(const struct width_model *model, const struct width_job *job, bool spans)
{
    uint32_t width = 1;
    while (pays(model, job, width, spans))
        width *= 2;
    return width;
}

/* ---- dividing idle ranks ---- */

static int usable(const struct width_host *host)
{
    return host->count < host->room ? host->count : host->room > 0 ? host->room : 0;
}

/* The host that gives the next rank: the leader's, then the one with most; -1: none has any. */
static int giver(const struct width_item *item, const struct width_host *hosts, int host_count)
{
    if (usable(&hosts[item->host]) > 0)
        return item->host;
    int best = -1;
    for (int i = 0; i < host_count; i++)
        if (usable(&hosts[i]) > 0 && (best < 0 || usable(&hosts[i]) > usable(&hosts[best])))
            best = i;
    return best;
}

bool width_take(struct width_item *item, struct width_host *hosts, int host_count, int count)
{
    int free = 0, host;
    for (int i = 0; i < host_count; i++)
        free += usable(&hosts[i]);
    if (free < count || item->taken_count + count > GROUP_MOST)
        return false;
    for (; count > 0 && (host = giver(item, hosts, host_count)) >= 0; count--) {
        item->taken[item->taken_count++] = *hosts[host].ranks++;
        hosts[host].count--;
        hosts[host].room--;
        item->spans = item->spans || host != item->host;
    }
    return true;
}

static bool would_span(const struct width_item *item, const struct width_host *hosts)
{
    return item->spans || usable(&hosts[item->host]) < (int)item->width;
}

/* Whether doubling pays for the steps that are left. */
static bool is_worth_it(const struct width_model *model, const struct width_item *item, bool spans)
{
    if (!pays(model, &item->job, item->width, spans))
        return false;
    if (!item->running)
        return true;
    double bytes_per_s = or_default(model->bytes_per_s, WIDTH_BYTES_PER_S);
    double saved_s = width_step_s(model, &item->job, item->width, item->spans) -
                     width_step_s(model, &item->job, 2 * item->width, spans);
    double join_s = JOIN_S + STATE_BYTES * item->job.parameters * item->width / bytes_per_s;
    return saved_s * item->steps > 2 * join_s;
}

void width_share(const struct width_model *model, struct width_item *items, int count,
                 struct width_host *hosts, int host_count)
{
    for (;;) {
        struct width_item *longest = NULL;
        double longest_s = 0;
        for (int i = 0; i < count; i++) {
            double left_s =
                items[i].steps * width_step_s(model, &items[i].job, items[i].width, items[i].spans);
            if (!items[i].done && (!longest || left_s > longest_s)) {
                longest = &items[i];
                longest_s = left_s;
            }
        }
        if (!longest)
            return;
        if (is_worth_it(model, longest, would_span(longest, hosts)) &&
            width_take(longest, hosts, host_count, (int)longest->width))
            longest->width *= 2;
        else
            longest->done = true;
    }
}
