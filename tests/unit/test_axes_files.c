/* What a campaign with axes writes for other programs: its part of result.json, and cells.csv. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include "cells_answer.h"
#include "lrsearch/memory.h"
#include "store/result_json.h"
#include "store/run_dir.h"
#include "store/run_tables.h"

static char folder[256];
static struct answer answer;

static int set_up(void **state)
{
    (void)state;
    return temp_dir_make(folder, sizeof(folder));
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(folder);
    return 0;
}

static json_t *result(void)
{
    char *text = result_json("grid", &answer);
    assert_non_null(text);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    lr_free(text);
    return root;
}

/* Numbers are the same to the bit; what is not finite is null. */
static void assert_number(const json_t *object, const char *key, double expected)
{
    const json_t *value = json_object_get(object, key);
    assert_non_null(value);
    if (isfinite(expected) ? json_number_value(value) != expected : !json_is_null(value))
        fail_msg("%s is %.17g, not %.17g", key, json_number_value(value), expected);
}

static void assert_size(const json_t *object, const char *key, uint64_t expected)
{
    assert_number(object, key, expected ? (double)expected : NAN);
}

static void assert_interval(const json_t *object, const char *key, const double ends[2])
{
    const json_t *array = json_object_get(object, key);
    assert_int_equal(json_array_size(array), 2);
    for (size_t i = 0; i < 2; i++)
        if (isfinite(ends[i]))
            assert_true(json_real_value(json_array_get(array, i)) == ends[i]);
        else
            assert_true(json_is_null(json_array_get(array, i)));
}

static void assert_text(const json_t *object, const char *key, const char *expected)
{
    assert_string_equal(json_string_value(json_object_get(object, key)), expected);
}

static void assert_truth(const json_t *object, const char *key, bool expected)
{
    assert_true(json_is_boolean(json_object_get(object, key)));
    assert_int_equal(json_is_true(json_object_get(object, key)), expected);
}

static void assert_ratio(const json_t *object, const char *key, double value, const double ends[2])
{
    const json_t *ratio = json_object_get(object, key);
    assert_int_equal(json_object_size(ratio), 2);
    assert_number(ratio, "value", value);
    assert_interval(ratio, "ci90", ends);
}

static void check_cells(const json_t *root)
{
    const json_t *cells = json_object_get(root, "cells");
    assert_int_equal(json_array_size(cells), answer.cell_count);
    for (size_t c = 0; c < answer.cell_count; c++) {
        const struct cell_answer *cell = &answer.cells[c];
        const json_t *part = json_array_get(cells, c);
        assert_int_equal(json_object_size(part), 18);
        assert_size(part, "width", cell->d_model);
        assert_size(part, "n_layers", cell->n_layers);
        assert_size(part, "vocab", cell->vocab);
        assert_size(part, "batch_tokens", cell->batch_tokens);
        assert_text(part, "parametrization", parametrization_name(cell->parametrization));
        assert_size(part, "params", cell->params);
        assert_number(part, "lr", cell->lr);
        assert_interval(part, "ci90", cell->ci90);
        assert_number(part, "beta", cell->beta);
        assert_interval(part, "beta_ci90", cell->beta_ci90);
        assert_ratio(part, "embedding_lr_ratio", cell->ratio[0], cell->ratio_ci90[0]);
        assert_ratio(part, "output_lr_ratio", cell->ratio[1], cell->ratio_ci90[1]);
        assert_ratio(part, "vector_lr_ratio", cell->ratio[2], cell->ratio_ci90[2]);
        assert_ratio(part, "best_weight_decay", cell->ratio[3], cell->ratio_ci90[3]);
        assert_number(part, "weight_decay", cell->weight_decay);
        assert_number(part, "embedding_lr_exponent", cell->embedding_lr_exponent);
        assert_number(part, "loss", cell->loss);
        assert_number(part, "trials", cell->trials);
    }
}

static void check_basins(const json_t *root)
{
    const json_t *basins = json_object_get(root, "basins");
    assert_int_equal(json_array_size(basins), answer.basin_count);
    for (size_t i = 0; i < answer.basin_count; i++) {
        const struct horizon_answer *horizon = &answer.basins[i].horizon;
        const json_t *part = json_array_get(basins, i);
        assert_int_equal(json_object_size(part), 13);
        assert_number(part, "cell", answer.basins[i].cell);
        assert_number(part, "tokens", (double)horizon->tokens);
        assert_number(part, "lr_opt", horizon->lr_opt);
        assert_interval(part, "ci90", horizon->ci90);
        assert_number(part, "curvature", horizon->curvature);
        assert_number(part, "loss_min", horizon->loss_min);
        assert_number(part, "trials", horizon->trials);
        assert_number(part, "diverged", horizon->diverged);
        assert_truth(part, "at_edge", horizon->at_edge);
        assert_truth(part, "flat", horizon->flat);
        assert_number(json_object_get(part, "lowest_seen"), "lr", horizon->lowest_lr);
        assert_number(json_object_get(part, "lowest_seen"), "loss", horizon->lowest_loss);
        assert_truth(part, "interpolated", horizon->interpolated);
        assert_truth(part, "bracketed", horizon->bracketed);
    }
}

static void check_laws(const json_t *root)
{
    const json_t *exponents = json_object_get(root, "exponents"),
                 *part = json_object_get(root, "joint");
    assert_int_equal(json_array_size(exponents), answer.exponent_count);
    assert_int_equal(json_object_size(part), 8);
    assert_text(part, "parametrization", parametrization_name(answer.joint.parametrization));
    assert_number(part, "ln_c", answer.joint.ln_c);
    assert_number(part, "alpha", answer.joint.alpha);
    assert_interval(part, "alpha_ci90", answer.joint.alpha_ci90);
    assert_number(part, "beta", answer.joint.beta);
    assert_interval(part, "beta_ci90", answer.joint.beta_ci90);
    assert_number(part, "r2", answer.joint.r2);
    part = json_object_get(part, "holdout");
    assert_int_equal(json_object_size(part), 6);
    assert_number(part, "cell", answer.joint.holdout.cell);
    assert_number(part, "tokens", (double)answer.joint.holdout.tokens);
    assert_number(part, "lr_predicted", answer.joint.holdout.lr_predicted);
    assert_interval(part, "ci90", answer.joint.holdout.ci90);
    assert_number(part, "lr_measured", answer.joint.holdout.lr_measured);
    assert_interval(part, "measured_ci90", answer.joint.holdout.measured_ci90);
    for (size_t i = 0; i < answer.exponent_count; i++) {
        const struct exponent_answer *exponent = &answer.exponents[i];
        part = json_array_get(exponents, i);
        assert_int_equal(json_object_size(part), 9);
        assert_number(part, "embedding_lr_exponent", exponent->embedding_lr_exponent);
        assert_text(part, "of", exponent->of);
        assert_text(part, "axis", exponent->axis);
        assert_text(part, "parametrization", parametrization_name(exponent->parametrization));
        assert_size(part, "vocab", exponent->vocab);
        assert_number(part, "value", exponent->value);
        assert_interval(part, "ci90", exponent->ci90);
        assert_number(part, "expected", exponent->expected);
        assert_number(part, "prior_weight", exponent->prior_weight);
    }
}

static void check_confirms(const json_t *root)
{
    const json_t *confirms = json_object_get(root, "confirm");
    assert_int_equal(json_array_size(confirms), answer.confirm_count);
    for (size_t i = 0; i < answer.confirm_count; i++) {
        const struct confirm_answer *confirm = &answer.confirms[i];
        const json_t *part = json_array_get(confirms, i);
        assert_int_equal(json_object_size(part), 7);
        assert_size(part, "width", confirm->d_model);
        assert_size(part, "n_layers", confirm->n_layers);
        assert_size(part, "vocab", confirm->vocab);
        assert_text(part, "parametrization", parametrization_name(confirm->parametrization));
        assert_number(part, "tokens", (double)confirm->tokens);
        assert_text(part, "text", confirm->text);
        part = json_object_get(part, "trainings");
        assert_int_equal(json_array_size(part), 3);
        for (size_t k = 0; k < 3; k++) {
            const json_t *training = json_array_get(part, k);
            assert_int_equal(json_object_size(training), 4);
            assert_number(training, "lr", confirm->lr[k]);
            assert_number(training, "loss", confirm->loss[k]);
            assert_truth(training, "diverged", confirm->diverged[k]);
            assert_number(training, "excess_predicted", confirm->excess_predicted[k]);
        }
    }
}

static void check_steps(const json_t *root)
{
    const json_t *steps = json_object_get(root, "transfer");
    assert_int_equal(json_array_size(steps), answer.step_count);
    for (size_t i = 0; i < answer.step_count; i++) {
        const json_t *part = json_array_get(steps, i);
        assert_int_equal(json_object_size(part), 5);
        assert_text(part, "of", answer.steps[i].of);
        assert_text(part, "how", answer.steps[i].how);
        assert_number(part, "factor", answer.steps[i].factor);
        assert_interval(part, "ci90", answer.steps[i].ci90);
        assert_truth(part, "measured", answer.steps[i].measured);
    }
}

static void check_all(void)
{
    json_t *root = result();
    const json_t *target = json_object_get(root, "target"),
                 *verdicts = json_object_get(root, "verdicts");
    assert_size(target, "n_layers", answer.target.n_layers);
    assert_size(target, "batch_tokens", answer.target.batch_tokens);
    assert_text(target, "schedule", schedule_name(answer.target.schedule));
    assert_text(target, "parametrization", parametrization_name(answer.target.parametrization));
    assert_ratio(target, "embedding_lr_ratio", answer.target.ratio[0], answer.target.ratio_ci90[0]);
    assert_ratio(target, "output_lr_ratio", answer.target.ratio[1], answer.target.ratio_ci90[1]);
    assert_ratio(target, "vector_lr_ratio", answer.target.ratio[2], answer.target.ratio_ci90[2]);
    assert_number(target, "weight_decay", answer.target.weight_decay);
    check_cells(root);
    assert_number(root, "nearest_cell", answer.nearest);
    check_basins(root);
    check_laws(root);
    check_confirms(root);
    check_steps(root);
    assert_int_equal(json_array_size(verdicts), answer.verdict_count);
    for (size_t i = 0; i < answer.verdict_count; i++)
        assert_string_equal(json_string_value(json_array_get(verdicts, i)), answer.verdicts[i]);
    json_decref(root);
}

static void as_answered(void **state)
{
    (void)state;
    cells_answer(&answer);
    answer.target.parametrization = PARAM_LVP;
    answer.target.schedule = SCHEDULE_WSD;
    answer.cells[3].parametrization = answer.joint.parametrization = PARAM_MUP;
    answer.basins[2].horizon.at_edge = answer.basins[3].horizon.flat = true;
    answer.steps[0].measured = false;
    answer.target.weight_decay = answer.cells[2].weight_decay = 0.05;
    answer.cells[3].embedding_lr_exponent = answer.exponents[1].embedding_lr_exponent = 0.5;
    answer.cells[4].ratio[RATIO_DECAY] = 0.07;
    check_all();
}

static void everything_full(void **state)
{
    (void)state;
    cells_answer_full(&answer);
    check_all();
}

static void nothing_known(void **state)
{
    (void)state;
    cells_answer_unknown(&answer);
    answer.cells[4] = (struct cell_answer){.lr = NAN,
                                           .ci90 = {NAN, INFINITY},
                                           .beta = NAN,
                                           .beta_ci90 = {NAN, NAN},
                                           .ratio = {NAN, -INFINITY},
                                           .ratio_ci90 = {{NAN, NAN}, {NAN, NAN}},
                                           .loss = NAN};
    check_all();
}

/* ---- cells.csv ---- */

static const char header[] = "cell,width,n_layers,vocab,batch_tokens,parametrization,params,tokens,"
                             "lr_opt,ci90_low,ci90_high,loss_min,curvature,trials,diverged,at_edge,"
                             "flat,lowest_lr,lowest_loss,interpolated,bracketed,"
                             "weight_decay,embedding_lr_exponent\n";

static char *csv(void)
{
    char *text = NULL;
    struct lr_error err = {0};
    if (cells_csv_write(folder, &answer, &err) || run_dir_read(folder, "cells.csv", &text, &err))
        fail_msg("%s", err.text);
    return text;
}

static void rows(void **state)
{
    (void)state;
    cells_answer(&answer);
    struct horizon_answer *horizon = &answer.basins[0].horizon;
    *horizon = (struct horizon_answer){131072, 0.1,   {0.05, NAN}, 0.04, 2.5, 0.1,   7,   2,
                                       true,   false, NAN,         0.09, 2.6, false, true};
    answer.basin_count = 3;
    answer.basins[1] = (struct basin_answer){.cell = 4, .horizon = *horizon};
    answer.basins[1].horizon.at_edge = false;
    answer.basins[1].horizon.flat = true;
    answer.basins[2].cell = 9; /* there is no such cell */
    answer.cells[4] = (struct cell_answer){
        .parametrization = PARAM_MUP, .weight_decay = 0.05, .embedding_lr_exponent = 0.5};
    char *text = csv();
    assert_memory_equal(text, header, strlen(header));
    assert_string_equal(
        text + strlen(header),
        "0,64,2,256,2048,sp,98304,131072,0.1,0.05,nan,2.5,0.04,7,2,1,0,0.09,2.6,0,1,nan,nan\n"
        "4,,,,,mup,,131072,0.1,0.05,nan,2.5,0.04,7,2,0,1,0.09,2.6,0,1,0.05,0.5\n");
    lr_free(text);
}

static void all_rows(void **state)
{
    (void)state;
    size_t lines = 0;
    cells_answer_full(&answer);
    char *text = csv();
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 1 + ANSWER_BASINS);
    lr_free(text);
}

/* The keys are there, in their order, behind those that there always were. */
static void no_axes(void **state)
{
    (void)state;
    static const char *const keys[] = {"\"loss_penalty_if_wrong_2x\"",
                                       "\"n_layers\": null",
                                       "\"batch_tokens\": null",
                                       "\"schedule\": null",
                                       "\"parametrization\": null",
                                       "\"embedding_lr_ratio\": null",
                                       "\"output_lr_ratio\": null",
                                       "\"vector_lr_ratio\": null",
                                       "\"weight_decay\": 0",
                                       "\"keep_lr\"",
                                       "\"warnings\": []",
                                       "\"cells\": []",
                                       "\"nearest_cell\": null",
                                       "\"basins\": []",
                                       "\"exponents\": []",
                                       "\"joint\": null",
                                       "\"transfer\": []",
                                       "\"confirm\": []",
                                       "\"verdicts\": []",
                                       "\"confidence\": {",
                                       "\"stopped\": null",
                                       "\"advice\": null"};
    answer = (struct answer){.status = ANSWER_INTERRUPTED};
    assert_null(csv());
    char *text = result_json("n", &answer), *at = text;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        at = strstr(at, keys[i]);
        if (!at)
            fail_msg("%s is missing or out of order in %s", keys[i], text);
    }
    lr_free(text);
}

static int write_csv(struct lr_error *err)
{
    return cells_csv_write(folder, &answer, err);
}

static int write_json(struct lr_error *err)
{
    return result_json_write(folder, "grid", &answer, err);
}

static void without_memory(void **state)
{
    (void)state;
    static int (*const calls[])(struct lr_error * err) = {write_csv, write_json};
    cells_answer(&answer);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        long n = 0;
        for (int rc = -1; rc; n++) {
            struct lr_error err = {0};
            lr_memory_fail_after(n);
            rc = calls[i](&err);
            lr_memory_fail_after(-1);
            if (rc && (rc != LR_ENOMEM || !strstr(err.text, "out of memory")))
                fail_msg("call %zu, allocation %ld: %s", i, n, err.text);
        }
        assert_true(n > 1);
    }
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_answered),
        cmocka_unit_test(everything_full),
        cmocka_unit_test(nothing_known),
        IN_FOLDER(rows),
        IN_FOLDER(all_rows),
        IN_FOLDER(no_axes),
        IN_FOLDER(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
