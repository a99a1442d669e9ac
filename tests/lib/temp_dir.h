#ifndef TESTS_TEMP_DIR_H
#define TESTS_TEMP_DIR_H
/* A directory of a test's own. Include it first: it needs nftw. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline int temp_dir_remove_entry(const char *path, const struct stat *status, int flag,
                                        struct FTW *walk)
{
    (void)status;
    (void)flag;
    (void)walk;
    return remove(path);
}

/* Fills `path`; 0 or -1. */
static inline int temp_dir_make(char *path, size_t size)
{
    const char *base = getenv("TMPDIR");
    snprintf(path, size, "%s/lrsearch-test-XXXXXX", base && *base ? base : "/tmp");
    return mkdtemp(path) ? 0 : -1;
}

static inline void temp_dir_remove(const char *path)
{
    nftw(path, temp_dir_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
