/* How init, learning rate and weight decay of a tensor depend on the width, relative to base_width,
 * with m = d_model / base_width:
 *
 *              sp                  mup                         lvp
 *   embedding  s^2 / ratio_e       s^2 / ratio_e               s^2 / ratio_e m^-1/2
 *   hidden     s^2 / 1             s^2/m / 1/m                 as mup
 *   output     s^2 / ratio_o       s^2 / ratio_o, logits / m   as mup
 *   attention  1/sqrt(d_h)         sqrt(d_h at base) / d_h     as mup
 *
 * (init variance / LR factor; norms and biases have ratio_v.) m^shift, embedding_lr_shift,
 * multiplies the LR of the embedding besides. Attention is muP's q.k/d_h, times sqrt(d_h at
 * base_width) so that it equals sp there. Positions are embeddings too. An output tied to the
 * embedding is initialised and trained as the embedding, its logits divided by m. Plans refuse that
 * for lvp: the embedding's LR falls as m^-1/2, the output's must not, and one matrix has one LR.
 * Logits divided by m^1/2 would compensate, but the effect of hidden matrices on the logits would
 * grow as m^1/2.
 *
 * muP: Yang et al. 2022, arXiv 2203.03466, table 8, Adam. lvp: Hayou & Liu 2025, arXiv 2506.15025:
 * with a vocabulary far larger than the width the embedding's LR falls like d^-1/2. At d_model =
 * base_width all three are the same.
 *
 * Muon's update of a hidden matrix has a spectral norm of its own, so that the gradient's size,
 * which Adam's 1/m is for, plays no part. Under mup and lvp the change of a layer's output must not
 * depend on the width (Yang et al. 2023, arXiv 2310.17813: a spectral norm of
 * sqrt(fan_out/fan_in)). muon_lr_scale unit_rms and original give that by themselves: LR factor 1.
 * match_rms grows as m^1/2: LR factor m^-1/2. Embedding, output and vectors stay with AdamW and the
 * factors above.
 *
 * Weight decay is multiplied by the LR in the optimizer. Where the parametrization divides the LR,
 * the decay is multiplied by the same factor, so that the pull on the weights does not fade with
 * the width (as microsoft/mup notes for decoupled decay); independent decay needs no such factor.
 * Matrices and embeddings decay, vectors do not.
 *
 * completep (Dey et al. 2025, arXiv 2505.01618, alpha = 1): with L layers the residual branches are
 * divided by L / base_layers, LRs are kept, and Adam's eps shrinks with the gradients: inside
 * blocks by that ratio, and everywhere by m where the width is scaled. */
#include "model/parametrization.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Weak, so that a test can link a deliberately wrong rule. */
__attribute__((weak)) const struct width_rule *width_rule_of(uint32_t parametrization)
{
    static const struct width_rule rules[] = {
        [PARAM_SP] = {.attention = -1},
        [PARAM_MUP] = {.hidden_init = -1, .hidden_lr = -2, .logits = -2, .attention = -2},
        [PARAM_LVP] =
            {.embedding_lr = -1, .hidden_init = -1, .hidden_lr = -2, .logits = -2, .attention = -2},
    };
    return &rules[parametrization];
}

static double width_ratio(const struct trial_spec *spec)
{
    return (double)spec->d_model / spec->base_width;
}

static double depth_ratio(const struct trial_spec *spec)
{
    return spec->depth_rule == DEPTH_COMPLETEP ? (double)spec->n_layers / spec->base_layers : 1.0;
}

/* m^(halves / 2), with the same bits as 1 / m and 1 / sqrt(m). */
static double half_power(double m, int halves)
{
    double power = halves % 2 ? sqrt(m) : 1.0;
    for (int i = abs(halves) / 2; i > 0; i--)
        power *= m;
    return halves < 0 ? 1.0 / power : power;
}

/* Of the LR of hidden matrices, in halves. */
static int hidden_lr(const struct trial_spec *spec)
{
    int by_adam = width_rule_of(spec->parametrization)->hidden_lr;
    if (spec->optimizer != OPTIMIZER_MUON || by_adam == 0)
        return by_adam;
    return spec->muon_lr_scale == MUON_MATCH_RMS ? -1 : 0;
}

void parametrization_apply(struct param *param, const struct trial_spec *spec, bool in_block)
{
    const struct width_rule *rule = width_rule_of(spec->parametrization);
    double m = width_ratio(spec), lr_by_width = 1.0;
    param->lr_factor = 1.0;
    switch (param->group) {
    case GROUP_EMBEDDING:
        param->lr_factor = spec->embedding_lr_ratio;
        lr_by_width = half_power(m, rule->embedding_lr) * pow(m, spec->embedding_lr_shift);
        break;
    case GROUP_HIDDEN:
        param->init_std /= half_power(m, -rule->hidden_init);
        lr_by_width = half_power(m, hidden_lr(spec));
        break;
    case GROUP_OUTPUT:
        param->lr_factor = spec->output_lr_ratio;
        lr_by_width = half_power(m, rule->output_lr);
        break;
    case GROUP_VECTOR:
        param->lr_factor = spec->vector_lr_ratio;
        break;
    case GROUP_COUNT:
        break;
    }
    param->lr_factor *= lr_by_width;
    param->decay_factor = spec->independent_decay ? 1.0 : 1.0 / lr_by_width;
    if (param->group == GROUP_VECTOR)
        param->decay_factor = 0.0;
    param->eps_factor = 1.0;
    if (spec->depth_rule == DEPTH_COMPLETEP) {
        double by_width = spec->parametrization == PARAM_SP ? 1.0 : 1.0 / m;
        param->eps_factor = by_width / (in_block ? depth_ratio(spec) : 1.0);
    }
    if (param->group == GROUP_HIDDEN && spec->optimizer == OPTIMIZER_MUON)
        param->eps_factor = 0.0;
}

float parametrization_attention_scale(const struct trial_spec *spec)
{
    double head = (double)spec->d_model / spec->n_heads;
    int halves = width_rule_of(spec->parametrization)->attention;
    return (float)(half_power(spec->base_head_size, -1 - halves) / half_power(head, -halves));
}

float parametrization_logit_scale(const struct trial_spec *spec)
{
    return (float)half_power(width_ratio(spec), width_rule_of(spec->parametrization)->logits);
}

float parametrization_residual_scale(const struct trial_spec *spec)
{
    return (float)(1.0 / depth_ratio(spec));
}

/* The two projections into the residual stream start smaller, so that the stream's variance does
 * not grow with depth (GPT-2); completep scales the branches themselves. */
double parametrization_into_stream(const struct trial_spec *spec)
{
    double layers = spec->depth_rule == DEPTH_COMPLETEP ? spec->base_layers : spec->n_layers;
    return INIT_STD / sqrt(2.0 * layers);
}

/* Adds `row` with the factors of its tensors, which start at row.init_std or row.init_value. */
static void add_row(struct factor_row *rows, size_t *count, const struct trial_spec *spec,
                    struct factor_row row, enum param_group group, bool in_block)
{
    struct param param = {.group = group, .init_std = row.init_std};
    parametrization_apply(&param, spec, in_block);
    row.init_std = param.init_std;
    row.lr = param.lr_factor;
    row.decay = param.decay_factor;
    row.eps = param.eps_factor;
    assert(*count < MODEL_FACTOR_ROWS);
    rows[(*count)++] = row;
}

size_t model_factors(const struct trial_spec *spec, struct factor_row rows[MODEL_FACTOR_ROWS],
                     struct forward_factors *forward)
{
    bool gpt = spec->arch == ARCH_GPT;
    const char *embeddings = spec->tied_output ? "wte (also the output)" : gpt ? "wte, wpe" : "wte";
    const struct {
        struct factor_row row;
        enum param_group group;
        bool in_block, absent;
    } kinds[] = {
        {{"embedding", embeddings, INIT_STD, 0, 0, 0, 0}, GROUP_EMBEDDING, false, false},
        {{"hidden", "attn.qkv, mlp.fc", INIT_STD, 0, 0, 0, 0}, GROUP_HIDDEN, true, false},
        {{"hidden", "attn.proj, mlp.proj", parametrization_into_stream(spec), 0, 0, 0, 0},
         GROUP_HIDDEN,
         true,
         false},
        {{"output", "head", INIT_STD, 0, 0, 0, 0}, GROUP_OUTPUT, false, spec->tied_output},
        {{"vectors", gpt ? "norms, biases of blocks" : "norms of blocks", 0, 1, 0, 0, 0},
         GROUP_VECTOR,
         true,
         false},
        {{"vectors", "lnf", 0, 1, 0, 0, 0}, GROUP_VECTOR, false, false},
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (!kinds[i].absent)
            add_row(rows, &count, spec, kinds[i].row, kinds[i].group, kinds[i].in_block);
    *forward = (struct forward_factors){(double)parametrization_attention_scale(spec),
                                        (double)parametrization_residual_scale(spec),
                                        (double)parametrization_logit_scale(spec)};
    return count;
}
