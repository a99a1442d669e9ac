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
    report_way_find(&setup->way, plan->trainer.report[0].key);
    setup->pattern = plan->trainer.report[0].value;
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

/* What is started on this host: the launcher, which may find the command elsewhere, or the command. */
static const char *program_of(const struct plan *plan)
{
    return plan->trainer.launcher_count > 0 ? plan->trainer.launcher[0] : plan->trainer.argv[0];
}

/* Finds the program as execvp() does: a name with a slash is a path from cwd, others are in PATH (of
 * trainer.env, if set there). */
static bool find_program(const struct plan *plan, char out[2 * TRIAL_PATH])
{
    const char *name = program_of(plan), *path = getenv("PATH");
    size_t room = 2 * TRIAL_PATH;
    if (strchr(name, '/')) {
        snprintf(out, room, name[0] == '/' ? "%.0s%s" : "%s/%s", plan->trainer.cwd, name);
        return is_program(out);
    }
    for (size_t i = 0; i < plan->trainer.env_count; i++)
        if (strcmp(plan->trainer.env[i].key, "PATH") == 0)
            path = plan->trainer.env[i].value;
    for (path = path ? path : "/bin:/usr/bin"; *path;) {
        int length = (int)strcspn(path, ":");
        snprintf(out, room, "%.*s/%s", length, path, name);
        if (is_program(out))
            return true;
        path += length + (path[length] == ':');
    }
    return false;
}

void prepare_command_warn(const struct plan *plan)
{
    char found[2 * TRIAL_PATH];
    const char *name = program_of(plan);
    struct stat status;
    bool path = strchr(name, '/') != NULL;
    if (stat(plan->trainer.cwd, &status) || !S_ISDIR(status.st_mode))
        lr_log(LR_LOG_WARNING, "trainer.cwd: there is no folder %s on this host",
               plan->trainer.cwd);
    else if (!find_program(plan, found))
        lr_log(LR_LOG_WARNING, "trainer.%s[0]: %s %s",
               plan->trainer.launcher_count > 0 ? "launcher" : "argv", name,
               path && access(found, F_OK) == 0
                   ? "is not executable; chmod +x it, or name its interpreter before it"
               : path ? "is not there on this host (a relative path starts at trainer.cwd)"
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
    char **argv, found[2 * TRIAL_PATH];
    fill_setup(&setup, plan);
    if (command_argv_make(&argv, &setup, &trial, &err)) {
        lr_log(LR_LOG_ERROR, "%s", err.text);
        return;
    }
    lr_say(stdout, "\na trial at lr %g on the shortest horizon runs, in %s:\n ", spec->lr,
           setup.cwd);
    for (size_t i = 0; argv[i]; i++)
        print_word(argv[i]);
    printf("\n");
    if (find_program(plan, found) && strcmp(found, argv[0]) != 0)
        lr_say(stdout, "where %s is %s\n", argv[0], found);
    command_words_free(argv);
}
