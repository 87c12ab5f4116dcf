#include "template_names.h"

#include <ctype.h>
#include <string.h>

#include "bytes.h"

enum { NAME_MAX_BYTES = 200 };

/* Appends the letters and digits of a part; in camel case, each word begins with a capital. */
static void append_part(struct buffer *out, enum template_style style, const char *part)
{
    bool starts = true; /* a word */
    for (const char *c = part; *c; c++) {
        if (!isalnum((unsigned char)*c)) {
            starts = true;
            continue;
        }
        if (style == TEMPLATE_SNAKE && starts && out->size)
            buffer_byte(out, '_');
        buffer_byte(out, (char)(style == TEMPLATE_SNAKE ? tolower((unsigned char)*c)
                                : starts                ? toupper((unsigned char)*c)
                                                        : *c));
        starts = false;
    }
}

static bool is_used(const struct template_names *names, const char *name)
{
    for (size_t i = 0; i < names->used.count; i++)
        if (strcasecmp(names->used.items[i], name) == 0)
            return true;
    return false;
}

const char *template_name(struct template_names *names, const char *first, const char *second,
                          int *code)
{
    struct buffer text;
    buffer_init(&text, NAME_MAX_BYTES);
    if (isdigit((unsigned char)first[0])) /* an identifier begins with a letter */
        append_part(&text, names->style, "n");
    append_part(&text, names->style, first);
    append_part(&text, names->style, second);
    size_t size = text.size;
    for (unsigned i = 2; text.data && is_used(names, text.data); i++) {
        text.size = size;
        buffer_format(&text, "%s%u", names->style == TEMPLATE_SNAKE ? "_" : "", i);
    }
    char *name = buffer_take_text(&text);
    buffer_free(&text);
    if (!text_list_take(&names->used, name))
        return name;
    *code = ERR_MEMORY;
    return "";
}

void template_names_clear(struct template_names *names)
{
    text_list_clear(&names->used);
}
