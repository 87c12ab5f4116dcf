#include "terminal.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "utf8.h"

void terminal_setup(void)
{
    /* Not the user's own: file names and keys are UTF-8 even where LANG is not set, as in most
     * containers. */
    setlocale(LC_CTYPE, "C.UTF-8");
}

bool terminal_is(int fd)
{
    return isatty(fd) == 1;
}

size_t terminal_columns(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool terminal_redraws(int fd)
{
    const char *term = getenv("TERM");
    return terminal_is(fd) && !(term && strcmp(term, "dumb") == 0);
}

bool terminal_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    return terminal_redraws(fd) && !(no_colour && *no_colour);
}

/* Bidirectional overrides would let a name rearrange the line that it stands in. */
static bool hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029;
}

char *text_display(const char *text)
{
    char *copy = malloc(strlen(text) + 1), *out = copy;
    if (!copy)
        return NULL;
    while (*text) {
        uint32_t c;
        size_t size = utf8_decode(text, &c);
        if (!size || hidden(c)) {
            *out++ = '?';
            text += size ? size : 1;
            continue;
        }
        memcpy(out, text, size);
        out += size;
        text += size;
    }
    *out = '\0';
    return copy;
}

static size_t width_of(uint32_t c)
{
    int width = wcwidth((wchar_t)c);
    return width < 0 ? 1 : (size_t)width;
}

/* Bytes of the longest beginning that fits; *used is what it fills. */
static size_t head_bytes(const char *text, size_t columns, size_t *used)
{
    size_t bytes = 0, filled = 0;
    while (text[bytes]) {
        uint32_t c = '?';
        size_t size = utf8_decode(text + bytes, &c);
        size_t width = width_of(c);
        if (filled + width > columns)
            break;
        filled += width;
        bytes += size ? size : 1;
    }
    *used = filled;
    return bytes;
}

size_t text_columns(const char *text)
{
    size_t columns;
    head_bytes(text, SIZE_MAX, &columns);
    return columns;
}

/* Where the longest end that fits begins; never before a combining character, which belongs to what
 * was cut. */
static size_t tail_start(const char *text, size_t columns)
{
    size_t start = strlen(text), filled = 0, at = start;
    while (at > 0) {
        do
            at--;
        while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80); /* within a character */
        uint32_t c = '?';
        utf8_decode(text + at, &c);
        size_t width = width_of(c);
        if (filled + width > columns)
            break;
        filled += width;
        if (width > 0)
            start = at;
    }
    return start;
}

char *text_fit(const char *text, size_t columns, enum text_cut cut)
{
    static const char ellipsis[] = "…";
    size_t used;
    if (text[head_bytes(text, columns, &used)] == '\0')
        return strdup(text);
    if (columns == 0)
        return strdup("");
    size_t head = cut == CUT_END ? columns - 1 : columns / 2;
    size_t head_size = head_bytes(text, head, &used);
    const char *tail =
        text + (cut == CUT_END ? strlen(text) : tail_start(text, columns - 1 - used));
    size_t size = head_size + sizeof ellipsis + strlen(tail);
    char *out = malloc(size);
    if (!out)
        return NULL;
    memcpy(out, text, head_size);
    memcpy(out + head_size, ellipsis, sizeof ellipsis - 1);
    memcpy(out + head_size + sizeof ellipsis - 1, tail, strlen(tail) + 1);
    return out;
}
