#ifndef LRSEARCH_AMX_H
#define LRSEARCH_AMX_H

#include <stdbool.h>
#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* Whether this process may use AMX tiles with bf16: the CPU has them, the system keeps their
 * registers, and gives this process leave, which it asks for. Needs _DEFAULT_SOURCE (syscall). */
static inline bool amx_permitted(void)
{
#if defined(__x86_64__) && defined(__linux__)
    enum {
        BF16 = 1 << 22, /* of CPUID 7.0, EDX */
        TILES = 1 << 24,
        TILE_DATA = 18,
        REQUEST_PERMISSION = 0x1023, /* ARCH_REQ_XCOMP_PERM */
    };
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & BF16) && (d & TILES) &&
           syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
#else
    return false;
#endif
}

#endif
