/* Tables of losses as people have them, what is wrong with those that cannot be used, and the
 * losses between their learning rates. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include "data/sweep_csv.h"
#include "lrsearch/memory.h"

static char folder[512], path[600];
static struct lr_error err;
static struct sweep sweep;

static int set_up(void **state)
{
    (void)state;
    int rc = temp_dir_make(folder, sizeof(folder));
    snprintf(path, sizeof(path), "%s/table.csv", folder);
    return rc;
}

static int tear_down(void **state)
{
    (void)state;
    sweep_release(&sweep);
    temp_dir_remove(folder);
    return 0;
}

static void write_text(const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static int read_columns(const char *text, const char *seed, const struct sweep_where *where,
                        size_t where_count)
{
    const struct sweep_request request = {.path = path,
                                          .lr = "lr",
                                          .tokens = "tokens",
                                          .loss = "loss",
                                          .seed = seed,
                                          .where = where,
                                          .where_count = where_count};
    write_text(text);
    sweep_release(&sweep);
    memset(&err, 0, sizeof(err));
    return sweep_read(&sweep, &request, &err);
}

static void reads(const char *text, const char *seed)
{
    if (read_columns(text, seed, NULL, 0))
        fail_msg("%s", err.text);
}

/* `message` stands in the error, after the path of the table. */
static void refuses(const char *text, const char *seed, const struct sweep_where *where,
                    size_t where_count, const char *message)
{
    assert_int_equal(read_columns(text, seed, where, where_count), LR_EDATA);
    assert_memory_equal(err.text, path, strlen(path));
    assert_string_equal(err.text + strlen(path), message);
    assert_null(sweep.rows);
}

static void check_row(size_t index, uint64_t tokens, double lr, double loss, uint32_t seed)
{
    assert_true(index < sweep.count);
    assert_int_equal(sweep.rows[index].tokens, tokens);
    assert_true(sweep.rows[index].lr == lr);
    assert_true(sweep.rows[index].loss == loss || (isnan(loss) && isnan(sweep.rows[index].loss)));
    assert_int_equal(sweep.rows[index].seed, seed);
}

static void tables_as_people_have_them(void **state)
{
    (void)state;
    reads("\xef\xbb\xbf\"loss\", lr ,note,tokens\r\n"
          "2.5,1e-3,\"a, \"\"quoted\"\"\r\ncell\",1e6\r\n"
          "\r\n"
          ",4e-3,,1000000\r\n"
          "nan,2e-3,,1000000.0\r\n"
          "inf,1e-3,,2000000\r\n"
          "NA,5e-4,,2e6\r\n"
          "1e400,2e-4,,2e6\r\n"
          "-Inf,1e-4,,2e6",
          NULL);
    assert_int_equal(sweep.count, 7);
    check_row(0, 1000000, 1e-3, 2.5, 0);
    check_row(1, 1000000, 2e-3, NAN, 0);
    check_row(2, 1000000, 4e-3, NAN, 0);
    check_row(3, 2000000, 1e-4, NAN, 0);
    check_row(4, 2000000, 2e-4, NAN, 0);
    check_row(5, 2000000, 5e-4, NAN, 0);
    check_row(6, 2000000, 1e-3, NAN, 0);

    double low, high;
    assert_int_equal(sweep_next_horizon(&sweep, 0), 1000000);
    assert_int_equal(sweep_next_horizon(&sweep, 1000000), 2000000);
    assert_int_equal(sweep_next_horizon(&sweep, 2000000), 0);
    assert_int_equal(sweep_range(&sweep, 1000000, &low, &high), 3);
    assert_true(low == 1e-3 && high == 4e-3);
    assert_int_equal(sweep_range(&sweep, 1500000, &low, &high), 0);
    assert_true(isnan(low) && isnan(high));
}

static const char batches[] = "tokens,lr,loss,batch,kind\n"
                              "100,1e-3,3.0,64,a\n"
                              "100,1e-3,4.0,128,a\n"
                              "100,1e-3,5.0,1.28e2,b\n"
                              "oops,oops,oops,256,a\n";

static void conditions_choose_rows(void **state)
{
    const struct sweep_where number = {"batch", "128.0"};
    const struct sweep_where both[] = {{"kind", "b"}, {"batch", "128"}};
    (void)state;
    assert_int_equal(read_columns(batches, NULL, &number, 1), 0);
    assert_int_equal(sweep.count, 2);
    check_row(0, 100, 1e-3, 4.0, 0);
    check_row(1, 100, 1e-3, 5.0, 1);
    assert_int_equal(read_columns(batches, NULL, both, 2), 0);
    assert_int_equal(sweep.count, 1);
    check_row(0, 100, 1e-3, 5.0, 0);
}

static void conditions_that_no_row_meets(void **state)
{
    const struct sweep_where batch = {"batch", "100"};
    const struct sweep_where both[] = {{"kind", "b"}, {"batch", "64"}};
    char text[512] = "tokens,lr,loss,batch\n";
    (void)state;
    refuses(batches, NULL, &batch, 1,
            ": no row is left where batch is 100; column batch has: 64, 128, 1.28e2, 256");
    refuses(batches, NULL, both, 2,
            ": no row is left where kind is b and batch is 64; column batch has: 1.28e2");
    for (int i = 1; i <= 14; i++)
        sprintf(text + strlen(text), "1,1,1,%d\n", i);
    refuses(text, NULL, &batch, 1,
            ": no row is left where batch is 100; column batch has: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "
            "11, 12, ...");
}

static const char settings[] = "tokens,lr,loss,optimizer,weight_decay,batch_tokens\n"
                               "100,1e-3,3.0,adamw,0.1,64\n"
                               "100,2e-3,3.1,muon,0.1,64\n"
                               "200,1e-3,3.0,muon,2e-1,128\n"
                               "200,1e-3,3.0,\"\",0.20,oops\n"
                               "300,1e-3,3.0,\"a, \"\"b\"\"\",0.1,1e3\n"
                               "300,2e-3,3.0,\"a, \"\"b\"\"\",nan,1e3\n"
                               "300,4e-3,3.0,\"a, \"\"b\"\"\",0.10,1e3\n";

static void one_optimizer_counts(void **state)
{
    struct sweep_where where = {"optimizer", "muon"};
    (void)state;
    refuses(settings, NULL, NULL, 0,
            ": column optimizer has several optimizers: adamw, muon, (empty), a, \"b\"; say by a "
            "condition (where) which of them counts");
    assert_int_equal(read_columns(settings, NULL, &where, 1), 0);
    assert_int_equal(sweep.count, 2);
    assert_string_equal(sweep.optimizer, "muon");
    assert_int_equal(sweep.batch_tokens[0], 64);
    assert_int_equal(sweep.batch_tokens[1], 128);
    assert_int_equal(sweep.mixed_tokens, 0); /* one decay at each horizon */
    where.value = "";
    assert_int_equal(read_columns(settings, NULL, &where, 1), 0);
    assert_string_equal(sweep.optimizer, "(empty)");
    assert_int_equal(sweep.batch_tokens[0], 0); /* it is no count, and nobody named the column */
    reads("tokens,lr,loss\n1,1,1\n", NULL);
    assert_string_equal(sweep.optimizer, "");
    assert_int_equal(sweep.batch_tokens[1], 0);

    char text[512] = "tokens,lr,loss,optimizer\n";
    for (int i = 1; i <= 14; i++)
        sprintf(text + strlen(text), "1,%d,1,o%d\n", i, i);
    refuses(text, NULL, NULL, 0,
            ": column optimizer has several optimizers: o1, o2, o3, o4, o5, o6, o7, o8, o9, o10, "
            "o11, o12, ...; say by a condition (where) which of them counts");
}

static void several_weight_decays_at_a_horizon(void **state)
{
    const struct sweep_where where[] = {{"optimizer", "a, \"b\""}, {"weight_decay", ".1"}};
    char text[2048] = "tokens,lr,loss,weight_decay\n";
    (void)state;
    assert_int_equal(read_columns(settings, NULL, where, 1), 0);
    assert_int_equal(sweep.mixed_tokens, 300);
    assert_string_equal(sweep.decays, "0.1, nan");
    assert_int_equal(read_columns(settings, NULL, where, 2), 0);
    assert_int_equal(sweep.count, 2);
    assert_int_equal(sweep.mixed_tokens, 0);
    assert_string_equal(sweep.decays, "");
    /* more than fit, each of them long */
    for (int i = 1; i <= 40; i++)
        sprintf(text + strlen(text), "1,%d,1,%d.123456789012345678901234567890\n", i, i);
    reads(text, NULL);
    assert_int_equal(sweep.mixed_tokens, 1);
    assert_int_equal(strlen(sweep.decays), SWEEP_VALUES - 1);
}

static void columns_of_settings_may_be_named(void **state)
{
    struct sweep_request request = {.path = path,
                                    .lr = "lr",
                                    .tokens = "tokens",
                                    .loss = "loss",
                                    .optimizer = "opt",
                                    .weight_decay = "wd",
                                    .batch_tokens = "bs"};
    static const char text[] = "opt,wd,bs,tokens,lr,loss,optimizer\nmuon,1,64,1,1,1,a\n"
                               "muon,2,64,1,2,1,b\n";
    static const char bad[] = "opt,wd,bs,tokens,lr,loss\nmuon,1,-64,1,1,1\n";
    static const char none[] = "tokens,lr,loss\n1,1,1\n";
    (void)state;
    sweep_release(&sweep);
    memset(&err, 0, sizeof(err));
    assert_int_equal(sweep_read_text(&sweep, &request, text, strlen(text), &err), 0);
    assert_string_equal(sweep.optimizer, "muon");
    assert_string_equal(sweep.decays, "1, 2");
    assert_int_equal(sweep.batch_tokens[1], 64);
    sweep_release(&sweep);
    assert_int_equal(sweep_read_text(&sweep, &request, bad, strlen(bad), &err), LR_EDATA);
    assert_string_equal(err.text + strlen(path),
                        ":2: column bs: '-64' is no batch: the tokens of a step");
    memset(&err, 0, sizeof(err));
    assert_int_equal(sweep_read_text(&sweep, &request, none, strlen(none), &err), LR_EDATA);
    assert_string_equal(err.text + strlen(path),
                        ":1: no column opt, wd, bs; there are: tokens, lr, loss");
}

static void seeds_in_their_order(void **state)
{
    double loss;
    static const char text[] = "seed,tokens,lr,loss\n"
                               "30,10,1,3\n"
                               "4,10,1,1\n"
                               "5,10,1,2\n"
                               "9,10,2,7\n";
    (void)state;
    reads(text, "seed");
    check_row(0, 10, 1, 1, 0);
    check_row(1, 10, 1, 2, 1);
    check_row(2, 10, 1, 3, 2);
    for (uint32_t seed = 0; seed < 7; seed++) {
        assert_int_equal(sweep_at(&sweep, 10, 1, seed, &loss), SWEEP_LOSS);
        assert_true(loss == 1 + seed % 3);
        assert_int_equal(sweep_at(&sweep, 10, 2, seed, &loss), SWEEP_LOSS);
        assert_true(loss == 7);
    }
    reads(text, NULL);
    check_row(0, 10, 1, 3, 0);
    check_row(1, 10, 1, 1, 1);
    check_row(2, 10, 1, 2, 2);
}

/* Programs write one learning rate in more than one way: .001 and .001 * (1 + 2^-52) are seeds. */
static void nearly_the_same_learning_rate(void **state)
{
    static const char text[] = "lr,tokens,loss,seed\n.0010000000000000002,1000,3,7\n"
                               ".001,1000,3.5,8\n.002,1000,2,7\n.004,1000,3,7\n";
    double loss;
    (void)state;
    reads(text, NULL);
    check_row(0, 1000, 1e-3, 3, 0);
    check_row(1, 1000, 1e-3, 3.5, 1);
    check_row(2, 1000, 2e-3, 2, 0);
    assert_int_equal(sweep_at(&sweep, 1000, 3e-3, 0, &loss), SWEEP_LOSS);
    assert_true(loss > 2 && loss < 3);
    reads(text, "seed");
    check_row(0, 1000, 1e-3, 3, 0);
    check_row(1, 1000, 1e-3, 3.5, 1);
    refuses("tokens,lr,loss,s\n1,.0010000000000000002,2,1\n1,3,2,1\n1,.001,4,1\n", "s", NULL, 0,
            ": lines 2 and 4 are of the same tokens, learning rate and seed: say by a condition "
            "(where) which of them counts");
}

static void bad_tables(void **state)
{
    (void)state;
    refuses("tokens,rate,val_loss\n1,2,3\n", NULL, NULL, 0,
            ":1: no column lr, loss; there are: tokens, rate, val_loss");
    refuses("tokens,lr,loss,lr\n1,2,3,4\n", NULL, NULL, 0, ":1: column lr stands there twice");
    refuses("tokens,lr,loss\n1,2,3\n\n1,2\n", NULL, NULL, 0,
            ":4: the row has 2 cells, the header 3");
    refuses("tokens,lr,loss,n\n1,2,3,\"a\nb\"\n1,nan,3,\n", NULL, NULL, 0,
            ":4: column lr: 'nan' is no learning rate: it must be a positive number");
    refuses("tokens,lr,loss\n1,-2,3\n", NULL, NULL, 0,
            ":2: column lr: '-2' is no learning rate: it must be a positive number");
    refuses("tokens,lr,loss\n1,inf,3\n", NULL, NULL, 0,
            ":2: column lr: 'inf' is no learning rate: it must be a positive number");
    refuses("tokens,lr,loss\n1.5,2,3\n", NULL, NULL, 0,
            ":2: column tokens: '1.5' is no number of tokens: it must be a positive count");
    refuses("tokens,lr,loss\n0,2,3\n", NULL, NULL, 0,
            ":2: column tokens: '0' is no number of tokens: it must be a positive count");
    refuses("tokens,lr,loss\n,2,3\n", NULL, NULL, 0,
            ":2: column tokens: '' is no number of tokens: it must be a positive count");
    refuses("tokens,lr,loss\n1,2,2.1x\n", NULL, NULL, 0,
            ":2: column loss: '2.1x' is no loss; leave it empty where the run diverged");
    refuses("tokens,lr,loss\n1,2,1e31\n", NULL, NULL, 0,
            ":2: column loss: '1e31' is no loss: none is beyond 1e30");
    refuses("tokens,lr,loss\n1,2,-2e30\n", NULL, NULL, 0,
            ":2: column loss: '-2e30' is no loss: none is beyond 1e30");
    refuses("tokens,lr,loss,s\n1,2,2,a\n", "s", NULL, 0, ":2: column s: 'a' is no number");
    refuses("tokens,lr,loss,s\n1,2,2,1\n1,3,2,1\n1,2,4,1\n", "s", NULL, 0,
            ": lines 2 and 4 are of the same tokens, learning rate and seed: say by a condition "
            "(where) which of them counts");
    refuses("tokens,lr,loss\n1,\"2,3\n", NULL, NULL, 0,
            ":2: a quote stands where none can, or is not closed (a quote within a quoted cell is "
            "written twice)");
    refuses("tokens,lr,loss\n1,2\"0,3\n", NULL, NULL, 0,
            ":2: a quote stands where none can, or is not closed (a quote within a quoted cell is "
            "written twice)");
    refuses("tokens,lr,loss\n", NULL, NULL, 0, ": has a header, but no rows");
    refuses("\n\n", NULL, NULL, 0, ": has no header");
    refuses("", NULL, NULL, 0, ": is empty");
    static const char nul[] = "tokens,lr,loss\n1,1e-3\0"
                              "999,3\n";
    const struct sweep_request request = {
        .path = path, .lr = "lr", .tokens = "tokens", .loss = "loss"};
    memset(&err, 0, sizeof(err));
    assert_int_equal(sweep_read_text(&sweep, &request, nul, sizeof(nul) - 1, &err), LR_EDATA);
    assert_string_equal(err.text + strlen(path),
                        ":2: a cell has a NUL byte; save the table as UTF-8, not UTF-16");
    assert_int_equal(unlink(path), 0);
    memset(&err, 0, sizeof(err));
    assert_int_equal(sweep_read(&sweep, &request, &err), LR_EDATA);
    assert_string_equal(err.text + strlen(path), ": No such file or directory");
}

/* An allocation that fails is an error and leaks nothing (libcsv tries its own with less). */
static void without_memory(void **state)
{
    const struct sweep_where where = {"kind", "a"};
    int failures = 0, rc = LR_ENOMEM;
    (void)state;
    for (long successes = 0; successes < 40; successes++) {
        lr_memory_fail_after(successes);
        rc = read_columns("tokens,lr,loss,kind,optimizer,weight_decay\n1,1,1,a,o,1\n2,1,1,a,o,2\n",
                          NULL, &where, 1);
        lr_memory_fail_after(-1);
        failures += rc == LR_ENOMEM;
        assert_true(rc == 0 || rc == LR_ENOMEM);
    }
    assert_int_equal(rc, 0);
    assert_true(failures > 5);
}

static void check_loss(double lr, double expected)
{
    double loss;
    assert_int_equal(sweep_at(&sweep, 1000, lr, 0, &loss), SWEEP_LOSS);
    if (!(fabs(loss - expected) <= 1e-12 * expected))
        fail_msg("at %g: %.17g, expected %.17g", lr, loss, expected);
}

static void check_found(uint64_t tokens, double lr, enum sweep_found expected)
{
    double loss;
    assert_int_equal(sweep_at(&sweep, tokens, lr, 0, &loss), expected);
    assert_true(isnan(loss));
}

/* A cubic by hand: knots 0, 1, 3, 4 (octaves), losses 4, 2, 3, 7, chords -2, .5, 4. */
static void between_learning_rates(void **state)
{
    (void)state;
    reads("lr,tokens,loss\n1,1000,4\n2,1000,2\n8,1000,3\n16,1000,7\n", NULL);
    check_loss(1, 4);
    check_loss(8 * (1 + 1e-10), 3);
    check_loss(1 * (1 - 1e-10), 4);
    /* slopes: at the left end ((2 + 2)(-2) - .5)/3 = -17/6; at 1: 0 (a minimum); at 3: chords .5
     * (width 2) and 4 (width 1): (4 + 5) / (4/.5 + 5/4) = 36/37; end ((2+2)4 - .5)/3 = 31/6 */
    check_loss(sqrt(2), (4 + 2) / 2. + (-17. / 6 - 0) / 8);
    check_loss(4, (2 + 3) / 2. + 2 * (0 - 36. / 37) / 8);
    check_loss(8 * sqrt(2), (3 + 7) / 2. + (36. / 37 - 31. / 6) / 8);
    check_found(1000, 1 - 1e-8, SWEEP_UNKNOWN);
    check_found(1000, 16 * (1 + 1e-8), SWEEP_UNKNOWN);
    check_found(1001, 2, SWEEP_UNKNOWN);
    check_found(1000, NAN, SWEEP_UNKNOWN);
    for (double lr = 2, last = 2, loss; lr <= 16; lr *= 1.01, last = loss) {
        assert_int_equal(sweep_at(&sweep, 1000, lr, 0, &loss), SWEEP_LOSS);
        assert_true(loss >= last);
    }
}

static void beside_diverged_runs(void **state)
{
    (void)state;
    reads("lr,tokens,loss\n1,1000,4\n2,1000,2\n4,1000,\n8,1000,3\n16,1000,\n32,1000,\n", NULL);
    check_loss(sqrt(2), 3); /* a run of two: the chord */
    check_loss(8, 3);       /* a run of one */
    check_found(1000, 3, SWEEP_DIVERGED);
    check_found(1000, 4, SWEEP_DIVERGED);
    check_found(1000, 6, SWEEP_DIVERGED);
    check_found(1000, 9, SWEEP_DIVERGED);
    check_found(1000, 20, SWEEP_DIVERGED);
    check_found(1000, 32, SWEEP_DIVERGED);
    check_found(1000, 33, SWEEP_UNKNOWN);
}

static void written_and_read_back(void **state)
{
    char written[TRIAL_PATH], again[TRIAL_PATH];
    uint64_t hash, hash_again;
    struct sweep copy;
    (void)state;
    reads("lr,tokens,loss\n.1,1e9,2.1\n.1,1e9,\n.3,1e9,3.3333333333333335\n.2,7,1\n", NULL);
    assert_int_equal(sweep_write(&sweep, folder, written, &hash, &err), 0);
    assert_int_equal(sweep_read_written(&copy, written, hash, &err), 0);
    assert_int_equal(copy.count, sweep.count);
    for (size_t i = 0; i < copy.count; i++)
        check_row(i, copy.rows[i].tokens, copy.rows[i].lr, copy.rows[i].loss, copy.rows[i].seed);
    assert_int_equal(sweep_write(&copy, folder, again, &hash_again, &err), 0);
    assert_string_equal(again, written);
    assert_int_equal(hash_again, hash);
    sweep_release(&copy);
    assert_int_equal(sweep_read_written(&copy, written, hash + 1, &err), LR_EDATA);
    assert_string_equal(err.text + strlen(written),
                        ": is not the table that the campaign began with");

    memset(&err, 0, sizeof(err));
    strcat(folder, "/none");
    assert_int_equal(sweep_write(&sweep, folder, written, &hash, &err), LR_ECREATE);
    folder[strlen(folder) - strlen("/none")] = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_as_people_have_them),
        cmocka_unit_test(conditions_choose_rows),
        cmocka_unit_test(conditions_that_no_row_meets),
        cmocka_unit_test(one_optimizer_counts),
        cmocka_unit_test(several_weight_decays_at_a_horizon),
        cmocka_unit_test(columns_of_settings_may_be_named),
        cmocka_unit_test(seeds_in_their_order),
        cmocka_unit_test(nearly_the_same_learning_rate),
        cmocka_unit_test(bad_tables),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(between_learning_rates),
        cmocka_unit_test(beside_diverged_runs),
        cmocka_unit_test(written_and_read_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
