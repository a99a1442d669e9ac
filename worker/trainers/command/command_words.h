#ifndef LRSEARCH_COMMAND_WORDS_H
#define LRSEARCH_COMMAND_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include "lrsearch/error.h"

/* A list of words that ends with NULL, as execve() takes it: arguments or an environment. */

struct command_words {
    char **list;
    size_t count, capacity;
    bool failed; /* there was no memory; command_words_finish() says so */
};

/* Adds NAME=value, replacing an earlier one of that name; name NULL: appends the value alone. */
void command_words_add(struct command_words *words, const char *name, const char *value);
/* Gives the list to *out if nothing failed and rc is 0, else frees it. Returns rc or LR_ENOMEM. */
int command_words_finish(struct command_words *words, char ***out, int rc, struct lr_error *err);
void command_words_free(char **words);

#endif
