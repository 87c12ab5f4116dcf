#include "xml_writer.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "utf8.h"

enum { REFERENCE_SIZE = 8 };

/* What replaces a byte, or NULL where the byte may stay. A carriage return that is not escaped would
 * be read back as a line feed. */
static const char *escape_of(char c, bool strict, char reference[REFERENCE_SIZE])
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
        if (strict && c != '\r')
            return "";
        snprintf(reference, REFERENCE_SIZE, "&#x%x;", (unsigned)(unsigned char)c);
        return reference;
    }
}

static void escape(struct buffer *out, struct slice text, bool strict)
{
    size_t start = 0, size;
    char reference[REFERENCE_SIZE];
    for (size_t i = 0; i < text.size; i += size) {
        size = utf8_character_size((struct slice){text.data + i, text.size - i});
        const char *escaped = !size       ? "?"
                              : size == 1 ? escape_of(text.data[i], strict, reference)
                                          : NULL;
        size += !size;
        if (!escaped)
            continue;
        buffer_append(out, text.data + start, i - start);
        buffer_text(out, escaped);
        start = i + size;
    }
    buffer_append(out, text.data + start, text.size - start);
}

void xml_text(struct buffer *out, struct slice text)
{
    escape(out, text, false);
}

void xml_strict_text(struct buffer *out, struct slice text)
{
    escape(out, text, true);
}

void xml_open(struct buffer *out, const char *name)
{
    buffer_format(out, "<%s>", name);
}

void xml_close(struct buffer *out, const char *name)
{
    buffer_format(out, "</%s>", name);
}

void xml_slice(struct buffer *out, const char *name, struct slice text)
{
    xml_open(out, name);
    xml_text(out, text);
    xml_close(out, name);
}

void xml_element(struct buffer *out, const char *name, const char *text)
{
    xml_slice(out, name, slice_of(text));
}

void xml_number(struct buffer *out, const char *name, uint64_t number)
{
    buffer_format(out, "<%s>%" PRIu64 "</%s>", name, number, name);
}
