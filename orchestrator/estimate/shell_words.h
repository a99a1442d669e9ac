#ifndef LRSEARCH_SHELL_WORDS_H
#define LRSEARCH_SHELL_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lrsearch/error.h"
#include "plan/plan.h"

/* A command line, as a user would type it, as the words of trainer.argv and trainer.env. */

struct shell_words {
    char *words[PLAN_VARIABLES + PLAN_ARGUMENTS + 1]; /* ends with NULL */
    size_t count;
    size_t variables; /* of these, the first are NAME=value for the environment: */
    const char *names[PLAN_VARIABLES], *values[PLAN_VARIABLES];
    char *text; /* owns all of them */
};

/* Splits `line` with a POSIX shell's quotes and backslashes. Nothing is expanded: what a shell
 * would act on is an error whose text says what to write instead. Braces hold placeholders, in
 * which * ( ) are no signs of a shell. LR_EUSAGE, LR_ENOMEM. On success, release with
 * shell_words_release(). */
int shell_words_split(struct shell_words *out, const char *line, struct lr_error *err);
void shell_words_release(struct shell_words *words);

/* What the placeholders of the words set. */
struct shell_words_sets {
    bool lr, length, seed;
    bool batch; /* they depend on batch_tokens: {steps} */
};
/* LR_EUSAGE: a placeholder is wrong. batch_tokens: as in training. */
int shell_words_check(struct shell_words_sets *out, const struct shell_words *words,
                      uint32_t batch_tokens, struct lr_error *err);
/* Whether the words that are whole numbers at a million steps are so at `tokens`: a program that
 * took --warmup 100000 for {steps/10} may refuse 51.2. */
bool shell_words_are_whole(const struct shell_words *words, uint64_t tokens, uint32_t batch_tokens);

/* Writes the command line with a placeholder in place of each number that is by its option's name a
 * learning rate, a number of steps or tokens, or a seed: "--lr 3e-4" becomes "--lr {lr}". `found`:
 * which ones there were. Returns `out`; "" when `size` is too small. */
const char *shell_words_edit(char *out, size_t size, const struct shell_words *words,
                             struct shell_words_sets *found);
/* Tokens of a step by the options of the words: the product of sequences in a batch, tokens of a
 * sequence, and accumulated batches. 0: not said. */
uint32_t shell_words_batch(const struct shell_words *words);

#endif
