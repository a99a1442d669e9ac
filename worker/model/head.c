/* Output matrix, softmax and loss, in blocks of rows: the logits of a whole batch would be the
 * largest array of all. Each block goes forward and back before the next one. */
#include "kernels/kernels.h"
#include "model/model_state.h"

void head_losses(struct model *model, const uint32_t *tokens, uint32_t sequences, float scale)
{
    size_t C = model->spec.d_model, T = model->spec.context, V = model->spec.vocab;
    size_t N = sequences * T;
    for (size_t n = 0; n < N; n++) /* the label is the next token */
        model->labels[n] = tokens[n / T * (T + 1) + n % T + 1];
    for (size_t first = 0; first < N; first += model->head_rows) {
        size_t rows = N - first < model->head_rows ? N - first : model->head_rows;
        const float *in = model->lnf_out + first * C;
        linear_forward(product_by(model, LINEAR_OUTPUT, PRODUCT_FORWARD), model->logits, in,
                       model->head->value, NULL, rows, C, V);
        cross_entropy(model->losses + first, model->logits, model->labels + first,
                      model->logit_scale, (float)model->spec.z_loss, scale, rows, V);
        if (scale == 0.0f)
            continue;
        linear_backward_weight(product_by(model, LINEAR_OUTPUT, PRODUCT_WEIGHT), model->head->grad,
                               NULL, model->logits, in, rows, C, V);
        linear_backward_input(product_by(model, LINEAR_OUTPUT, PRODUCT_INPUT),
                              model->d_narrow + first * C, model->logits, model->head->value, rows,
                              C, V);
    }
    lap(model, PART_HEAD);
}

double model_forward_backward(struct model *model, const uint32_t *tokens, uint32_t sequences,
                              float scale)
{
    double sum = 0;
    forward_blocks(model, tokens, sequences);
    head_losses(model, tokens, sequences, scale);
    if (scale != 0.0f) /* 0 leaves no gradient of the logits to go back from */
        backward_blocks(model, tokens, sequences);
    for (size_t n = 0; n < (size_t)sequences * model->spec.context; n++)
        sum += (double)model->losses[n];
    return sum;
}

void model_losses(struct model *model, const uint32_t *tokens, uint32_t sequences, uint32_t last,
                  double *losses)
{
    size_t T = model->spec.context;
    forward_blocks(model, tokens, sequences);
    head_losses(model, tokens, sequences, 0.0f);
    for (uint32_t s = 0; s < sequences; s++) {
        size_t labels = s + 1 == sequences ? last : T;
        losses[s] = 0;
        for (size_t t = 0; t < labels; t++)
            losses[s] += (double)model->losses[s * T + t];
        losses[s] /= (double)labels;
    }
}
