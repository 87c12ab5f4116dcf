#include "base64.h"

#include <mbedtls/base64.h>
#include <openssl/evp.h>
#include <string.h>

#include "error.h"

void base64_write(const void *data, size_t size, char *out)
{
    EVP_EncodeBlock((unsigned char *)out, data, (int)size);
}

/* One line, with padding at its end alone. libcrypto reads that ten times as fast as mbedTLS; it also
 * skips blanks, which makes the result shorter, and takes padding for zeros anywhere. */
static bool line_read(struct slice text, unsigned char *out, size_t room, size_t *size)
{
    size_t whole = text.size / 4 * 3;
    if (!text.size || text.size % 4 || text.size > INT32_MAX || room < whole ||
        memchr(text.data, '=', text.size - 2))
        return false;
    bool last = text.data[text.size - 1] == '=', second = text.data[text.size - 2] == '=';
    int decoded = EVP_DecodeBlock(out, (const unsigned char *)text.data, (int)text.size);
    *size = whole - last - second;
    return decoded >= 0 && (size_t)decoded == whole && (last || !second);
}

int base64_read(struct slice text, void *out, size_t room, size_t *size)
{
    if (line_read(text, out, room, size))
        return 0;
    int code = mbedtls_base64_decode(out, room, size, (const unsigned char *)text.data, text.size);
    if (code == MBEDTLS_ERR_BASE64_BUFFER_TOO_SMALL)
        return ERR_LIMIT;
    return code ? ERR_INVALID : 0;
}
