#include "form.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "uri.h"
#include "utf8.h"

enum { PAIRS_MAX = 2000, DEPTH_MAX = 8, NAME_MAX_BYTES = 512 };

static const char *name_of(const char *part, const struct form_name *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i].query, part) == 0)
            return names[i].json;
    }
    return part;
}

/* Goes to the member, which it makes if there is none. */
static int tree_descend(json_t **tree, const char *name)
{
    json_t *child = json_object_get(*tree, name);
    if (!child) {
        if (json_object_set_new(*tree, name, json_object()))
            return ERR_MEMORY;
        child = json_object_get(*tree, name);
    }
    if (!json_is_object(child))
        return ERR_INVALID;
    *tree = child;
    return 0;
}

/* Takes value. */
static int tree_put(json_t *tree, char *path, json_t *value, const struct form_name *names,
                    size_t count)
{
    int code = value ? 0 : ERR_MEMORY;
    for (int depth = 0; !code; depth++) {
        char *dot = strchr(path, '.');
        if (dot)
            *dot = '\0';
        const char *name = name_of(path, names, count);
        if (!dot)
            return json_object_set_new(tree, name, value) ? ERR_MEMORY : 0;
        code = depth == DEPTH_MAX ? ERR_LIMIT : tree_descend(&tree, name);
        path = dot + 1;
    }
    json_decref(value);
    return code;
}

/* For a text that may contain NULs. */
static bool is_utf8(const struct buffer *text)
{
    for (size_t at = 0; at < text->size; at += strlen(text->data + at) + 1)
        if (utf8_length(text->data + at) < 0)
            return false;
    return true;
}

bool form_takes_nuls(const char *name)
{
    return strcmp(name, "MessageBody") == 0 || strcmp(name, "StringValue") == 0;
}

/* "%00" is valid only in the texts of messages. */
static int value_decode(struct buffer *out, const char *path, struct slice value)
{
    const char *dot = strrchr(path, '.');
    const char *nul = memmem(value.data, value.size, "%00", 3);
    while (nul && form_takes_nuls(dot ? dot + 1 : path)) {
        size_t size = (size_t)(nul - value.data);
        if (uri_decode(out, (struct slice){value.data, size}, true))
            return out->error ? out->error : ERR_INVALID;
        buffer_byte(out, '\0');
        value = (struct slice){nul + 3, value.size - size - 3};
        nul = memmem(value.data, value.size, "%00", 3);
    }
    return uri_decode(out, value, true);
}

static int pair_put(json_t *tree, struct slice name, struct slice value,
                    const struct form_name *names, size_t count)
{
    struct buffer path, text;
    buffer_init(&path, NAME_MAX_BYTES);
    buffer_init(&text, value.size);
    int code = uri_decode(&path, name, true);
    if (code)
        goto out;
    if (path.size == 0)
        goto out;
    code = value_decode(&text, path.data, value);
    if (code)
        goto out;
    /* jansson would report it like a lack of memory */
    if (!is_utf8(&path) || !is_utf8(&text))
        code = ERR_INVALID;
    else
        code = tree_put(tree, path.data, json_stringn(text.data ? text.data : "", text.size), names,
                        count);
out:
    buffer_free(&path);
    buffer_free(&text);
    return code;
}

int form_parse(json_t *tree, struct slice text, const struct form_name *names, size_t name_count)
{
    int code = 0;
    if (!text.size) /* there may be no text to point into */
        return 0;
    const char *at = text.data, *end = text.data + text.size;
    for (int pairs = 0; at < end && !code; pairs++) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop ? stop : end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        const char *name_end = equals ? equals : stop;
        const char *value = equals ? equals + 1 : stop;
        code = pairs == PAIRS_MAX
                   ? ERR_LIMIT
                   : pair_put(tree, (struct slice){at, (size_t)(name_end - at)},
                              (struct slice){value, (size_t)(stop - value)}, names, name_count);
        at = stop < end ? stop + 1 : end;
    }
    return code;
}

static bool is_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits < 10 && text[digits] == '\0';
}

static bool is_list(json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (!is_number(name))
            return false;
    }
    return json_object_size(object) > 0;
}

static int number_compare(const void *a, const void *b)
{
    long left = atol(*(const char *const *)a), right = atol(*(const char *const *)b);
    return (left > right) - (left < right);
}

static json_t *shape_list(json_t *object)
{
    size_t count = 0;
    const char *name, **names = malloc(json_object_size(object) * sizeof *names);
    json_t *value, *list = json_array();
    int failed = !names || !list;
    if (!failed) {
        json_object_foreach(object, name, value) names[count++] = name;
        qsort(names, count, sizeof *names, number_compare);
    }
    for (size_t i = 0; i < count && !failed; i++)
        failed = json_array_append_new(list, form_shape(json_object_get(object, names[i])));
    free(names);
    if (!failed)
        return list;
    json_decref(list);
    return NULL;
}

static bool pair_split(json_t *item, const char **key, json_t **value)
{
    static const char *const words[][2] = {{"Name", "Value"}, {"Key", "Value"}, {"key", "value"}};
    for (size_t i = 0; i < 3; i++) {
        *key = json_string_value(json_object_get(item, words[i][0]));
        *value = json_object_get(item, words[i][1]);
        if (*key && *value && json_object_size(item) == 2)
            return true;
    }
    return false;
}

/* Takes list; returns it unchanged if it does not consist of pairs with different names. */
static json_t *shape_pairs(json_t *list)
{
    json_t *object = json_object(), *value;
    int failed = !object;
    for (size_t i = 0; i < json_array_size(list) && !failed; i++) {
        const char *key;
        if (!pair_split(json_array_get(list, i), &key, &value) || json_object_get(object, key)) {
            json_decref(object);
            return list;
        }
        failed = json_object_set(object, key, value);
    }
    json_decref(list);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *shape_object(json_t *tree)
{
    json_t *object = json_object(), *value;
    const char *name;
    json_object_foreach(tree, name, value)
    {
        if (!object || json_object_set_new(object, name, form_shape(value))) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

json_t *form_shape(const json_t *node)
{
    json_t *tree =
        (json_t *)(uintptr_t)node; /* jansson counts and iterates through non-const pointers */
    if (!json_is_object(tree))
        return json_incref(tree);
    json_t *inner = json_object_get(tree, "member");
    if (!inner)
        inner = json_object_get(tree, "entry");
    if (inner && json_object_size(tree) == 1 && json_is_object(inner))
        tree = inner;
    if (!is_list(tree))
        return shape_object(tree);
    json_t *list = shape_list(tree);
    return list ? shape_pairs(list) : NULL;
}
