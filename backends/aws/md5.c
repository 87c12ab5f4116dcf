#include "md5.h"

#include <mbedtls/md5.h>
#include <strings.h>

bool md5_matches(const void *data, size_t size, const char *expected)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[16];
    char hex[33];
    if (mbedtls_md5_ret(data, size, digest))
        return false;
    for (size_t i = 0; i < sizeof digest; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[32] = '\0';
    return strcasecmp(hex, expected) == 0;
}
