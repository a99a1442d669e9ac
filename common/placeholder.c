/* One table of names serves arguments, environment and error texts. */
#include "lrsearch/placeholder.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/expression.h"
#include "lrsearch/suggestion.h"

#define WHOLE_MOST 9007199254740992.0 /* 2^53: beyond it a double is not exact */
enum { NAME_MAX_BYTES = 32 };

typedef void writer(char out[TRIAL_PATH], const struct placeholder_trial *trial);

/* Writes the fewest digits that read back to the same number. */
static void write_number(char out[TRIAL_PATH], double number)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, TRIAL_PATH, "%.*g", digits, number);
        double back = strtod(out, NULL);
        if (!(back < number) && !(back > number))
            return;
    }
}

static void write_count(char out[TRIAL_PATH], uint64_t count)
{
    snprintf(out, TRIAL_PATH, "%" PRIu64, count);
}

/* Writes nothing for 0: the plan has no model, or no batch. */
static void write_size(char out[TRIAL_PATH], uint64_t size)
{
    if (size > 0)
        write_count(out, size);
}

static void write_text(char out[TRIAL_PATH], const char *text)
{
    snprintf(out, TRIAL_PATH, "%s", text ? text : "");
}

#define WRITER(name, call)                                                                         \
    static void write_##name(char out[TRIAL_PATH], const struct placeholder_trial *trial)          \
    {                                                                                              \
        call;                                                                                      \
    }
WRITER(lr, write_number(out, trial->spec->lr))
WRITER(tokens, write_count(out, trial->spec->horizon_tokens))
WRITER(seed, write_count(out, trial->spec->seed))
WRITER(trial, write_count(out, trial->trial_id))
WRITER(attempt, write_count(out, trial->attempt))
WRITER(embedding_lr_ratio, write_number(out, trial->spec->embedding_lr_ratio))
WRITER(output_lr_ratio, write_number(out, trial->spec->output_lr_ratio))
WRITER(vector_lr_ratio, write_number(out, trial->spec->vector_lr_ratio))
WRITER(weight_decay, write_number(out, trial->spec->weight_decay))
WRITER(d_model, write_size(out, trial->spec->d_model))
WRITER(n_layers, write_size(out, trial->spec->n_layers))
WRITER(vocab, write_size(out, trial->spec->vocab))
WRITER(batch_tokens, write_size(out, trial->spec->batch_tokens))
WRITER(steps, write_size(out, trial_steps(trial->spec)))
WRITER(parametrization, write_text(out, parametrization_name(trial->spec->parametrization)))
WRITER(schedule, write_text(out, schedule_name(trial->spec->schedule)))
WRITER(optimizer, write_text(out, optimizer_name(trial->spec->optimizer)))
WRITER(checkpoint, write_text(out, trial->checkpoint))
WRITER(spec, write_text(out, trial->spec_file))
WRITER(port, write_size(out, trial->port))
WRITER(worker, write_count(out, trial->worker))
WRITER(gpus, write_text(out, trial->gpus))

static const struct {
    const char *name;
    writer *write;
    const char *key; /* plan key that gives the value; NULL: always set, or a path */
} names[] = {
    {"lr", write_lr, NULL},
    {"tokens", write_tokens, NULL},
    {"seed", write_seed, NULL},
    {"trial", write_trial, NULL},
    {"attempt", write_attempt, NULL},
    {"embedding_lr_ratio", write_embedding_lr_ratio, NULL},
    {"output_lr_ratio", write_output_lr_ratio, NULL},
    {"vector_lr_ratio", write_vector_lr_ratio, NULL},
    {"weight_decay", write_weight_decay, NULL},
    {"d_model", write_d_model, "model.d_model"},
    {"n_layers", write_n_layers, "model.n_layers"},
    {"vocab", write_vocab, "model.vocab"},
    {"batch_tokens", write_batch_tokens, "training.batch_tokens"},
    {"steps", write_steps, "training.batch_tokens"},
    {"parametrization", write_parametrization, NULL},
    {"schedule", write_schedule, NULL},
    {"optimizer", write_optimizer, NULL},
    {"checkpoint", write_checkpoint, NULL},
    {"spec", write_spec, NULL},
    {"port", write_port, "a host that has a free one"},
    {"worker", write_worker, NULL},
    {"gpus", write_gpus, NULL},
};
enum { NAMES = sizeof(names) / sizeof(names[0]) };

const char *placeholder_name(size_t index)
{
    return index < NAMES ? names[index].name : NULL;
}

bool placeholder_value(char out[TRIAL_PATH], size_t index, const struct placeholder_trial *trial)
{
    out[0] = '\0';
    if (index < NAMES)
        names[index].write(out, trial);
    return out[0] != '\0';
}

static int unknown(const char *name, int length, struct lr_error *err)
{
    char known[320] = "", wanted[NAME_MAX_BYTES + 1];
    struct suggestion suggestion;
    size_t used = 0;
    snprintf(wanted, sizeof(wanted), "%.*s", length, name);
    suggestion_init(&suggestion, wanted);
    for (size_t i = 0; i < NAMES && used < sizeof(known); i++) {
        suggestion_offer(&suggestion, names[i].name);
        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
                                 names[i].name);
    }
    return lr_fail(err, LR_EPLAN,
                   "{%s} is not known; there are %s%s%s%s (for a brace itself write it twice)",
                   wanted, known, suggestion.best ? "; did you mean " : "",
                   suggestion.best ? suggestion.best : "", suggestion.best ? "?" : "");
}

/* Writes the value of the name of `length` bytes at `text`. */
static int look_up(char out[TRIAL_PATH], const char *text, size_t length,
                   const struct placeholder_trial *trial, struct lr_error *err)
{
    size_t i = 0;
    while (i < NAMES && (strlen(names[i].name) != length || memcmp(names[i].name, text, length)))
        i++;
    if (i == NAMES)
        return unknown(text, length < NAME_MAX_BYTES ? (int)length : NAME_MAX_BYTES, err);
    if (!placeholder_value(out, i, trial) && names[i].key)
        return lr_fail(err, LR_EPLAN, "{%s} has no value: give %s", names[i].name, names[i].key);
    return 0;
}

const char *placeholder_find(const char *text, const char *braced)
{
    for (const char *at = text; (at = strchr(at, '{'));) {
        if (at[1] == '{') /* a brace itself */
            at += 2;
        else if (strncmp(at, braced, strlen(braced)) == 0)
            return at;
        else
            at++;
    }
    return NULL;
}

/* ---- arithmetic ---- */

/* The value of a name in an expression; texts have none. */
static int number_of(const void *context, const char *name, size_t length, double *value,
                     struct lr_error *err)
{
    char text[TRIAL_PATH], *end;
    int rc = look_up(text, name, length, context, err);
    if (rc)
        return rc;
    *value = strtod(text, &end);
    if (end == text || *end || !isfinite(*value))
        return lr_fail(err, LR_EPLAN, "%.*s is no number and must stand alone: {%.*s}", (int)length,
                       name, (int)length, name);
    return 0;
}

/* Whole numbers without a point or an exponent, as far as a double is exact. */
static void write_result(char out[TRIAL_PATH], double number)
{
    if (fabs(number) <= WHOLE_MOST && !(floor(number) < number))
        snprintf(out, TRIAL_PATH, "%.0f", number + 0.0); /* no -0 */
    else
        write_number(out, number);
}

/* The brace that closes the one at `text`; NULL: there is none. */
static const char *closing_brace(const char *text)
{
    size_t open = 0;
    for (; *text; text++) {
        open += *text == '{';
        if (*text == '}' && --open == 0)
            return text;
    }
    return NULL;
}

/* Writes the value of the placeholder at `text`, which begins with a brace. *end: what follows it,
 * or the place of the error. A bare name gives its text, numbers included: they keep their bits. */
static int fill_in(char out[TRIAL_PATH], const char *text, const char **end,
                   const struct placeholder_trial *trial, struct lr_error *err)
{
    const struct expression_names names_of_trial = {number_of, trial};
    const char *close = closing_brace(text), *name = text + 1 + strspn(text + 1, " \t");
    size_t length = expression_name(name);
    double number;
    int rc;
    *end = text;
    if (!close)
        return lr_fail(err, LR_EPLAN, "a brace is not closed (for a brace itself write it twice)");
    if (length > 0 && name + length + strspn(name + length, " \t") == close) {
        *end = name;
        rc = look_up(out, name, length, trial, err);
    } else {
        rc = expression_evaluate(text + 1, &names_of_trial, &number, end, err);
        if (!rc && *end != close)
            rc = lr_fail(err, LR_EPLAN,
                         "expected an operator or } (for a brace itself write it twice)");
        if (!rc)
            write_result(out, number);
    }
    if (!rc)
        *end = close + 1;
    return rc;
}

int placeholder_expand(char *out, size_t capacity, const char *text,
                       const struct placeholder_trial *trial, struct lr_error *err)
{
    char value[TRIAL_PATH];
    const char *start = text;
    size_t used = 0;
    while (*text) {
        size_t plain = strcspn(text, "{}");
        const char *piece = text, *end = text + plain;
        if (plain == 0 && (text[0] == '}' || text[1] == '{')) {
            plain = 1;
            end = text + (text[1] == text[0] ? 2 : 1);
        } else if (plain == 0) {
            int rc = fill_in(value, text, &end, trial, err);
            if (rc) {
                lr_prefix(err, "at byte %zu", (size_t)(end - start) + 1);
                return rc;
            }
            piece = value;
            plain = strlen(value);
        }
        if (used + plain >= capacity)
            return lr_fail(err, LR_EPLAN, "is too long (at most %zu bytes)", capacity - 1);
        memcpy(out + used, piece, plain);
        used += plain;
        text = end;
    }
    out[used] = '\0';
    return 0;
}
