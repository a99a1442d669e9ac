#include "kernels/scratch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local void *own[SCRATCH_COUNT];
static pthread_key_t key;
static pthread_once_t key_made = PTHREAD_ONCE_INIT;

static void release(void *of_thread)
{
    void **blocks = of_thread;
    for (int use = 0; use < SCRATCH_COUNT; use++) {
        free(blocks[use]);
        blocks[use] = NULL;
    }
}

static void no_memory(void)
{
    fputs("lrsearch: out of memory for a matrix product\n", stderr);
    abort();
}

static void make_key(void)
{
    if (pthread_key_create(&key, release))
        no_memory();
}

static void *allocate(enum scratch_use use, size_t bytes)
{
    pthread_once(&key_made, make_key);
    own[use] = aligned_alloc(64, bytes);
    if (!own[use] || pthread_setspecific(key, own))
        no_memory();
    return memset(own[use], 0, bytes);
}

void *scratch(enum scratch_use use, size_t bytes)
{
    return own[use] ? own[use] : allocate(use, bytes);
}
