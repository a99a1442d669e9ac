/* Finds free descriptors by opening files, and threads by starting them: no portable call gives the
 * number in use. */
#define _POSIX_C_SOURCE 200809L
#include "lrsearch/limits.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

enum { WANTED_MAX = 64 };

int limits_check_files(unsigned wanted, struct lr_error *err)
{
    int opened[WANTED_MAX];
    struct rlimit limit = {0};
    unsigned count = 0;
    bool enough = true;
    while (enough && count < wanted && count < WANTED_MAX) {
        opened[count] = open("/", O_RDONLY | O_CLOEXEC);
        enough = opened[count] >= 0;
        count += enough;
    }
    for (unsigned i = 0; i < count; i++)
        close(opened[i]);
    if (enough)
        return 0;
    getrlimit(RLIMIT_NOFILE, &limit);
    return lr_fail(err, LR_EINTERNAL,
                   "too few files can be open at once: %u more are needed, and the limit of %llu "
                   "leaves %u; raise it, as in: ulimit -n 1024",
                   wanted, (unsigned long long)limit.rlim_cur, count);
}

static void *wait_for(void *lock)
{
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
    return NULL;
}

int limits_check_threads(unsigned wanted, struct lr_error *err)
{
    pthread_t threads[WANTED_MAX];
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    unsigned count = 0;
    pthread_mutex_lock(&lock);
    while (count < wanted && count < WANTED_MAX &&
           pthread_create(&threads[count], NULL, wait_for, &lock) == 0)
        count++;
    pthread_mutex_unlock(&lock);
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&lock);
    if (count == wanted || count == WANTED_MAX)
        return 0;
    return lr_fail(err, LR_EINTERNAL,
                   "too few threads can run: %u more are needed, and the limits leave %u; raise "
                   "them, as in: ulimit -u 4096",
                   wanted, count);
}
