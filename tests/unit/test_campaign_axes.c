/* Campaigns with axes: where their cells lie for the search, what each trains on, and journals that
 * say otherwise. The policy is the real grid, which asks for every cell at once. */
#include "plan_case.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "campaign/campaign_answer.h"
#include "campaign/campaign_apply.h"
#include "campaign/campaign_next.h"
#include "cmocka_all.h"

#define PLAN                                                                                       \
    "version: 1\nname: t\n"                                                                        \
    "model: {d_model: [64, 128], n_layers: 2, n_heads: 2, context: 64, vocab: [512, 1024],\n"      \
    "        parametrization: [lvp, sp], base_width: 256}\n"                                       \
    "data: {text: [/a.txt], tokenizer: bpe}\n"                                                     \
    "training: {batch_tokens: 2048, schedule: wsd, warmup_steps: 2}\n"                             \
    "search: {lr: [1e-3, 4e-3], horizons: [100k, 400k], policy: grid, seeds: [3, 9]}\n"            \
    "target: {tokens: 1M, d_model: 512, n_layers: 8, batch_tokens: 4096}\n"

static void load(const char *text, const char *set)
{
    const char *lines;
    if (plan_case_load(text, set, &lines))
        fail_msg("%s", lines);
}

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-12)

static void where_cells_lie(void **state)
{
    static struct campaign_space asked;
    const struct search_space *space = &asked.space;
    (void)state;
    load(PLAN, NULL);
    campaign_space_fill(&asked, &plan_case);
    assert_int_equal(space->cell_count, 8);
    assert_ptr_equal(space->cells, asked.cells);
    assert_int_equal(space->seeds, 2);
    assert_int_equal(space->group_count, 2);
    assert_int_equal(space->groups[0].parametrization, PARAM_LVP);
    assert_int_equal(space->groups[1].parametrization, PARAM_SP);
    NEAR(space->groups[0].ratio_width_offset, .5);
    NEAR(space->groups[1].lr_width[0], -.7);
    for (int a = 0; a < AXIS_COUNT; a++)
        NEAR(space->cells[0].axes[a], 0);
    NEAR(space->cells[0].cost, 1);
    NEAR(space->cells[3].axes[AXIS_WIDTH], 1);
    NEAR(space->cells[3].axes[AXIS_VOCAB], 1);
    NEAR(space->cells[3].axes[AXIS_DEPTH], 0);
    assert_int_equal(space->cells[3].group, 0);
    assert_int_equal(space->cells[4].group, 1);
    struct trial_spec first = plan_cell(&plan_case, 0), last = plan_cell(&plan_case, 3);
    NEAR(space->cells[3].cost, trial_flops_per_token(&last) / trial_flops_per_token(&first));
    NEAR(space->cells[3].log2_params, log2((double)trial_params_hidden(&last)));
    NEAR(space->target.axes[AXIS_WIDTH], 3);
    NEAR(space->target.axes[AXIS_VOCAB], 1); /* the last */
    NEAR(space->target.axes[AXIS_DEPTH], 0); /* no axis of the plan: told by rule */
    NEAR(space->target.axes[AXIS_BATCH], 0);
    assert_int_equal(space->target.group, 0);
    assert_true(space->target.cost > 20);

    load(plan_case_text(0, NULL), NULL); /* one cell: as if there were none */
    campaign_space_fill(&asked, &plan_case);
    assert_null(space->cells);
    assert_int_equal(space->cell_count, 0);

    load("version: 1\nname: t\ntrainer: {kind: simulate}\ntraining: {batch_tokens: [1k, 4k]}\n"
         "search: {lr: [1, 2], horizons: [80k]}\ntarget: {tokens: 80k}\n",
         NULL);
    campaign_space_fill(&asked, &plan_case);
    NEAR(space->cells[1].axes[AXIS_BATCH], 2);
    NEAR(space->cells[1].cost, 1); /* not known */
    NEAR(space->cells[1].log2_params, 0);
}

/* ---- what each cell trains on ---- */

static struct event opening(void)
{
    struct event event = {.kind = EVENT_CAMPAIGN};
    snprintf(event.as.campaign.name, sizeof(event.as.campaign.name), "t");
    snprintf(event.as.campaign.data_path, sizeof(event.as.campaign.data_path), "/512");
    event.as.campaign.data_hash = 512;
    event.as.campaign.val_tokens = 1000;
    event.as.campaign.val_bytes = 2000;
    event.as.campaign.train_tokens = 300000;
    return event;
}

static struct event data_of(uint32_t cell, uint64_t hash)
{
    struct event event = {.kind = EVENT_DATA};
    event.as.data.cell = cell;
    event.as.data.data_hash = hash;
    event.as.data.train_tokens = 200000;
    event.as.data.val_tokens = 500;
    event.as.data.val_bytes = 2000;
    snprintf(event.as.data.data_path, sizeof(event.as.data.data_path), "/%d", (int)hash);
    return event;
}

static struct event session(void)
{
    struct event event = {.kind = EVENT_SESSION};
    event.as.session.ranks = 2;
    return event;
}

static void apply(struct campaign *campaign, struct event event)
{
    struct lr_error err = {0};
    if (campaign_apply(campaign, &event, &err))
        fail_msg("%s", err.text);
}

static void refuse(struct campaign *campaign, struct event event, const char *text)
{
    struct lr_error err = {0};
    assert_int_equal(campaign_apply(campaign, &event, &err), LR_EDAMAGED);
    assert_string_equal(err.text, text);
}

static struct campaign *begin(void)
{
    struct campaign *campaign;
    struct lr_error err = {0};
    if (campaign_create(&campaign, &plan_case, &err))
        fail_msg("%s", err.text);
    apply(campaign, opening());
    for (uint32_t cell = 1; cell < 8; cell++)
        if (cell / 2 % 2 == 1)
            apply(campaign, data_of(cell, 1024));
    apply(campaign, session());
    return campaign;
}

/* Applies all rounds that are asked for now. */
static void plan_round(struct campaign *campaign)
{
    struct next_events next = {0};
    struct lr_error err = {0};
    do {
        if (campaign_next(campaign, NULL, &next, &err))
            fail_msg("%s", err.text);
        for (size_t i = 0; i < next.count; i++)
            apply(campaign, next.events[i]);
    } while (next.count > 0);
    next_events_release(&next);
}

static void each_cell_has_its_data(void **state)
{
    size_t seen[8] = {0};
    (void)state;
    load(PLAN, NULL);
    struct campaign *campaign = begin();
    plan_round(campaign);
    size_t count = campaign_trial_count(campaign);
    assert_int_equal(count, 8 * 2 * 3 * 2);
    for (uint32_t id = 1; id <= count; id++) {
        const struct trial *trial = campaign_trial(campaign, id);
        bool large = trial->cell / 2 % 2 == 1;
        seen[trial->cell]++;
        assert_int_equal(trial->spec.vocab, large ? 1024 : 512);
        assert_int_equal(trial->spec.d_model, trial->cell % 2 ? 128 : 64);
        assert_int_equal(trial->spec.parametrization, trial->cell < 4 ? PARAM_LVP : PARAM_SP);
        assert_int_equal(trial->spec.data_hash, large ? 1024 : 512);
        assert_string_equal(campaign_data(campaign, trial->cell)->data_path,
                            large ? "/1024" : "/512");
        assert_int_equal(trial->spec.val_tokens, large ? 500 : 1000);
        assert_int_equal(trial->spec.val_bytes, 2000);
        assert_int_equal(trial->spec.seed, trial->replicate ? 9 : 3);
    }
    for (size_t cell = 0; cell < 8; cell++)
        assert_int_equal(seen[cell], 12);
    assert_null(campaign_data(campaign, 8)); /* of the target, nothing was made */
    campaign_destroy(campaign);
}

static struct event ended(const struct trial *trial)
{
    struct event event = {.kind = EVENT_ENDED};
    event.as.ended.trial_id = trial->id;
    event.as.ended.attempt = 1;
    event.as.ended.result.outcome = OUTCOME_DONE;
    event.as.ended.result.val_loss = 3 + pow(log2(trial->spec.lr / 2e-3), 2);
    event.as.ended.result.tokens = trial->spec.horizon_tokens;
    return event;
}

static void finish(struct campaign *campaign, uint32_t id)
{
    struct event event = {.kind = EVENT_STARTED};
    event.as.started.trial_id = id;
    event.as.started.attempt = 1;
    event.as.started.rank = 1;
    apply(campaign, event);
    apply(campaign, ended(campaign_trial(campaign, id)));
}

/* A stable part is shared by the horizons of one cell, never by two. */
static void prefixes_of_a_cell(void **state)
{
    const struct trial *after = NULL;
    struct event round = {.kind = EVENT_ROUND}, planned = {.kind = EVENT_PLANNED};
    struct lr_error err = {0};
    struct next_events next = {0};
    (void)state;
    load(PLAN, NULL);
    /* one training of cell 1, before the policy is asked */
    round.as.round.round = round.as.round.trials = 1;
    planned.as.planned.trial_id = planned.as.planned.round = planned.as.planned.cell = 1;
    planned.as.planned.spec = plan_cell(&plan_case, 1);
    planned.as.planned.spec.lr = 1e-3;
    planned.as.planned.spec.seed = 3;
    planned.as.planned.spec.horizon_tokens = 100000;
    struct event first = opening();
    struct campaign *campaign;
    assert_int_equal(campaign_create(&campaign, &plan_case, &err), 0);
    first.as.campaign.shares_wsd_prefix = 1;
    apply(campaign, first);
    apply(campaign, session());
    apply(campaign, round);
    apply(campaign, planned);
    finish(campaign, 1);
    assert_int_equal(campaign_next(campaign, NULL, &next, &err), 0);
    for (size_t i = 0; i < next.count; i++)
        apply(campaign, next.events[i]);
    next_events_release(&next);
    size_t going_on = 0;
    for (uint32_t id = 2; id <= campaign_trial_count(campaign); id++)
        if (campaign_trial(campaign, id)->wsd_prefix_tokens > 0) {
            after = campaign_trial(campaign, id);
            going_on++;
        }
    assert_int_equal(going_on, 1);
    assert_int_equal(after->cell, 1);
    assert_int_equal(after->spec.horizon_tokens, 400000);
    campaign_destroy(campaign);
}

static void damaged_journals(void **state)
{
    (void)state;
    load(PLAN, NULL);
    struct campaign *campaign = begin();
    refuse(campaign, data_of(0, 1), "data of cell 0, and the plan has 8");
    refuse(campaign, data_of(9, 1), "data of cell 9, and the plan has 8");
    refuse(campaign, data_of(2, 1), "data of cell 2 for a second time");
    apply(campaign, data_of(1, 7));
    assert_int_equal(campaign_data(campaign, 1)->data_hash, 7);

    struct event round = {.kind = EVENT_ROUND}, planned = {.kind = EVENT_PLANNED};
    round.as.round.round = round.as.round.trials = 1;
    apply(campaign, round);
    refuse(campaign, data_of(4, 1), "data of cell 4 after the first round");
    apply(campaign, data_of(8, 5)); /* the target's may be needed later */
    assert_int_equal(campaign_data(campaign, 8)->data_hash, 5);
    planned.as.planned.trial_id = planned.as.planned.round = 1;
    planned.as.planned.spec = plan_cell(&plan_case, 1);
    planned.as.planned.spec.lr = 1e-3;
    planned.as.planned.spec.horizon_tokens = 100000;
    planned.as.planned.cell = 8;
    refuse(campaign, planned, "trial 1 is planned for cell 8, and the plan has 8");
    planned.as.planned.cell = 7;
    planned.as.planned.purpose = 2;
    refuse(campaign, planned, "trial 1 is planned for the unknown purpose 2");
    planned.as.planned.purpose = PURPOSE_SEARCH;
    apply(campaign, planned);
    assert_int_equal(campaign_trial(campaign, 1)->cell, 7);
    campaign_destroy(campaign);
}

static void the_answer_names_the_target(void **state)
{
    static struct answer answer;
    struct lr_error err = {0};
    (void)state;
    load(PLAN, NULL);
    struct campaign *campaign = begin();
    struct event data = data_of(8, 9); /* the target's: no horizon of the search reads them */
    data.as.data.train_tokens = 1000;
    apply(campaign, data);
    plan_round(campaign);
    for (uint32_t id = 1; id <= campaign_trial_count(campaign); id++)
        finish(campaign, id);
    assert_int_equal(campaign_answer(campaign, &answer, &err), 0);
    assert_int_equal(answer.target.width, 512);
    assert_int_equal(answer.target.n_layers, 8);
    assert_int_equal(answer.target.vocab, 1024);
    assert_int_equal(answer.target.batch_tokens, 4096);
    assert_int_equal(answer.target.schedule, SCHEDULE_WSD);
    assert_int_equal(answer.target.parametrization, PARAM_LVP);
    assert_true(answer.target.lr > 0);
    bool vocabularies = false, epochs = false;
    for (size_t i = 0; i < answer.warning_count; i++) {
        vocabularies |= strstr(answer.warnings[i], "in bits per byte (trials.csv) they do") != NULL;
        epochs |= strstr(answer.warnings[i], "reads its 2e+05 training tokens 2.0 times") != NULL;
    }
    assert_true(vocabularies && epochs); /* the fewest tokens of all cells */
    for (size_t i = 0; i < answer.cell_count; i++) {
        struct trial_spec spec = plan_cell(&plan_case, i);
        assert_int_equal(answer.cells[i].d_model, spec.d_model);
        assert_int_equal(answer.cells[i].vocab, spec.vocab);
        assert_int_equal(answer.cells[i].parametrization, spec.parametrization);
        assert_int_equal(answer.cells[i].params, trial_params_hidden(&spec));
    }
    campaign_destroy(campaign);
}

static bool at_once(void *context)
{
    (void)context;
    return true;
}

/* Depth and batch of the target are told by rule: its curve moves as its LR does. */
static void the_curves_are_those_of_the_answer(void **state)
{
    static struct answer answer, alone;
    struct lr_error err = {0};
    const struct interrupt interrupt = {at_once, NULL};
    struct loss_curves *curves = NULL;
    (void)state;
    load(PLAN, "target.tokens=100M"); /* for less, both batches are above the best one */
    struct campaign *campaign = begin();
    assert_int_equal(campaign_answer_curves(campaign, NULL, &answer, &curves, &err), 0);
    assert_null(curves); /* no loss */
    plan_round(campaign);
    for (uint32_t id = 1; id <= campaign_trial_count(campaign); id++)
        finish(campaign, id);
    assert_int_equal(campaign_answer_curves(campaign, &interrupt, &answer, &curves, &err), 0);
    assert_int_equal(answer.status, ANSWER_INTERRUPTED);
    assert_null(curves);
    assert_int_equal(campaign_answer_curves(campaign, NULL, &answer, &curves, &err), 0);
    assert_int_equal(campaign_answer(campaign, &alone, &err), 0);
    assert_memory_equal(&answer, &alone, sizeof(answer));
    assert_non_null(curves);
    assert_int_equal(curves->basin_count, 16);
    assert_int_equal(curves->law_count, 8);
    assert_int_equal(curves->contour_count, 0);

    double factor = 1;
    for (size_t i = 0; i < answer.step_count; i++)
        factor *= answer.steps[i].measured ? 1 : answer.steps[i].factor;
    assert_true(fabs(log2(factor)) > 0.2);
    const struct loss_curve *target = &curves->target;
    assert_true(target->lr[0] < answer.target.ci90[0]);
    assert_true(target->lr[CURVE_LRS - 1] > answer.target.ci90[1]);
    int best = 0;
    for (int i = 0; i < CURVE_LRS; i++)
        best = target->loss[i] < target->loss[best] ? i : best;
    double off = log2(target->lr[best] / answer.target.lr);
    print_message("transferred by %.2f, the curve's least %+.2f octaves from the answer\n", factor,
                  off);
    assert_true(fabs(off) <= log2(target->lr[1] / target->lr[0]) + 0.1);
    loss_curves_destroy(curves);
    campaign_destroy(campaign);
}

static void when_it_may_be_asked_while_trials_run(void **state)
{
    (void)state;
    static const struct {
        bool axes;
        const char *set;
        bool async;
    } cases[] = {{true, "search.policy=design", true},
                 {true, "search.policy=grid", false},
                 {true, "model.embedding_lr_ratio=[1, 8]", true},
                 {false, "search.policy=design", true},
                 {false, "model.embedding_lr_ratio=[1, 8]", true},
                 {false, "search.mode=rounds", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *sets[] = {"search.mode=async", "search.policy=design", cases[i].set}, *lines;
        const char *text = cases[i].axes ? PLAN : plan_case_text(0, NULL);
        if (plan_case_load_bytes(text, strlen(text), sets, 3, &lines))
            fail_msg("%s", lines);
        assert_int_equal(campaign_is_async(&plan_case), cases[i].async);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_cells_lie),
        cmocka_unit_test(each_cell_has_its_data),
        cmocka_unit_test(prefixes_of_a_cell),
        cmocka_unit_test(damaged_journals),
        cmocka_unit_test(the_answer_names_the_target),
        cmocka_unit_test(the_curves_are_those_of_the_answer),
        cmocka_unit_test(when_it_may_be_asked_while_trials_run),
    };
    return cmocka_run_group_tests(tests, plan_case_setup, plan_case_teardown);
}
