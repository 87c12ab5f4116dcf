#include "object_placement.h"

#include <string.h>

bool object_header_find(struct slice headers, const char *name, struct slice *value)
{
    size_t size = strlen(name);
    while (headers.size) {
        const char *end = memchr(headers.data, '\n', headers.size);
        size_t line = end ? (size_t)(end - headers.data) : headers.size;
        if (line > size + 1 && memcmp(headers.data, name, size) == 0 &&
            memcmp(headers.data + size, ": ", 2) == 0) {
            *value = (struct slice){headers.data + size + 2, line - size - 2};
            return true;
        }
        line += end != NULL;
        headers = (struct slice){headers.data + line, headers.size - line};
    }
    return false;
}

void object_storage_class(struct slice headers, char out[OBJECT_CLASS_SIZE])
{
    struct slice value = slice_of("STANDARD");
    object_header_find(headers, OBJECT_CLASS_HEADER, &value);
    slice_copy(value, out, OBJECT_CLASS_SIZE);
}
