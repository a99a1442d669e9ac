/* safetensors files that cannot be written: why is told, the old file stays, nothing is left beside
 * it. */
#include "safetensors_case.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void assert_not_written(const struct st_tensor *tensors, size_t count,
                               const struct st_pair *metadata, const char *text)
{
    char wanted[300];
    snprintf(wanted, sizeof(wanted), "cannot write it: %s", text);
    int rc = safetensors_write(path, tensors, count, metadata, metadata ? 2 : 0, &err);
    assert_error(rc, LR_EINVAL, wanted);
    assert_int_equal(files_in_folder(), 0);
}

static void test_wrong_arguments(void **state)
{
    (void)state;
    const struct st_tensor fine = {.name = "a", .dtype = ST_I32, .data = &step};
    const struct st_tensor twice[2] = {fine, fine};
    struct st_tensor bad = fine;
    assert_not_written(twice, 2, NULL, "tensor \"a\" is there twice: names must differ");
    bad.name = NULL;
    assert_not_written(&bad, 1, NULL, "a tensor's name is NULL");
    bad.name = "";
    assert_not_written(&bad, 1, NULL, "a tensor cannot have the name \"\": take another");
    bad.name = "__metadata__";
    assert_not_written(&bad, 1, NULL,
                       "a tensor cannot have the name \"__metadata__\": take another");
    bad.name = "\xff";
    assert_not_written(&bad, 1, NULL, "a tensor's name is not UTF-8");
    bad = fine;
    bad.dtype = ST_NONE;
    assert_not_written(&bad, 1, NULL, "tensor \"a\": dtype 0 is not known");
    bad = fine;
    bad.rank = 5;
    assert_not_written(&bad, 1, NULL, "tensor \"a\": it has 5 dimensions, and 4 are the most");
    bad = fine;
    bad.rank = 2;
    bad.shape[0] = bad.shape[1] = (uint64_t)1 << 31;
    assert_not_written(&bad, 1, NULL,
                       "tensor \"a\": its shape is too large to be counted in bytes");
    const struct st_tensor large[2] = {
        {.name = "a", .dtype = ST_U8, .rank = 1, .shape = {INT64_MAX}, .data = &step},
        {.name = "b", .dtype = ST_U8, .rank = 1, .shape = {1}, .data = &step}};
    assert_not_written(large, 2, NULL, "the tensors are too large together");
    bad = fine;
    bad.data = NULL;
    assert_not_written(&bad, 1, NULL, "tensor \"a\" has no data");
    const struct st_pair same[] = {{"k", "1"}, {"k", "2"}}, invalid[] = {{"k", "\xc3"}, {"l", ""}},
                         none[] = {{"k", "1"}, {NULL, "2"}};
    assert_not_written(&fine, 1, same, "metadata key \"k\" is there twice");
    assert_not_written(&fine, 1, invalid, "a metadata value is not UTF-8");
    assert_not_written(&fine, 1, none, "a metadata key is NULL");
}

static void assert_old_file(void)
{
    struct safetensors *file;
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(safetensors_open(&file, path, &err), 0);
    assert_int_equal(*(const int32_t *)safetensors_find(file, "old")->data, step);
    safetensors_close(file);
}

static void test_failed_writes(void **state)
{
    (void)state;
    static float large[4096];
    const struct st_tensor old = {.name = "old", .dtype = ST_I32, .data = &step};
    const struct st_tensor new = {
        .name = "new", .dtype = ST_F32, .rank = 1, .shape = {4096}, .data = large};
    char wanted[700];
    assert_int_equal(safetensors_write(path, &old, 1, NULL, 0, &err), 0);

    /* A file may not grow beyond a limit, in the middle of the header or of the data: as a full
     * disk does it, the first write is cut short and the next one fails. */
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    static const rlim_t limits[] = {0, 50, 5000};
    for (size_t i = 0; i < COUNT(limits); i++) {
        limit = before;
        limit.rlim_cur = limits[i];
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        int rc = safetensors_write(path, &new, 1, NULL, 0, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        snprintf(wanted, sizeof(wanted),
                 "%s.tmp.%ld: cannot write it: File too large; raise the limit of file sizes, as "
                 "in: ulimit -f unlimited",
                 path, (long)getpid());
        assert_string_equal(err.text, wanted);
        assert_int_equal(rc, LR_EIO);
        memset(&err, 0, sizeof(err));
        assert_old_file();
    }
    signal(SIGXFSZ, SIG_DFL);

    /* The n-th allocation fails: told, with nothing left behind. */
    int rc = LR_ENOMEM;
    long n = 0;
    for (; rc == LR_ENOMEM; n++) {
        lr_memory_fail_after(n);
        rc = safetensors_write(path, &new, 1, NULL, 0, &err);
        lr_memory_fail_after(-1);
        if (rc) {
            assert_int_equal(rc, LR_ENOMEM);
            assert_non_null(strstr(err.text, "out of memory"));
            memset(&err, 0, sizeof(err));
            assert_old_file();
        }
    }
    assert_int_equal(rc, 0);
    assert_true(n > 3);
}

static void test_no_place(void **state)
{
    (void)state;
    char where[400], wanted[1000];
    const struct st_tensor tensor = {.name = "a", .dtype = ST_I32, .data = &step};
    snprintf(where, sizeof(where), "%s/absent/m", folder);
    snprintf(wanted, sizeof(wanted),
             "%s.tmp.%ld: cannot create it (the folder must exist and be writable): No such file "
             "or directory",
             where, (long)getpid());
    assert_int_equal(safetensors_write(where, &tensor, 1, NULL, 0, &err), LR_ECREATE);
    assert_string_equal(err.text, wanted);
    memset(&err, 0, sizeof(err));

    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(wanted, sizeof(wanted), "%s.tmp.%ld: cannot rename it to %s: Is a directory", path,
             (long)getpid(), path);
    assert_int_equal(safetensors_write(path, &tensor, 1, NULL, 0, &err), LR_ECREATE);
    assert_string_equal(err.text, wanted);
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(safetensors_write(path, &tensor, 1, NULL, 0, NULL), LR_ECREATE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_wrong_arguments),
        TEST(test_failed_writes),
        TEST(test_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
