/* The directory of a run, and whole files in it. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "store/run_dir.h"

static char folder[256];

static int set_up(void **state)
{
    (void)state;
    lr_log_level_set(LR_LOG_ERROR);
    return temp_dir_make(folder, sizeof(folder));
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(folder);
    return 0;
}

static const char *under(const char *name)
{
    static char path[4][400];
    static unsigned turn;
    char *out = path[turn++ % 4];
    snprintf(out, sizeof(path[0]), "%s/%s", folder, name);
    return out;
}

static int mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777;
}

static char *read_text(const char *dir, const char *name)
{
    char *text = NULL;
    struct lr_error err = {0};
    if (run_dir_read(dir, name, &text, &err))
        fail_msg("%s", err.text);
    assert_non_null(text);
    return text;
}

static void put_file(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void assert_link(const char *link, const char *target)
{
    char found[300];
    ssize_t length = readlink(link, found, sizeof(found) - 1);
    assert_true(length > 0);
    found[length] = '\0';
    assert_string_equal(found, target);
}

/* ---- the directory ---- */

static void makes_what_is_missing(void **state)
{
    (void)state;
    struct lr_error err = {0};
    for (int again = 0; again < 2; again++) {
        assert_int_equal(run_dir_open(under("logs/deep/one"), &err), 0);
        assert_int_equal(mode_of(under("logs/deep/one")), 0700);
        assert_int_equal(mode_of(under("logs/deep")), 0700);
        assert_int_equal(mode_of(under("logs/deep/one/curves")), 0700);
        assert_link(under("logs/deep/latest"), "one");
    }
    assert_int_equal(run_dir_open(under("logs/deep/two//"), &err), 0);
    assert_link(under("logs/deep/latest"), "two");
    assert_int_equal(run_dir_open(under("logs/deep/two/../one"), &err), 0);
    assert_link(under("logs/deep/latest"), "one");
    /* nothing else is left beside it */
    assert_int_equal(rmdir(under("logs/deep/one/curves")), 0);
    assert_int_equal(rmdir(under("logs/deep/one")), 0);
    assert_int_equal(rmdir(under("logs/deep/two/curves")), 0);
    assert_int_equal(rmdir(under("logs/deep/two")), 0);
    assert_int_equal(unlink(under("logs/deep/latest")), 0);
    assert_int_equal(rmdir(under("logs/deep")), 0);
}

static void foreign_latest_is_left(void **state)
{
    (void)state;
    struct lr_error err = {0};
    put_file(under("latest"), "mine", 4);
    assert_int_equal(run_dir_open(under("run"), &err), 0);
    char *text = read_text(folder, "latest");
    assert_string_equal(text, "mine");
    lr_free(text);
    assert_int_equal(unlink(under("latest")), 0);
}

/* Names of our own beside the runs: no run may have them, but the link leads to one. */
static void names_of_our_own(void **state)
{
    (void)state;
    static const char *const names[] = {
        "latest", "latest/", "cache", "cache//", "cache/.", "history.db", "history.db-journal"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct lr_error err = {0};
        struct stat status;
        assert_int_equal(run_dir_open(under(names[i]), &err), LR_ECREATE);
        assert_non_null(strstr(err.text, ": is a name that lrsearch uses itself beside the runs "
                                         "(latest, cache and history.db); choose another "
                                         "--run-dir"));
        assert_int_equal(stat(under(names[i]), &status), -1);
    }
    struct lr_error err = {0};
    assert_int_equal(run_dir_open(under("one"), &err), 0);
    assert_link(under("latest"), "one");
    assert_int_equal(run_dir_open(under("latest"), &err), 0);
    assert_int_equal(run_dir_open(under("latest/"), &err), 0);
    assert_link(under("latest"), "one");
    assert_int_equal(run_dir_open(under("mylatest"), &err), 0);
}

static void refuses(const char *run, const char *text)
{
    struct lr_error err = {0};
    assert_int_equal(run_dir_open(run, &err), LR_ECREATE);
    if (!strstr(err.text, text))
        fail_msg("%s: %s", run, err.text);
}

/* A directory in which somebody else could exchange the files. */
static void folders_of_others(void **state)
{
    (void)state;
    struct lr_error err = {0};
    char dir[TRIAL_PATH];
    assert_int_equal(run_dir_open(under("run"), &err), 0);
    for (int mode = 0770; mode >= 0707; mode = mode == 0770 ? 0777 : mode == 0777 ? 0707 : 0) {
        assert_int_equal(chmod(under("run"), (mode_t)mode), 0);
        refuses(under("run"), "run: others may write to it (mode 07");
        refuses(under("run"), "/run), or choose another --run-dir");
    }
    assert_int_equal(chmod(under("run"), 0755), 0); /* who may read does no harm */
    assert_int_equal(run_dir_open(under("run"), &err), 0);
    assert_int_equal(chmod(folder, 0777), 0); /* nor who shares the folder above, as a project's */
    assert_int_equal(run_dir_open(under("run"), &err), 0);
    assert_int_equal(chmod(folder, 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(under("run"), 4711, (gid_t)-1), 0);
        refuses(under("run"), "run: belongs to another user (uid 4711), who could exchange files "
                              "in it; choose another --run-dir");
        assert_int_equal(chown(under("run"), 0, (gid_t)-1), 0);
    }
    assert_int_equal(mkdir(under("elsewhere"), 0700), 0);
    assert_int_equal(rmdir(under("run/curves")), 0);
    assert_int_equal(symlink(under("elsewhere"), under("run/curves")), 0);
    refuses(under("run"), "run/curves: is a symbolic link, and what is written there would go "
                          "elsewhere; remove it, or choose another --run-dir");
    assert_int_equal(symlink(under("elsewhere"), under("run/checkpoints")), 0);
    assert_int_equal(run_dir_checkpoints(under("run"), dir, &err), LR_ECREATE);
    assert_non_null(strstr(err.text, "run/checkpoints: is a symbolic link"));
    put_file(under("elsewhere/trial-0001.state"), "mine", 4); /* nor emptied */
    run_dir_remove_checkpoints(under("run"));
    lr_free(read_text(under("elsewhere"), "trial-0001.state"));
    err.code = 0;
    assert_int_equal(mkdir(under("run/output"), 0700), 0);
    assert_int_equal(chmod(under("run/output"), 0722), 0);
    assert_int_equal(run_dir_output(under("run"), dir, &err), LR_ECREATE);
    assert_non_null(strstr(err.text, "run/output: others may write to it (mode 0722)"));
}

/* Left by a killed run, or put there by somebody who once could: a link is replaced. */
static void links_are_not_followed(void **state)
{
    (void)state;
    struct lr_error err = {0};
    struct stat status;
    put_file(under("victim"), "victim", 6);
    assert_int_equal(symlink(under("victim"), under("result.json.tmp")), 0);
    assert_int_equal(symlink(under("victim"), under("result.json")), 0);
    assert_int_equal(run_dir_write(folder, "result.json", "new", 3, &err), 0);
    assert_int_equal(lstat(under("result.json"), &status), 0);
    assert_true(S_ISREG(status.st_mode));
    char *text = read_text(folder, "victim");
    assert_string_equal(text, "victim");
    lr_free(text);
    put_file(under("result.json.tmp"), "of a killed run, longer than the new one", 40);
    assert_int_equal(run_dir_write(folder, "result.json", "new", 3, &err), 0);
    text = read_text(folder, "result.json");
    assert_string_equal(text, "new");
    lr_free(text);
}

static void places_that_cannot_be(void **state)
{
    (void)state;
    static const struct {
        const char *path, *text;
    } cases[] = {
        {"", "the run directory has no name; give --run-dir"},
        {"/proc/lrsearch/run", "cannot create the directory /proc/lrsearch: "},
        {"/dev/null/run", "cannot create the directory /dev/null: File exists"},
        {"/dev/null", "cannot create the directory /dev/null: File exists"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lr_error err = {0};
        assert_int_equal(run_dir_open(cases[i].path, &err), LR_ECREATE);
        if (strncmp(err.text, cases[i].text, strlen(cases[i].text)) != 0)
            fail_msg("%s", err.text);
    }
    struct lr_error err = {0};
    put_file(under("file"), "", 0);
    assert_int_equal(run_dir_open(under("file/below"), &err), LR_ECREATE);
    assert_non_null(strstr(err.text, "/file: File exists"));
    if (geteuid() != 0) { /* root may write everywhere */
        err.code = 0;
        assert_int_equal(mkdir(under("closed"), 0500), 0);
        assert_int_equal(run_dir_open(under("closed"), &err), LR_ECREATE);
        assert_non_null(strstr(err.text, "cannot write to the directory"));
        assert_non_null(strstr(err.text, "Permission denied"));
    }
}

/* ---- whole files ---- */

static void writes_whole_files(void **state)
{
    (void)state;
    struct lr_error err = {0};
    char *text;
    mode_t old = umask(0);
    assert_int_equal(run_dir_write(folder, "a.txt", "first", 5, &err), 0);
    assert_int_equal(mode_of(under("a.txt")), 0600);
    umask(0277); /* respected, whatever it is */
    assert_int_equal(run_dir_write(folder, "b.txt", "", 0, &err), 0);
    assert_int_equal(mode_of(under("b.txt")), 0400);
    umask(old);
    assert_int_equal(run_dir_write(folder, "a.txt", "second\n", 7, &err), 0);
    text = read_text(folder, "a.txt");
    assert_string_equal(text, "second\n");
    lr_free(text);
    text = read_text("", under("a.txt")); /* without a directory: the name alone */
    assert_string_equal(text, "second\n");
    lr_free(text);
    assert_int_equal(access(under("a.txt.tmp"), F_OK), -1);
    assert_int_equal(run_dir_read(folder, "none", &text, &err), 0);
    assert_null(text);

    char *large = malloc(300001);
    memset(large, 'x', 300000);
    large[300000] = '\0';
    assert_int_equal(run_dir_write(folder, "large", large, 300000, &err), 0);
    text = read_text(folder, "large");
    assert_string_equal(text, large);
    lr_free(text);
    free(large);
}

static void files_that_cannot_be(void **state)
{
    (void)state;
    struct lr_error err = {0};
    char *text = NULL;
    put_file(under("file"), "a\0b", 3);
    assert_int_equal(run_dir_read(folder, "file", &text, &err), LR_EIO);
    assert_null(text);
    assert_non_null(strstr(err.text, "/file: is no text: it has a zero byte"));
    err.code = 0;
    assert_int_equal(run_dir_read(under("file"), "x", &text, &err), LR_EIO);
    assert_non_null(strstr(err.text, "/file/x: cannot open it: Not a directory"));
    err.code = 0;
    assert_int_equal(run_dir_read("", folder, &text, &err), LR_EIO);
    assert_non_null(strstr(err.text, "cannot read it: Is a directory"));
    err.code = 0;
    assert_int_equal(mkfifo(under("pipe"), 0600), 0); /* its reader must not wait for a writer */
    assert_int_equal(run_dir_read(folder, "pipe", &text, &err), LR_EIO);
    assert_non_null(strstr(err.text, "/pipe: is no regular file"));
    err.code = 0;
    assert_int_equal(run_dir_write(under("file"), "x", "", 0, &err), LR_ECREATE);
    assert_non_null(strstr(err.text, "/file/x.tmp: cannot create it: Not a directory"));
    err.code = 0;
    assert_int_equal(mkdir(under("dir"), 0700), 0); /* the old one stays, nothing is left beside */
    assert_int_equal(run_dir_write(folder, "dir", "x", 1, &err), LR_ECREATE);
    assert_non_null(strstr(err.text, "dir.tmp: cannot rename it to "));
    assert_int_equal(access(under("dir.tmp"), F_OK), -1);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(makes_what_is_missing),  IN_FOLDER(foreign_latest_is_left),
        IN_FOLDER(names_of_our_own),       IN_FOLDER(folders_of_others),
        IN_FOLDER(links_are_not_followed), IN_FOLDER(places_that_cannot_be),
        IN_FOLDER(writes_whole_files),     IN_FOLDER(files_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
