/* The slices of a batch: a function of the spec alone that any group of ranks can share evenly. */
#include "cmocka_all.h"

#include "lrsearch/trial.h"

static struct trial_spec spec_of(uint32_t d_model, uint32_t context, uint32_t sequences)
{
    return (struct trial_spec){
        .d_model = d_model, .context = context, .batch_tokens = sequences * context};
}

static void slices_by_hand(void **state)
{
    (void)state;
    static const struct {
        uint32_t d_model, context, sequences, slices, micro_batch;
    } cases[] = {{64, 128, 1, 1, 1},     {64, 128, 4, 1, 4},     {64, 128, 8, 2, 4},
                 {256, 256, 8, 2, 4},    {256, 256, 32, 8, 4},   {256, 256, 12, 4, 3},
                 {256, 256, 128, 16, 4}, {256, 256, 100, 16, 4}, {256, 2048, 3, 2, 1},
                 {256, 2048, 5, 4, 1},   {256, 2048, 16, 16, 1}, {256, 2048, 37, 16, 1},
                 {256, 4096, 64, 16, 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct trial_spec spec = spec_of(cases[i].d_model, cases[i].context, cases[i].sequences);
        assert_int_equal(trial_slices(&spec), cases[i].slices);
        assert_int_equal(trial_micro_batch(&spec), cases[i].micro_batch);
    }
}

static void slices_cover_the_batch_evenly(void **state)
{
    (void)state;
    for (uint32_t context = 1; context <= 4096; context *= 8)
        for (uint32_t sequences = 1; sequences <= 300; sequences++) {
            struct trial_spec spec = spec_of(sequences % 2 ? 64 : 128, context, sequences);
            uint32_t slices = trial_slices(&spec), least = sequences / slices;
            assert_true(slices >= 1 && slices <= TRIAL_SLICES_MOST && !(slices & (slices - 1)));
            assert_int_equal(trial_slice_begin(&spec, 0), 0);
            assert_int_equal(trial_slice_begin(&spec, slices), sequences);
            assert_true(trial_micro_batch(&spec) >= 1);
            for (uint32_t i = 0; i < slices; i++) {
                uint32_t size = trial_slice_begin(&spec, i + 1) - trial_slice_begin(&spec, i);
                assert_true(size >= 1 && (size == least || size == least + 1));
            }
        }
}

static void other_trainers_have_one(void **state)
{
    (void)state;
    struct trial_spec spec = spec_of(256, 256, 64);
    spec.trainer = TRAINER_COMMAND;
    assert_int_equal(trial_slices(&spec), 1);
    spec = (struct trial_spec){.trainer = TRAINER_SIMULATE};
    assert_int_equal(trial_slices(&spec), 1);
    assert_int_equal(trial_micro_batch(&spec), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_by_hand),
        cmocka_unit_test(slices_cover_the_batch_evenly),
        cmocka_unit_test(other_trainers_have_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
