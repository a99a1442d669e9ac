#ifndef LRSEARCH_LITTLE_ENDIAN_H
#define LRSEARCH_LITTLE_ENDIAN_H

#include <stdint.h>

/* Reads unsigned little-endian integers at any alignment, on any machine. */

static inline uint32_t u16_at(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static inline uint32_t u32_at(const unsigned char *bytes)
{
    return u16_at(bytes) | u16_at(bytes + 2) << 16;
}

static inline uint64_t u64_at(const unsigned char *bytes)
{
    return u32_at(bytes) | (uint64_t)u32_at(bytes + 4) << 32;
}

#endif
