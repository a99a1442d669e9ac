/* Paths of a plan. Those of data files are relative to the plan's folder, so that a plan and its
 * corpus move together; results go below the working directory. `~` is refused: a shell would
 * expand it, and here it would name a folder. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "plan/check_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/own_file.h"
#include "lrsearch/printable.h"

static bool starts_at_home(const char *path)
{
    return path[0] == '~';
}

/* A newline in a name would make two lines in a log, a list of files, or a script. */
#define NO_CONTROLS "the path holds a control character; rename the file or folder"

/* Resolves links and ".." in the plan's folder, so that leading "../" can be removed from paths as
 * text. False with a complaint. */
static bool plan_folder(struct plan_reader *reader, size_t member, const char *plan_path,
                        char out[TRIAL_PATH])
{
    char given[TRIAL_PATH], resolved[4096 /* PATH_MAX */];
    const char *slash = strrchr(plan_path, '/');
    size_t length = slash ? (size_t)(slash - plan_path) : 0;
    if (length >= sizeof(given))
        errno = ENAMETOOLONG;
    if (slash && length < sizeof(given)) {
        memcpy(given, length ? plan_path : "/", length ? length : 1);
        given[length ? length : 1] = '\0';
    } else {
        memcpy(given, ".", 2);
    }
    if (length >= sizeof(given) || !realpath(given, resolved)) {
        reader_complain(reader, member, "cannot find the plan's folder: %s", strerror(errno));
        return false;
    }
    size_t size = strlen(resolved);
    if (size >= TRIAL_PATH || lr_utf8_prefix(resolved, size) < size) {
        reader_complain(reader, member,
                        size >= TRIAL_PATH ? "the path of the plan's folder is too long"
                                           : "the path of the plan's folder is not UTF-8 text");
        return false;
    }
    memcpy(out, resolved, size + 1);
    return true;
}

/* Replaces the relative path by folder + path; false when it does not fit. */
static bool make_absolute(char path[TRIAL_PATH], const char *folder)
{
    size_t length = strlen(folder);
    const char *rest = path;
    char out[2 * TRIAL_PATH];
    for (;; rest += strspn(rest, "/")) {
        if (strncmp(rest, "./", 2) == 0) {
            rest += 2;
        } else if (strncmp(rest, "../", 3) == 0) {
            rest += 3;
            while (length > 0 && folder[--length] != '/')
                ;
        } else {
            break;
        }
    }
    while (length > 0 && folder[length - 1] == '/') /* "/" itself */
        length--;
    snprintf(out, sizeof(out), "%.*s/%s", (int)length, folder, rest);
    if (strlen(out) >= TRIAL_PATH)
        return false;
    memcpy(path, out, strlen(out) + 1);
    return true;
}

/* A brace in the plan's folder is no placeholder of trainer.cwd. False when it does not fit. */
static bool double_braces(char path[TRIAL_PATH])
{
    char out[2 * TRIAL_PATH];
    size_t used = 0;
    for (const char *c = path; *c; c++) {
        out[used++] = *c;
        if (*c == '{' || *c == '}')
            out[used++] = *c;
    }
    if (used >= TRIAL_PATH)
        return false;
    memcpy(path, out, used);
    path[used] = '\0';
    return true;
}

static void check_files(struct plan_reader *reader, size_t member, char (*paths)[TRIAL_PATH],
                        size_t count, const char *plan_path)
{
    char folder[TRIAL_PATH] = "";
    if (!reader_given(reader, member))
        return;
    for (size_t i = 0; i < count; i++) {
        char *path = paths[i];
        if (starts_at_home(path)) {
            reader_complain_item(reader, member, i, "~ is not expanded; write the folder out");
            continue;
        }
        if (lr_has_controls(path)) {
            reader_complain_item(reader, member, i, NO_CONTROLS);
            continue;
        }
        if (path[0] == '/')
            continue;
        if (!folder[0] && !plan_folder(reader, member, plan_path, folder))
            return;
        if ((member == MEMBER(trainer.cwd) && !double_braces(folder)) ||
            !make_absolute(path, folder))
            reader_complain_item(reader, member, i, "the path is too long (at most %d bytes)",
                                 TRIAL_PATH - 1);
    }
}

static bool climbs(const char *path)
{
    for (const char *part = path; *part;) {
        size_t length = strcspn(part, "/");
        if (length == 2 && part[0] == '.' && part[1] == '.')
            return true;
        part += length;
        part += strspn(part, "/");
    }
    return false;
}

void check_paths(struct plan_reader *reader, const char *plan_path)
{
    struct plan *plan = reader->plan;
    check_files(reader, MEMBER(data.text), plan->data.text, plan->data.text_count, plan_path);
    check_files(reader, MEMBER(data.tokens), plan->data.tokens, plan->data.token_count, plan_path);
    check_files(reader, MEMBER(data.val), plan->data.val, plan->data.val_count, plan_path);
    check_files(reader, MEMBER(trainer.table), &plan->trainer.table, 1, plan_path);
    check_files(reader, MEMBER(trainer.cwd), &plan->trainer.cwd, 1, plan_path);
    if (plan->trainer.kind == TRAINER_COMMAND && ABSENT(reader, trainer.cwd) &&
        plan_folder(reader, MEMBER(trainer.cwd), plan_path, plan->trainer.cwd) &&
        !double_braces(plan->trainer.cwd))
        reader_complain(reader, MEMBER(trainer.cwd), "the path of the plan's folder is too long");
    if (strcmp(plan->baseline, "none") == 0)
        plan->baseline[0] = '\0';
    else if (strcmp(plan->baseline, PLAN_PREVIOUS) != 0)
        check_files(reader, MEMBER(baseline), &plan->baseline, 1, plan_path);
    if (!GIVEN(reader, output.dir))
        return;
    if (lr_has_controls(reader->plan->output.dir))
        reader_complain(reader, MEMBER(output.dir), NO_CONTROLS);
    else if (own_name_taken(reader->plan->output.dir))
        reader_complain(reader, MEMBER(output.dir),
                        "ends in a name that lrsearch uses itself beside the runs (" OWN_NAMES
                        "); choose another");
    else if (climbs(reader->plan->output.dir))
        reader_complain(reader, MEMBER(output.dir),
                        "must not hold \"..\"; give a path below the working directory or an "
                        "absolute one");
    else if (starts_at_home(reader->plan->output.dir))
        reader_complain(reader, MEMBER(output.dir), "~ is not expanded; write the folder out");
}
