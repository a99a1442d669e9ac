/* Computes the defaults that follow from other keys, fixes the order of the checks, and checks the
 * plan as a whole: its name, the number of its cells, and the tolerance. */
#include "plan/check_plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/answer.h"
#include "lrsearch/own_file.h"

/* Sets all sizes of the model; 0 where the keys they follow from are missing or bad. */
static void derive_sizes(struct plan_reader *reader)
{
    struct plan *plan = reader->plan;
    uint32_t width = plan->model.d_model;
    plan->model.heads_grow = GIVEN(reader, model.head_size);
    if (plan->model.heads_grow && !GIVEN(reader, model.n_heads))
        plan->model.n_heads = width / plan->model.head_size;
    else if (!plan->model.heads_grow && plan->model.n_heads > 0)
        plan->model.head_size = width / plan->model.n_heads;
    if (ABSENT(reader, model.base_width))
        plan->model.base_width = width;
    if (ABSENT(reader, model.base_layers))
        plan->model.base_layers = plan->model.n_layers;
    if (ABSENT(reader, model.d_ff))
        plan->model.d_ff = trial_default_d_ff(plan->model.arch, width);
    if (!ABSENT(reader, model.base_head_size))
        return;
    plan->model.base_head_size = plan->model.head_size;
    if (!plan->model.heads_grow && plan->model.n_heads > 0)
        plan->model.base_head_size = plan->model.base_width / plan->model.n_heads;
}

static uint32_t last(const struct plan_axis *axis)
{
    return axis->values[axis->count - 1];
}

/* The target defaults to the values of the trials; of a list, to the last, usually the largest. */
static void derive_target(struct plan_reader *reader)
{
    struct plan *plan = reader->plan;
    if (ABSENT(reader, target.d_model))
        plan->target.d_model = last(&plan->axes.d_model);
    if (ABSENT(reader, target.n_layers))
        plan->target.n_layers = last(&plan->axes.n_layers);
    if (ABSENT(reader, target.vocab))
        plan->target.vocab = last(&plan->axes.vocab);
    if (ABSENT(reader, target.batch_tokens))
        plan->target.batch_tokens = last(&plan->axes.batch_tokens);
    if (ABSENT(reader, target.schedule))
        plan->target.schedule = plan->training.schedule;
    if (ABSENT(reader, target.weight_decay)) /* of a list, the first, as of the parametrizations */
        plan->target.weight_decay = plan->training.weight_decay;
}

/* LRs of AdamW's tensors over that of Muon's hidden matrices, where the optimum of the two differ.
 * Steps of unit_rms and original are as large as those of modded-nanogpt and nanochat (karpathy),
 * at Muon's LR of .02: there the output matrix has .002 to .004 (.1 to .2), and the embedding .2 to
 * .3 at an initial size of 1, which is .3 times .02 at the .02 of our own. Vectors, which have no
 * counterpart there, are as the output. match_rms makes Muon's step as large as AdamW's, for one LR
 * (Moonlight, arXiv 2502.16982). */
#define MUON_EMBEDDING 0.3
#define MUON_OUTPUT 0.2
#define MUON_VECTOR 0.2

static void derive_ratios(struct plan_reader *reader)
{
    struct plan *plan = reader->plan;
    bool apart = plan->trainer.kind == TRAINER_TRANSFORMER &&
                 plan->training.optimizer == OPTIMIZER_MUON &&
                 plan->training.muon_lr_scale != MUON_MATCH_RMS;
    const struct {
        size_t member;
        double *ratio, of_muon;
    } ratios[] = {
        {MEMBER(model.embedding_lr_ratio), plan->model.embedding_lr_ratio, MUON_EMBEDDING},
        {MEMBER(model.output_lr_ratio), plan->model.output_lr_ratio, MUON_OUTPUT},
        {MEMBER(model.vector_lr_ratio), plan->model.vector_lr_ratio, MUON_VECTOR}};
    for (size_t i = 0; i < sizeof(ratios) / sizeof(ratios[0]); i++)
        if (reader_status(reader, ratios[i].member) == KEY_ABSENT)
            ratios[i].ratio[0] = ratios[i].ratio[1] = apart ? ratios[i].of_muon : 1;
    if (ABSENT(reader, model.embedding_lr_exponent))
        plan->model.embedding_lr_exponent = NAN;
    plan->training.optimizer_known =
        plan->trainer.kind == TRAINER_TRANSFORMER || GIVEN(reader, training.optimizer);
}

static void fill_derived(struct plan_reader *reader)
{
    struct plan *plan = reader->plan;
    const double *decays = plan->search.weight_decay;
    derive_ratios(reader);
    if (ABSENT(reader, training.weight_decay) && decays[1] > 0) /* of `train` and the like */
        plan->training.weight_decay = sqrt(decays[0] * decays[1]);
    plan_fill_axes(plan);
    derive_sizes(reader);
    derive_target(reader);
    if (ABSENT(reader, training.final_lr))
        plan->training.final_lr = trial_default_final_lr(plan->training.schedule);
    if (plan->training.beta2_half_life > 0) /* arXiv 2507.07101: constant in tokens, not in steps */
        plan->training.beta2 =
            plan_beta2(plan->training.batch_tokens, plan->training.beta2_half_life);
    if (ABSENT(reader, data.zipf_exponent))
        plan->data.zipf_exponent = trial_default_zipf(plan->model.vocab);
    if (ABSENT(reader, output.dir))
        snprintf(plan->output.dir, sizeof(plan->output.dir), "logs/%s", plan->name);
}

/* The name becomes a folder, a file name and a word on a command line. */
static void check_name(struct plan_reader *reader)
{
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    if (!HAS(reader, name))
        return;
    const char *name = reader->plan->name;
    size_t good = strspn(name, allowed);
    if (name[good])
        reader_complain(reader, MEMBER(name),
                        "\"%s\" is no file name: use letters, digits, '-', '_' and '.' only", name);
    else if (name[0] == '.' || name[0] == '-')
        reader_complain(reader, MEMBER(name), "must not start with '%c'", name[0]);
    else if (own_name_taken(name))
        reader_complain(reader, MEMBER(name),
                        "is a name that lrsearch uses itself beside the runs (" OWN_NAMES
                        "); choose another");
}

/* Complains at the longest list, which is the one to shorten. */
static void check_cells(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    const struct {
        size_t member, count;
    } axes[] = {{MEMBER(model.d_model), plan->axes.d_model.count},
                {MEMBER(model.n_layers), plan->axes.n_layers.count},
                {MEMBER(model.vocab), plan->axes.vocab.count},
                {MEMBER(training.batch_tokens), plan->axes.batch_tokens.count},
                {MEMBER(training.weight_decay), plan->axes.weight_decay.count},
                {MEMBER(model.parametrization), plan->axes.parametrization.count},
                {MEMBER(model.embedding_lr_exponent), plan->axes.embedding_lr_exponent.count}};
    size_t cells = plan_cell_count(plan), longest = 0;
    for (size_t i = 1; i < sizeof(axes) / sizeof(axes[0]); i++)
        longest = axes[i].count > axes[longest].count ? i : longest;
    if (cells > ANSWER_CELLS)
        reader_complain(reader, axes[longest].member,
                        "the plan's lists make %zu combinations, and a campaign may have %d; "
                        "shorten one",
                        cells, ANSWER_CELLS);
}

static void check_tolerance(struct plan_reader *reader)
{
    static const size_t members[] = {MEMBER(tolerance.lr), MEMBER(tolerance.loss)};
    if (!reader->plan->baseline[0] && reader_status(reader, MEMBER(baseline)) != KEY_BAD)
        reader_refuse(reader, members, sizeof(members) / sizeof(members[0]),
                      "there is no baseline that this could be measured from; add "
                      "baseline: previous, or leave it out");
}

void check_plan(struct plan_reader *reader, const char *plan_path)
{
    check_paths(reader, plan_path);
    fill_derived(reader);
    check_name(reader);
    check_cells(reader);
    check_tolerance(reader);
    check_trainer(reader);
    check_training(reader);
    check_search(reader);
}
