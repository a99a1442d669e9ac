/* Finds free descriptors by opening files: no portable call gives the number in use. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "lrsearch/limits.h"

#include <fcntl.h>
#include <sched.h>
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

int limits_need_files(unsigned wanted, struct lr_error *err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur >= wanted)
        return 0;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted)
        return lr_fail(err, LR_EINTERNAL,
                       "too few files can be open at once: %u are needed, and the hard limit is "
                       "%llu (ulimit -Hn)",
                       wanted, (unsigned long long)limit.rlim_max);
    limit.rlim_cur = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) ? lr_fail_errno(err, LR_EINTERNAL, "ulimit -n") : 0;
}

unsigned limits_cores(long pid)
{
    cpu_set_t mask;
    int count = sched_getaffinity((pid_t)pid, sizeof(mask), &mask) == 0 ? CPU_COUNT(&mask) : 0;
    return count > 0 ? (unsigned)count : 1;
}
