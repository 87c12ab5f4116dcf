#include "secret.h"

#include <string.h>

void secret_wipe(void *secret, size_t size)
{
    if (size)
        explicit_bzero(secret, size);
}

bool secret_equal(const void *a, const void *b, size_t size)
{
    const unsigned char *left = a, *right = b;
    volatile unsigned char difference = 0;
    for (size_t i = 0; i < size; i++)
        difference = (unsigned char)(difference | (left[i] ^ right[i]));
    return difference == 0;
}
