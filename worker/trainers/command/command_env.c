/* Arguments and environment of a command. Variables of MPI and Slurm are removed, so that the
 * command does not act as a rank of our job or a Slurm step. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "trainers/command/command_env.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "trainers/command/command_process.h"
#include "lrsearch/memory.h"

extern char **environ;

enum { NAME_ROOM = 64 };

struct words {
    char **list;
    size_t count, capacity;
    bool failed;
};

/* Adds NAME=value, replacing an earlier one of that name; name NULL: appends the value alone. */
static void add_word(struct words *words, const char *name, const char *value)
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

static int finish(struct words *words, char ***out, int rc, struct lr_error *err)
{
    if (!rc && words->failed)
        rc = lr_nomem(err);
    if (rc)
        command_words_free(words->list);
    *out = rc ? NULL : words->list;
    return rc;
}

static bool is_ours(const char *word)
{
    static const char *const prefixes[] = {"OMPI_",  "PMIX_",   "PMI_",     "PRTE_",
                                           "SLURM_", "SLURMD_", "LRSEARCH_"};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (strncmp(word, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* Sets CUDA_VISIBLE_DEVICES to the worker's share of its own list, or of GPUs numbered from 0 if
 * there is none. */
static int add_gpus(struct words *words, uint32_t gpus, uint32_t slot, struct lr_error *err)
{
    const char *all = getenv("CUDA_VISIBLE_DEVICES"), *at = all;
    char share[1024] = "";
    size_t used = 0;
    uint32_t first = gpus * slot, there = 0;
    for (uint32_t i = 0; !all && i < gpus; i++)
        used += (size_t)snprintf(share + used, sizeof(share) - used, "%s%" PRIu32, i ? "," : "",
                                 first + i);
    for (; at && *at; there++) {
        size_t length = strcspn(at, ",");
        if (there >= first && there < first + gpus && used + length + 2 < sizeof(share))
            used += (size_t)snprintf(share + used, sizeof(share) - used, "%s%.*s", used ? "," : "",
                                     (int)length, at);
        at += length + (at[length] == ',');
    }
    if (all && there < first + gpus)
        return lr_fail(err, LR_EFAILURES,
                       "worker %" PRIu32 " of its host needs the GPUs %" PRIu32 " to %" PRIu32
                       " of CUDA_VISIBLE_DEVICES, which has %" PRIu32
                       "; start fewer ranks there, or lower trainer.gpus_per_trial",
                       slot + 1, first + 1, first + gpus, there);
    add_word(words, "CUDA_VISIBLE_DEVICES", share);
    return 0;
}

static void add_trial(struct words *words, const struct placeholder_trial *trial)
{
    char value[TRIAL_PATH], name[NAME_ROOM];
    for (size_t i = 0; placeholder_name(i); i++) {
        if (!placeholder_value(value, i, trial))
            continue;
        snprintf(name, sizeof(name), "LRSEARCH_%s", placeholder_name(i));
        for (char *c = name; *c; c++)
            *c = (char)toupper((unsigned char)*c);
        add_word(words, name, value);
    }
}

int command_env_make(char ***out, const struct command_setup *setup,
                     const struct placeholder_trial *trial, const struct trial_place *place,
                     struct lr_error *err)
{
    struct words words = {0};
    char number[16], value[COMMAND_WORD];
    for (char **word = environ; *word; word++)
        if (!is_ours(*word))
            add_word(&words, NULL, *word);
    snprintf(number, sizeof(number), "%" PRIu32, place->threads ? place->threads : 1);
    add_word(&words, "OMP_NUM_THREADS", number);
    int rc = setup->gpus > 0 ? add_gpus(&words, setup->gpus, place->slot, err) : 0;
    for (size_t i = 0; !rc && i < setup->variables; i++) {
        if ((rc = placeholder_expand(value, sizeof(value), setup->values[i], trial, err)))
            lr_prefix(err, "trainer.env.%s", setup->names[i]);
        else
            add_word(&words, setup->names[i], value);
    }
    add_trial(&words, trial);
    snprintf(number, sizeof(number), "%d", COMMAND_REPORT_FD);
    if (setup->way == REPORT_FD)
        add_word(&words, "LRSEARCH_REPORT_FD", number);
    return finish(&words, out, rc, err);
}

int command_argv_make(char ***out, const struct command_setup *setup,
                      const struct placeholder_trial *trial, struct lr_error *err)
{
    struct words words = {0};
    char word[COMMAND_WORD];
    int rc = 0;
    for (size_t i = 0; !rc && i < setup->argc; i++) {
        if ((rc = placeholder_expand(word, sizeof(word), setup->argv[i], trial, err)))
            lr_prefix(err, "trainer.argv[%zu]", i);
        else
            add_word(&words, NULL, word);
    }
    return finish(&words, out, rc, err);
}

int command_cwd_make(char out[COMMAND_WORD], const struct command_setup *setup,
                     const struct placeholder_trial *trial, struct lr_error *err)
{
    int rc = placeholder_expand(out, COMMAND_WORD, setup->cwd, trial, err);
    if (rc)
        lr_prefix(err, "trainer.cwd");
    return rc;
}

/* ---- the spec as a file ---- */

static json_t *field_json(const struct field *field, const void *member)
{
    static const struct {
        const char *field;
        const char *(*name)(uint32_t);
    } words[] = {{"trainer", trainer_name},
                 {"arch", arch_name},
                 {"parametrization", parametrization_name},
                 {"depth_rule", depth_rule_name},
                 {"schedule", schedule_name},
                 {"cooldown_shape", cooldown_name},
                 {"precision", precision_name},
                 {"source", source_name}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(field->name, words[i].field) == 0)
            return json_string(words[i].name(*(const uint32_t *)member));
    switch (field->type) {
    case FIELD_U32:
        return json_integer((json_int_t) * (const uint32_t *)member);
    case FIELD_U64:
        return json_integer((json_int_t) * (const uint64_t *)member);
    case FIELD_F64:
        return json_real(*(const double *)member);
    case FIELD_TEXT: /* internal: products */
    case FIELD_STRUCT:
        break;
    }
    return NULL;
}

static char *spec_text(const struct placeholder_trial *trial)
{
    json_t *root = json_object();
    for (size_t i = 0; i < trial_spec_fields.count; i++) {
        const struct field *field = &trial_spec_fields.fields[i];
        if (field->offset == offsetof(struct trial_spec, data_hash))
            continue; /* it hashes the command file, not the user's data */
        json_object_set_new(root, field->name,
                            field_json(field, (const char *)trial->spec + field->offset));
    }
    json_object_set_new(root, "tokens", json_integer((json_int_t)trial->spec->horizon_tokens));
    if (trial->spec->batch_tokens > 0)
        json_object_set_new(root, "steps", json_integer((json_int_t)trial_steps(trial->spec)));
    json_object_set_new(root, "trial", json_integer(trial->trial_id));
    json_object_set_new(root, "attempt", json_integer(trial->attempt));
    if (trial->checkpoint && trial->checkpoint[0])
        json_object_set_new(root, "checkpoint", json_string(trial->checkpoint));
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(root);
    return text;
}

int command_spec_write(char path[TRIAL_PATH], const struct placeholder_trial *trial,
                       struct lr_error *err)
{
    const char *folder = getenv("TMPDIR");
    char *whole = realpath(folder && *folder ? folder : "/tmp", NULL); /* absolute: the command
                                                                          runs in another folder */
    if (!whole)
        return lr_fail_errno(err, LR_ECREATE, "TMPDIR: %s", folder ? folder : "/tmp");
    int length = snprintf(path, TRIAL_PATH, "%s/lrsearch-spec-XXXXXX", whole);
    free(whole);
    char *text = spec_text(trial);
    if (!text) {
        path[0] = '\0';
        return lr_nomem(err);
    }
    int file = length < TRIAL_PATH ? mkstemp(path) : -1;
    FILE *stream = file >= 0 ? fdopen(file, "w") : NULL;
    int rc = 0;
    if (!stream) {
        rc = lr_fail_errno(err, LR_ECREATE,
                           "%s: cannot create it (set TMPDIR to a folder that can be written)",
                           path);
        if (file >= 0)
            close(file);
        goto out;
    }
    if (fputs(text, stream) < 0 || fputc('\n', stream) < 0)
        rc = lr_fail_errno(err, LR_EIO, "%s", path);
    if (fclose(stream) && !rc)
        rc = lr_fail_errno(err, LR_EIO, "%s", path);

out:
    if (rc && file >= 0)
        unlink(path);
    if (rc)
        path[0] = '\0';
    free(text); /* jansson's own allocation */
    return rc;
}
