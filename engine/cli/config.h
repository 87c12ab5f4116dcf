/*
 * Settings of the process.
 *
 * A setting is one row of the table in config_table.c and one member of a struct. The row says its
 * name, type, bounds, default, help, the commands that accept it, and its member. Flags
 * (--max-pixels 100M), environment variables (THUMBWHEEL_MAX_PIXELS), --help and docs/settings.md
 * all come from it. The member is in the options of the part that uses the setting, which struct
 * config contains, so nothing has to pass the value on; a setting of the commands themselves is a
 * member of struct config. Precedence: flag, environment, default. Settings are read once, on the
 * main thread, before anything else starts.
 */
#ifndef THUMBWHEEL_CONFIG_H
#define THUMBWHEEL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "backend_settings.h"
#include "cloud_settings.h"
#include "engine.h"
#include "error.h"
#include "http_client.h"
#include "isolation_settings.h"
#include "log.h"
#include "provision_plan.h"
#include "text_list.h"

enum { CONFIG_STRAY_MAX = 64, CONFIG_SETTINGS_MAX = 160 };

/* The commands that accept a setting. */
enum config_command {
    CONFIG_RUN = 1,
    CONFIG_LOCAL = 2,
    CONFIG_PROCESS = 4,
    CONFIG_CHECK = 8,
    CONFIG_WHOAMI = 16,
    CONFIG_HEALTH = 32,
    CONFIG_COMPLETION = 64,
    CONFIG_MAN = 128,
    CONFIG_PROVISION = 256,
    CONFIG_SEND = 512,
    CONFIG_BACKFILL = 1024,
    CONFIG_PRESIGN = 2048,
    CONFIG_GATE = 4096,
    CONFIG_DLQ = 8192,
    CONFIG_STATUS = 16384,
    CONFIG_GALLERY = 32768,
};

/* What provision prints instead of applying its plan. */
enum config_emit { EMIT_NOTHING, EMIT_CLOUDFORMATION, EMIT_TERRAFORM, EMIT_IAM_POLICY };

enum config_log_level {
    CONFIG_LOG_AUTO,
    CONFIG_LOG_DEBUG,
    CONFIG_LOG_INFO,
    CONFIG_LOG_WARN,
    CONFIG_LOG_ERROR
};

/* Of send and backfill. */
struct send_settings {
    const char *topic;
    const char *group, *deduplication;
    struct text_list attributes; /* NAME=VALUE */
    const char *payload_bucket;
    bool always_through_s3;
    bool force, restart;
    unsigned rate; /* 0: as fast as it goes */
};

struct config { /* strings are owned; NULL if unset */
    struct text_list pipelines;

    /* The options of the parts. The commands add what is not a setting. */
    struct backend_settings backend;
    struct http_client_options http;
    struct engine_options engine;
    struct isolation_settings decoders;
    struct cloud_settings cloud;

    struct provision_settings provision;

    bool decode_here; /* in the worker threads, without decoder processes */
    enum log_format log_format;
    enum config_log_level log_level;
    unsigned grace_ms;
    const char *otlp;    /* URL of the collector of spans; NULL: none */
    const char *metrics; /* ADDRESS:PORT of the port for monitoring; NULL: none */
    const char *out;
    uint64_t patience_ms;
    const char *init; /* file of what the embedded cloud has after its start; NULL: none */
    bool once, cloud_only, verbose, json;

    unsigned expires_s;       /* of what is presigned; 0: the command's default */
    const char *content_type; /* presign; NULL: any */
    const char *disposition;  /* presign get: Content-Disposition of the response; NULL: none */
    const char *version_id;   /* presign get; NULL: the current version */
    uint64_t size;            /* presign put: bytes; unless given, any number */
    struct send_settings send;

    const char *listen;     /* gate, gallery: ADDRESS:PORT; NULL: the command's own */
    struct {                /* the gate, by itself or beside the engine */
        const char *beside; /* run: the same; NULL: no gate */
        const char *tokens, *uploads, *downloads, *origins, *certificate, *key;
        const char *add_token, *scopes; /* gate: make a token; NULL: serve */
    } gate;

    struct {                /* the gallery, by itself or beside the engine */
        const char *beside; /* run, local: ADDRESS:PORT or "off"; NULL: the command's default */
        const char *photos, *data, *users, *origins, *certificate, *key;
        const char *add_user; /* gallery: add a user; NULL: serve */
    } gallery;

    struct { /* provision --via rabbitmq */
        const char *api, *api_password_file, *events_password_file;
    } broker;
    bool yes, dry_run; /* provision, dlq: without asking; without changing anything */
    enum config_emit emit;
    bool ready; /* health: ask for readiness */
    /* dlq and status; send and backfill: queue */
    const char *queue, *to, *reason, *key, *pipeline;
    uint64_t older_ms, limit;
    bool watch;

    bool schema, settings, operations, help;

    struct text_list paths;          /* arguments that are not options */
    bool given[CONFIG_SETTINGS_MAX]; /* for each row of the table: whether the user set it */
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
