/*
 * Settings of the process.
 *
 * The table in config_table.c has one row for each setting: name, type, default, bounds, place in
 * struct config, and help. Flags (--max-pixels 100M), environment variables
 * (THUMBWHEEL_MAX_PIXELS), --help and the documentation all come from it. Precedence: flag,
 * environment, default. Settings are read once, on the main thread, before anything else starts.
 */
#ifndef THUMBWHEEL_CONFIG_H
#define THUMBWHEEL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"
#include "text_list.h"

enum { CONFIG_STRAY_MAX = 64 };

/* The commands that accept a setting. */
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

struct config { /* strings are owned; NULL if unset. Times are in milliseconds, sizes in bytes */
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
    uint64_t given;         /* one bit for each row of the table, if the user set it */
};

/* Applies the defaults, then the environment, then args (without the program and the command). On
 * ERR_INVALID the text names the setting, the value and what is allowed. *config is valid, and must
 * be cleared, in any case. */
int config_read(struct config *config, enum config_command command, char *const *args, size_t count,
                struct error *error);
void config_clear(struct config *config);

/* The value of an option in the arguments, else in the environment, before config_read; NULL: none.
 * It is not checked. Borrowed. */
const char *config_peek(const char *name, char *const *args, size_t count);

/* Whether the user set it, by flag or environment. name is one of the table's. */
bool config_given(const struct config *config, const char *name);

/* A THUMBWHEEL_* variable that is not a setting, or was set by Kubernetes. */
struct config_stray {
    char name[CONFIG_STRAY_MAX];
    const char *meant; /* the setting's variable with a similar name; NULL: none; static */
    bool injected;     /* it has a setting's name, but Kubernetes set it to the address of a
                        * Service */
};

/* Finds the next one from *environment on, and advances *environment past it. Variables that
 * Kubernetes sets for a Service of the name "thumbwheel" (THUMBWHEEL_SERVICE_HOST,
 * THUMBWHEEL_PORT_80_TCP, …: "Accessing the Service", Kubernetes documentation) are not
 * reported. */
bool config_stray_next(char *const **environment, struct config_stray *out);

/* Prints the options of one command for --help, in groups, wrapped to `columns` (0: not
 * wrapped). */
void config_print_options(FILE *out, enum config_command command, size_t columns);
/* Prints all settings as a Markdown table. */
void config_print_markdown(FILE *out);

#endif
