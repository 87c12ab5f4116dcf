/* libfyaml 0.7 never returns from a directive with a byte in it that is not UTF-8, so such bytes
 * never reach it. */
#include "yaml_text.h"

/* How many bytes follow the first of a character, or -1 (RFC 3629). */
static int more_bytes(unsigned char first)
{
    if (first < 0x80)
        return 0;
    if (first >= 0xc2 && first < 0xe0)
        return 1;
    if (first >= 0xe0 && first < 0xf0)
        return 2;
    return first >= 0xf0 && first < 0xf5 ? 3 : -1;
}

/* The bytes of the character that the text begins with, or 0: it begins with none. */
static size_t character_size(const unsigned char *text, size_t size)
{
    int more = more_bytes(*text);
    if (more < 0 || (size_t)more >= size)
        return 0;
    for (int i = 1; i <= more; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (*text == 0xe0 && text[1] < 0xa0) || (*text == 0xf0 && text[1] < 0x90);
    bool none = (*text == 0xed && text[1] >= 0xa0) || (*text == 0xf4 && text[1] >= 0x90);
    return overlong || none ? 0 : (size_t)more + 1;
}

int yaml_text_check(struct slice text, const char *file, struct error *error)
{
    int line = 1, column = 1;
    for (size_t at = 0, size; at < text.size; at += size) {
        size = character_size((const unsigned char *)text.data + at, text.size - at);
        if (!size)
            return error_set(error, ERR_INVALID, "%s:%d:%d: not UTF-8; save the file as UTF-8 text",
                             file, line, column);
        bool ends = text.data[at] == '\n';
        line += ends;
        column = ends ? 1 : column + 1;
    }
    return 0;
}
