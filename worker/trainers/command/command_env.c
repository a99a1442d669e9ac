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
#include "trainers/command/command_launch.h"
#include "trainers/command/command_process.h"
#include "trainers/command/command_words.h"
#include "lrsearch/memory.h"

extern char **environ;

enum { NAME_ROOM = 64 };

static bool is_ours(const char *word)
{
    static const char *const prefixes[] = {"OMPI_",  "PMIX_",   "PMI_",     "PRTE_",
                                           "SLURM_", "SLURMD_", "LRSEARCH_"};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (strncmp(word, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* What srun needs to find its allocation. The others describe the job as options of srun, and would
 * contradict ours. */
static bool names_job(const char *word)
{
    return strncmp(word, "SLURM_JOB_ID=", 13) == 0 || strncmp(word, "SLURM_CONF=", 11) == 0 ||
           strncmp(word, "SLURM_JOB_NODELIST=", 19) == 0;
}

int command_gpus(char out[COMMAND_GPUS], const struct command_setup *setup, uint32_t slot,
                 struct lr_error *err)
{
    const char *all = getenv("CUDA_VISIBLE_DEVICES"), *at = all;
    size_t used = 0, room = COMMAND_GPUS;
    uint32_t gpus = command_by_srun(setup) ? 0 : setup->gpus, first = gpus * slot, there = 0;
    out[0] = '\0';
    for (uint32_t i = 0; !all && i < gpus; i++)
        used += (size_t)snprintf(out + used, room - used, "%s%" PRIu32, i ? "," : "", first + i);
    for (; gpus > 0 && at && *at; there++) {
        size_t length = strcspn(at, ",");
        if (there >= first && there < first + gpus && used + length + 2 < room)
            used += (size_t)snprintf(out + used, room - used, "%s%.*s", used ? "," : "",
                                     (int)length, at);
        at += length + (at[length] == ',');
    }
    if (gpus > 0 && all && there < first + gpus)
        return lr_fail(err, LR_EFAILURES,
                       "worker %" PRIu32 " of its host needs the GPUs %" PRIu32 " to %" PRIu32
                       " of CUDA_VISIBLE_DEVICES, which has %" PRIu32
                       "; start fewer ranks there, or lower trainer.gpus_per_trial or "
                       "concurrent_trials",
                       slot + 1, first + 1, first + gpus, there);
    return 0;
}

/* Before the plan's own variables, which have precedence. */
static void add_rendezvous(struct command_words *words, const struct command_setup *setup,
                           const struct placeholder_trial *trial)
{
    char port[16];
    snprintf(port, sizeof(port), "%" PRIu32, trial->port);
    if (trial->port > 0)
        command_words_add(words, "MASTER_PORT", port);
    if (trial->port > 0 && setup->launcher_words == 0 && !getenv("MASTER_ADDR"))
        command_words_add(words, "MASTER_ADDR", "127.0.0.1");
}

static void add_trial(struct command_words *words, const struct placeholder_trial *trial)
{
    char value[TRIAL_PATH], name[NAME_ROOM];
    for (size_t i = 0; placeholder_name(i); i++) {
        if (!placeholder_value(value, i, trial))
            continue;
        snprintf(name, sizeof(name), "LRSEARCH_%s", placeholder_name(i));
        for (char *c = name; *c; c++)
            *c = (char)toupper((unsigned char)*c);
        command_words_add(words, name, value);
    }
}

int command_env_make(char ***out, const struct command_setup *setup,
                     const struct placeholder_trial *trial, const struct trial_place *place,
                     struct lr_error *err)
{
    struct command_words words = {0};
    char number[16], value[COMMAND_WORD];
    int rc = 0;
    bool by_srun = command_by_srun(setup);
    for (char **word = environ; *word; word++)
        if (!is_ours(*word) || (by_srun && names_job(*word)))
            command_words_add(&words, NULL, *word);
    snprintf(number, sizeof(number), "%d", COMMAND_SRUN_STATUS);
    if (by_srun)
        command_words_add(&words, "SLURM_EXIT_ERROR", number);
    snprintf(number, sizeof(number), "%" PRIu32, place->threads ? place->threads : 1);
    command_words_add(&words, "OMP_NUM_THREADS", number);
    if (!getenv("PYTHONUNBUFFERED")) /* else a pipe gets nothing for minutes */
        command_words_add(&words, "PYTHONUNBUFFERED", "1");
    if (trial->gpus && trial->gpus[0])
        command_words_add(&words, "CUDA_VISIBLE_DEVICES", trial->gpus);
    add_rendezvous(&words, setup, trial);
    for (size_t i = 0; !rc && i < setup->variables; i++) {
        if ((rc = placeholder_expand(value, sizeof(value), setup->values[i], trial, err)))
            lr_prefix(err, "trainer.env.%s", setup->names[i]);
        else
            command_words_add(&words, setup->names[i], value);
    }
    add_trial(&words, trial);
    snprintf(number, sizeof(number), "%d", COMMAND_REPORT_FD);
    if (setup->way == REPORT_FD)
        command_words_add(&words, "LRSEARCH_REPORT_FD", number);
    return command_words_finish(&words, out, rc, err);
}

/* Replaces the command's words by those that launch it. */
static int launch(char ***argv, const struct command_setup *setup,
                  const struct placeholder_trial *trial, struct lr_error *err)
{
    struct command_words words = {0};
    char **own = *argv;
    int rc = command_launch(&words, setup, own, trial, err);
    rc = command_words_finish(&words, argv, rc, err);
    command_words_free(own);
    return rc;
}

int command_argv_make(char ***out, const struct command_setup *setup,
                      const struct placeholder_trial *trial, struct lr_error *err)
{
    struct command_words words = {0};
    char word[COMMAND_WORD];
    int rc = 0;
    for (size_t i = 0; !rc && i < setup->argc; i++) {
        if ((rc = placeholder_expand(word, sizeof(word), setup->argv[i], trial, err)))
            lr_prefix(err, "trainer.argv[%zu]", i);
        else
            command_words_add(&words, NULL, word);
    }
    rc = command_words_finish(&words, out, rc, err);
    return rc || setup->launcher_words == 0 ? rc : launch(out, setup, trial, err);
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

/* $TMPDIR is of this host: a launched command finds its file beside that of the setup. */
static const char *spec_folder(char folder[TRIAL_PATH], const char *beside)
{
    const char *temporary = getenv("TMPDIR"), *end = beside ? strrchr(beside, '/') : NULL;
    snprintf(folder, TRIAL_PATH, "%s", temporary && *temporary ? temporary : "/tmp");
    if (end && end > beside)
        snprintf(folder, TRIAL_PATH, "%.*s", (int)(end - beside), beside);
    return folder;
}

int command_spec_write(char path[TRIAL_PATH], const struct placeholder_trial *trial,
                       const char *beside, struct lr_error *err)
{
    char folder[TRIAL_PATH];
    char *whole = realpath(spec_folder(folder, beside), NULL); /* absolute: the command runs in
                                                                  another folder */
    if (!whole)
        return lr_fail_errno(err, LR_ECREATE, "TMPDIR: %s", folder);
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
