#ifndef LRSEARCH_FUZZ_INPUT_H
#define LRSEARCH_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the fuzz targets share. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold of every input: unlike assert(), in every build. */
#define DEMAND(condition) ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_broken(const char *file, int line, const char *condition);

/* A copy in a block of its own, whose end is that of the bytes and whose begin is unaligned, so
 * that AddressSanitizer sees every read outside. fuzz_copy_free() it. */
char *fuzz_copy(const void *bytes, size_t size);
void fuzz_copy_free(char *copy);

/* A folder in memory where there is one, removed at exit with what lies in it: for functions that
 * write a file beside and rename it. The same at every call. */
const char *fuzz_folder(void);

/* A file there, for functions that take a path. */
struct memory_file {
    int fd;
    char path[128];
};
struct memory_file memory_file_create(const char *name);
void memory_file_fill(const struct memory_file *file, const void *bytes, size_t size);

/* A first byte below FUZZ_COUNTDOWNS is taken off the input: after so many allocations, one fails.
 * Other bytes are left: texts do not begin with such a byte. -1: none is to fail. */
#define FUZZ_COUNTDOWNS 32
long fuzz_take_countdown(const uint8_t **data, size_t *size);

/* What a parser made of the input with that allocation failing, and without. */
void fuzz_demand_same(int with, int without);

/* Whether no input before had this hash; for parts of an input that are looked at by themselves and
 * that most inputs share. */
bool fuzz_is_new(uint64_t state);

/* For what takes a hundred times as long as the rest: whether to do it for `state`, a hash of all
 * that it depends on. Each new state is, as long as this takes less than a third of the time; so
 * the first one of a process is, which makes a crash happen again. Then fuzz_slow_end(). */
bool fuzz_slow_begin(uint64_t state);
void fuzz_slow_end(void);

#endif
