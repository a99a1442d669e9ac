/* lrsearch export: writes a campaign, finished or not, in another program's format. Only reads the
 * run directory. The output must not exist yet; it is written completely or not at all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "campaign/campaign_answer.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "history/run_reader.h"
#include "export/export_files.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "store/run_dir.h"

struct export_options {
    const char *format, *out; /* NULL: not given */
};

struct exported {
    struct run_answer *run;
    struct curves curves;
    const struct trial **trials;
    struct export_files files;
};

static int read_run(struct exported *export, const char *run_dir, struct lr_error *err)
{
    int rc = run_answer_read(&export->run, run_dir, err);
    if (rc)
        return rc;
    const struct campaign *campaign = export->run->campaign;
    size_t count = campaign_trial_count(campaign);
    export->trials = lr_calloc(count + 1, sizeof(*export->trials));
    if (!export->trials)
        return lr_nomem(err);
    for (uint32_t id = 1; id <= count; id++)
        export->trials[id - 1] = campaign_trial(campaign, id);
    return curves_read(&export->curves, run_dir, count, err);
}

static int refuse_what_is_there(const char *path, struct lr_error *err)
{
    struct stat status;
    if (strlen(path) >= TRIAL_PATH - sizeof(((struct export_file *)0)->name))
        return lr_fail(err, LR_ECREATE, "--out: %zu characters are too long for a path",
                       strlen(path));
    if (lstat(path, &status) == 0)
        return lr_fail(err, LR_ECREATE, "%s: is there already; name another, or remove it", path);
    return errno == ENOENT ? 0 : lr_fail_errno(err, LR_ECREATE, "%s: cannot create it", path);
}

/* The folder part of `name`, below `path`; false: `name` has none. */
static bool folder_of(char folder[TRIAL_PATH], const char *path, const char *name)
{
    const char *slash = strrchr(name, '/');
    if (slash)
        snprintf(folder, TRIAL_PATH, "%s/%.*s", path, (int)(slash - name), name);
    return slash;
}

static void remove_files(const char *path, const struct export_files *files)
{
    char name[TRIAL_PATH];
    for (size_t i = files->count; i-- > 0;) {
        snprintf(name, sizeof(name), "%s/%s", path, files->files[i].name);
        unlink(name);
        if (folder_of(name, path, files->files[i].name))
            rmdir(name);
    }
    rmdir(path);
}

static int write_folder(const char *path, const struct export_files *files, struct lr_error *err)
{
    char folder[TRIAL_PATH];
    int rc;
    if ((rc = run_dir_make(path, err)))
        goto out;
    for (size_t i = 0; i < files->count; i++) {
        const struct export_file *file = &files->files[i];
        if (folder_of(folder, path, file->name) && (rc = run_dir_make(folder, err)))
            goto out;
        if ((rc = run_dir_write(path, file->name, file->bytes, file->size, err)))
            goto out;
    }

out:
    if (rc)
        remove_files(path, files);
    return rc;
}

static int export_run(struct exported *export, const struct export_options *options,
                      struct lr_error *err)
{
    const struct campaign *campaign = export->run->campaign;
    const struct export_source source = {campaign, &export->run->answer, export->trials,
                                         campaign_trial_count(campaign), &export->curves};
    const struct export_format *format = export_format_find(options->format);
    int rc = format->make(&export->files, &source, err);
    if (rc)
        return rc;
    const struct export_file *file = &export->files.files[0];
    return format->folder ? write_folder(options->out, &export->files, err)
                          : run_dir_write("", options->out, file->bytes, file->size, err);
}

static int run(const struct command_line *line)
{
    const struct export_options *options = line->options;
    struct lr_error err = {0};
    struct exported export = {0};
    int rc;
    if ((rc = refuse_what_is_there(options->out, &err)))
        goto out;
    if ((rc = read_run(&export, line->operands[0], &err)))
        goto out;
    if ((rc = export_run(&export, options, &err)))
        goto out;
    lr_log(LR_LOG_INFO, "%s: %zu trainings of %s", options->out,
           campaign_trial_count(export.run->campaign), export.run->plan.name);
out:
    curves_release(&export.curves);
    export_files_release(&export.files);
    lr_free(export.trials);
    run_answer_free(export.run);
    return outcome_error(rc, &err);
}

static int check_options(const struct command_line *line, struct lr_error *err)
{
    const struct export_options *options = line->options;
    if (line->operand_count == 0 || !options->format || !options->out)
        return lr_fail(err, LR_EUSAGE,
                       "export: name a run's directory, --format and --out, as in: lrsearch export "
                       "logs/quickstart --format sqlite -o quickstart.db");
    if (export_format_find(options->format))
        return 0;
    if (strcmp(options->format, "optuna") == 0)
        return lr_fail(err, LR_EUSAGE,
                       "--format optuna: contrib/optuna_bridge.py export RUN_DIR STORAGE writes "
                       "Optuna's studies");
    return lr_fail(err, LR_EUSAGE, "--format %s: must be csv, sqlite or tensorboard",
                   options->format);
}

static const struct option_row rows[] = {
    {"format", "NAME", "csv and tensorboard: a folder; sqlite: a file; needed",
     OPTION_AT(export_options, format), .type = OPTION_ANY_TEXT,
     .values = "csv sqlite tensorboard"},
    {"out", "PATH", "a new file or folder; needed", .letter = 'o', OPTION_AT(export_options, out),
     .type = OPTION_TEXT, .wanted = "a name", .values = "@file"},
};

const struct command cmd_export = {
    .name = "export",
    .operand = "[RUN_DIR]",
    .help = "a run as csv, sqlite or tensorboard; needs --format and --out",
    .examples = "lrsearch export logs/quickstart --format sqlite -o quickstart.db",
    .operand_help = LATEST_HELP,
    .kind = OPERAND_RUN,
    .latest = true,
    .least_most = {0, 1},
    COMMAND_ROWS(rows),
    .options = &(struct export_options){0},
    .check = check_options,
    .run = run,
};
