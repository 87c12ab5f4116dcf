#include "terminal.h"

#include <locale.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "utf8.h"

enum { LENGTH_MAX = 10000 };

static bool ascii;

/* Checks only the name, since the locale itself may not be installed. */
static bool locale_is_utf8(const char *name)
{
    return strcasestr(name, "utf-8") || strcasestr(name, "utf8");
}

static bool locale_is_ascii(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"}; /* in order of precedence
                                                                            */
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *name = getenv(variables[i]);
        if (name && *name)
            return !locale_is_utf8(name);
    }
    return false;
}

bool terminal_ascii(void)
{
    return ascii;
}

void terminal_setup(void)
{
    /* A fixed UTF-8 locale instead of the user's: file names and keys are UTF-8 even if LANG is
     * unset, as in most containers. */
    setlocale(LC_CTYPE, "C.UTF-8");
    ascii = locale_is_ascii();
}

bool terminal_is(int fd)
{
    return isatty(fd) == 1;
}

/* 0: the variable is unset, or no length of a side. */
static size_t wanted_length(const char *variable)
{
    const char *wanted = getenv(variable);
    const unsigned long length = wanted ? strtoul(wanted, NULL, 10) : 0;
    return length <= LENGTH_MAX ? length : 0;
}

size_t terminal_columns(int fd)
{
    struct winsize size;
    const size_t wanted = wanted_length("COLUMNS");
    if (wanted)
        return wanted;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

size_t terminal_rows(int fd)
{
    struct winsize size;
    const size_t wanted = wanted_length("LINES");
    if (wanted)
        return wanted;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

bool terminal_needs_ascii(FILE *out)
{
    return ascii || terminal_is(fileno(out));
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

bool character_is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029;
}

/* The ASCII replacement of a character, never longer than its UTF-8 form. */
static const char *ascii_of(uint32_t c)
{
    switch (c) {
    case 0xD7: /* × */
        return "x";
    case 0x2013: /* – */
    case 0x2014: /* — */
    case 0x2500: /* ─ */
        return "-";
    case 0x2026: /* … */
        return "...";
    case 0x2192: /* → */
        return "->";
    case 0x2501: /* ━ */
        return "#";
    case 0x2019: /* ’ */
        return "'";
    default:
        return "?";
    }
}

static char *put(char *out, const char *text, size_t size, const char *shown)
{
    size = shown ? strlen(shown) : size;
    memcpy(out, shown ? shown : text, size);
    return out + size;
}

static char *convert(const char *text, bool to_ascii)
{
    char *copy = malloc(strlen(text) + 1), *out = copy;
    if (!copy)
        return NULL;
    while (*text) {
        uint32_t c;
        size_t size = utf8_decode(text, &c);
        if (!size || character_is_control(c)) {
            *out++ = '?';
            text += size ? size : 1;
            continue;
        }
        out = put(out, text, size, to_ascii && c >= 0x80 ? ascii_of(c) : NULL);
        text += size;
    }
    *out = '\0';
    return copy;
}

char *text_plain(const char *text)
{
    return convert(text, false);
}

char *text_display(const char *text)
{
    return convert(text, ascii);
}

void terminal_line(FILE *out, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    const int length = vasprintf(&text, format, args);
    va_end(args);
    char *shown = length < 0 ? NULL : text_display(text);
    fprintf(out, "%s\n", shown ? shown : "out of memory");
    free(shown);
    if (length >= 0)
        free(text);
}

/* ---- shell words ---- */

static bool is_shown_whole(const char *text)
{
    char *shown = text_display(text);
    const bool whole = shown && strcmp(shown, text) == 0;
    free(shown);
    return whole;
}

static void print_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(*text, out);
    }
    fputc('\'', out);
}

/* An octal escape has at most three digits, so the next character cannot extend it. */
static void print_escaped(FILE *out, const char *text)
{
    fputs("$'", out);
    for (; *text; text++) {
        const unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte >= 0x7F || byte == '\'' || byte == '\\')
            fprintf(out, "\\%03o", byte);
        else
            fputc(byte, out);
    }
    fputc('\'', out);
}

void terminal_shell_word(FILE *out, const char *text)
{
    static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
    if (*text && !text[strspn(text, bare)])
        fputs(text, out);
    else if (is_shown_whole(text))
        print_quoted(out, text);
    else
        print_escaped(out, text);
}

/* ---- widths ---- */

static size_t width_of(uint32_t c)
{
    int width = wcwidth((wchar_t)c);
    return width < 0 ? 1 : (size_t)width;
}

/* The number of bytes of the longest prefix that fits; *used is its width in columns. */
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

/* The start of the longest suffix that fits. It never starts with a combining character, which
 * belongs to the text that was cut. */
static size_t tail_start(const char *text, size_t columns)
{
    size_t start = strlen(text), filled = 0, at = start;
    while (at > 0) {
        do
            at--;
        while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80); /* inside a UTF-8 sequence */
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
    const char *ellipsis = ascii ? "~" : "…";
    const size_t ellipsis_size = strlen(ellipsis);
    size_t used;
    if (text[head_bytes(text, columns, &used)] == '\0')
        return strdup(text);
    if (columns == 0)
        return strdup("");
    size_t head = cut == CUT_END ? columns - 1 : columns / 2;
    size_t head_size = head_bytes(text, head, &used);
    const char *tail =
        text + (cut == CUT_END ? strlen(text) : tail_start(text, columns - 1 - used));
    size_t size = head_size + ellipsis_size + strlen(tail) + 1;
    char *out = malloc(size);
    if (!out)
        return NULL;
    memcpy(out, text, head_size);
    memcpy(out + head_size, ellipsis, ellipsis_size);
    memcpy(out + head_size + ellipsis_size, tail, strlen(tail) + 1);
    return out;
}

/* Prints one line of text (which it modifies), wrapped between words. Returns the cursor's column.
 */
static size_t print_words(FILE *out, char *line, size_t columns, size_t indent, size_t at)
{
    char *rest = NULL;
    bool first = true;
    for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        size_t width = text_columns(word);
        if (!first && at + 1 + width > columns) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            fputc(' ', out);
            at++;
        }
        fputs(word, out);
        at += width;
        first = false;
    }
    return at;
}

static void print_line(FILE *out, const char *text, size_t size, size_t columns, size_t indent,
                       size_t at)
{
    char *line = strndup(text, size);
    char *shown = line ? text_display(line) : NULL;
    if (shown && columns && at + text_columns(shown) > columns)
        print_words(out, shown, columns, indent, at);
    else if (shown)
        fputs(shown, out);
    free(shown);
    free(line);
}

void terminal_print(FILE *out, const char *text, size_t columns, size_t indent, size_t at)
{
    while (*text) {
        size_t size = strcspn(text, "\n");
        print_line(out, text, size, columns, indent, at);
        text += size;
        if (*text) {
            fputc('\n', out);
            text++;
            if (*text && indent)
                fprintf(out, "%*s", (int)indent, "");
            at = indent;
        }
    }
}
