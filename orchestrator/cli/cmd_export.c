/* lrsearch export: a campaign, finished or not, in a format of other programs. It only reads the
 * run's directory; what it writes must not be there yet, and is there whole or not at all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/options.h"
#include "history/run_reader.h"
#include "export/export_files.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "store/run_dir.h"

struct export
{
    struct plan plan;
    struct campaign *campaign;
    struct answer answer;
    struct curves curves;
    const struct trial **trials;
    struct export_files files;
};

static int read_run(struct export *export, const char *run_dir, struct lr_error *err)
{
    uint64_t hash;
    int rc = run_plan_read(&export->plan, &hash, run_dir, err);
    if (!rc)
        rc = run_campaign_read(&export->campaign, &export->plan, hash, run_dir, err);
    if (rc)
        return rc;
    size_t count = campaign_trial_count(export->campaign);
    export->trials = lr_calloc(count + 1, sizeof(*export->trials));
    if (!export->trials)
        return lr_nomem(err);
    for (uint32_t id = 1; id <= count; id++)
        export->trials[id - 1] = campaign_trial(export->campaign, id);
    rc = campaign_answer(export->campaign, &export->answer, err);
    return rc ? rc : curves_read(&export->curves, run_dir, count, err);
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

/* The folder of a file's name within `path`; false: it has none. */
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
    int rc = run_dir_make(path, err);
    for (size_t i = 0; !rc && i < files->count; i++) {
        const struct export_file *file = &files->files[i];
        if (folder_of(folder, path, file->name))
            rc = run_dir_make(folder, err);
        if (!rc)
            rc = run_dir_write(path, file->name, file->bytes, file->size, err);
    }
    if (rc)
        remove_files(path, files);
    return rc;
}

static int export_run(struct export *export, const struct options *options, struct lr_error *err)
{
    const struct export_source source = {export->campaign, &export->answer, export->trials,
                                         campaign_trial_count(export->campaign), &export->curves};
    const struct export_format *format = export_format_find(options->format);
    int rc = format->make(&export->files, &source, err);
    if (rc)
        return rc;
    const struct export_file *file = &export->files.files[0];
    return format->folder ? write_folder(options->out, &export->files, err)
                          : run_dir_write("", options->out, file->bytes, file->size, err);
}

int command_export(const struct options *options)
{
    struct lr_error err = {0};
    struct export *export = lr_calloc(1, sizeof(*export));
    int rc = export ? refuse_what_is_there(options->out, &err) : lr_nomem(&err);
    if (!rc)
        rc = read_run(export, options->operand, &err);
    if (!rc)
        rc = export_run(export, options, &err);
    if (rc)
        lr_log(LR_LOG_ERROR, "%s", err.text);
    else
        lr_log(LR_LOG_INFO, "%s: %zu trainings of %s", options->out,
               campaign_trial_count(export->campaign), export->plan.name);
    if (export) {
        campaign_destroy(export->campaign);
        curves_release(&export->curves);
        export_files_release(&export->files);
        lr_free(export->trials);
    }
    lr_free(export);
    return rc ? lr_error_exit_status(rc) : 0;
}
