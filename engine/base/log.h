/*
 * Logging: one line per event, with fields. Text on a terminal, JSON otherwise.
 *
 *     log_info("job finished", LOG_TEXT("job", id), LOG_INT("milliseconds", ms));
 *
 * An event's name is a short sentence without values; values are fields. Names that recur: job,
 * pipeline, queue, bucket, key, reason, error. Secrets are never passed here. Any thread may call
 * it (a line is one write), but by design workers don't: what they have to say travels in their
 * result.
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
        const char *text; /* NULL leaves the field out */
        int64_t integer;  /* a COUNT of 0 leaves the field out */
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

/* Before the first event, on the main thread. Events go to file descriptor fd (not owned); AUTO is
 * text when fd is a terminal, else JSON. Without a call: text of INFO and above to standard error.
 */
void log_setup(int fd, enum log_format format, enum log_level level);

/* Whether events are JSON: then nothing else may be written to the same stream. */
bool log_is_json(void);
/* What a command says to whoever started it, as an event of any level. */
void log_say(enum log_level level, const char *text);

/* While something transient, a progress bar, stands on the line that the terminal's cursor is on,
 * text events erase it first. Loop thread. */
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

/* A gate for events that would otherwise come once for each message: true at most once in
 * `every_ms`. The line that is then written ends with LOG_SUPPRESSED, which says how many lines
 * the gate has held back since its last one. */
struct log_gate {
    uint64_t next_ms;
    uint64_t held;    /* events held back since the gate last opened */
    uint64_t skipped; /* of the opening just reported: how many were held back before it */
};
int log_gate_open(struct log_gate *gate, uint64_t now_ms, uint64_t every_ms);
/* The next event passes at once; what was held back is still counted. */
void log_gate_reset(struct log_gate *gate);

#define LOG_SUPPRESSED(gate) LOG_COUNT("suppressed", (gate)->skipped)

#endif
