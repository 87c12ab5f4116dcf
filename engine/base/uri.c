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
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (is_unreserved(c) || (keep_slash && c == '/')) {
            buffer_byte(out, (char)c);
        } else {
            char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
            buffer_append(out, escape, sizeof escape);
        }
    }
    return out->error;
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
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '%') {
            int value = escape_value(text, i);
            if (value <= 0)
                return ERR_INVALID;
            c = (char)value;
            i += 2;
        } else if (c == '+' && form) {
            c = ' ';
        }
        buffer_byte(out, c);
    }
    return out->error;
}
