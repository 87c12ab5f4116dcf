#include "query_xml.h"

#include <stdbool.h>
#include <string.h>

#include "xml_writer.h"

static void xml_value(struct buffer *out, const char *name, json_t *value,
                      const struct xml_style *style)
{
    if (json_is_string(value)) {
        xml_open(out, name);
        xml_text(out, (struct slice){json_string_value(value), json_string_length(value)});
    } else if (json_is_integer(value)) {
        buffer_format(out, "<%s>%lld", name, (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        buffer_format(out, "<%s>%s", name, json_is_true(value) ? "true" : "false");
    } else {
        xml_open(out, name);
        xml_members(out, value, style);
    }
    xml_close(out, name);
}

static const struct xml_rule *rule_find(const struct xml_style *style, const char *member)
{
    for (size_t i = 0; i < style->rule_count; i++) {
        if (strcmp(style->rules[i].member, member) == 0)
            return &style->rules[i];
    }
    return NULL;
}

static void xml_pairs(struct buffer *out, json_t *map, const struct xml_rule *rule,
                      const struct xml_style *style)
{
    const char *element = style->nested ? "entry" : rule->element, *key;
    json_t *value;
    json_object_foreach(map, key, value)
    {
        xml_open(out, element);
        xml_element(out, rule->key, key);
        xml_value(out, rule->value, value, style);
        xml_close(out, element);
    }
}

static void xml_items(struct buffer *out, json_t *list, const struct xml_rule *rule,
                      const struct xml_style *style)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        xml_value(out, style->nested ? "member" : rule->element, json_array_get(list, i), style);
}

int xml_members(struct buffer *out, json_t *object, const struct xml_style *style)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        const struct xml_rule *rule = rule_find(style, name);
        if (!rule) {
            xml_value(out, name, value, style);
            continue;
        }
        if (style->nested)
            xml_open(out, name);
        if (rule->key)
            xml_pairs(out, value, rule, style);
        else
            xml_items(out, value, rule, style);
        if (style->nested)
            xml_close(out, name);
    }
    return out->error;
}
