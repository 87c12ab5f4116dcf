#include "md5.h"

#include <openssl/md5.h>
#include <strings.h>

#include "sigv4.h"

bool md5_matches(const void *data, size_t size, const char *expected)
{
    unsigned char digest[MD5_DIGEST_LENGTH];
    char hex[2 * MD5_DIGEST_LENGTH + 1];
    MD5(data, size, digest);
    sigv4_hex(digest, sizeof digest, hex);
    return strcasecmp(hex, expected) == 0;
}
