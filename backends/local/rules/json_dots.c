#include "json_dots.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { DOTS_MAX = 32 };

static bool has_dots(json_t *tree)
{
    const char *key;
    json_t *value;
    for (size_t i = 0; i < json_array_size(tree); i++) {
        if (has_dots(json_array_get(tree, i)))
            return true;
    }
    json_object_foreach(tree, key, value)
    {
        if (strchr(key, '.') || has_dots(value))
            return true;
    }
    return false;
}

/* Takes value; an object is merged into an existing one. */
static int member_put(json_t *object, const char *key, json_t *value)
{
    json_t *there = json_object_get(object, key);
    if (!json_is_object(there) || !json_is_object(value))
        return json_object_set_new(object, key, value);
    int failed = json_object_update_recursive(there, value);
    json_decref(value);
    return failed;
}

/* Takes value: "a.b" becomes b within a. */
static int path_put(json_t *object, const char *path, json_t *value, int dots)
{
    const char *dot = dots < DOTS_MAX ? strchr(path, '.') : NULL;
    if (!dot)
        return member_put(object, path, value);
    json_t *inner = json_object();
    char *first = strndup(path, (size_t)(dot - path));
    int failed = path_put(inner, dot + 1, value, dots + 1);
    if (!failed && first)
        failed = member_put(object, first, json_incref(inner));
    failed = failed || !first;
    free(first);
    json_decref(inner);
    return failed;
}

static json_t *nested_form(json_t *tree)
{
    const char *key;
    json_t *value, *out;
    int failed = 0;
    if (!json_is_object(tree) && !json_is_array(tree))
        return json_incref(tree);
    out = json_is_array(tree) ? json_array() : json_object();
    for (size_t i = 0; i < json_array_size(tree) && !failed; i++)
        failed = json_array_append_new(out, nested_form(json_array_get(tree, i)));
    json_object_foreach(tree, key, value)
    {
        if (!failed)
            failed = path_put(out, key, nested_form(value), 0);
    }
    if (out && !failed)
        return out;
    json_decref(out);
    return NULL;
}

json_t *json_undotted(json_t *tree)
{
    return has_dots(tree) ? nested_form(tree) : json_incref(tree);
}
