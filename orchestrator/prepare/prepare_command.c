/* The setup of trainer.kind command, in a cache file under its hash. Trials name that file, so that
 * a trial depends on its spec alone. */
#define _XOPEN_SOURCE 700 /* S_ISREG */
#include "prepare/prepare_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "trainers/command/command_env.h"
#include "trainers/command/command_file.h"
#include "lrsearch/log.h"
#include "lrsearch/printable.h"
#include "prepare/prepare.h"

extern char **environ;

static void fill_report(struct command_setup *setup, const struct plan *plan)
{
    setup->pattern = "";
    setup->report_file = plan_report(plan, "file");
    setup->report_loss = plan_report(plan, "loss");
    setup->report_tokens = plan_report(plan, "tokens");
    setup->report_steps = plan_report(plan, "steps");
    if (setup->report_file) {
        setup->way = REPORT_FILE;
    } else {
        report_way_find(&setup->way, plan->trainer.report[0].key);
        setup->pattern = plan->trainer.report[0].value;
    }
}

static void fill_setup(struct command_setup *setup, const struct plan *plan)
{
    memset(setup, 0, sizeof(*setup));
    for (; setup->argc < plan->trainer.argv_count; setup->argc++)
        setup->argv[setup->argc] = plan->trainer.argv[setup->argc];
    for (; setup->variables < plan->trainer.env_count; setup->variables++) {
        setup->names[setup->variables] = plan->trainer.env[setup->variables].key;
        setup->values[setup->variables] = plan->trainer.env[setup->variables].value;
    }
    setup->cwd = plan->trainer.cwd;
    fill_report(setup, plan);
    setup->diverged.regex = plan->trainer.diverged.regex;
    for (size_t i = 0; i < plan->trainer.diverged.exit_count; i++)
        setup->diverged.exits[setup->diverged.exit_count++] = (int)plan->trainer.diverged.exits[i];
    setup->gpus = plan->trainer.gpus_per_trial;
    setup->kill_grace_s = plan->trainer.kill_grace_s;
    for (; setup->launcher_words < plan->trainer.launcher_count; setup->launcher_words++)
        setup->launcher[setup->launcher_words] = plan->trainer.launcher[setup->launcher_words];
    setup->nodes = plan->trainer.nodes_per_trial;
    setup->cpus = plan_cpus_per_trial(plan);
}

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* What this host starts: the launcher, which may find the command elsewhere, or the command. */
static const char *program_of(const struct plan *plan)
{
    return plan->trainer.launcher_count > 0 ? plan->trainer.launcher[0] : plan->trainer.argv[0];
}

/* PATH in trainer.env, with placeholders; NULL: it is not set there. */
static const char *plan_path_variable(const struct plan *plan)
{
    for (size_t i = 0; i < plan->trainer.env_count; i++)
        if (strcmp(plan->trainer.env[i].key, "PATH") == 0)
            return plan->trainer.env[i].value;
    return NULL;
}

/* Finds a program as execvp() does: a name with a slash is a path from `cwd`, others are in `path`
 * (NULL: our PATH). */
static bool find_program(const char *name, const char *cwd, const char *path,
                         char out[2 * COMMAND_WORD])
{
    size_t room = 2 * COMMAND_WORD;
    if (strchr(name, '/')) {
        snprintf(out, room, name[0] == '/' ? "%.0s%s" : "%s/%s", cwd, name);
        return is_program(out);
    }
    path = path ? path : getenv("PATH");
    for (path = path ? path : "/bin:/usr/bin"; *path;) {
        int length = (int)strcspn(path, ":");
        snprintf(out, room, "%.*s/%s", length, path, name);
        if (is_program(out))
            return true;
        path += length + (path[length] == ':');
    }
    return false;
}

/* The text without its doubled braces. False: it has placeholders, so it may differ between
 * trials. */
static bool is_same_for_all(char out[COMMAND_WORD], const char *text)
{
    const struct trial_spec none = {0};
    const struct placeholder_trial trial = {.spec = &none};
    for (const char *c = text; *c; c++) {
        if (c[0] == '{' && c[1] != '{')
            return false;
        c += c[0] == '{';
    }
    return placeholder_expand(out, COMMAND_WORD, text, &trial, NULL) == 0;
}

void prepare_command_warn(const struct plan *plan)
{
    char found[2 * COMMAND_WORD], cwd[COMMAND_WORD], name[COMMAND_WORD], path[COMMAND_WORD];
    const char *variable = plan_path_variable(plan);
    struct stat status;
    bool known =
        is_same_for_all(name, program_of(plan)) && (!variable || is_same_for_all(path, variable));
    bool is_path = known && strchr(name, '/') != NULL;
    if (!is_same_for_all(cwd, plan->trainer.cwd))
        return; /* known when a trial begins */
    if (stat(cwd, &status) || !S_ISDIR(status.st_mode))
        lr_log(LR_LOG_WARNING, "trainer.cwd: there is no folder %s on this host", cwd);
    else if (known && !find_program(name, cwd, variable ? path : NULL, found))
        lr_log(LR_LOG_WARNING, "trainer.%s[0]: %s %s",
               plan->trainer.launcher_count > 0 ? "launcher" : "argv", name,
               is_path && access(found, F_OK) == 0
                   ? "is not executable; chmod +x it, or name its interpreter before it"
               : is_path ? "is not there on this host (a relative path starts at trainer.cwd)"
                         : "is not in PATH on this host");
}

int prepare_command(const struct plan *plan, const char *cache_dir, struct event_data *data,
                    struct lr_error *err)
{
    struct command_setup setup;
    char *folder;
    int rc;
    prepare_command_warn(plan);
    fill_setup(&setup, plan);
    if ((rc = prepare_cache_make(cache_dir, &folder, err)))
        return rc;
    rc = command_file_write(&setup, folder, data->data_path, &data->data_hash, err);
    free(folder);
    return rc;
}

/* As if this process had no environment: what it would add of its own is not the trial's. */
static int make_env(char ***env, const struct command_setup *setup,
                    const struct placeholder_trial *trial, uint32_t threads, struct lr_error *err)
{
    char *none[] = {NULL}, **own = environ;
    struct trial_place place = {.threads = threads};
    environ = none;
    int rc = command_env_make(env, setup, trial, &place, err);
    environ = own;
    return rc;
}

int prepare_command_expand(struct trial_command *out, const struct plan *plan,
                           const struct placeholder_trial *trial, struct lr_error *err)
{
    int rc;
    struct command_setup setup;
    memset(out, 0, sizeof(*out));
    fill_setup(&setup, plan);
    setup.gpus = 0;            /* whoever runs it chooses them, */
    setup.launcher_words = 0;  /* and how it starts */
    setup.way = REPORT_PREFIX; /* it has no descriptor of ours */
    if ((rc = placeholder_expand(out->cwd, sizeof(out->cwd), setup.cwd, trial, err)) ||
        (rc = command_argv_make(&out->argv, &setup, trial, err)))
        return rc;
    return make_env(&out->env, &setup, trial, plan->trainer.threads_per_worker, err);
}

void prepare_command_release(struct trial_command *out)
{
    command_words_free(out->argv);
    command_words_free(out->env);
}

/* Prints a word, in quotes if a shell needs them. */
static void print_word(const char *word)
{
    bool plain = *word != '\0';
    for (const char *c = word; *c; c++)
        plain = plain && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./=:,+%@",
                                *c);
    if (plain) {
        printf(" %s", word);
        return;
    }
    printf(" '");
    size_t length;
    for (const char *c = word; *c; c += length) {
        if (*c == '\'')
            printf("'\\'");
        if (lr_printable_at(c, &length) || *c == '\n')
            printf("%.*s", (int)length, c);
        else
            putchar('?');
    }
    printf("'");
}

void prepare_command_print(const struct plan *plan, const struct trial_spec *spec)
{
    struct command_setup setup;
    struct lr_error err = {0};
    const struct placeholder_trial trial = {.spec = spec, .trial_id = 1, .attempt = 1, .port = 1};
    char **argv = NULL, found[2 * COMMAND_WORD], cwd[COMMAND_WORD], path[COMMAND_WORD];
    const char *variable = plan_path_variable(plan);
    fill_setup(&setup, plan);
    if (command_argv_make(&argv, &setup, &trial, &err) ||
        command_cwd_make(cwd, &setup, &trial, &err) ||
        placeholder_expand(path, sizeof(path), variable ? variable : "", &trial, &err)) {
        lr_log(LR_LOG_ERROR, "%s", err.text);
        goto out;
    }
    lr_say(stdout, "\na trial at lr %g on the shortest horizon runs, in %s:\n ", spec->lr, cwd);
    for (size_t i = 0; argv[i]; i++)
        print_word(argv[i]);
    printf("\n");
    if (find_program(argv[0], cwd, variable ? path : NULL, found) && strcmp(found, argv[0]) != 0)
        lr_say(stdout, "where %s is %s\n", argv[0], found);
out:
    command_words_free(argv);
}
