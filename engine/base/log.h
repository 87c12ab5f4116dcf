/*
 * Logging: one line per event, with fields. Text on a terminal, JSON otherwise.
 *
 *     log_info("job finished", LOG_TEXT("job", id), LOG_INT("milliseconds", ms));
 *
 * An event's name is a short phrase without values; values are fields. Common field names: job,
 * pipeline, queue, bucket, key, reason, error. Never pass secrets. Any thread may log (a line is
 * one write), but workers do not by design: they return facts in their result.
 */
#ifndef THUMBWHEEL_LOG_H
#define THUMBWHEEL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_field {
    const char *name;
    enum { LOG_FIELD_TEXT, LOG_FIELD_INT, LOG_FIELD_COUNT, LOG_FIELD_REAL } type;
    union {
        const char *text; /* NULL omits the field */
        int64_t integer;  /* a COUNT of 0 omits the field */
        double real;
    } value;
};

#define LOG_TEXT(field, string)                                                                    \
    ((struct log_field){.name = (field), .type = LOG_FIELD_TEXT, .value.text = (string)})
#define LOG_INT(field, number)                                                                     \
    ((struct log_field){.name = (field), .type = LOG_FIELD_INT, .value.integer = (int64_t)(number)})
#define LOG_COUNT(field, number)                                                                   \
    ((struct log_field){                                                                           \
        .name = (field), .type = LOG_FIELD_COUNT, .value.integer = (int64_t)(number)})
#define LOG_REAL(field, number)                                                                    \
    ((struct log_field){.name = (field), .type = LOG_FIELD_REAL, .value.real = (number)})

/* Call it before the first event, on the main thread. Events go to file descriptor fd (not owned);
 * AUTO is text if fd is a terminal, else JSON. Default: text, INFO and above, to standard error. */
void log_setup(int fd, enum log_format format, enum log_level level);

/* Whether events are JSON. Then nothing else may be written to the same stream. */
bool log_is_json(void);
/* A message of a command to its user, logged as an event regardless of the level. */
void log_say(enum log_level level, const char *text);

/* While a progress bar is on the terminal's current line, text events erase it first. Loop thread.
 */
void log_clear_line(bool clear);

void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t count);

#define LOG_FIELDS(...)                                                                            \
    (const struct log_field[]){__VA_ARGS__},                                                       \
        sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)

#define log_debug(event, ...) log_event(LOG_DEBUG, event, LOG_FIELDS(__VA_ARGS__))
#define log_info(event, ...)  log_event(LOG_INFO, event, LOG_FIELDS(__VA_ARGS__))
#define log_warn(event, ...)  log_event(LOG_WARN, event, LOG_FIELDS(__VA_ARGS__))
#define log_error(event, ...) log_event(LOG_ERROR, event, LOG_FIELDS(__VA_ARGS__))

/* Limits the rate of events that could occur for each message: true at most once in `every_ms`. The
 * line that is then written ends with LOG_SUPPRESSED, the number of events suppressed since the
 * previous line. */
struct log_gate {
    uint64_t next_ms;
    uint64_t held;    /* events suppressed since the last line */
    uint64_t skipped; /* for the line being written: events suppressed before it */
};
int log_gate_open(struct log_gate *gate, uint64_t now_ms, uint64_t every_ms);
/* Lets the next event pass at once; the count of suppressed events is kept. */
void log_gate_reset(struct log_gate *gate);

#define LOG_SUPPRESSED(gate) LOG_COUNT("suppressed", (gate)->skipped)

#endif
