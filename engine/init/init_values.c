#include "init_values.h"

#include <stdlib.h>
#include <string.h>

#include "yaml_reader.h"

const char *init_text(const struct yaml_node *map, const char *name)
{
    const struct yaml_node *node = yaml_child(map, name);
    return node ? node->text : NULL;
}

bool init_switch(const struct yaml_node *map, const char *name, bool fallback)
{
    const char *text = init_text(map, name);
    return text ? strcmp(text, "true") == 0 : fallback;
}

static json_t *scalar_json(const struct yaml_node *node)
{
    json_t *value =
        node->quoted ? NULL : json_text_read(slice_of(node->text), JSON_DECODE_ANY, NULL);
    if (!node->quoted && !*node->text)
        return json_null();
    if (value && !json_is_object(value) && !json_is_array(value) && !json_is_string(value))
        return value;
    json_decref(value);
    return json_string(node->text);
}

json_t *init_json(const struct yaml_node *node)
{
    if (node->kind == YAML_SCALAR)
        return scalar_json(node);
    json_t *out = node->kind == YAML_LIST ? json_array() : json_object();
    for (const struct yaml_node *child = node->children; child; child = child->next) {
        json_t *value = init_json(child);
        int failed = node->kind == YAML_LIST ? json_array_append_new(out, value)
                                             : json_object_set_new(out, child->name, value);
        if (failed) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

char *init_document(const struct yaml_node *node)
{
    if (node->kind == YAML_SCALAR)
        return strdup(node->text);
    json_t *json = init_json(node);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}

json_t *init_attribute(const struct yaml_node *node)
{
    char *text = init_document(node);
    json_t *out = text ? json_string(text) : NULL;
    free(text);
    return out;
}
