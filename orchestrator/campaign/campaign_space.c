/* Converts between campaign and search. Observations are in the order of trial ids, whatever the
 * order in which trials ended: the search's sums must not depend on it. */
#include "campaign/campaign_space.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include "campaign/campaign_state.h"
#include "lrsearch/memory.h"
#include "search/search_answer.h"

#define ROUNDINGS 8 /* units in the last place, each way */

/* ---- the space ---- */

/* Priors of a group. Under sp the best LR of AdamW falls about as width^-.7 (Step Law and others:
 * -.5 to -1); mup and lvp are built to keep it constant. The best LR of the embedding goes as
 * width^0 to width^-1/2 (Hayou and Liu 2025, arXiv 2506.15025): with AdamW's 1 / width the best
 * ratio of the LRs that embedding and hidden matrices train with grows as width^.75. The plan's
 * ratio holds at base_width, so its exponent is that minus the offset, which parametrization and
 * embedding_lr_exponent apply. */
static struct search_group group_from(const struct trial_spec *spec, bool named)
{
    bool sp = spec->parametrization == PARAM_SP;
    double hidden = trial_hidden_exponent(spec);
    double offset = trial_embedding_exponent(spec) + spec->embedding_lr_shift;
    double lr = !sp ? 0 : spec->optimizer == OPTIMIZER_MUON ? hidden : -0.7;
    return (struct search_group){
        .parametrization = spec->parametrization,
        .embedding_exponent = named ? offset : NAN,
        .lr_width = {lr, sp ? 0.4 : 0.3},
        .ratio_width = {-0.25 - hidden - offset, 0.5},
        .ratio_width_offset = offset,
    };
}

static bool same_group(const struct search_group *a, const struct search_group *b)
{
    return a->parametrization == b->parametrization &&
           fabs(a->ratio_width_offset - b->ratio_width_offset) < 1e-9;
}

/* Index of the group that a trial belongs to; adds it if it is new. */
static uint32_t group_of(struct search_space *space, const struct plan *plan,
                         const struct trial_spec *spec)
{
    struct search_group group = group_from(spec, plan->axes.embedding_lr_exponent.count > 1);
    uint32_t i = 0;
    while (i < space->group_count && !same_group(&space->groups[i], &group))
        i++;
    if (i == space->group_count) {
        assert(i < SEARCH_GROUPS);
        space->groups[space->group_count++] = group;
    }
    return i;
}

/* log2(value / first); 0 on an axis that the plan does not vary, where the target is transferred by
 * rule. */
static double along(const struct plan_axis *axis, uint32_t value, uint32_t first)
{
    return axis->count > 1 && value > 0 && first > 0 ? log2((double)value / first) : 0;
}

static bool has_size(const struct trial_spec *spec)
{
    return spec->d_model > 0 && spec->n_layers > 0;
}

static double along_numbers(const struct plan_number_axis *axis, double value, double first)
{
    return axis->count > 1 && value > 0 && first > 0 ? log2(value / first) : 0;
}

static struct search_cell cell_of(const struct plan *plan, struct search_space *space,
                                  const struct trial_spec *spec, const struct trial_spec *first)
{
    struct search_cell cell = {
        .axes = {[AXIS_WIDTH] = along(&plan->axes.d_model, spec->d_model, first->d_model),
                 [AXIS_DEPTH] = along(&plan->axes.n_layers, spec->n_layers, first->n_layers),
                 [AXIS_VOCAB] = along(&plan->axes.vocab, spec->vocab, first->vocab),
                 [AXIS_BATCH] =
                     along(&plan->axes.batch_tokens, spec->batch_tokens, first->batch_tokens),
                 [AXIS_DECAY] = along_numbers(&plan->axes.weight_decay, spec->weight_decay,
                                              first->weight_decay)},
        .group = group_of(space, plan, spec),
        .cost = 1,
    };
    if (has_size(spec) && has_size(first)) {
        cell.cost = trial_flops_per_token(spec) / trial_flops_per_token(first);
        cell.log2_params = log2((double)trial_params_hidden(spec));
    }
    return cell;
}

static void fill_cells(struct campaign_space *out, const struct plan *plan)
{
    size_t count = plan_cell_count(plan);
    struct trial_spec first = plan_cell(plan, 0), target = plan_target(plan);
    for (size_t i = 0; i < count && i < SEARCH_CELLS; i++) {
        struct trial_spec spec = plan_cell(plan, i);
        out->cells[i] = cell_of(plan, &out->space, &spec, &first);
    }
    out->space.base[AXIS_WIDTH] = first.d_model;
    out->space.base[AXIS_DEPTH] = first.n_layers;
    out->space.base[AXIS_VOCAB] = first.vocab;
    out->space.base[AXIS_BATCH] = first.batch_tokens;
    out->space.base[AXIS_DECAY] = first.weight_decay;
    if (first.d_model > 0 && plan->model.base_width > 0)
        out->space.base_width = log2((double)plan->model.base_width / first.d_model);
    out->space.cells = out->cells;
    out->space.cell_count = count < SEARCH_CELLS ? count : SEARCH_CELLS;
    out->space.target = cell_of(plan, &out->space, &target, &first);
}

struct ratio_range campaign_ratio_range(const struct plan *plan, enum answer_ratio ratio)
{
    const double *ends[RATIO_COUNT] = {[RATIO_EMBEDDING] = plan->model.embedding_lr_ratio,
                                       [RATIO_OUTPUT] = plan->model.output_lr_ratio,
                                       [RATIO_VECTOR] = plan->model.vector_lr_ratio,
                                       [RATIO_DECAY] = plan->search.weight_decay};
    if (ratio == RATIO_DECAY && !(ends[ratio][0] < ends[ratio][1]))
        return (struct ratio_range){plan->target.weight_decay, plan->target.weight_decay};
    return (struct ratio_range){ends[ratio][0], ends[ratio][1]};
}

/* The weight decay from which plan_weight_decay() makes that of the trial, to the last bit if there
 * is one: dividing by the rule's factor rounds. */
static double planned_decay(const struct plan *plan, const struct trial_spec *spec)
{
    double found = spec->weight_decay / plan_weight_decay(plan, spec, 1);
    double below = found, above = found;
    for (int i = 0; i < ROUNDINGS; i++) {
        if (plan_weight_decay(plan, spec, below) == spec->weight_decay)
            return below;
        if (plan_weight_decay(plan, spec, above) == spec->weight_decay)
            return above;
        below = nextafter(below, 0);
        above = nextafter(above, INFINITY);
    }
    return found;
}

double campaign_ratio(const struct plan *plan, const struct trial_spec *spec,
                      enum answer_ratio ratio)
{
    struct ratio_range range = campaign_ratio_range(plan, ratio);
    switch (ratio) {
    case RATIO_EMBEDDING:
        return spec->embedding_lr_ratio;
    case RATIO_OUTPUT:
        return spec->output_lr_ratio;
    case RATIO_VECTOR:
        return spec->vector_lr_ratio;
    case RATIO_DECAY:
    case RATIO_COUNT:
        break;
    }
    return range.low < range.high ? planned_decay(plan, spec) : range.low;
}

void campaign_set_ratios(const struct plan *plan, struct trial_spec *spec,
                         const double ratios[RATIO_COUNT])
{
    struct ratio_range decay = campaign_ratio_range(plan, RATIO_DECAY);
    spec->embedding_lr_ratio = ratios[RATIO_EMBEDDING];
    spec->output_lr_ratio = ratios[RATIO_OUTPUT];
    spec->vector_lr_ratio = ratios[RATIO_VECTOR];
    spec->weight_decay = plan_weight_decay(
        plan, spec, decay.low < decay.high ? ratios[RATIO_DECAY] : spec->weight_decay);
}

void campaign_space_fill(struct campaign_space *out, const struct plan *plan)
{
    out->space = (struct search_space){
        .lr_low = plan->search.lr[0],
        .lr_high = plan->search.lr[1],
        .extend = plan->search.extend,
        .horizons = plan->search.horizons,
        .horizon_count = plan->search.horizon_count,
        .seeds = plan->search.seeds,
        .resolution = plan->search.resolution,
        .target_tokens = plan->target.tokens,
        .seed = 1, /* the same whatever the plan's seed: that one is of the trials */
        .prior_beta = plan->search.prior_beta,
        .prior_beta_sd = plan->search.prior_beta_sd,
        .prior_lr = plan->search.prior_lr,
        .prior_lr_sd = plan->search.prior_lr_sd,
        .prior_tokens = plan->search.prior_tokens,
        .precision = plan->search.precision,
        .min_gain = plan->search.policy == POLICY_DESIGN ? plan->search.min_gain : 0,
        .round_trials = plan->search.round_trials,
    };
    for (int r = 0; r < RATIO_COUNT; r++)
        out->space.ratios[r] = campaign_ratio_range(plan, (enum answer_ratio)r);
    if (plan->training.decay_rule == DECAY_TIMESCALE) { /* plan_weight_decay() */
        out->space.decay_over_tokens = 1;
        out->space.decay_over_batch = -1;
    }
    if (plan_cell_count(plan) > 1)
        fill_cells(out, plan);
}

void campaign_space_interrupt(struct campaign_space *space, const struct interrupt *interrupt)
{
    space->space.interrupted = interrupt ? interrupt->asked : NULL;
    space->space.interrupted_context = interrupt ? interrupt->context : NULL;
}

/* ---- the policy ---- */

const struct policy *campaign_policy(const struct plan *plan)
{
#define X(enumerator, name) name,
    static const char *const names[] = {POLICY_MAP(X)};
#undef X
    bool known = plan->search.policy < sizeof(names) / sizeof(names[0]);
    return known ? policy_find(names[plan->search.policy]) : NULL;
}

bool campaign_is_async(const struct plan *plan)
{
    return plan->search.mode == MODE_ASYNC && campaign_policy(plan)->while_running;
}

/* ---- observations ---- */

int campaign_observe(const struct campaign *campaign, bool running, struct observation **seen,
                     size_t *count, struct lr_error *err)
{
    *count = 0;
    *seen = lr_calloc(campaign->trial_count + 1, sizeof(**seen));
    if (!*seen)
        return lr_nomem(err);
    /* Skip the trials of a partly written round: none runs yet, and the policy plans them again. */
    for (size_t i = 0; i < campaign->trial_count - torn_trials(campaign); i++) {
        const struct trial *trial = campaign->trials[i];
        if (trial->purpose != PURPOSE_SEARCH || (!running && !trial_state_is_over(trial->state)))
            continue;
        struct observation *o = &(*seen)[(*count)++];
        o->tokens = trial->spec.horizon_tokens;
        o->lr = trial->spec.lr;
        o->seed = trial->replicate;
        o->cell = trial->cell;
        for (int r = 0; r < RATIO_COUNT; r++)
            o->ratios[r] = campaign_ratio(&campaign->plan, &trial->spec, (enum answer_ratio)r);
        o->kind = trial->state == TRIAL_DONE          ? OBSERVED_LOSS
                  : trial->state == TRIAL_DIVERGED    ? OBSERVED_DIVERGED
                  : trial_state_is_over(trial->state) ? OBSERVED_NOTHING
                                                      : OBSERVED_RUNNING;
        o->loss = trial->state == TRIAL_DONE ? trial->result.val_loss : NAN;
    }
    return 0;
}

int campaign_search_answer(const struct campaign *campaign, const struct interrupt *interrupt,
                           uint64_t tokens, uint32_t parametrization, struct answer *answer,
                           struct loss_curves **curves, struct lr_error *err)
{
    struct campaign_space asked;
    struct observation *seen;
    size_t count;
    int rc = campaign_observe(campaign, false, &seen, &count, err);
    if (rc)
        return rc;
    campaign_space_fill(&asked, &campaign->plan);
    campaign_space_interrupt(&asked, interrupt);
    asked.space.target_tokens = tokens;
    if (asked.space.cell_count > 0) {
        struct trial_spec target = plan_target_with(&campaign->plan, parametrization);
        asked.space.target.group = group_of(&asked.space, &campaign->plan, &target);
    }
    rc = curves ? search_answer_curves(answer, curves, &asked.space, seen, count, err)
                : search_answer(answer, &asked.space, seen, count, err);
    lr_free(seen);
    return rc;
}

/* ---- proposals ---- */

static bool same_recipe(const struct trial_spec *a, const struct trial_spec *b)
{
    return a->embedding_lr_ratio == b->embedding_lr_ratio &&
           a->output_lr_ratio == b->output_lr_ratio && a->vector_lr_ratio == b->vector_lr_ratio &&
           a->weight_decay == b->weight_decay;
}

uint64_t campaign_wsd_prefix(const struct campaign *campaign, const struct trial_spec *spec,
                             uint32_t cell)
{
    uint64_t most = 0;
    uint64_t own = campaign->opening.shares_wsd_prefix ? trial_wsd_prefix_tokens(spec) : 0;
    for (size_t i = 0; i < campaign->trial_count && own > 0; i++) {
        const struct trial *trial = campaign->trials[i];
        uint64_t tokens = trial_wsd_prefix_tokens(&trial->spec);
        if (trial->state == TRIAL_DONE && trial->purpose == PURPOSE_SEARCH && trial->cell == cell &&
            trial->spec.lr == spec->lr && trial->spec.seed == spec->seed &&
            same_recipe(&trial->spec, spec) && tokens <= own && tokens > most)
            most = tokens;
    }
    return most;
}

void campaign_set_data(const struct campaign *campaign, struct trial_spec *spec,
                       const struct event_data *data)
{
    spec->data_hash = data->data_hash;
    if (data->val_tokens > 0)
        spec->val_tokens = data->val_tokens;
    spec->val_bytes = data->val_bytes;
    /* chosen for the shapes of cell 0: correct for other shapes too, perhaps not fastest */
    memcpy(spec->products, campaign->opening.products, sizeof(spec->products));
}

struct trial_spec campaign_spec(const struct campaign *campaign, const struct proposal *proposal)
{
    assert(proposal->cell < plan_cell_count(&campaign->plan));
    struct trial_spec spec = plan_cell(&campaign->plan, proposal->cell);
    spec.lr = proposal->lr;
    spec.horizon_tokens = proposal->tokens;
    campaign_set_ratios(&campaign->plan, &spec, proposal->ratios);
    /* Replicate r has the same seed at every LR and horizon: shared noise cancels in
     * comparisons. */
    spec.seed = plan_seed(&campaign->plan, proposal->seed);
    campaign_set_data(campaign, &spec, campaign_data(campaign, proposal->cell));
    return spec;
}
