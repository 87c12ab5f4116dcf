#include "query_text.h"

#include <string.h>

#include "uri.h"

struct slice query_cut(struct slice *rest, char separator)
{
    const char *stop = rest->size ? memchr(rest->data, separator, rest->size) : NULL;
    size_t size = stop ? (size_t)(stop - rest->data) : rest->size;
    struct slice part = {rest->data, size};
    size_t used = stop ? size + 1 : size;
    *rest = (struct slice){rest->data ? rest->data + used : NULL, rest->size - used};
    return part;
}

bool query_next(struct slice *rest, struct slice *name, struct slice *value)
{
    if (!rest->size)
        return false;
    struct slice pair = query_cut(rest, '&');
    const char *equals = pair.size ? memchr(pair.data, '=', pair.size) : NULL;
    size_t size = equals ? (size_t)(equals - pair.data) : pair.size;
    *name = (struct slice){pair.data, size};
    *value = equals ? (struct slice){equals + 1, pair.size - size - 1} : (struct slice){NULL, 0};
    return true;
}

bool query_copy(char *out, size_t room, struct slice text)
{
    if (text.size == 0 || text.size >= room || memchr(text.data, '\0', text.size))
        return false;
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return true;
}

bool query_find(struct slice query, const char *name, struct slice *out)
{
    struct slice key;
    while (query_next(&query, &key, out)) {
        if (slice_equal_text(key, name))
            return true;
    }
    return false;
}

bool query_has(struct slice query, const char *name)
{
    struct slice value;
    return query_find(query, name, &value);
}

bool query_decode(struct slice value, char *out, size_t room)
{
    struct buffer text;
    buffer_init(&text, room);
    bool good = !uri_decode(&text, value, false) && query_copy(out, room, buffer_slice(&text));
    buffer_free(&text);
    return good;
}

bool query_value(struct slice query, const char *name, char *out, size_t room)
{
    struct slice value;
    return query_find(query, name, &value) && query_decode(value, out, room);
}
