#ifndef NAIVE_GPT_H
#define NAIVE_GPT_H

#include "model/model.h"

/* A trainer of arch gpt in double precision, written as the formulas stand, loop for loop: what the
 * fast one has to learn, only slowly. Standard parametrization, no depth rule, no options. */

struct naive_gpt;

/* Starts from the weights of `model`, which may go afterwards. Fails the test without memory. */
struct naive_gpt *naive_gpt_create(struct model *model, const struct trial_spec *spec);
void naive_gpt_destroy(struct naive_gpt *naive);

/* One step of AdamW at LR spec->lr * schedule on batch_tokens / context sequences; returns the mean
 * loss before it, nats per token. tokens: (sequences, context + 1). step counts from 1. */
double naive_gpt_step(struct naive_gpt *naive, const uint32_t *tokens, double schedule,
                      uint64_t step);

#endif
