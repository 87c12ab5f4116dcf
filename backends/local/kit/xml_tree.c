#include "xml_tree.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

/* The escape for a byte, or NULL if it needs none. XML 1.0 does not allow most control characters,
 * but S3 sends them as references anyway. */
static const char *escape_of(char c, char reference[8])
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        if ((unsigned char)c >= 0x20 || c == '\t' || c == '\n')
            return NULL;
        snprintf(reference, 8, "&#x%x;", (unsigned)(unsigned char)c);
        return reference;
    }
}

int xml_text(struct buffer *out, struct slice text)
{
    size_t start = 0, size;
    char reference[8];
    for (size_t i = 0; i < text.size; i += size) {
        size = utf8_character_size((struct slice){text.data + i, text.size - i});
        /* For an error document whose key is not valid UTF-8. */
        const char *escape = !size ? "?" : size == 1 ? escape_of(text.data[i], reference) : NULL;
        size += !size;
        if (!escape)
            continue;
        buffer_append(out, text.data + start, i - start);
        buffer_text(out, escape);
        start = i + size;
    }
    return buffer_append(out, text.data + start, text.size - start);
}

int xml_element(struct buffer *out, const char *name, const char *text)
{
    buffer_format(out, "<%s>", name);
    xml_text(out, slice_of(text));
    return buffer_format(out, "</%s>", name);
}

static int xml_value(struct buffer *out, const char *name, json_t *value,
                     const struct xml_style *style)
{
    if (json_is_string(value)) {
        buffer_format(out, "<%s>", name);
        xml_text(out, (struct slice){json_string_value(value), json_string_length(value)});
    } else if (json_is_integer(value)) {
        buffer_format(out, "<%s>%lld", name, (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        buffer_format(out, "<%s>%s", name, json_is_true(value) ? "true" : "false");
    } else {
        buffer_format(out, "<%s>", name);
        xml_members(out, value, style);
    }
    return buffer_format(out, "</%s>", name);
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
        buffer_format(out, "<%s>", element);
        xml_element(out, rule->key, key);
        xml_value(out, rule->value, value, style);
        buffer_format(out, "</%s>", element);
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
            buffer_format(out, "<%s>", name);
        if (rule->key)
            xml_pairs(out, value, rule, style);
        else
            xml_items(out, value, rule, style);
        if (style->nested)
            buffer_format(out, "</%s>", name);
    }
    return out->error;
}
