#include "uuid.h"

#include <stdlib.h>
#include <sys/random.h>

void uuid_make(uint8_t out[UUID_SIZE])
{
    /* Small reads from the kernel's pool are never cut short once it is seeded; without it no
     * identifier is safe. */
    if (getrandom(out, UUID_SIZE, 0) != UUID_SIZE)
        abort();
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

void uuid_text(const uint8_t u[UUID_SIZE], char out[UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    for (int i = 0; i < UUID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[u[i] >> 4];
        *at++ = digits[u[i] & 15];
    }
    *at = '\0';
}

void uuid_make_text(char out[UUID_TEXT_SIZE])
{
    uint8_t uuid[UUID_SIZE];
    uuid_make(uuid);
    uuid_text(uuid, out);
}
