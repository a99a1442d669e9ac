/* Heap functions, with a countdown that makes a chosen allocation fail in tests, and arenas. */
#define _DEFAULT_SOURCE /* madvise */
#include "lrsearch/memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include "lrsearch/error.h"

#define ARENA_ALIGNMENT ((size_t)64) /* a cache line; the widest vector register */
#define HUGE_PAGE ((size_t)2 * 1024 * 1024)
#define KEPT_BLOCK (32 * 1024 * 1024) /* the most that every glibc takes */
#define KEPT_TOTAL (1024 * 1024 * 1024)

static atomic_long fail_after = -1; /* threads allocate at the same time */

void lr_memory_fail_after(long successes)
{
    atomic_store(&fail_after, successes);
}

static int must_fail(void)
{
    long left = atomic_load_explicit(&fail_after, memory_order_relaxed);
    while (left >= 0 && !atomic_compare_exchange_weak(&fail_after, &left, left - 1))
        continue;
    return left == 0;
}

void *lr_malloc(size_t size)
{
    return size == 0 || must_fail() ? NULL : malloc(size);
}

void *lr_calloc(size_t count, size_t size)
{
    if (count == 0 || size == 0 || count > SIZE_MAX / size || must_fail())
        return NULL;
    return calloc(count, size);
}

void *lr_realloc(void *block, size_t size)
{
    return size == 0 || must_fail() ? NULL : realloc(block, size);
}

char *lr_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = lr_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

void lr_free(void *block)
{
    free(block);
}

void lr_memory_keep_freed(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, KEPT_BLOCK);
    mallopt(M_TRIM_THRESHOLD, KEPT_TOTAL);
#endif
}

void *lr_grow(void *array, size_t count, size_t *capacity, size_t element_size)
{
    if (count < *capacity)
        return array;
    size_t wanted = *capacity ? *capacity * 2 : 16;
    if (wanted > SIZE_MAX / element_size)
        return NULL;
    void *moved = lr_realloc(array, wanted * element_size);
    if (moved)
        *capacity = wanted;
    return moved;
}

size_t arena_padded(size_t size)
{
    return (size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
}

int arena_init(struct arena *arena, size_t size)
{
    memset(arena, 0, sizeof(*arena));
    size = arena_padded(size);
    if (size == 0 || must_fail())
        return LR_ENOMEM;
    size_t alignment = size >= HUGE_PAGE ? HUGE_PAGE : ARENA_ALIGNMENT;
    if (size > SIZE_MAX - alignment)
        return LR_ENOMEM;
    size_t reserved = (size + alignment - 1) / alignment * alignment;
    arena->block = aligned_alloc(alignment, reserved);
    if (!arena->block)
        return LR_ENOMEM;
#ifdef MADV_HUGEPAGE
    if (size >= HUGE_PAGE)
        madvise(arena->block, reserved, MADV_HUGEPAGE); /* advisory: failure costs only speed */
#endif
    memset(arena->block, 0, size);
    arena->size = size;
    return 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t padded = arena_padded(size);
    if (padded < size || padded > arena->size - arena->used)
        return NULL;
    void *part = arena->block + arena->used;
    arena->used += padded;
    return part;
}

void arena_release(struct arena *arena)
{
    free(arena->block);
    memset(arena, 0, sizeof(*arena));
}
