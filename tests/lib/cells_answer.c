#include "cells_answer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDTHS = 3, VOCABS = 3, HORIZONS = 2 };
#define TARGET 8388608

static double wobble(size_t i, double size) /* the same always, about 0 */
{
    return size * sin(12.9898 * (double)i + 1);
}

static uint64_t params_of(uint32_t width)
{
    return (uint64_t)24 * width * width;
}

static double lr_of(uint32_t width, double tokens)
{
    return 2.4e-3 * pow(width / 128.0, -0.7) * pow(tokens / 262144, -0.4);
}

static double gamma_of(uint32_t vocab)
{
    return vocab == 256 ? 0.86 : vocab == 1024 ? 0.7 : 0.55;
}

static void around(double interval[2], double value, double factor)
{
    interval[0] = value / factor;
    interval[1] = value * factor;
}

static void beside(double interval[2], double value, double distance)
{
    interval[0] = value - distance;
    interval[1] = value + distance;
}

/* All but the embedding's. */
static void forget_ratios(double *ratio, double (*ci90)[2])
{
    for (int r = RATIO_OUTPUT; r < RATIO_COUNT; r++)
        ratio[r] = ci90[r][0] = ci90[r][1] = NAN;
}

static void fill_cell(struct cell_answer *cell, size_t c, uint32_t width, uint32_t vocab)
{
    *cell = (struct cell_answer){.d_model = width,
                                 .n_layers = 2,
                                 .vocab = vocab,
                                 .batch_tokens = 2048,
                                 .parametrization = 0,
                                 .weight_decay = NAN,
                                 .embedding_lr_exponent = NAN,
                                 .params = params_of(width),
                                 .lr = lr_of(width, TARGET) * exp(wobble(c, 0.1)),
                                 .beta = 0.4 + wobble(c + 3, 0.05),
                                 .loss = 2.9 - 0.1 * log2(width / 64.0),
                                 .trials = 15};
    around(cell->ci90, cell->lr, 1.5);
    beside(cell->beta_ci90, cell->beta, 0.15);
    cell->ratio[RATIO_EMBEDDING] = 4 * pow(width / 64.0, gamma_of(vocab)) * exp(wobble(c, 0.12));
    around(cell->ratio_ci90[RATIO_EMBEDDING], cell->ratio[RATIO_EMBEDDING], 1.4);
    forget_ratios(cell->ratio, cell->ratio_ci90);
}

static void add_basin(struct answer *answer, size_t c, uint64_t tokens)
{
    size_t i = answer->basin_count++;
    struct basin_answer *basin = &answer->basins[i];
    double lr = lr_of(answer->cells[c].d_model, (double)tokens) * exp(wobble(i, 0.12));
    *basin = (struct basin_answer){.cell = (uint32_t)c};
    basin->horizon =
        (struct horizon_answer){.tokens = tokens,
                                .lr_opt = lr,
                                .curvature = 0.04,
                                .loss_min = answer->cells[c].loss + (tokens == 131072 ? 0.25 : 0),
                                .se_ln_lr = 0.12,
                                .trials = CELLS_TRIALS_EACH,
                                .diverged = 1};
    around(basin->horizon.ci90, lr, 1.25);
}

static void add_exponent(struct answer *answer, const char *of, const char *axis, uint32_t vocab,
                         double value, double expected)
{
    struct exponent_answer *exponent = &answer->exponents[answer->exponent_count++];
    *exponent = (struct exponent_answer){.embedding_lr_exponent = NAN,
                                         .vocab = vocab,
                                         .value = value,
                                         .expected = expected,
                                         .prior_weight = 0.2};
    snprintf(exponent->of, sizeof(exponent->of), "%s", of);
    snprintf(exponent->axis, sizeof(exponent->axis), "%s", axis);
    beside(exponent->ci90, value, 0.19);
}

static void fill_joint(struct joint_answer *joint)
{
    *joint = (struct joint_answer){
        .known = true, .ln_c = log(41.5), .alpha = 0.35, .beta = 0.4, .r2 = 0.984};
    beside(joint->alpha_ci90, joint->alpha, 0.08);
    beside(joint->beta_ci90, joint->beta, 0.12);
    joint->holdout.known = true;
    joint->holdout.cell = 8;
    joint->holdout.tokens = 524288;
    joint->holdout.lr_predicted = 1.13e-3;
    joint->holdout.lr_measured = 1.24e-3;
    around(joint->holdout.ci90, joint->holdout.lr_predicted, 1.6);
    around(joint->holdout.measured_ci90, joint->holdout.lr_measured, 1.25);
}

static void fill_target(struct target_answer *target)
{
    *target = (struct target_answer){.tokens = TARGET,
                                     .width = 512,
                                     .vocab = 4096,
                                     .n_layers = 2,
                                     .batch_tokens = 2048,
                                     .lr = 2.1e-4,
                                     .embedding_lr = 2.9e-3,
                                     .loss_penalty = 0.0051,
                                     .loss_penalty_if_wrong_2x = 0.017};
    around(target->ci90, target->lr, 1.7);
    target->ratio[RATIO_EMBEDDING] = 13.8;
    around(target->ratio_ci90[RATIO_EMBEDDING], 13.8, 1.6);
    target->weight_decay = NAN;
    forget_ratios(target->ratio, target->ratio_ci90);
}

static void fill_confirm(struct confirm_answer *confirm)
{
    *confirm = (struct confirm_answer){.d_model = 512,
                                       .n_layers = 2,
                                       .vocab = 4096,
                                       .tokens = 4194304,
                                       .lr = {1.4e-4, 2.8e-4, 5.6e-4},
                                       .loss = {2.2012, 2.1889, NAN},
                                       .diverged = {false, false, true},
                                       .excess_predicted = {0.013, 0, 0.021}};
    snprintf(confirm->text, sizeof(confirm->text),
             "half of it costs 0.012 nats where 0.013 were predicted; twice it diverged");
}

void cells_answer(struct answer *answer)
{
    static const uint32_t vocabs[VOCABS] = {256, 1024, 4096};
    memset(answer, 0, sizeof(*answer));
    answer->status = ANSWER_IDENTIFIED;
    fill_target(&answer->target);
    for (size_t c = 0; c < WIDTHS * VOCABS; c++)
        fill_cell(&answer->cells[answer->cell_count++], c, 64u << c % WIDTHS, vocabs[c / WIDTHS]);
    for (size_t c = 0; c < answer->cell_count; c++)
        for (int h = 0; h < HORIZONS; h++)
            add_basin(answer, c, 131072u << 2 * h);
    answer->nearest = 8;
    for (size_t i = 0; i < answer->basin_count; i++)
        if (answer->basins[i].cell == answer->nearest)
            answer->horizons[answer->horizon_count++] = answer->basins[i].horizon;
    answer->law = (struct law_answer){.beta = answer->cells[8].beta, .b = -3, .r2 = 0.99};
    beside(answer->law.beta_ci90, answer->law.beta, 0.15);
    for (int r = 0; r < RATIO_COUNT; r++)
        answer->ratios[r] = (struct ratio_answer){.value = 1, .optimum = NAN, .ci90 = {NAN, NAN}};
    add_exponent(answer, "lr", "width", 0, -0.71, -1);
    for (int v = 0; v < VOCABS; v++)
        add_exponent(answer, "embedding_lr_ratio", "width", vocabs[v], gamma_of(vocabs[v]), 0.75);
    fill_joint(&answer->joint);
    fill_confirm(&answer->confirms[answer->confirm_count++]);
    snprintf(answer->verdicts[answer->verdict_count++], ANSWER_TEXT,
             "the best embedding ratio grows as width^0.55 (0.36 .. 0.74) at vocabulary 4096: the "
             "large-vocabulary rule 1/2 lies within, muP's 1 does not");
    snprintf(answer->verdicts[answer->verdict_count++], ANSWER_TEXT,
             "from vocabulary 256 to 4096 the exponent falls by 0.31: toward 1/2, as Hayou and "
             "Liu say");
    snprintf(answer->steps[0].of, sizeof(answer->steps[0].of), "width");
    snprintf(answer->steps[0].how, sizeof(answer->steps[0].how),
             "from 256 to 512, LR ~ width^-0.71");
    answer->steps[0].factor = 0.61;
    around(answer->steps[0].ci90, 0.61, 1.2);
    answer->steps[0].measured = true;
    answer->step_count = 1;
    answer->cost = (struct answer_cost){135, 44236800, 8.4e13, 1803, 0.31, 0, 0, 0};
}

static void fill_text(char *text, size_t size)
{
    memset(text, 0, size);
    for (size_t i = 0; i + 1 < size; i++)
        text[i] = i % 9 == 8 ? ' ' : 'x';
}

void cells_answer_full(struct answer *answer)
{
    cells_answer(answer);
    const struct confirm_answer confirm = answer->confirms[0];
    answer->cell_count = ANSWER_CELLS;
    for (size_t c = 0; c < ANSWER_CELLS; c++) {
        struct cell_answer *cell = &answer->cells[c];
        fill_cell(cell, c, UINT32_MAX - (uint32_t)(c % 2), UINT32_MAX - (uint32_t)(c / 2 % 4));
        cell->n_layers = UINT32_MAX - (uint32_t)(c / 8 % 2);
        cell->batch_tokens = 999999999 + 500000000 * (uint32_t)(c / 16 % 2);
        cell->parametrization = (uint32_t)(c / 32);
        cell->lr = 1.26e-100;
        cell->ci90[0] = 1e-300;
        cell->ci90[1] = 1e300;
        cell->beta = cell->beta_ci90[0] = cell->beta_ci90[1] = -1.234;
        cell->ratio[RATIO_OUTPUT] = 1.0 / 1024;
        cell->ratio_ci90[RATIO_OUTPUT][0] = 1e-5;
        cell->ratio_ci90[RATIO_OUTPUT][1] = 4096;
        cell->trials = 999999;
        cell->params = UINT64_MAX;
    }
    answer->basin_count = 0;
    for (size_t i = 0; i < ANSWER_BASINS; i++)
        add_basin(answer, i / 4, 131072u << i % 4);
    while (answer->exponent_count < ANSWER_EXPONENTS)
        add_exponent(answer, "embedding_lr_ratio-----", "parametrization", UINT32_MAX, -123.456,
                     -1);
    for (answer->confirm_count = 0; answer->confirm_count < ANSWER_CONFIRMS;) {
        struct confirm_answer *last = &answer->confirms[answer->confirm_count++];
        *last = confirm;
        fill_text(last->text, sizeof(last->text));
    }
    for (answer->verdict_count = 0; answer->verdict_count < ANSWER_VERDICTS;)
        fill_text(answer->verdicts[answer->verdict_count++], ANSWER_TEXT);
    for (answer->step_count = 0; answer->step_count < ANSWER_STEPS; answer->step_count++) {
        answer->steps[answer->step_count] = answer->steps[0];
        fill_text(answer->steps[answer->step_count].how, ANSWER_TEXT);
    }
}

static void forget(double *numbers, size_t size)
{
    for (size_t i = 0; i < size / sizeof(*numbers); i++)
        numbers[i] = NAN;
}

void cells_answer_unknown(struct answer *answer)
{
    cells_answer(answer);
    answer->status = ANSWER_INTERRUPTED;
    snprintf(answer->reason, sizeof(answer->reason), "stopped in round 1");
    struct target_answer *target = &answer->target;
    target->lr = target->embedding_lr = target->loss_penalty = target->loss_penalty_if_wrong_2x =
        NAN;
    forget(target->ci90, sizeof(target->ci90));
    forget(target->ratio, sizeof(target->ratio));
    forget(&target->ratio_ci90[0][0], sizeof(target->ratio_ci90));
    answer->law = (struct law_answer){.beta = NAN, .b = NAN, .r2 = NAN, .prior_weight = NAN};
    for (size_t c = 0; c < answer->cell_count; c++) {
        struct cell_answer *cell = &answer->cells[c];
        cell->lr = cell->beta = cell->loss = NAN;
        cell->trials = 0;
        forget(cell->ci90, sizeof(cell->ci90));
        forget(cell->beta_ci90, sizeof(cell->beta_ci90));
        forget(cell->ratio, sizeof(cell->ratio));
        forget(&cell->ratio_ci90[0][0], sizeof(cell->ratio_ci90));
    }
    for (size_t i = 0; i < answer->basin_count + answer->horizon_count; i++) {
        bool basin = i < answer->basin_count;
        struct horizon_answer *horizon =
            basin ? &answer->basins[i].horizon : &answer->horizons[i - answer->basin_count];
        *horizon = (struct horizon_answer){.tokens = horizon->tokens,
                                           .lr_opt = NAN,
                                           .ci90 = {NAN, NAN},
                                           .curvature = NAN,
                                           .loss_min = NAN,
                                           .se_ln_lr = NAN};
    }
    for (size_t i = 0; i < answer->exponent_count; i++) {
        answer->exponents[i].value = answer->exponents[i].prior_weight = NAN;
        forget(answer->exponents[i].ci90, sizeof(answer->exponents[i].ci90));
    }
    struct joint_answer *joint = &answer->joint;
    joint->ln_c = joint->alpha = joint->beta = joint->r2 = NAN;
    forget(joint->alpha_ci90, sizeof(joint->alpha_ci90));
    forget(joint->beta_ci90, sizeof(joint->beta_ci90));
    joint->holdout.lr_predicted = joint->holdout.lr_measured = NAN;
    forget(joint->holdout.ci90, sizeof(joint->holdout.ci90));
    forget(joint->holdout.measured_ci90, sizeof(joint->holdout.measured_ci90));
    struct confirm_answer *confirm = &answer->confirms[0];
    forget(confirm->lr, sizeof(confirm->lr));
    forget(confirm->loss, sizeof(confirm->loss));
    forget(confirm->excess_predicted, sizeof(confirm->excess_predicted));
    answer->steps[0].factor = NAN;
    forget(answer->steps[0].ci90, sizeof(answer->steps[0].ci90));
    answer->cost.core_seconds = answer->cost.flops = answer->cost.target_run_fraction = NAN;
}

size_t cells_trials(const struct answer *answer, struct trial *trials, const struct trial **list)
{
    size_t count = 0;
    for (size_t i = 0; i < answer->basin_count; i++) {
        const struct horizon_answer *horizon = &answer->basins[i].horizon;
        for (int k = 0; k < CELLS_TRIALS_EACH; k++, count++) {
            struct trial *trial = &trials[count];
            double octaves = k - 3;
            *trial = (struct trial){.id = (uint32_t)count + 1, .cell = answer->basins[i].cell};
            trial->state = k == CELLS_TRIALS_EACH - 1 ? TRIAL_DIVERGED : TRIAL_DONE;
            trial->spec.horizon_tokens = horizon->tokens;
            trial->spec.lr = horizon->lr_opt * exp2(octaves);
            trial->spec.embedding_lr_ratio = k == 1 ? 16 : 4;
            trial->result.val_loss = horizon->loss_min + horizon->curvature * octaves * octaves +
                                     wobble(count, 0.006) + (k == 1 ? 0.05 : 0);
            list[count] = trial;
        }
    }
    return count;
}
