/* Steps have a name, by which squeue finds their number. Nothing of a plan goes through a shell
 * here: where a launcher starts one, as ssh does, its word has the command in quotes. */
#include "trainers/command/command_launch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"

#define COMMAND "{command}"
enum { COMMAND_LENGTH = sizeof(COMMAND) - 1, NAME = 48, OPTION = 48 };

bool command_by_srun(const struct command_setup *setup)
{
    return setup->launcher_words > 0 && strcmp(setup->launcher[0], "srun") == 0;
}

/* ---- any launcher ---- */

/* The words in single quotes; the caller frees it. NULL: no memory. */
static char *quoted_line(char *const *argv)
{
    size_t size = 1;
    for (size_t i = 0; argv[i]; i++)
        size += 4 * strlen(argv[i]) + 3; /* each byte may be a quote: '\'' */
    char *line = lr_malloc(size), *at = line;
    for (size_t i = 0; line && argv[i]; i++) {
        at += sprintf(at, "%s'", i ? " " : "");
        for (const char *c = argv[i]; *c; c++)
            at += *c == '\'' ? sprintf(at, "'\\''") : sprintf(at, "%c", *c);
        at += sprintf(at, "'");
    }
    return line;
}

/* Adds a word with its placeholders expanded, and `line` where it has {command}. */
static int add_word(struct command_words *words, const char *word, const char *line,
                    const struct placeholder_trial *trial, struct lr_error *err)
{
    char text[TRIAL_PATH], part[2 * TRIAL_PATH];
    char *whole = NULL;
    size_t length = 0;
    int rc = 0;
    while (word) {
        const char *at = placeholder_find(word, COMMAND);
        snprintf(text, sizeof(text), "%.*s", (int)(at ? (size_t)(at - word) : strlen(word)), word);
        if ((rc = placeholder_expand(part, sizeof(part), text, trial, err)))
            break;
        size_t size = length + strlen(part) + strlen(line) + 1;
        char *larger = lr_realloc(whole, size);
        if (!larger) {
            rc = lr_nomem(err);
            break;
        }
        whole = larger;
        length += (size_t)snprintf(whole + length, size - length, "%s%s", part, at ? line : "");
        word = at ? at + COMMAND_LENGTH : NULL;
    }
    if (!rc)
        command_words_add(words, NULL, whole);
    lr_free(whole);
    return rc;
}

/* ---- srun ---- */

static void step_name(char out[NAME], const struct placeholder_trial *trial)
{
    snprintf(out, NAME, "lrsearch-%" PRIu32 ".%" PRIu32, trial->trial_id, trial->attempt);
}

static void add_option(struct command_words *words, const char *format, uint32_t value)
{
    char option[OPTION];
    snprintf(option, sizeof(option), "--%s=%" PRIu32, format, value);
    command_words_add(words, NULL, option);
}

/* One task on each node. --mem=0: steps share the job's memory, otherwise each would wait for all
 * of it. --export: sbatch may have left SLURM_EXPORT_ENV=NONE. --input: srun would read stdin. */
static void add_step(struct command_words *words, const struct command_setup *setup,
                     const struct placeholder_trial *trial)
{
    static const char *const fixed[] = {"--exclusive", "--exact", "--mem=0", "--export=ALL",
                                        "--input=none"};
    uint32_t nodes = setup->nodes ? setup->nodes : 1;
    char name[NAME];
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        command_words_add(words, NULL, fixed[i]);
    step_name(name, trial);
    command_words_add(words, "--job-name", name);
    add_option(words, "nodes", nodes);
    add_option(words, "ntasks", nodes);
    add_option(words, "ntasks-per-node", 1);
    add_option(words, "cpus-per-task", setup->cpus > nodes ? setup->cpus / nodes : 1);
    if (setup->gpus > 0)
        add_option(words, "gpus-per-node", setup->gpus / nodes);
}

int command_step_stop(char ***out, const struct placeholder_trial *trial, struct lr_error *err)
{
    static const char script[] =
        "squeue --steps --noheader --jobs=\"$1\" --format='%i %j' | while read -r step name; do\n"
        "if [ \"$name\" = \"$2\" ]; then scancel --signal=TERM \"$step\" </dev/null; fi; done";
    struct command_words words = {0};
    const char *job = getenv("SLURM_JOB_ID");
    char name[NAME];
    step_name(name, trial);
    const char *const argv[] = {"/bin/sh", "-c", script, "sh", job ? job : "", name};
    for (size_t i = 0; i < sizeof(argv) / sizeof(argv[0]); i++)
        command_words_add(&words, NULL, argv[i]);
    return command_words_finish(&words, out, 0, err);
}

bool command_step_ended(const char *line)
{
    static const char *const begins[] = {"srun: error: Node failure on ",
                                         "srun: error: Task launch for ",
                                         "srun: error: Application launch failed"};
    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
        if (strncmp(line, begins[i], strlen(begins[i])) == 0)
            return true;
    return (strstr(line, "*** STEP ") && strstr(line, " CANCELLED AT ")) ||
           (strncmp(line, "srun: error: ", 13) == 0 && strstr(line, ": Out Of Memory"));
}

/* ---- */

int command_launch(struct command_words *words, const struct command_setup *setup,
                   char *const *argv, const struct placeholder_trial *trial, struct lr_error *err)
{
    char *line = quoted_line(argv);
    bool there = false;
    int rc = line ? 0 : lr_nomem(err);
    for (size_t i = 0; !rc && i < setup->launcher_words; i++) {
        const char *word = setup->launcher[i];
        there = there || placeholder_find(word, COMMAND);
        if (strcmp(word, COMMAND) == 0) {
            for (size_t k = 0; argv[k]; k++)
                command_words_add(words, NULL, argv[k]);
        } else if ((rc = add_word(words, word, line, trial, err))) {
            lr_prefix(err, "trainer.launcher[%zu]", i);
        }
        if (i == 0 && command_by_srun(setup))
            add_step(words, setup, trial);
    }
    for (size_t k = 0; !rc && !there && argv[k]; k++)
        command_words_add(words, NULL, argv[k]);
    lr_free(line);
    return rc;
}
