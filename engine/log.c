#include "log.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "terminal.h"

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

static void append_json_string(struct buffer *b, const char *text)
{
    buffer_byte(b, '"');
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\') {
            buffer_byte(b, '\\');
            buffer_byte(b, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            buffer_format(b, "\\u%04x", c);
        } else {
            buffer_byte(b, (char)c);
        }
    }
    buffer_byte(b, '"');
}

/* Quotes only what a reader could misread, so that plain values stay plain. */
static void append_text_string(struct buffer *b, const char *text)
{
    if (*text && !strpbrk(text, " \"\\=\t\r\n"))
        for (const char *p = text; *p; p++)
            buffer_byte(b, (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p);
    else
        append_json_string(b, text);
}

static void append_value(struct buffer *b, const struct log_field *field)
{
    if (field->type == LOG_FIELD_INT)
        buffer_format(b, "%lld", (long long)field->value.integer);
    else if (field->type == LOG_FIELD_REAL)
        buffer_format(b, "%.3f", field->value.real);
    else if (sink.json)
        append_json_string(b, field->value.text);
    else
        append_text_string(b, field->value.text);
}

static bool field_present(const struct log_field *field)
{
    return field->name && (field->type != LOG_FIELD_TEXT || field->value.text);
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

void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    if (level < sink.level)
        return;
    struct buffer line;
    buffer_init(&line, LINE_MAX_BYTES);
    if (sink.json)
        append_json(&line, level, event, fields, count);
    else
        append_text(&line, level, event, fields, count);
    if (line.error) { /* too long: the event's name alone is better than half a line */
        buffer_clear(&line);
        if (sink.json)
            append_json(&line, level, event, NULL, 0);
        else
            append_text(&line, level, event, NULL, 0);
    }
    buffer_byte(&line, '\n');
    ssize_t written = line.data ? write(sink.fd, line.data, line.size) : 0;
    (void)written; /* there is nobody to tell */
    buffer_free(&line);
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
