/*
 * Settings of the process.
 *
 * One table in config_table.c states each setting: its name, type, default, bounds, place in struct
 * config, and help. Flags (--max-pixels 100M), environment (THUMBWHEEL_MAX_PIXELS), --help and the
 * table in docs/settings.md all come from it. Precedence: flag, environment, default. Read once, on
 * the main thread, before anything else starts.
 */
#ifndef THUMBWHEEL_CONFIG_H
#define THUMBWHEEL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"
#include "text_list.h"

enum { CONFIG_STRAY_MAX = 64 };

/* Which commands know a setting. */
enum config_command {
    CONFIG_RUN = 1,
    CONFIG_LOCAL = 2,
    CONFIG_PROCESS = 4,
    CONFIG_CHECK = 8,
};

enum config_log_level {
    CONFIG_LOG_AUTO,
    CONFIG_LOG_DEBUG,
    CONFIG_LOG_INFO,
    CONFIG_LOG_WARN,
    CONFIG_LOG_ERROR
};
enum config_isolation { CONFIG_ISOLATION_PROCESS, CONFIG_ISOLATION_THREAD };
enum config_missing { CONFIG_MISSING_DEAD_LETTER, CONFIG_MISSING_DROP };
enum config_durability { CONFIG_DURABILITY_FULL, CONFIG_DURABILITY_RELAXED };

struct config { /* strings are owned; NULL when unset. Times are milliseconds, sizes bytes */
    struct text_list pipelines;
    char *region, *profile, *endpoint;

    uint64_t workers, jobs, wait, visibility, backoff, linger, stall, cache, memory;
    uint64_t timeout;
    uint64_t max_pixels, max_bytes, max_frames;
    uint64_t isolation; /* enum config_isolation */
    uint64_t missing;   /* enum config_missing */
    uint64_t image_timeout, image_memory;

    uint64_t log_format; /* enum log_format */
    uint64_t log_level;  /* enum config_log_level */
    uint64_t grace;

    char *host, *data, *out, *request_log, *faults, *keys, *smtp, *tls_cert, *tls_key;
    uint64_t port, patience;
    uint64_t durability; /* enum config_durability */
    bool once, cloud_only, tls, verbose, json;

    bool schema, settings, operations, help;

    struct text_list paths; /* arguments that are not options */
    uint64_t given;         /* a bit for each row of the table that the user set */
};

/* Defaults, then the environment, then args (without the program and the command). On ERR_INVALID
 * the text names the setting, the value and what is allowed. *config is valid, and to be cleared,
 * in any case. */
int config_read(struct config *config, enum config_command command, char *const *args, size_t count,
                struct error *error);
void config_clear(struct config *config);

/* The value of an option (its name) in the arguments, else in the environment, before they are
 * read; NULL: none. It is not checked. Borrowed. */
const char *config_peek(const char *name, char *const *args, size_t count);

/* Whether the user set it, by flag or environment. name is one of the table's. */
bool config_given(const struct config *config, const char *name);

/* A THUMBWHEEL_* variable that is no setting, or whose value is not for us. */
struct config_stray {
    char name[CONFIG_STRAY_MAX];
    const char *meant; /* a setting's variable that it may stand for; NULL: none; static */
    bool injected;     /* it is a setting's, and Kubernetes set it, to the address of a Service */
};

/* The next one, from *environment on, which it moves behind it. Variables that Kubernetes sets for
 * a Service of the name "thumbwheel" (THUMBWHEEL_SERVICE_HOST, THUMBWHEEL_PORT_80_TCP, …:
 * "Accessing the Service", Kubernetes documentation) are not reported. */
bool config_stray_next(char *const **environment, struct config_stray *out);

/* The options of one command, in groups, for --help; wrapped to `columns` (0: not). */
void config_print_options(FILE *out, enum config_command command, size_t columns);
/* Every setting as a Markdown table. */
void config_print_markdown(FILE *out);

#endif
