#include "log.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "terminal.h"
#include "utf8.h"

enum { LINE_MAX_BYTES = 8192 };

static struct {
    int fd;
    bool json;
    bool colour;
    bool terminal;
    bool clear_line;
    enum log_level level;
} sink = {.fd = STDERR_FILENO, .level = LOG_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const level_colours[] = {"\033[2m", "\033[32m", "\033[33m", "\033[31m"};

void log_setup(int fd, enum log_format format, enum log_level level)
{
    bool terminal = isatty(fd);
    sink.fd = fd;
    sink.json = format == LOG_FORMAT_JSON || (format == LOG_FORMAT_AUTO && !terminal);
    sink.colour = !sink.json && terminal_colour(fd);
    sink.terminal = terminal;
    sink.level = level;
}

void log_clear_line(bool clear)
{
    sink.clear_line = clear;
}

static void append_time(struct buffer *b, bool whole)
{
    struct timespec now;
    struct tm utc;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(text, sizeof text, whole ? "%Y-%m-%dT%H:%M:%S" : "%H:%M:%S", &utc);
    buffer_format(b, "%s.%03ld%s", text, now.tv_nsec / 1000000, whole ? "Z" : "");
}

/* The size of a character that can be written unescaped, or 0 for a control character, an invalid
 * byte (names from outside may contain them), or a character that the terminal cannot show. */
static size_t character_size(const char *text)
{
    uint32_t c;
    size_t size = utf8_decode(text, &c);
    if (size > 1 && terminal_ascii() && (sink.terminal || !sink.json))
        return 0;
    return size && character_is_control(c) ? 0 : size;
}

/* Appends the character as a JSON escape, in UTF-16. Returns the number of bytes read. */
static size_t append_escaped(struct buffer *b, const char *text)
{
    uint32_t c = 0xFFFD; /* replacement character */
    size_t size = utf8_decode(text, &c);
    if (c >= 0x10000) {
        buffer_format(b, "\\u%04x", 0xD800u + ((c - 0x10000) >> 10));
        c = 0xDC00u + ((c - 0x10000) & 0x3FF);
    }
    buffer_format(b, "\\u%04x", c);
    return size ? size : 1;
}

static void append_json_string(struct buffer *b, const char *text)
{
    buffer_byte(b, '"');
    while (*text) {
        size_t size = character_size(text);
        if (*text == '"' || *text == '\\')
            buffer_byte(b, '\\');
        if (size)
            buffer_append(b, text, size);
        else
            size = append_escaped(b, text);
        text += size;
    }
    buffer_byte(b, '"');
}

/* Quotes only values that would be ambiguous without quotes. */
static void append_text_string(struct buffer *b, const char *text)
{
    size_t plain = 0, size;
    while ((size = character_size(text + plain)) && !strchr(" \"\\=", text[plain]))
        plain += size;
    if (plain > 0 && text[plain] == '\0')
        buffer_append(b, text, plain);
    else
        append_json_string(b, text);
}

static void append_value(struct buffer *b, const struct log_field *field)
{
    if (field->type == LOG_FIELD_INT || field->type == LOG_FIELD_COUNT)
        buffer_format(b, "%lld", (long long)field->value.integer);
    else if (field->type == LOG_FIELD_REAL && sink.json && !isfinite(field->value.real))
        buffer_text(b, "null"); /* JSON has no NaN and no infinity */
    else if (field->type == LOG_FIELD_REAL)
        buffer_format(b, "%.3f", field->value.real);
    else if (sink.json)
        append_json_string(b, field->value.text);
    else
        append_text_string(b, field->value.text);
}

static bool field_present(const struct log_field *field)
{
    if (field->type == LOG_FIELD_TEXT && !field->value.text)
        return false;
    return field->name && (field->type != LOG_FIELD_COUNT || field->value.integer);
}

static void append_json(struct buffer *b, enum log_level level, const char *event,
                        const struct log_field *fields, size_t count)
{
    buffer_text(b, "{\"time\":\"");
    append_time(b, true);
    buffer_format(b, "\",\"level\":\"%s\",\"event\":", level_names[level]);
    append_json_string(b, event);
    for (size_t i = 0; i < count; i++) {
        if (!field_present(&fields[i]))
            continue;
        buffer_byte(b, ',');
        append_json_string(b, fields[i].name);
        buffer_byte(b, ':');
        append_value(b, &fields[i]);
    }
    buffer_byte(b, '}');
}

static void append_text(struct buffer *b, enum log_level level, const char *event,
                        const struct log_field *fields, size_t count)
{
    if (sink.clear_line && sink.terminal)
        buffer_text(b, "\r\033[K");
    append_time(b, false);
    if (sink.colour)
        buffer_format(b, " %s%-5s\033[0m %s", level_colours[level], level_names[level], event);
    else
        buffer_format(b, " %-5s %s", level_names[level], event);
    for (size_t i = 0; i < count; i++) {
        if (!field_present(&fields[i]))
            continue;
        buffer_format(b, "  %s=", fields[i].name);
        append_value(b, &fields[i]);
    }
}

static void append_line(struct buffer *b, enum log_level level, const char *event,
                        const struct log_field *fields, size_t count)
{
    if (sink.json)
        append_json(b, level, event, fields, count);
    else
        append_text(b, level, event, fields, count);
    buffer_byte(b, '\n');
}

static void log_write(enum log_level level, const char *event, const struct log_field *fields,
                      size_t count)
{
    struct buffer line;
    buffer_init(&line, LINE_MAX_BYTES);
    append_line(&line, level, event, fields, count);
    if (line.error) { /* too long: write the event's name alone rather than an incomplete line */
        buffer_clear(&line);
        append_line(&line, level, event, NULL, 0);
    }
    ssize_t written = line.data ? write(sink.fd, line.data, line.size) : 0;
    (void)written; /* there is no other place to report this error */
    buffer_free(&line);
}

void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    if (level >= sink.level)
        log_write(level, event, fields, count);
}

bool log_is_json(void)
{
    return sink.json;
}

void log_say(enum log_level level, const char *text)
{
    log_write(level, text, NULL, 0);
}

int log_gate_open(struct log_gate *gate, uint64_t now_ms, uint64_t every_ms)
{
    if (now_ms < gate->next_ms) {
        gate->held++;
        return 0;
    }
    gate->next_ms = now_ms + every_ms;
    gate->skipped = gate->held;
    gate->held = 0;
    return 1;
}

void log_gate_reset(struct log_gate *gate)
{
    gate->next_ms = 0;
}
