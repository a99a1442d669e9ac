#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "fuzz_input.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "lrsearch/error.h"
#include "lrsearch/memory.h"

/* Blocks of 300 KB that are not used again for long cost more than what is tested; ASAN_OPTIONS can
 * ask for more. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=8:malloc_context_size=4:max_malloc_fill_size=0";
}

_Noreturn void fuzz_broken(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

char *fuzz_copy(const void *bytes, size_t size)
{
    char *block = malloc(size + 1);
    DEMAND(block);
    memcpy(block + 1, bytes, size);
    return block + 1;
}

void fuzz_copy_free(char *copy)
{
    free(copy - 1);
}

/* ---- files ---- */

static char folder[64];

static void remove_folder(void)
{
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    while (directory && (entry = readdir(directory)))
        unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory)
        closedir(directory);
    rmdir(folder);
}

const char *fuzz_folder(void)
{
    if (!folder[0]) {
        bool in_memory = access("/dev/shm", W_OK) == 0;
        snprintf(folder, sizeof(folder), "%s/lrsearch-fuzz-XXXXXX",
                 in_memory ? "/dev/shm" : "/tmp");
        DEMAND(mkdtemp(folder));
        atexit(remove_folder);
    }
    return folder;
}

/* Not memfd_create(): its path is a link, which some of those who open files refuse to follow. */
struct memory_file memory_file_create(const char *name)
{
    struct memory_file file;
    snprintf(file.path, sizeof(file.path), "%s/%s", fuzz_folder(), name);
    file.fd = open(file.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    DEMAND(file.fd >= 0);
    return file;
}

void memory_file_fill(const struct memory_file *file, const void *bytes, size_t size)
{
    DEMAND(ftruncate(file->fd, 0) == 0);
    DEMAND(pwrite(file->fd, bytes, size, 0) == (ssize_t)size);
}

/* ---- allocations that fail ---- */

long fuzz_take_countdown(const uint8_t **data, size_t *size)
{
    if (*size == 0 || **data >= FUZZ_COUNTDOWNS)
        return -1;
    --*size;
    return *(*data)++;
}

void fuzz_demand_same(int with, int without)
{
    DEMAND(with == without || with == LR_ENOMEM);
    DEMAND(without != LR_ENOMEM);
}

/* ---- what takes long ---- */

#define STATES 65536 /* of which it is known that they were seen */
#define SHARE 3

static clock_t slow_began, slow_spent;

bool fuzz_is_new(uint64_t state)
{
    static uint64_t seen[STATES];
    bool is_new = seen[state % STATES] != state;
    seen[state % STATES] = state;
    return is_new;
}

bool fuzz_slow_begin(uint64_t state)
{
    if (slow_spent > clock() / SHARE || !fuzz_is_new(state))
        return false;
    slow_began = clock();
    return true;
}

void fuzz_slow_end(void)
{
    slow_spent += clock() - slow_began;
}
