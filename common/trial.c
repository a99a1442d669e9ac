/* Trials: names, field tables, the choice of matrix products, comparison and hash, sizes. */
#include "lrsearch/trial.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define NAME_FUNCTION(function, MAP)                                                               \
    const char *function(uint32_t value)                                                           \
    {                                                                                              \
        switch (value) {                                                                           \
            MAP(NAME_CASE)                                                                         \
        default:                                                                                   \
            return "?";                                                                            \
        }                                                                                          \
    }
#define NAME_CASE(enumerator, number, name)                                                        \
    case number:                                                                                   \
        return name;

NAME_FUNCTION(trainer_name, TRAINER_MAP)
NAME_FUNCTION(arch_name, ARCH_MAP)
NAME_FUNCTION(parametrization_name, PARAMETRIZATION_MAP)
NAME_FUNCTION(depth_rule_name, DEPTH_MAP)
NAME_FUNCTION(schedule_name, SCHEDULE_MAP)
NAME_FUNCTION(cooldown_name, COOLDOWN_MAP)
NAME_FUNCTION(optimizer_name, OPTIMIZER_MAP)
NAME_FUNCTION(muon_scale_name, MUON_SCALE_MAP)
NAME_FUNCTION(decay_rule_name, DECAY_RULE_MAP)
NAME_FUNCTION(precision_name, PRECISION_MAP)
NAME_FUNCTION(source_name, SOURCE_MAP)
NAME_FUNCTION(token_format_name, TOKEN_FORMAT_MAP)
NAME_FUNCTION(outcome_name, OUTCOME_MAP)

#define FIELD_OWNER simulate_spec
FIELD_TABLE_DEFINE(simulate_spec, SIMULATE_SPEC_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER trial_spec
FIELD_TABLE_DEFINE(trial_spec, TRIAL_SPEC_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER trial_place
FIELD_TABLE_DEFINE(trial_place, TRIAL_PLACE_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER trial_result
FIELD_TABLE_DEFINE(trial_result, TRIAL_RESULT_FIELDS)
#undef FIELD_OWNER

#define ROW(letter, name) {letter, name},
static const struct {
    char letter;
    const char *name;
} libraries[] = {MATMUL_MAP(ROW)};
enum { LIBRARIES = sizeof(libraries) / sizeof(libraries[0]), LETTERS = TRIAL_PRODUCTS - 1 };

static const char *const linears[LINEAR_COUNT] = {"attn.qkv", "attn.proj", "mlp.fc", "mlp.proj",
                                                  "output"};
static const char *const kinds[PRODUCT_COUNT] = {"forward", "d_in", "d_weight"};

_Static_assert(LETTERS == LINEAR_COUNT * PRODUCT_COUNT, "a letter for each product");

static const char *name_of(char letter)
{
    for (size_t i = 0; i < LIBRARIES; i++)
        if (libraries[i].letter == letter)
            return libraries[i].name;
    return NULL;
}

bool trial_products(char out[TRIAL_PRODUCTS], const char *text)
{
    memset(out, 0, TRIAL_PRODUCTS);
    for (size_t i = 0; i < LIBRARIES; i++)
        if (strcmp(text, libraries[i].name) == 0) {
            memset(out, libraries[i].letter, LETTERS);
            return true;
        }
    if (strlen(text) != LETTERS)
        return false;
    for (size_t i = 0; i < LETTERS; i++)
        if (!name_of(text[i]))
            return false;
    memcpy(out, text, LETTERS);
    return true;
}

bool trial_products_suit(const char products[TRIAL_PRODUCTS], uint32_t precision)
{
    static const char bf16[] = "hx";
    size_t count = strlen(products);
    if (precision == PRECISION_BF16) /* all the same, since attention uses it too */
        return strcspn(products, bf16) == 0 &&
               strspn(products, (char[]){products[0], '\0'}) == count;
    return strcspn(products, bf16) == count;
}

const char *trial_products_text(const char products[TRIAL_PRODUCTS], char *out, size_t capacity)
{
    size_t length = 0, own = 0;
    for (size_t i = 0; i < LETTERS; i++)
        own += products[0] == '\0' || products[i] == libraries[0].letter;
    if (own == LETTERS || strspn(products, (char[]){products[0], '\0'}) == LETTERS) {
        snprintf(out, capacity, "%s", own ? libraries[0].name : name_of(products[0]));
        return out;
    }
    snprintf(out, capacity, "%s", libraries[0].name);
    for (size_t library = 1; library < LIBRARIES; library++) {
        const char *before = "; ";
        for (size_t i = 0; i < LETTERS; i++) {
            if (products[i] != libraries[library].letter)
                continue;
            length = strlen(out);
            snprintf(out + length, capacity - length, "%s%s%s%s %s", before,
                     *before == ';' ? libraries[library].name : "", *before == ';' ? ": " : "",
                     linears[i / PRODUCT_COUNT], kinds[i % PRODUCT_COUNT]);
            before = ", ";
        }
    }
    return out;
}

static bool fields_same(const struct field_table *table, const void *a, const void *b)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        const char *left = (const char *)a + field->offset;
        const char *right = (const char *)b + field->offset;
        bool same = field->type == FIELD_TEXT     ? strcmp(left, right) == 0
                    : field->type == FIELD_STRUCT ? fields_same(field->sub, left, right)
                                                  : memcmp(left, right, field->size) == 0;
        if (!same)
            return false;
    }
    return true;
}

static uint64_t fields_hash(const struct field_table *table, const void *owner, uint64_t hash)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        const char *member = (const char *)owner + field->offset;
        if (field->type == FIELD_STRUCT)
            hash = fields_hash(field->sub, member, hash);
        else
            hash = XXH3_64bits_withSeed(
                member, field->type == FIELD_TEXT ? strlen(member) : field->size, hash);
    }
    return hash;
}

bool trial_same(const struct trial_spec *a, const struct trial_spec *b)
{
    return fields_same(&trial_spec_fields, a, b);
}

uint64_t trial_hash(const struct trial_spec *spec)
{
    return fields_hash(&trial_spec_fields, spec, 0);
}

uint32_t trial_default_d_ff(uint32_t arch, uint32_t d_model)
{
    uint64_t wide = 4 * (uint64_t)d_model;
    if (arch == ARCH_LLAMA)
        wide = (8 * (uint64_t)d_model + 23) / 24 * 8;
    return wide > UINT32_MAX ? UINT32_MAX : (uint32_t)wide;
}

double trial_default_zipf(uint32_t vocab)
{
    static const double measured[][2] = {
        {2e3, .83}, {4e3, .89}, {1e4, .95}, {3.2e4, 1.01}, {9.6e4, 1.07}};
    enum { COUNT = sizeof(measured) / sizeof(*measured) };
    size_t i = 0; /* linear in log V between points, extrapolated at both ends */
    while (i + 2 < COUNT && vocab > measured[i + 1][0])
        i++;
    const double *low = measured[i], *high = measured[i + 1];
    double exponent = low[1] + (high[1] - low[1]) * log(vocab / low[0]) / log(high[0] / low[0]);
    return exponent < .5 ? .5 : round(exponent * 1000) / 1000;
}

double trial_default_final_lr(uint32_t schedule)
{
    return schedule == SCHEDULE_COSINE ? 0.1 : 0;
}

double trial_hidden_exponent(const struct trial_spec *spec)
{
    if (spec->optimizer != OPTIMIZER_MUON)
        return -1;
    return spec->muon_lr_scale == MUON_MATCH_RMS ? -0.5 : 0;
}

double trial_embedding_exponent(const struct trial_spec *spec)
{
    double hidden = trial_hidden_exponent(spec);
    switch (spec->parametrization) {
    case PARAM_MUP:
        return -hidden;
    case PARAM_LVP:
        return -0.5 - hidden;
    default:
        return 0;
    }
}

bool trial_set_width(struct trial_spec *spec, uint32_t d_model, bool heads_grow)
{
    uint32_t heads = spec->n_heads;
    if (d_model == spec->d_model)
        return true;
    if (d_model == 0 || spec->d_model == 0 || heads == 0)
        return false;
    if (heads_grow) { /* in proportion to the width */
        if ((uint64_t)heads * d_model % spec->d_model != 0)
            return false;
        heads = (uint32_t)((uint64_t)heads * d_model / spec->d_model);
    }
    if (heads == 0 || d_model % heads != 0)
        return false;
    if (spec->d_ff == trial_default_d_ff(spec->arch, spec->d_model))
        spec->d_ff = trial_default_d_ff(spec->arch, d_model);
    else
        spec->d_ff = (uint32_t)((uint64_t)spec->d_ff * d_model / spec->d_model);
    spec->d_model = d_model;
    spec->n_heads = heads;
    return true;
}

/* Matrices of one block: qkv, projection, and the MLP's two (llama: three). */
static uint64_t block_weights(const struct trial_spec *spec)
{
    uint64_t d = spec->d_model, f = spec->d_ff;
    return 4 * d * d + (spec->arch == ARCH_LLAMA ? 3 : 2) * d * f;
}

/* Besides the matrices: norms (gpt with biases), gpt's biases of qkv, projections and MLP, gains of
 * qk_norm. */
uint64_t trial_params_hidden(const struct trial_spec *spec)
{
    uint64_t d = spec->d_model, f = spec->d_ff;
    bool gpt = spec->arch == ARCH_GPT;
    uint64_t vectors = gpt ? 4 * d + 3 * d + d + f + d : 2 * d;
    if (spec->qk_norm && spec->n_heads)
        vectors += 2 * d / spec->n_heads;
    return spec->n_layers * (block_weights(spec) + vectors) + (gpt ? 2 * d : d);
}

/* Adds the token embedding, gpt's positions, and the output matrix unless tied. */
uint64_t trial_params(const struct trial_spec *spec)
{
    uint64_t rows = (uint64_t)spec->vocab * (spec->tied_output ? 1 : 2);
    if (spec->arch == ARCH_GPT)
        rows += spec->context;
    return trial_params_hidden(spec) + rows * spec->d_model;
}

/* Muon's five steps X <- (a I + b X X^T + c (X X^T)^2) X on one matrix, m <= n: each costs
 * 4 m^2 n + 2 m^3. */
static double newton_schulz_flops(double rows, double cols)
{
    double m = fmin(rows, cols), n = fmax(rows, cols);
    return 5 * (4 * m * m * n + 2 * m * m * m);
}

/* Muon's part is spent once a step. It counts as the formula has it, as all products do, although
 * the transformer trainer needs half of that (kernels/muon.c). */
double trial_flops_per_token(const struct trial_spec *spec)
{
    double d = spec->d_model, layers = spec->n_layers, context = spec->context, vocab = spec->vocab;
    double flops =
        6 * layers * (double)block_weights(spec) + 12 * layers * d * context + 6 * d * vocab;
    if (spec->optimizer == OPTIMIZER_MUON && spec->batch_tokens > 0)
        flops += layers *
                 (4 * newton_schulz_flops(d, d) +
                  (spec->arch == ARCH_LLAMA ? 3 : 2) * newton_schulz_flops(d, spec->d_ff)) /
                 spec->batch_tokens;
    return flops;
}

uint64_t trial_steps(const struct trial_spec *spec)
{
    if (spec->batch_tokens == 0)
        return 0;
    return (spec->horizon_tokens + spec->batch_tokens - 1) / spec->batch_tokens;
}

uint64_t trial_stable_steps(const struct trial_spec *spec)
{
    double steps = (double)trial_steps(spec);
    return (uint64_t)(steps - floor(spec->cooldown * steps));
}

uint64_t trial_wsd_prefix_tokens(const struct trial_spec *spec)
{
    uint64_t steps = trial_steps(spec), stable = trial_stable_steps(spec);
    /* the reported training loss is of the last twentieth, which must lie after the prefix */
    bool fits =
        stable * spec->batch_tokens > spec->warmup_tokens && stable + steps / 20 + 1 <= steps;
    return spec->schedule == SCHEDULE_WSD && spec->warmup_tokens > 0 && fits
               ? stable * spec->batch_tokens
               : 0;
}

/* ---- slices ---- */

/* Target rows of a micro-batch: more rows pack the weights less often; fewer keep more activations
 * in the cache, which matters for narrow models. Memory grows with the rows. Measured. */
enum { MICRO_ROWS_NARROW = 512, MICRO_ROWS_WIDE = 1024, NARROW = 64 };

static uint32_t sequences_of(const struct trial_spec *spec)
{
    bool trains = spec->trainer == TRAINER_TRANSFORMER && spec->context > 0;
    return trains && spec->batch_tokens > spec->context ? spec->batch_tokens / spec->context : 1;
}

static uint32_t wanted_micro_batch(const struct trial_spec *spec)
{
    uint32_t rows = spec->d_model <= NARROW ? MICRO_ROWS_NARROW : MICRO_ROWS_WIDE;
    return spec->context > 0 && rows > spec->context ? rows / spec->context : 1;
}

uint32_t trial_slices(const struct trial_spec *spec)
{
    uint32_t sequences = sequences_of(spec), wanted = wanted_micro_batch(spec), slices = 1;
    while (slices < TRIAL_SLICES_MOST && slices * 2 <= sequences &&
           (sequences - 1) / slices + 1 > wanted)
        slices *= 2;
    return slices;
}

uint32_t trial_slice_begin(const struct trial_spec *spec, uint32_t slice)
{
    return (uint32_t)((uint64_t)sequences_of(spec) * slice / trial_slices(spec));
}

uint32_t trial_micro_batch(const struct trial_spec *spec)
{
    uint32_t largest = (sequences_of(spec) - 1) / trial_slices(spec) + 1;
    uint32_t parts = (largest - 1) / wanted_micro_batch(spec) + 1;
    return (largest - 1) / parts + 1;
}
