#include "progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "files.h"
#include "log.h"
#include "terminal.h"

enum {
    LINE_BYTES_MAX = 16384,
    BAR_COLUMNS_MAX = 40,
    BAR_COLUMNS_MIN = 6,
    COLUMNS_DEFAULT = 80,
    NUMBERS_MAX = 160,
    LINE_EVERY_MS = 10000, /* if the line cannot be redrawn */
};

void progress_init(struct progress *progress, int fd)
{
    *progress = (struct progress){.fd = fd,
                                  .redraws = terminal_redraws(fd) && !log_is_json(),
                                  .colour = terminal_colour(fd),
                                  .next_ms = LINE_EVERY_MS};
}

static void emit(struct progress *progress, const struct buffer *text)
{
    (void)file_write_all(progress->fd, text->data, text->size); /* a failure is ignored */
}

static void append_bar(struct buffer *out, const struct progress_facts *facts, size_t columns,
                       bool colour)
{
    size_t filled = facts->parts ? facts->parts_done * columns / facts->parts : 0;
    buffer_text(out, colour ? (facts->failed ? "\033[33m" : "\033[32m") : "");
    for (size_t i = 0; i < filled; i++)
        buffer_text(out, terminal_ascii() ? "#" : "━");
    buffer_text(out, colour ? "\033[2m" : "");
    for (size_t i = filled; i < columns; i++)
        buffer_text(out, terminal_ascii() ? "-" : "─");
    buffer_text(out, colour ? "\033[0m" : "");
}

/* "12/40 photos, 1 failed  3.4 s" */
static size_t numbers_format(const struct progress_facts *facts, char out[NUMBERS_MAX])
{
    int length = snprintf(out, NUMBERS_MAX, "%zu/%zu %s", facts->done, facts->count, facts->what);
    if (facts->failed)
        length +=
            snprintf(out + length, NUMBERS_MAX - (size_t)length, ", %zu failed", facts->failed);
    length += snprintf(out + length, NUMBERS_MAX - (size_t)length, "  %.1f s",
                       (double)facts->elapsed_ms / 1000);
    return (size_t)length;
}

void progress_format(struct buffer *out, const struct progress_facts *facts, size_t columns,
                     bool colour)
{
    char numbers[NUMBERS_MAX];
    size_t length = 1 + numbers_format(facts, numbers);
    size_t rest = columns > length + 1 ? columns - length - 1 : 0;
    bool bar = rest >= BAR_COLUMNS_MIN;
    if (bar)
        append_bar(out, facts, rest < BAR_COLUMNS_MAX ? rest : BAR_COLUMNS_MAX, colour);
    if (bar)
        buffer_byte(out, ' ');
    char *fitted = text_fit(numbers, columns ? columns - 1 : 0, CUT_END);
    buffer_text(out, fitted ? fitted : "");
    free(fitted);
}

static void draw(struct progress *progress, const struct progress_facts *facts)
{
    struct buffer line;
    size_t columns = terminal_columns(progress->fd);
    buffer_init(&line, LINE_BYTES_MAX);
    buffer_text(&line, "\r\033[K");
    progress_format(&line, facts, columns ? columns : COLUMNS_DEFAULT, progress->colour);
    /* Moves the cursor back, so that the next log line starts where the bar does. */
    buffer_byte(&line, '\r');
    if (!line.error)
        emit(progress, &line);
    buffer_free(&line);
    progress->shown = true;
    log_clear_line(true);
}

void progress_show(struct progress *progress, const struct progress_facts *facts)
{
    char numbers[NUMBERS_MAX];
    if (progress->redraws) {
        draw(progress, facts);
    } else if (facts->elapsed_ms >= progress->next_ms) {
        progress->next_ms = facts->elapsed_ms + LINE_EVERY_MS;
        numbers_format(facts, numbers);
        progress_line(progress, false, "%s", numbers);
    }
}

void progress_line(struct progress *progress, bool failed, const char *format, ...)
{
    struct buffer raw, line;
    va_list args;
    buffer_init(&raw, LINE_BYTES_MAX);
    buffer_init(&line, LINE_BYTES_MAX);
    va_start(args, format);
    buffer_vformat(&raw, format, args);
    va_end(args);
    char *text = raw.error ? NULL : text_display(raw.data ? raw.data : "");
    if (text && log_is_json()) {
        log_say(failed ? LOG_ERROR : LOG_INFO, text);
    } else if (text) {
        bool red = failed && progress->colour;
        buffer_format(&line, "%s%s%s%s\n", progress->shown ? "\r\033[K" : "", red ? "\033[31m" : "",
                      text, red ? "\033[0m" : "");
        if (!line.error)
            emit(progress, &line);
    }
    free(text);
    buffer_free(&line);
    buffer_free(&raw);
}

void progress_clear(struct progress *progress)
{
    struct buffer line;
    if (!progress->shown)
        return;
    buffer_init(&line, LINE_BYTES_MAX);
    buffer_text(&line, "\r\033[K");
    emit(progress, &line);
    buffer_free(&line);
    progress->shown = false;
    log_clear_line(false);
}
