/* The table that tells whether the parametrization is the one that the user means: one row for each
 * kind of tensor. */
#include "estimate/factors.h"

#include "model/parametrization.h"

static void print_start(FILE *out, const struct factor_row *row)
{
    if (row->init_std > 0)
        fprintf(out, " %11.3g", row->init_std);
    else
        fprintf(out, " %11s", "1, biases 0");
}

static void print_coupling(FILE *out, const struct trial_spec *spec)
{
    fprintf(out, "weight decay %g is multiplied by ", spec->weight_decay);
    if (spec->independent_decay)
        fprintf(out, "the schedule alone (independent)\n");
    else
        fprintf(out, "the LR of its tensor\n");
}

void factors_print(FILE *out, const struct trial_spec *spec)
{
    struct factor_row rows[MODEL_FACTOR_ROWS];
    struct forward_factors forward;
    size_t count = model_factors(spec, rows, &forward);
    fprintf(out, "%s at d_model %u (base_width %u), %u layers",
            parametrization_name(spec->parametrization), spec->d_model, spec->base_width,
            spec->n_layers);
    if (spec->depth_rule == DEPTH_COMPLETEP)
        fprintf(out, " (completep, base_layers %u)", spec->base_layers);
    fprintf(out, "\n%-10s %-24s %11s %9s %9s %9s\n", "kind", "tensors", "init std", "LR x",
            "decay x", "eps x");
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%-10s %-24s", rows[i].kind, rows[i].tensors);
        print_start(out, &rows[i]);
        fprintf(out, " %9.4g %9.4g %9.4g\n", rows[i].lr, rows[i].decay, rows[i].eps);
    }
    fprintf(out, "attention logits q.k x %.4g, output logits x %.4g, residual branches x %.4g\n",
            forward.attention, forward.logits, forward.branch);
    print_coupling(out, spec);
}
