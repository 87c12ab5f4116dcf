#include "md5.h"

#include <openssl/md5.h>
#include <strings.h>

#include "sigv4.h"

void md5_text(const void *data, size_t size, char out[MD5_TEXT_SIZE])
{
    unsigned char digest[MD5_DIGEST_LENGTH];
    MD5(data, size, digest);
    sigv4_hex(digest, sizeof digest, out);
}

bool md5_matches(const void *data, size_t size, const char *expected)
{
    char hex[MD5_TEXT_SIZE];
    md5_text(data, size, hex);
    return strcasecmp(hex, expected) == 0;
}
