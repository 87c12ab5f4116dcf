#include "svg_text.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct slice after(struct slice s, size_t size)
{
    size_t skipped = size < s.size ? size : s.size;
    return (struct slice){s.data + skipped, s.size - skipped};
}

static bool begins(struct slice s, const char *text)
{
    size_t size = strlen(text);
    return s.size >= size && memcmp(s.data, text, size) == 0;
}

static struct slice without_spaces(struct slice s)
{
    while (s.size && is_space(*s.data))
        s = after(s, 1);
    return s;
}

/* What follows the next occurrence; empty if there is none. */
static struct slice behind(struct slice s, const char *text)
{
    const char *found = s.size ? memmem(s.data, s.size, text, strlen(text)) : NULL;
    return found ? after(s, (size_t)(found - s.data) + strlen(text)) : after(s, s.size);
}

/* Without a prefix and a colon. */
static struct slice name_at(struct slice s)
{
    size_t size = 0, start = 0;
    for (; size < s.size && !is_space(s.data[size]) && !strchr("<>/=\"'&", s.data[size]); size++) {
        if (s.data[size] == ':')
            start = size + 1;
    }
    return (struct slice){s.data + start, size - start};
}

static bool is_name(struct slice name, const char *wanted)
{
    return name.size == strlen(wanted) && memcmp(name.data, wanted, name.size) == 0;
}

/* A document type, whose own declarations are in brackets. */
static struct slice doctype_skip(struct slice s)
{
    size_t plain = 0;
    while (plain < s.size && s.data[plain] != '>' && s.data[plain] != '[')
        plain++;
    s = after(s, plain);
    return begins(s, "[") ? behind(behind(s, "]"), ">") : after(s, 1);
}

bool svg_is(struct slice file)
{
    struct slice s = {file.data, file.size < SVG_PROLOGUE_MAX ? file.size : SVG_PROLOGUE_MAX};
    if (begins(s, "\xef\xbb\xbf"))
        s = after(s, 3);
    for (;;) {
        s = without_spaces(s);
        if (begins(s, "<?"))
            s = behind(s, "?>");
        else if (begins(s, "<!--"))
            s = behind(s, "-->");
        else if (begins(s, "<!DOCTYPE"))
            s = doctype_skip(s);
        else
            return begins(s, "<") && is_name(name_at(after(s, 1)), "svg");
    }
}

/* ---- references ---- */

static bool is_inside(struct slice value)
{
    value = without_spaces(value);
    return !value.size || *value.data == '#' || begins(value, "data:");
}

/* The value of the next attribute of a tag, and its name; *tag: what follows. False: there is none. */
static bool attribute_next(struct slice *tag, struct slice *name, struct slice *value)
{
    while (tag->size && (is_space(*tag->data) || *tag->data == '/'))
        *tag = after(*tag, 1);
    *name = name_at(*tag);
    if (!name->size)
        return false;
    *tag = without_spaces(after(*tag, (size_t)(name->data + name->size - tag->data)));
    if (!begins(*tag, "="))
        return false;
    *tag = without_spaces(after(*tag, 1));
    if (!tag->size || (*tag->data != '"' && *tag->data != '\''))
        return false;
    const char quote[] = {*tag->data, '\0'};
    *tag = after(*tag, 1);
    struct slice rest = behind(*tag, quote);
    *value = (struct slice){tag->data, (size_t)(rest.data - tag->data)};
    value->size -= value->size > 0 && value->data[value->size - 1] == *quote;
    *tag = rest;
    return true;
}

static bool is_drawn(struct slice element)
{
    static const char *const names[] = {
        "image", "use", "feImage", "tref", "linearGradient", "radialGradient", "pattern", "filter"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (is_name(element, names[i]))
            return true;
    }
    return false;
}

static bool refers_outside(struct slice tag, struct slice element)
{
    struct slice name, value;
    if (is_name(element, "include")) /* XInclude */
        return true;
    if (!is_drawn(element))
        return false;
    while (attribute_next(&tag, &name, &value)) {
        if (is_name(name, "href") && !is_inside(value))
            return true;
    }
    return false;
}

/* <!ENTITY name SYSTEM "…">, <!ENTITY % name PUBLIC …> */
static bool is_external(struct slice declaration)
{
    struct slice s = without_spaces(declaration);
    if (begins(s, "%"))
        s = without_spaces(after(s, 1));
    while (s.size && !is_space(*s.data))
        s = after(s, 1);
    s = without_spaces(s);
    return begins(s, "SYSTEM") || begins(s, "PUBLIC");
}

struct slice svg_outside(struct slice svg)
{
    static const char entity[] = "!ENTITY";
    for (struct slice s = behind(svg, "<"); s.size; s = behind(s, "<")) {
        if (begins(s, entity)) {
            if (is_external(after(s, sizeof entity - 1)))
                return (struct slice){s.data + 1, sizeof entity - 2};
            continue;
        }
        if (begins(s, "!--")) {
            s = behind(s, "-->");
            continue;
        }
        struct slice element = name_at(s);
        if (refers_outside(after(s, (size_t)(element.data + element.size - s.data)), element))
            return element;
    }
    return (struct slice){svg.data, 0};
}

/* ---- size ---- */

static bool has_unit(struct slice value)
{
    static const char *const units[] = {"in", "mm", "cm", "pt", "pc", "Q"};
    while (value.size && is_space(value.data[value.size - 1]))
        value.size--;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t size = strlen(units[i]);
        if (value.size > size && !memcmp(value.data + value.size - size, units[i], size))
            return true;
    }
    return false;
}

bool svg_is_physical(struct slice svg)
{
    struct slice s = behind(svg, "<"), name, value;
    while (s.size && !is_name(name_at(s), "svg"))
        s = behind(s, "<");
    struct slice element = name_at(s);
    for (s = after(s, (size_t)(element.data + element.size - s.data));
         attribute_next(&s, &name, &value);) {
        if ((is_name(name, "width") || is_name(name, "height")) && has_unit(value))
            return true;
    }
    return false;
}

bool svg_has_text(struct slice svg)
{
    for (struct slice s = behind(svg, "<"); s.size; s = behind(s, "<")) {
        if (is_name(name_at(s), "text"))
            return true;
    }
    return false;
}
