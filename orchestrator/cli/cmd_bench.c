/* lrsearch bench train: measures training speed for four model sizes on this machine, its share of
 * the core's peak, and where the time goes. Trains on random tokens from a temporary file, which is
 * read like a campaign's data. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "cli/progress_line.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "estimate/temp_data.h"
#include "kernels/kernels.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "report/summary.h"
#include "store/json_value.h"
#include "trainers/transformer/benchmark.h"
#include "trainers/transformer/choose_products.h"

#define SECONDS 4.0 /* of measured steps, for each size */
#define TOKEN_BATCHES 32

struct bench_options {
    uint32_t size; /* 1 + index in sizes, or SIZE_ALL; 0: the first DEFAULT_SIZES */
    uint32_t threads;
    uint32_t precision; /* 1 + enum precision, or 0: fp32 */
    uint32_t optimizer; /* 1 + enum optimizer, or 0: adamw */
    bool json;
};

static const struct size {
    const char *name;
    uint32_t d_model, n_layers, n_heads, context, vocab, sequences;
} sizes[] = {
    {"XS", 64, 2, 2, 128, 256, 16},
    {"S", 128, 4, 4, 256, 4096, 8},
    {"M", 256, 6, 8, 256, 8192, 8},
    {"L", 512, 8, 8, 512, 32768, 4},
};
#define SIZE_COUNT (sizeof(sizes) / sizeof(sizes[0]))
enum { DEFAULT_SIZES = 2, SIZE_ALL = SIZE_COUNT + 1 };

static const char *const part_names[PART_COUNT] = {[PART_LINEAR_FORWARD] = "linear_forward",
                                                   [PART_LINEAR_INPUT] = "linear_dx",
                                                   [PART_LINEAR_WEIGHT] = "linear_dw",
                                                   [PART_ATTENTION] = "attention",
                                                   [PART_HEAD] = "head_cross_entropy",
                                                   [PART_ELEMENTWISE] = "elementwise",
                                                   [PART_DATA] = "data"};

static const char *part_name(const struct trial_spec *spec, int part)
{
    return part == PART_OPTIMIZER ? optimizer_name(spec->optimizer) : part_names[part];
}

static struct trial_spec spec_of(const struct size *size, const struct bench_options *options)
{
    struct trial_spec spec;
    memset(&spec, 0, sizeof(spec));
    spec.seed = 1;
    spec.lr = 1e-3;
    spec.embedding_lr_ratio = spec.output_lr_ratio = spec.vector_lr_ratio = 1;
    spec.arch = ARCH_GPT;
    spec.d_model = spec.base_width = size->d_model;
    spec.n_layers = spec.base_layers = size->n_layers;
    spec.n_heads = size->n_heads;
    spec.base_head_size = size->d_model / size->n_heads;
    spec.d_ff = trial_default_d_ff(ARCH_GPT, size->d_model);
    spec.context = size->context;
    spec.vocab = size->vocab;
    spec.batch_tokens = size->sequences * size->context;
    spec.horizon_tokens = spec.batch_tokens;
    spec.weight_decay = 0.1;
    spec.beta1 = 0.9;
    spec.beta2 = 0.95;
    spec.adam_eps = 1e-8;
    spec.clip = 1;
    spec.precision = options->precision ? options->precision - 1 : PRECISION_FP32;
    spec.optimizer = options->optimizer ? options->optimizer - 1 : OPTIMIZER_ADAMW;
    spec.muon_lr_scale = MUON_UNIT_RMS;
    spec.muon_momentum = 0.95;
    spec.source = SOURCE_TOKENS;
    spec.val_tokens = size->context + 1;
    spec.repeat = 1;
    return spec;
}

static double peak_memory_mib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static void print_text(const struct size *size, const struct trial_spec *spec,
                       const struct benchmark *b)
{
    char rate[24], by[512];
    double flops = trial_flops_per_token(spec) * spec->batch_tokens, sum = 0;
    for (int p = 0; p < PART_COUNT; p++)
        sum += b->part_s[p];
    printf("%-2s %s %s %8s tokens/s  %6.1f GFLOP/s, %.2f (%.2f .. %.2f) of the %s peak %.1f; %zu "
           "steps "
           "of %.1f ms; model %.0f MiB, process %.0f MiB\n  ",
           size->name, precision_name(spec->precision), optimizer_name(spec->optimizer),
           format_count(rate, sizeof(rate), spec->batch_tokens / b->step_s[1]),
           flops / b->step_s[1] / 1e9, b->share[1], b->share[0], b->share[2],
           peak_names[b->peak_kind], b->peak_flops / 1e9, b->steps, b->step_s[1] * 1e3,
           (double)b->model_bytes / 1048576, peak_memory_mib());
    for (int p = 0; p < PART_COUNT; p++)
        printf(" %s %.1f %%", part_name(spec, p), 100 * b->part_s[p] / sum);
    printf("\n   products: %s\n", trial_products_text(spec->products, by, sizeof(by)));
    fflush(stdout);
}

static json_t *size_json(const struct size *size, const struct trial_spec *spec,
                         const struct benchmark *b, bool *ok)
{
    double flops = trial_flops_per_token(spec) * spec->batch_tokens;
    json_t *object = json_object(), *parts = json_object();
    for (int p = 0; p < PART_COUNT; p++)
        json_put(parts, part_name(spec, p), json_of_double(b->part_s[p]), ok);
    json_put(object, "size", json_of_text(size->name), ok);
    json_put(object, "parameters", json_of_count(trial_params(spec)), ok);
    json_put(object, "flops_per_step", json_of_double(flops), ok);
    json_put(object, "steps", json_of_count(b->steps), ok);
    json_put(object, "tokens_per_s", json_of_double(spec->batch_tokens / b->step_s[1]), ok);
    json_put(object, "flops_per_s", json_of_double(flops / b->step_s[1]), ok);
    json_put(object, "step_s", json_of_double(b->step_s[1]), ok);
    json_put(object, "step_s_q1", json_of_double(b->step_s[0]), ok);
    json_put(object, "step_s_q3", json_of_double(b->step_s[2]), ok);
    json_put(object, "precision", json_of_text(precision_name(spec->precision)), ok);
    json_put(object, "optimizer", json_of_text(optimizer_name(spec->optimizer)), ok);
    json_put(object, "instructions", json_of_text(peak_names[b->peak_kind]), ok);
    json_put(object, "peak_gflops", json_of_double(b->peak_flops / 1e9), ok);
    json_put(object, "fma_peak", json_of_double(b->peak_flops), ok); /* its first name */
    json_put(object, "share_of_peak", json_of_double(b->share[1]), ok);
    json_put(object, "share_q1", json_of_double(b->share[0]), ok);
    json_put(object, "share_q3", json_of_double(b->share[2]), ok);
    json_put(object, "part_s", parts, ok);
    json_put(object, "matmul", json_of_text(spec->products), ok);
    json_put(object, "model_bytes", json_of_count(b->model_bytes), ok);
    json_put(object, "process_peak_mib", json_of_double(peak_memory_mib()), ok);
    return object;
}

static int bench_size(const struct size *size, const struct bench_options *options, json_t *array,
                      bool *ok, struct lr_error *err)
{
    struct trial_spec spec = spec_of(size, options);
    struct benchmark result;
    char folder[TEMP_FOLDER], data_path[TRIAL_PATH];
    int rc = random_tokens_make(&spec, (uint64_t)TOKEN_BATCHES * spec.batch_tokens, data_path,
                                folder, err);
    if (rc)
        return rc;
    if ((rc = choose_products(spec.products, &spec, err)))
        goto out;
    if ((rc = benchmark_run(&result, &spec, data_path, (int)options->threads, SECONDS, err)))
        goto out;
    if (options->json)
        *ok &= json_array_append_new(array, size_json(size, &spec, &result, ok)) == 0;
    else
        print_text(size, &spec, &result);
out:
    temp_folder_remove(folder);
    return rc;
}

static bool is_wanted(const struct bench_options *options, size_t index)
{
    if (options->size == 0)
        return index < DEFAULT_SIZES;
    return options->size == SIZE_ALL || options->size == index + 1;
}

static int bench_all(const struct command_line *line, struct lr_error *err)
{
    const struct bench_options *options = line->options;
    bool ok = true;
    int rc = 0;
    struct progress_line progress;
    const char *blas = kernels_init(), *warning = openblas_warning();
    json_use_lr_memory();
    json_t *array = json_array();
    if (!options->json)
        printf("%s, %u thread%s\n", blas, options->threads, options->threads > 1 ? "s" : "");
    if (!options->json && warning)
        printf("OpenBLAS is not considered: %s\n", warning);
    progress_line_init(&progress, line->verbosity >= 0, false);
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        if (!is_wanted(options, i))
            continue;
        progress_line_stage(&progress, "measuring", (double)i / SIZE_COUNT);
        progress_line_clear(&progress);
        if ((rc = bench_size(&sizes[i], options, array, &ok, err)))
            break;
    }
    progress_line_release(&progress);
    if (rc || !options->json) {
        json_decref(array);
        return rc;
    }
    json_t *object = json_object();
    json_put(object, "schema_version", json_of_count(1), &ok);
    json_put(object, "blas", json_of_text(blas), &ok);
    json_put(object, "openblas_warning", warning ? json_of_text(warning) : json_null(), &ok);
    json_put(object, "threads", json_of_count(options->threads), &ok);
    json_put(object, "sizes", array, &ok);
    return json_print(object, ok, err);
}

static int run(const struct command_line *line)
{
    struct lr_error err = {0};
    int rc = bench_all(line, &err);
    return outcome_error(rc, &err);
}

static int check_options(const struct command_line *line, struct lr_error *err)
{
    if (line->operand_count == 1 && strcmp(line->operands[0], "train") == 0)
        return 0;
    return lr_fail(err, LR_EUSAGE, "bench: use lrsearch bench train");
}

static const struct option_row rows[] = {
    {"size", "XS|S|M|L|all", "model to measure; default XS and S", OPTION_AT(bench_options, size),
     .type = OPTION_CHOICE, .values = "XS S M L all"},
    {"threads", "N", "threads of one model; default 1", OPTION_AT(bench_options, threads),
     OPTION_TO_1000},
    {"precision", "fp32|bf16", "training.precision, of products; default fp32",
     OPTION_AT(bench_options, precision), .type = OPTION_CHOICE, .values = "fp32 bf16"},
    {"optimizer", "adamw|muon", "training.optimizer; default adamw",
     OPTION_AT(bench_options, optimizer), .type = OPTION_CHOICE, .values = "adamw muon"},
    OPTION_ROW_JSON(bench_options),
};

const struct command cmd_bench = {
    .name = "bench",
    .operand = "train",
    .help = "how fast this machine trains, and where the time goes",
    .operand_help = "the only benchmark",
    .examples = "lrsearch bench train --size all --threads 4",
    .kind = OPERAND_WORD,
    .least_most = {0, SIZE_MAX},
    COMMAND_ROWS(rows),
    .options = &(struct bench_options){.threads = 1},
    .check = check_options,
    .run = run,
};
