#include "uuid.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "hex.h"

/* getrandom(2) returns up to this many bytes completely, even when interrupted by a signal */
enum { RANDOM_SIZE = 256 };

/* Reads random bytes for several UUIDs at once, because a system call costs more than a UUID.
 * Small reads are complete once the kernel's pool is seeded (getrandom(2)). */
static void random_take(uint8_t out[UUID_SIZE])
{
    static _Thread_local uint8_t pool[RANDOM_SIZE];
    static _Thread_local size_t left;
    if (!left) {
        if (getrandom(pool, sizeof pool, 0) != sizeof pool)
            abort();
        left = sizeof pool;
    }
    left -= UUID_SIZE;
    memcpy(out, pool + left, UUID_SIZE);
    memset(pool + left, 0, UUID_SIZE);
}

void uuid_make(uint8_t out[UUID_SIZE])
{
    random_take(out);
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

void uuid_text(const uint8_t u[UUID_SIZE], char out[UUID_TEXT_SIZE])
{
    static const uint8_t groups[] = {4, 2, 2, 2, 6}; /* bytes */
    for (size_t i = 0; i < sizeof groups; i++) {
        hex_write(u, groups[i], out);
        u += groups[i];
        out += 2 * groups[i];
        *out++ = '-';
    }
    out[-1] = '\0';
}

void uuid_make_text(char out[UUID_TEXT_SIZE])
{
    uint8_t uuid[UUID_SIZE];
    uuid_make(uuid);
    uuid_text(uuid, out);
}
