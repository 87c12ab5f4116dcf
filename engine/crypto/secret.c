#include "secret.h"

#include <openssl/crypto.h>
#include <string.h>

void secret_wipe(void *secret, size_t size)
{
    if (size)
        explicit_bzero(secret, size);
}

bool secret_equal(const void *a, const void *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}
