/* FNV-1a with 64 bits: a fast hash for tables and names, no protection against chosen collisions.
 * Source: draft-eastlake-fnv. */
#ifndef THUMBWHEEL_FNV_H
#define THUMBWHEEL_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t fnv_byte(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * UINT64_C(0x100000001b3);
}

static inline uint64_t fnv_bytes(uint64_t hash, const void *data, size_t size)
{
    for (const unsigned char *p = data; size--; p++)
        hash = fnv_byte(hash, *p);
    return hash;
}

static inline uint64_t fnv_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = fnv_byte(hash, (unsigned char)*text);
    return hash;
}

#endif
