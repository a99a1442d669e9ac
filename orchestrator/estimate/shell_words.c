/* Splits a command line in one pass with a shell's three states: outside quotes, in single ones, in
 * double ones. Options are known by the last part of their names: --lr, learning_rate=,
 * optimizer.lr=. */
#define _POSIX_C_SOURCE 200809L
#include "estimate/shell_words.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/placeholder.h"
#include "lrsearch/printable.h"

/* ---- splitting ---- */

struct splitter {
    struct shell_words *out;
    const char *line, *at;
    char *to;       /* where the next byte of the word goes */
    bool open;      /* a word has begun */
    bool begins;    /* the next byte is its first */
    unsigned depth; /* of braces */
};

static int refuse(const struct splitter *s, const char *what, const char *mend,
                  struct lr_error *err)
{
    return lr_fail(err, LR_EUSAGE, "--command: %s at byte %zu%s", what,
                   (size_t)(s->at - s->line) + 1, mend);
}

static int refuse_shell(const struct splitter *s, const char *does, struct lr_error *err)
{
    char what[64];
    snprintf(what, sizeof(what), "a shell would %s %c", does, *s->at);
    return refuse(s, what,
                  ", and there is none here: put it in quotes, or start a shell: --command \"sh -c "
                  "'...'\" (in a plan, argv: [sh, -c, ...])",
                  err);
}

static void end_word(struct splitter *s)
{
    if (s->open)
        *s->to++ = '\0';
    s->open = false;
    s->depth = 0;
}

static int begin_word(struct splitter *s, struct lr_error *err)
{
    struct shell_words *out = s->out;
    if (s->open)
        return 0;
    if (out->count == sizeof(out->words) / sizeof(out->words[0]) - 1)
        return lr_fail(err, LR_EUSAGE, "--command: has more than %d words", PLAN_ARGUMENTS);
    out->words[out->count++] = s->to;
    s->open = s->begins = true;
    return 0;
}

/* Reads one byte, or an escaped one, in double quotes. */
static int take_double(struct splitter *s, struct lr_error *err)
{
    if (*s->at == '$' || *s->at == '`')
        return refuse_shell(s, "expand", err);
    bool escapes = *s->at == '\\' && s->at[1] && strchr("$`\"\\\n", s->at[1]);
    s->at += escapes;
    if (!escapes || *s->at != '\n')
        *s->to++ = *s->at;
    return 0;
}

/* The same outside quotes. */
static int take_plain(struct splitter *s, struct lr_error *err)
{
    char c = *s->at;
    if (c == '\\') {
        if (!s->at[1])
            return refuse(s, "nothing follows the \\", "; leave it out", err);
        if (*++s->at != '\n')
            *s->to++ = *s->at;
        return 0;
    }
    if (s->depth == 0 && strchr("*?()", c))
        return refuse_shell(s, strchr("*?", c) ? "expand" : "read", err);
    if (strchr("$`", c) || (s->begins && c == '~'))
        return refuse_shell(s, "expand", err);
    if (strchr("|&;<>\n", c) || (s->begins && c == '#'))
        return refuse_shell(s, "read", err);
    s->depth += c == '{';
    s->depth -= c == '}' && s->depth > 0;
    *s->to++ = c;
    return 0;
}

static int take_byte(struct splitter *s, char *quote, struct lr_error *err)
{
    bool newline = *s->at == '\\' && s->at[1] == '\n' && !*quote; /* joins lines */
    int rc;
    if (!*quote && (*s->at == ' ' || *s->at == '\t' || (*s->at == '\n' && !s->at[1]))) {
        end_word(s);
        return 0;
    }
    if (!newline && (rc = begin_word(s, err)))
        return rc;
    if (*s->at == *quote) {
        *quote = '\0';
    } else if (!*quote && (*s->at == '\'' || *s->at == '"')) {
        *quote = *s->at;
    } else if (*quote == '\'') {
        *s->to++ = *s->at;
    } else if ((rc = *quote ? take_double(s, err) : take_plain(s, err))) {
        return rc;
    }
    s->begins = s->begins && newline;
    return 0;
}

/* NAME=value, as a shell takes it before the program. */
static bool is_variable(const char *word)
{
    size_t length = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
    return length > 0 && word[length] == '=' && !isdigit((unsigned char)*word);
}

static int check_sizes(const struct shell_words *words, struct lr_error *err)
{
    if (words->variables == words->count)
        return lr_fail(
            err, LR_EUSAGE,
            "--command: names no program, as in --command \"python train.py --lr {lr}\"");
    if (words->variables > PLAN_VARIABLES)
        return lr_fail(err, LR_EUSAGE, "--command: sets more than %d variables", PLAN_VARIABLES);
    if (words->count - words->variables > PLAN_ARGUMENTS)
        return lr_fail(err, LR_EUSAGE, "--command: has more than %d words", PLAN_ARGUMENTS);
    for (size_t i = 0; i < words->count; i++)
        if (strlen(words->words[i]) >= TRIAL_PATH)
            return lr_fail(err, LR_EUSAGE, "--command: word %zu is longer than %d bytes", i + 1,
                           TRIAL_PATH - 1);
    return *words->words[words->variables]
               ? 0
               : lr_fail(err, LR_EUSAGE, "--command: the program's name is empty");
}

int shell_words_split(struct shell_words *out, const char *line, struct lr_error *err)
{
    struct splitter s = {.out = out, .line = line, .at = line};
    char quote = '\0';
    const char *opened = line;
    int rc = 0;
    *out = (struct shell_words){.text = lr_malloc(2 * strlen(line) + 2)};
    if (!(s.to = out->text))
        return lr_nomem(err);
    if (line[lr_utf8_prefix(line, strlen(line))]) {
        shell_words_release(out);
        return lr_fail(err, LR_EUSAGE, "--command: is no UTF-8, as a plan is");
    }
    for (; *s.at && !rc; s.at++) {
        char before = quote;
        if (!before)
            opened = s.at;
        rc = take_byte(&s, &quote, err);
        if (rc)
            break;
    }
    if (!rc && quote) {
        s.at = opened;
        rc = refuse(&s, "the quote", " is not closed", err);
    }
    end_word(&s);
    while (out->variables < out->count && is_variable(out->words[out->variables]))
        out->variables++;
    if (!rc)
        rc = check_sizes(out, err);
    for (size_t i = 0; i < out->variables && !rc; i++) { /* there is room for the names once more */
        const char *word = out->words[i];
        size_t length = strcspn(word, "=");
        out->names[i] = s.to;
        out->values[i] = word + length + 1;
        memcpy(s.to, word, length);
        s.to[length] = '\0';
        s.to += length + 1;
    }
    if (rc)
        shell_words_release(out);
    return rc;
}

void shell_words_release(struct shell_words *words)
{
    lr_free(words->text);
    *words = (struct shell_words){0};
}

/* ---- placeholders ---- */

static int expand(char out[2 * TRIAL_PATH], const char *word, const struct trial_spec *spec,
                  struct lr_error *err)
{
    const struct placeholder_trial trial = {.spec = spec, .trial_id = 1, .attempt = 1};
    return placeholder_expand(out, 2 * TRIAL_PATH, word, &trial, err);
}

int shell_words_check(struct shell_words_sets *out, const struct shell_words *words,
                      uint32_t batch_tokens, struct lr_error *err)
{
    const struct trial_spec before = {
        .lr = 1, .horizon_tokens = (uint64_t)1000 * batch_tokens, .batch_tokens = batch_tokens};
    struct trial_spec lr = before, length = before, seed = before, batch = before;
    char plain[2 * TRIAL_PATH], other[2 * TRIAL_PATH];
    *out = (struct shell_words_sets){0};
    lr.lr = 2;
    length.horizon_tokens *= 2;
    seed.seed = 1;
    batch.batch_tokens *= 2;
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->words[i];
        struct lr_error why = {0};
        if (expand(plain, word, &before, &why))
            return lr_fail(err, LR_EUSAGE, "--command: word %zu: %s", i + 1, why.text);
        out->lr |= !expand(other, word, &lr, &why) && strcmp(plain, other) != 0;
        out->length |= !expand(other, word, &length, &why) && strcmp(plain, other) != 0;
        out->seed |= !expand(other, word, &seed, &why) && strcmp(plain, other) != 0;
        out->batch |= !expand(other, word, &batch, &why) && strcmp(plain, other) != 0;
    }
    return 0;
}

static size_t points_of(const char *text)
{
    size_t points = 0;
    for (; *text; text++)
        points += *text == '.';
    return points;
}

bool shell_words_are_whole(const struct shell_words *words, uint64_t tokens, uint32_t batch_tokens)
{
    const struct trial_spec usual = {.lr = 1,
                                     .horizon_tokens = (uint64_t)1000000 * batch_tokens,
                                     .batch_tokens = batch_tokens},
                            wanted = {
                                .lr = 1, .horizon_tokens = tokens, .batch_tokens = batch_tokens};
    char plain[2 * TRIAL_PATH], other[2 * TRIAL_PATH];
    for (size_t i = 0; i < words->count; i++)
        if (!expand(plain, words->words[i], &usual, NULL) &&
            !expand(other, words->words[i], &wanted, NULL) && points_of(other) > points_of(plain))
            return false;
    return true;
}

/* ---- options ---- */

enum meaning { MEANS_NOTHING, MEANS_LR, MEANS_STEPS, MEANS_TOKENS, MEANS_SEED, MEANS_BATCH };

static enum meaning meaning_of(const char *option, size_t length)
{
    static const struct {
        const char *name;
        enum meaning meaning;
    } names[] = {
        {"lr", MEANS_LR},
        {"learning_rate", MEANS_LR},
        {"peak_lr", MEANS_LR},
        {"max_lr", MEANS_LR},
        {"base_lr", MEANS_LR},
        {"max_iters", MEANS_STEPS},
        {"max_steps", MEANS_STEPS},
        {"train_iters", MEANS_STEPS},
        {"train_steps", MEANS_STEPS},
        {"max_train_steps", MEANS_STEPS},
        {"num_train_steps", MEANS_STEPS},
        {"num_steps", MEANS_STEPS},
        {"n_steps", MEANS_STEPS},
        {"total_steps", MEANS_STEPS},
        {"training_steps", MEANS_STEPS},
        {"steps", MEANS_STEPS},
        {"iters", MEANS_STEPS},
        {"iterations", MEANS_STEPS},
        {"num_iterations", MEANS_STEPS},
        {"lr_decay_iters", MEANS_STEPS},
        {"lr_decay_steps", MEANS_STEPS},
        {"tokens", MEANS_TOKENS},
        {"max_tokens", MEANS_TOKENS},
        {"train_tokens", MEANS_TOKENS},
        {"num_tokens", MEANS_TOKENS},
        {"total_tokens", MEANS_TOKENS},
        {"seed", MEANS_SEED},
        {"batch_size", MEANS_BATCH},
        {"global_batch_size", MEANS_BATCH},
        {"per_device_train_batch_size", MEANS_BATCH},
        {"block_size", MEANS_BATCH},
        {"seq_len", MEANS_BATCH},
        {"seq_length", MEANS_BATCH},
        {"sequence_length", MEANS_BATCH},
        {"context_length", MEANS_BATCH},
        {"gradient_accumulation_steps", MEANS_BATCH},
        {"grad_accum_steps", MEANS_BATCH},
    };
    char name[40];
    size_t used = 0;
    for (const char *c = option; c < option + length; c++) {
        if (*c == '.' || *c == '/' || (*c == '-' && used == 0))
            used = 0; /* only the last part counts */
        else if (used + 1 < sizeof(name))
            name[used++] = *c == '-' ? '_' : (char)tolower((unsigned char)*c);
    }
    name[used] = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i].name) == 0)
            return names[i].meaning;
    return MEANS_NOTHING;
}

static bool is_number(const char *word)
{
    char *end;
    strtod(word, &end);
    return end > word && !*end && strspn(word, "+-.0123456789eE_") == strlen(word);
}

/* The option that a word holds with its number ("--lr=3e-4", "lr=3e-4"), or whose number is the
 * next word ("--lr 3e-4"). *number: where it begins, in this word or the next. */
static enum meaning option_of(const struct shell_words *words, size_t i, const char **number)
{
    const char *word = words->words[i], *equals = strchr(word, '=');
    if (equals && is_number(equals + 1)) {
        *number = equals + 1;
        return meaning_of(word, (size_t)(equals - word));
    }
    const char *next = words->words[i + 1];
    if (!equals && word[0] == '-' && next && is_number(next)) {
        *number = next;
        return meaning_of(word, strlen(word));
    }
    return MEANS_NOTHING;
}

/* Appends a word, in quotes if a shell needs them; braces alone need none. */
static bool put_word(char *out, size_t size, size_t *used, const char *word)
{
    char quoted[4 * TRIAL_PATH + 8];
    bool plain = *word && strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789-_./=:,+%@{}") == strlen(word);
    int length = snprintf(out + *used, size - *used, "%s%s", *used ? " " : "",
                          plain ? word : lr_shell_word(quoted, sizeof(quoted), word));
    *used += (size_t)length;
    return *used < size;
}

const char *shell_words_edit(char *out, size_t size, const struct shell_words *words,
                             struct shell_words_sets *found)
{
    static const char *const placeholders[] = {NULL, "{lr}", "{steps}", "{tokens}", "{seed}", NULL};
    const char *number = NULL, *instead = NULL; /* instead: of the next word */
    char word[TRIAL_PATH + 16];
    size_t used = 0;
    bool fits = size > 0;
    *found = (struct shell_words_sets){0};
    for (size_t i = 0; i < words->count && fits; i++) {
        const char *held = instead ? NULL : words->words[i];
        enum meaning meaning = held ? option_of(words, i, &number) : MEANS_NOTHING;
        const char *placeholder = placeholders[meaning];
        found->lr |= meaning == MEANS_LR;
        found->length |= meaning == MEANS_STEPS || meaning == MEANS_TOKENS;
        found->seed |= meaning == MEANS_SEED;
        bool inside = placeholder && number != words->words[i + 1];
        if (inside)
            snprintf(word, sizeof(word), "%.*s%s", (int)(number - held), held, placeholder);
        fits = put_word(out, size, &used, inside ? word : held ? held : instead);
        instead = placeholder && !inside ? placeholder : NULL;
    }
    if (!fits && size > 0)
        out[0] = '\0';
    return out;
}

uint32_t shell_words_batch(const struct shell_words *words)
{
    double batch = 1;
    unsigned factors = 0;
    const char *number;
    for (size_t i = 0; i < words->count; i++)
        if (option_of(words, i, &number) == MEANS_BATCH) {
            batch *= strtod(number, NULL);
            factors++;
        }
    /* fewer than two: sequences alone, or tokens of one sequence */
    return factors >= 2 && batch >= 2 && batch < 1e9 ? (uint32_t)batch : 0;
}
