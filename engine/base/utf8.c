#include "utf8.h"

#include <stdint.h>
#include <string.h>

static int continuation_count(unsigned char first)
{
    if (first < 0x80)
        return 0;
    if (first >= 0xC2 && first < 0xE0)
        return 1;
    if (first >= 0xE0 && first < 0xF0)
        return 2;
    return first >= 0xF0 && first < 0xF5 ? 3 : -1;
}

/* The range of the second byte excludes overlong forms, surrogates and code points beyond U+10FFFF.
 */
static int second_fits(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xE0:
        return second >= 0xA0;
    case 0xED:
        return second < 0xA0;
    case 0xF0:
        return second >= 0x90;
    case 0xF4:
        return second < 0x90;
    default:
        return 1;
    }
}

size_t utf8_decode(const char *text, uint32_t *out)
{
    const unsigned char *at = (const unsigned char *)text;
    int more = continuation_count(*at);
    if (more < 0 || (more && !second_fits(at[0], at[1])))
        return 0;
    uint32_t c = more ? at[0] & (0x3Fu >> more) : at[0];
    for (int i = 1; i <= more; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0; /* the terminating NUL too */
        c = c << 6 | (at[i] & 0x3Fu);
    }
    *out = c;
    return (size_t)more + 1;
}

size_t utf8_character_size(struct slice text)
{
    uint32_t ignored;
    int more = text.size ? continuation_count((unsigned char)*text.data) : -1;
    return more < 0 || (size_t)more >= text.size ? 0 : utf8_decode(text.data, &ignored);
}

/* The number of ASCII bytes at the start, eight at a time, since most texts are ASCII. */
static size_t ascii_size(struct slice text)
{
    size_t size = 0;
    for (uint64_t eight; text.size - size >= sizeof eight; size += sizeof eight) {
        memcpy(&eight, text.data + size, sizeof eight);
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    while (size < text.size && !(text.data[size] & 0x80))
        size++;
    return size;
}

bool utf8_valid(struct slice text)
{
    while (text.size) {
        size_t size = ascii_size(text);
        if (!size && !(size = utf8_character_size(text)))
            return false;
        text.data += size;
        text.size -= size;
    }
    return true;
}

long utf8_length(const char *text)
{
    long length = 0;
    uint32_t ignored;
    for (; *text; length++) {
        size_t size = utf8_decode(text, &ignored);
        if (!size)
            return -1;
        text += size;
    }
    return length;
}

void utf8_repair(char *text)
{
    for (uint32_t c; *text;) {
        size_t size = utf8_decode(text, &c);
        if (!size || c < 0x20 || c == 0x7F)
            *text = '?';
        text += size ? size : 1;
    }
}
