/* Single precision, vectors and blocks against double precision and plain loops: 200 steps on real
 * text, from the same weights, on the same batches. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "kernels/kernels.h"
#include "lrsearch/rng.h"
#include "naive_gpt.h"
#include "trainers/transformer/optimizer.h"

enum { CONTEXT = 64, SEQUENCES = 4, STEPS = 200, TEXT_MOST = 1 << 16 };

/* What the project's own documents hold, as bytes. */
static size_t read_text(unsigned char *text)
{
    static const char *const files[] = {"docs/search-model.md", "docs/kernels.md",
                                        "docs/trainers.md"};
    const char *source = getenv("LRSEARCH_SOURCE_DIR");
    size_t length = 0;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        char path[1024];
        snprintf(path, sizeof(path), "%s/%s", source ? source : ".", files[i]);
        FILE *file = fopen(path, "rb");
        if (!file)
            fail_msg("%s cannot be opened", path);
        length += fread(text + length, 1, TEXT_MOST - length, file);
        fclose(file);
    }
    return length;
}

static void take_batch(uint32_t *tokens, const unsigned char *text, size_t length, uint64_t step)
{
    for (size_t s = 0; s < SEQUENCES; s++) {
        size_t from = rng_below(7, RNG_SHUFFLE, step * SEQUENCES + s, length - CONTEXT);
        for (size_t t = 0; t <= CONTEXT; t++)
            tokens[s * (CONTEXT + 1) + t] = text[from + t];
    }
}

static void same_losses(void **state)
{
    (void)state;
    static unsigned char text[TEXT_MOST];
    size_t length = read_text(text);
    assert_true(length > 20000);
    const struct trial_spec spec = {.lr = 3e-3,
                                    .embedding_lr_ratio = 1,
                                    .output_lr_ratio = 1,
                                    .vector_lr_ratio = 1,
                                    .horizon_tokens = STEPS * SEQUENCES * CONTEXT,
                                    .batch_tokens = SEQUENCES * CONTEXT,
                                    .d_model = 32,
                                    .n_layers = 2,
                                    .n_heads = 2,
                                    .context = CONTEXT,
                                    .vocab = 256,
                                    .d_ff = 128,
                                    .base_head_size = 16,
                                    .base_layers = 2,
                                    .base_width = 32,
                                    .warmup = 0.1,
                                    .final_lr = 0.1,
                                    .weight_decay = 0.1,
                                    .beta1 = 0.9,
                                    .beta2 = 0.95,
                                    .adam_eps = 1e-8,
                                    .clip = 1};
    struct model *model;
    assert_int_equal(model_create(&model, &spec, NULL), 0);
    assert_true(model_micro_batch(model) >= SEQUENCES);
    model_init(model, 1);
    struct naive_gpt *naive = naive_gpt_create(model, &spec);
    double first = 0, last = 0, off = 0;
    for (uint64_t step = 1; step <= STEPS; step++) {
        uint32_t tokens[SEQUENCES * (CONTEXT + 1)];
        take_batch(tokens, text, length, step);
        double factor = schedule_factor(&spec, step);
        double wanted = naive_gpt_step(naive, tokens, factor, step);
        model_zero_grad(model);
        last = model_forward_backward(model, tokens, SEQUENCES, 1.0f / (float)spec.batch_tokens) /
               spec.batch_tokens;
        optimizer_step(model, &spec, factor, step);
        first = step == 1 ? last : first;
        off = fmax(off, fabs(last / wanted - 1));
    }
    print_message("loss %.4f -> %.4f, at most %.1e away from the naive trainer's\n", first, last,
                  off);
    assert_true(last < 0.6 * first); /* it has learned something */
    assert_true(off < 1e-3);
    naive_gpt_destroy(naive);
    model_destroy(model);
}

int main(void)
{
    kernels_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_losses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
