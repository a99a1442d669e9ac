#ifndef LRSEARCH_LAYER_MEANS_H
#define LRSEARCH_LAYER_MEANS_H

#include "model/model.h"

/* Means for a coordinate check (Yang et al. 2022, appendix D): the mean absolute value over tokens
 * and channels of each layer, for one batch. Layers: the embedding; for each block the attention
 * logits, what attention and the MLP add to the stream, and the stream after it; the output logits.
 * names: model_layer_count() texts of MODEL_LAYER_NAME bytes. */
#define MODEL_LAYER_NAME 32
size_t model_layer_count(const struct model *model);
void model_layer_names(const struct model *model, char (*names)[MODEL_LAYER_NAME]);
void model_layer_means(struct model *model, const uint32_t *tokens, uint32_t sequences,
                       double *means);

#endif
