#include "base64.h"

#include <mbedtls/base64.h>

#include "error.h"

void base64_write(const void *data, size_t size, char *out)
{
    size_t written = 0;
    mbedtls_base64_encode((unsigned char *)out, BASE64_TEXT_SIZE(size), &written, data, size);
    out[written] = '\0';
}

int base64_read(struct slice text, void *out, size_t room, size_t *size)
{
    int code = mbedtls_base64_decode(out, room, size, (const unsigned char *)text.data, text.size);
    if (code == MBEDTLS_ERR_BASE64_BUFFER_TOO_SMALL)
        return ERR_LIMIT;
    return code ? ERR_INVALID : 0;
}
