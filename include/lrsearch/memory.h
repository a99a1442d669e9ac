#ifndef LRSEARCH_MEMORY_H
#define LRSEARCH_MEMORY_H

#include <stddef.h>

/* All heap memory goes through these, so that a test can make the n-th allocation fail. */
void *lr_malloc(size_t size);               /* NULL on failure or when size is 0 */
void *lr_calloc(size_t count, size_t size); /* zeroed; NULL on overflow of count * size */
void *lr_realloc(void *block, size_t size);
char *lr_strdup(const char *text);
void lr_free(void *block); /* NULL is fine */

/* From here on freed blocks of up to 32 MiB stay with the process for the next allocations, instead
 * of going back to the system. The search creates and frees posteriors of megabytes many times a
 * second; getting their pages anew took as long as computing with them. Without glibc this does
 * nothing. */
void lr_memory_keep_freed(void);

/* Test hook: the next `successes` allocations succeed, the one after fails, later ones succeed
 * again. -1 switches it off. */
void lr_memory_fail_after(long successes);

/* Makes room for one more element in a growing array: doubles *capacity when count == *capacity.
 * Returns the (moved) array, or NULL with the old one untouched. */
void *lr_grow(void *array, size_t count, size_t *capacity, size_t element_size);

/* An arena: one zeroed, 64-byte-aligned block with one lifetime; parts are handed out in order and
 * released together. A block of 2 MiB or more requests huge pages. */
struct arena {
    unsigned char *block;
    size_t size;
    size_t used;
};

int arena_init(struct arena *arena, size_t size); /* 0 or LR_ENOMEM */
/* 64-byte-aligned, zeroed; NULL when the arena is exhausted (the caller sized it wrongly). */
void *arena_alloc(struct arena *arena, size_t size);
void arena_release(struct arena *arena);
/* Bytes that arena_alloc() takes for `size` bytes; use it to size an arena. */
size_t arena_padded(size_t size);

#endif
