/* Campaigns that search the weight decay with the LR, or have it as an axis, or the exponent of the
 * embedding's LR. With decay_rule timescale the weight decay of a trial is not the one that the
 * search asked for, which must be found back to the last bit: from the journal, from another
 * campaign. */
#include "plan_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "campaign/campaign_answer.h"
#include "campaign/campaign_apply.h"
#include "campaign/campaign_next.h"
#include "cmocka_all.h"

#define LOG_MOST 1024
#define BEST_LR(tokens) (4e-3 * pow((double)(tokens) / 1e6, -0.25))
#define BEST_DECAY(tokens) (0.15 * pow((double)(tokens) / 1e6, -0.2)) /* of a trial */

/* Lengths and batches whose ratios no double holds. */
#define PLAN                                                                                       \
    "version: 1\nname: t\n"                                                                        \
    "trainer: {kind: command, argv: [train], report: {fd: true}}\n"                                \
    "training: {batch_tokens: 3000, decay_rule: timescale}\n"                                      \
    "search: {lr: [1e-4, 3e-2], weight_decay: [0.01, 1], horizons: [300k, 700k, 1.3M]}\n"          \
    "target: {tokens: 9.1M, batch_tokens: 7000}\n"

struct world {
    struct campaign *campaign;
    struct next_events next;
    struct event *log;
    size_t count;
};

static void load(const char *text, const char *set)
{
    const char *lines;
    if (plan_case_load(text, set, &lines))
        fail_msg("%s", lines);
}

static void record(struct world *world, const struct event *event)
{
    struct lr_error err = {0};
    if (campaign_apply(world->campaign, event, &err))
        fail_msg("%s", err.text);
    assert_true(world->count < LOG_MOST);
    world->log[world->count++] = *event;
}

static void begin(struct world *world)
{
    struct lr_error err = {0};
    memset(world, 0, sizeof(*world));
    world->log = calloc(LOG_MOST, sizeof(*world->log));
    assert_non_null(world->log);
    if (campaign_create(&world->campaign, &plan_case, &err))
        fail_msg("%s", err.text);
}

static void open(struct world *world)
{
    struct event opening = {.kind = EVENT_CAMPAIGN}, session = {.kind = EVENT_SESSION};
    snprintf(opening.as.campaign.name, sizeof(opening.as.campaign.name), "t");
    session.as.session.ranks = 2;
    record(world, &opening);
    record(world, &session);
}

static void end(struct world *world)
{
    campaign_destroy(world->campaign);
    next_events_release(&world->next);
    free(world->log);
}

/* A basin in the LR, a ridge in LR times weight decay, a little noise. */
static double loss_of(const struct trial_spec *spec)
{
    double t = log2(spec->lr / BEST_LR(spec->horizon_tokens));
    double off = t + log2(spec->weight_decay / BEST_DECAY(spec->horizon_tokens));
    return 3 + 0.03 * t * t + 0.01 * off * off + 0.001 * sin(1e5 * spec->lr);
}

static void train(struct world *world, const struct trial *trial)
{
    struct event started = {.kind = EVENT_STARTED}, ended = {.kind = EVENT_ENDED};
    started.as.started.trial_id = ended.as.ended.trial_id = trial->id;
    started.as.started.attempt = ended.as.ended.attempt = trial->attempt + 1;
    started.as.started.rank = 1;
    ended.as.ended.result.outcome = OUTCOME_DONE;
    ended.as.ended.result.tokens = trial->spec.horizon_tokens;
    ended.as.ended.result.val_loss = loss_of(&trial->spec);
    record(world, &started);
    record(world, &ended);
}

/* Does one thing that the state calls for; false: the end. */
static bool step(struct world *world)
{
    struct lr_error err = {0};
    if (campaign_next(world->campaign, NULL, &world->next, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < world->next.count; i++)
        record(world, &world->next.events[i]);
    if (world->next.count > 0)
        return true;
    uint32_t id = campaign_next_waiting(world->campaign, 0);
    if (id > 0)
        train(world, campaign_trial(world->campaign, id));
    return id > 0;
}

static bool holds(const double ci90[2], double value)
{
    return ci90[0] <= value && value <= ci90[1];
}

static void run_all(struct world *world)
{
    begin(world);
    open(world);
    while (step(world))
        ;
    assert_true(campaign_finished(world->campaign));
}

/* ---- searched ---- */

static void each_trial_has_the_decay_of_its_length(void **state)
{
    static struct answer answer;
    static struct world world;
    struct lr_error err = {0};
    double least = INFINITY, most = 0;
    (void)state;
    load(PLAN, NULL);
    run_all(&world);
    for (uint32_t id = 1; id <= campaign_trial_count(world.campaign); id++) {
        const struct trial_spec *spec = &campaign_trial(world.campaign, id)->spec;
        double asked = campaign_ratio(&plan_case, spec, RATIO_DECAY);
        assert_true(asked >= 0.01 * (1 - 1e-12) && asked <= 1 + 1e-12);
        assert_true(spec->weight_decay == plan_weight_decay(&plan_case, spec, asked));
        assert_true(
            fabs(spec->weight_decay / asked - 9.1e6 / (double)spec->horizon_tokens * 3 / 7) < 1e-9);
        least = fmin(least, asked);
        most = fmax(most, asked);
    }
    assert_true(most / least > 1.9);
    assert_int_equal(campaign_answer(world.campaign, &answer, &err), 0);
    const struct ratio_answer *decay = &answer.ratios[RATIO_DECAY];
    double best = BEST_DECAY(9.1e6) * 7 / 3; /* with the target's batch */
    print_message("%u trials; LR %.3g (%.3g .. %.3g), decay %.3g (%.3g .. %.3g), best %.3g\n",
                  (unsigned)campaign_trial_count(world.campaign), answer.target.lr,
                  answer.target.ci90[0], answer.target.ci90[1], decay->value, decay->ci90[0],
                  decay->ci90[1], best);
    assert_true(decay->searched && answer.target.weight_decay == decay->value);
    assert_true(holds(decay->ci90, best));
    end(&world);
}

/* Whatever part of the journal is there, it goes on the same, in the middle of a round too. */
static void a_journal_goes_on_the_same(void **state)
{
    static struct world first, again;
    (void)state;
    load(PLAN, NULL);
    run_all(&first);
    for (size_t kept = 3; kept < first.count; kept += kept % 2 ? 6 : 17) {
        begin(&again);
        for (size_t i = 0; i < kept; i++)
            record(&again, &first.log[i]);
        struct lr_error err = {0};
        if (campaign_next(again.campaign, NULL, &again.next, &err))
            fail_msg("%s", err.text);
        for (size_t i = 0; i < again.next.count; i++) {
            const struct event *one = &again.next.events[i], *other = &first.log[kept + i];
            assert_int_equal(one->kind, other->kind);
            if (one->kind == EVENT_PLANNED)
                assert_true(trial_same(&one->as.planned.spec, &other->as.planned.spec));
        }
        end(&again);
    }
    end(&first);
}

/* How many trials of `parent` the plan takes over. */
static size_t adopted(const struct world *parent, const char *text, const char *set)
{
    static struct foreign_trial trials[LOG_MOST];
    static struct world child;
    struct lr_error err = {0};
    size_t count = campaign_trial_count(parent->campaign), taken = 0;
    for (size_t i = 0; i < count; i++)
        trials[i].spec = campaign_trial(parent->campaign, (uint32_t)i + 1)->spec;
    load(text, set);
    begin(&child);
    open(&child);
    if (campaign_adopt(child.campaign, trials, count, &child.next, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < child.next.count; i++) {
        taken += child.next.events[i].kind == EVENT_PLANNED;
        record(&child, &child.next.events[i]);
    }
    for (uint32_t id; (id = campaign_next_waiting(child.campaign, 0)) > 0;)
        train(&child, campaign_trial(child.campaign, id));
    if (taken > 0) /* goes on, without asking for one of them again */
        step(&child);
    end(&child);
    return taken;
}

/* A trial with another weight decay is another trial. */
static void a_fork_takes_what_its_plan_could_ask_for(void **state)
{
    static struct world parent;
    size_t inside = 0, constant = 0;
    (void)state;
    load(PLAN, NULL);
    run_all(&parent);
    size_t all = campaign_trial_count(parent.campaign);
    for (uint32_t id = 1; id <= all; id++) {
        const struct trial_spec *spec = &campaign_trial(parent.campaign, id)->spec;
        double decay = campaign_ratio(&plan_case, spec, RATIO_DECAY);
        inside += decay >= 0.05 && decay <= 0.2;
        constant += spec->weight_decay <= 1;
    }
    assert_true(inside > 0 && inside < all);
    assert_true(constant > 0 && constant < all);
    assert_int_equal(adopted(&parent, PLAN, NULL), all);
    assert_int_equal(adopted(&parent, PLAN, "search.weight_decay=[0.05, 0.2]"), inside);
    assert_int_equal(adopted(&parent, PLAN, "search.weight_decay=none"), 0);
    assert_int_equal(adopted(&parent, PLAN, "training.decay_rule=constant"), constant);
    end(&parent);
}

static void a_confirmation_trains_with_the_best_decay(void **state)
{
    static struct world world;
    static struct answer answer;
    struct lr_error err = {0};
    size_t confirmed = 0;
    (void)state;
    load(PLAN "confirm: {tokens: 4M}\n", NULL);
    run_all(&world);
    assert_int_equal(campaign_fit_for(world.campaign, NULL, 4000000, PARAM_SP, &answer, &err), 0);
    for (uint32_t id = 1; id <= campaign_trial_count(world.campaign); id++) {
        const struct trial *trial = campaign_trial(world.campaign, id);
        if (trial->purpose != PURPOSE_CONFIRM)
            continue;
        confirmed++;
        double best = answer.ratios[RATIO_DECAY].value;
        assert_true(trial->spec.weight_decay == plan_weight_decay(&plan_case, &trial->spec, best));
        assert_true(trial->spec.weight_decay > 2 * best); /* shorter than the target */
    }
    assert_int_equal(confirmed, 3);
    end(&world);
}

/* ---- axes ---- */

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-12)

static void where_cells_of_decays_and_exponents_lie(void **state)
{
    static struct campaign_space asked;
    const struct search_space *space = &asked.space;
    (void)state;
    load("version: 1\nname: t\n"
         "model: {d_model: [64, 128], n_layers: 2, n_heads: 2, context: 64, vocab: 512,\n"
         "        base_width: 64, embedding_lr_ratio: [0.5, 8], embedding_lr_exponent: [0, 0.5, "
         "1]}\n"
         "data: {text: [/a.txt], tokenizer: bpe}\n"
         "training: {batch_tokens: 2048, weight_decay: [0.025, 0.1]}\n"
         "search: {lr: [1e-3, 4e-3], horizons: [100k, 400k]}\n"
         "target: {tokens: 1M, d_model: 512}\n",
         NULL);
    campaign_space_fill(&asked, &plan_case);
    assert_int_equal(space->cell_count, 8); /* at the base width the exponents are all one */
    assert_int_equal(space->group_count, 3);
    for (uint32_t g = 0; g < 3; g++) {
        assert_int_equal(space->groups[g].parametrization, PARAM_SP);
        NEAR(space->groups[g].embedding_exponent, 0.5 * g);
        NEAR(space->groups[g].ratio_width_offset, 0.5 * g);
        NEAR(space->groups[g].ratio_width[0], 0.75 - 0.5 * g);
    }
    for (size_t c = 0; c < space->cell_count; c++) {
        struct trial_spec spec = plan_cell(&plan_case, c);
        NEAR(space->cells[c].axes[AXIS_DECAY], spec.weight_decay > 0.05 ? 2 : 0);
        NEAR(space->groups[space->cells[c].group].embedding_exponent, spec.embedding_lr_shift);
    }
    assert_int_equal(space->target.group, 0); /* the first */
    NEAR(space->target.axes[AXIS_DECAY], 0);
    NEAR(space->decay_over_tokens, 0);
    assert_true(space->ratios[RATIO_DECAY].low >= space->ratios[RATIO_DECAY].high);

    load(PLAN, NULL);
    campaign_space_fill(&asked, &plan_case);
    NEAR(space->decay_over_tokens, 1);
    NEAR(space->decay_over_batch, -1);
    NEAR(space->ratios[RATIO_DECAY].low, 0.01);
    NEAR(space->ratios[RATIO_DECAY].high, 1);
}

/* Muon's step has the same size at every width: its hidden LR needs no 1 / width. */
static void muon_has_priors_of_its_own(void **state)
{
    static struct campaign_space asked;
    const struct search_group *groups = asked.space.groups;
    (void)state;
    const char *text =
        "version: 1\nname: t\n"
        "model: {d_model: [64, 128], n_layers: 2, n_heads: 2, context: 64, vocab: 512,\n"
        "        base_width: 64, parametrization: [sp, mup]}\n"
        "data: {text: [/a.txt], tokenizer: bpe}\n"
        "training: {batch_tokens: 2048, optimizer: muon}\n"
        "search: {lr: [1e-3, 4e-3], horizons: [100k, 400k]}\n"
        "target: {tokens: 1M, d_model: 512}\n";
    load(text, NULL);
    campaign_space_fill(&asked, &plan_case);
    assert_int_equal(asked.space.group_count, 2);
    for (int g = 0; g < 2; g++) {
        NEAR(groups[g].lr_width[0], 0);
        NEAR(groups[g].ratio_width[0], -0.25);
        NEAR(groups[g].ratio_width_offset, 0);
        assert_true(isnan(groups[g].embedding_exponent));
    }
    load(text, "training.muon_lr_scale=match_rms");
    campaign_space_fill(&asked, &plan_case);
    NEAR(groups[0].lr_width[0], -0.5);
    NEAR(groups[1].lr_width[0], 0);
    NEAR(groups[0].ratio_width[0], 0.25);
    NEAR(groups[1].ratio_width[0], -0.25);
    NEAR(groups[1].ratio_width_offset, 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_trial_has_the_decay_of_its_length),
        cmocka_unit_test(a_journal_goes_on_the_same),
        cmocka_unit_test(a_fork_takes_what_its_plan_could_ask_for),
        cmocka_unit_test(a_confirmation_trains_with_the_best_decay),
        cmocka_unit_test(where_cells_of_decays_and_exponents_lie),
        cmocka_unit_test(muon_has_priors_of_its_own),
    };
    return cmocka_run_group_tests(tests, plan_case_setup, plan_case_teardown);
}
