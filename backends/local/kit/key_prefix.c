#include "key_prefix.h"

#include <string.h>

bool key_has_prefix(struct slice key, struct slice prefix)
{
    return key.size >= prefix.size &&
           (!prefix.size || memcmp(key.data, prefix.data, prefix.size) == 0);
}

struct slice key_common_prefix(struct slice key, struct slice prefix, struct slice delimiter)
{
    struct slice rest = {key.data + prefix.size, key.size - prefix.size};
    const char *found =
        delimiter.size ? memmem(rest.data, rest.size, delimiter.data, delimiter.size) : NULL;
    if (!found)
        return (struct slice){0};
    return (struct slice){key.data, (size_t)(found - key.data) + delimiter.size};
}

void key_skip_prefix(char *prefix, size_t size)
{
    if (size)
        prefix[size - 1]++;
}
