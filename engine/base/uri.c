#include "uri.h"

#include "error.h"
#include "hex.h"

/* Compares ranges, because isalnum() depends on the locale. */
static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int uri_encode(struct buffer *out, struct slice text, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t run = 0; /* where what stays as it is begins */
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (is_unreserved(c) || (keep_slash && c == '/'))
            continue;
        char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
        buffer_append(out, text.data + run, i - run);
        buffer_append(out, escape, sizeof escape);
        run = i + 1;
    }
    return text.size > run ? buffer_append(out, text.data + run, text.size - run) : out->error;
}

/* The byte that the escape at text[at] stands for, or -1. */
static int escape_value(struct slice text, size_t at)
{
    if (text.size - at < 3)
        return -1;
    return hex_byte(text.data + at + 1);
}

int uri_decode(struct buffer *out, struct slice text, bool form)
{
    size_t run = 0; /* where what stays as it is begins */
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c != '%' && (c != '+' || !form))
            continue;
        buffer_append(out, text.data + run, i - run);
        int value = c == '%' ? escape_value(text, i) : ' ';
        if (value <= 0)
            return ERR_INVALID;
        buffer_byte(out, (char)value);
        i += c == '%' ? 2 : 0;
        run = i + 1;
    }
    return text.size > run ? buffer_append(out, text.data + run, text.size - run) : out->error;
}
