#ifndef TESTS_SAFETENSORS_CASE_H
#define TESTS_SAFETENSORS_CASE_H
/* What the tests of safetensors share: a folder per test, one path in it, errors by their text.
 * Include it first: it needs nftw. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <dirent.h>
#include <jansson.h>
#include <string.h>
#include "data/safetensors.h"
#include "lrsearch/memory.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static char folder[256], path[300];
static struct lr_error err;

static const int32_t step = -12;
static const double loss = 0.1;

static inline int set_up(void **state)
{
    (void)state;
    memset(&err, 0, sizeof(err));
    json_set_alloc_funcs(lr_malloc, lr_free); /* so that jansson's allocations fail too */
    int rc = temp_dir_make(folder, sizeof(folder));
    snprintf(path, sizeof(path), "%s/m.safetensors", folder);
    return rc;
}

static inline int tear_down(void **state)
{
    (void)state;
    lr_memory_fail_after(-1);
    temp_dir_remove(folder);
    return 0;
}

/* `rest` follows PATH and ": ". */
static inline void assert_error(int rc, int code, const char *rest)
{
    char wanted[LR_ERROR_TEXT];
    snprintf(wanted, sizeof(wanted), "%s: %s", path, rest);
    assert_string_equal(err.text, wanted);
    assert_int_equal(rc, code);
    memset(&err, 0, sizeof(err));
}

static inline size_t read_file(unsigned char *bytes, size_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t used = fread(bytes, 1, size, file);
    fclose(file);
    return used;
}

static inline void write_file(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline size_t files_in_folder(void)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

#endif
