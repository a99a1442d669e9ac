/* Each word has its own memory: a name is replaced in place. */
#include "trainers/command/command_words.h"

#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"

void command_words_add(struct command_words *words, const char *name, const char *value)
{
    size_t name_length = name ? strlen(name) + 1 : 0, size = name_length + strlen(value) + 1;
    size_t at = 0;
    char *word = lr_malloc(size);
    if (word)
        snprintf(word, size, "%s%s%s", name ? name : "", name ? "=" : "", value);
    while (word && at < words->count && !(name && !strncmp(words->list[at], word, name_length)))
        at++;
    char **larger = words->list;
    if (word && at + 1 >= words->count) /* room for it and the final NULL */
        larger = lr_grow(words->list, words->count + 1, &words->capacity, sizeof(*words->list));
    words->failed = words->failed || !word || !larger;
    if (words->failed) {
        lr_free(word);
        return;
    }
    words->list = larger;
    if (at == words->count)
        words->list[++words->count] = NULL;
    else
        lr_free(words->list[at]);
    words->list[at] = word;
}

void command_words_free(char **words)
{
    for (size_t i = 0; words && words[i]; i++)
        lr_free(words[i]);
    lr_free(words);
}

int command_words_finish(struct command_words *words, char ***out, int rc, struct lr_error *err)
{
    if (!rc && words->failed)
        rc = lr_nomem(err);
    if (rc)
        command_words_free(words->list);
    *out = rc ? NULL : words->list;
    return rc;
}
