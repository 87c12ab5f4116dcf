/*
 * A running engine with everything it needs: loop, HTTP client, optionally the embedded cloud,
 * backend, engine.
 *
 * The main thread owns the loop and runs it: commands are sequential code, callbacks record facts,
 * and service_wait runs the loop until a condition is true. Everything is opened in the order above
 * and closed in reverse; a handle that service_close leaves open is a bug. SIGTERM and SIGINT
 * interrupt the waits; the second one ends the process at once with status 1, which loses nothing,
 * since the messages become visible again. The reloader handles SIGHUP.
 */
#ifndef THUMBWHEEL_SERVICE_H
#define THUMBWHEEL_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "assembly.h"
#include "config.h"
#include "engine.h"
#include "label_server.h"
#include "pipeline_set.h"
#include "queue_notifier.h"
#include "reloader.h"
#include "service_monitor.h"
#include "webhook_notifier.h"

struct wait;
struct gate;
struct gallery;

struct service {
    const struct assembly *assembly;
    const struct config *config;
    const struct pipeline_set *pipelines; /* loaded without problems */
    uv_loop_t loop;
    uv_signal_t signals[2];
    uv_timer_t clock;
    uv_prepare_t prepare;
    const struct wait *wait; /* the condition that service_wait waits for */
    struct http_client *http;
    void *cloud; /* NULL: none */
    struct backend backend;
    struct backend aws; /* beside the embedded cloud, for overlays; handle NULL: none */
    struct label_server label_server;
    struct engine *engine;
    struct reloader reloader;
    struct service_monitor monitor;
    struct otlp_export *traces;      /* NULL: none */
    struct gate *gate;               /* of service_gate.h; NULL: none */
    bool without_engine;             /* the command starts none */
    struct gallery *gallery;         /* of service_gallery.h; NULL: none */
    struct engine_observer observer; /* of service_start */
    struct webhook_notifier webhooks;
    struct queue_notifier queue_notifier;
    bool notifies; /* the two are open */
    unsigned interrupts;
    const char *at_once;      /* if set, even the first signal ends the process at once, with this
                               * message: nothing is pending, and the current work cannot be
                               * interrupted; NULL: it drains */
    bool quiet;               /* an interrupt is the usual end: nothing is said about it */
    void (*tick)(void *user); /* active while service_tick is set */
    void *tick_user;
    void (*abandon)(void *user); /* called before the process ends at once; NULL: none */
    void *abandon_user;
};

struct service_options {
    const struct assembly *assembly;
    const struct config *config;
    const struct pipeline_set *pipelines;
    const struct cloud_settings *cloud; /* NULL: no embedded cloud */
    bool aws_overlays; /* overlays in buckets are fetched from AWS, not from the embedded cloud */
    bool reloads;      /* SIGHUP reloads the pipeline files */
};

/* Opens everything except the engine. */
int service_open(struct service *service, const struct service_options *options,
                 struct error *error);
/* Call it also if service_open failed. */
void service_close(struct service *service);

/* Runs a plan of resources, and waits until that is done, without interrupts. */
int service_provision(struct service *service, const struct provision_run *run,
                      struct error *error);
/* Sends the requests of an init file, and waits as above. */
int service_init(struct service *service, const struct init_file *file, struct error *error);
/* Whether no object's key begins with the prefix. Waits until done. */
int service_is_empty(struct service *service, const char *bucket, const char *prefix, bool *empty,
                     struct error *error);

/* Creates the engine and waits until its queues are open, without a time limit. ERR_CANCELLED:
 * interrupted meanwhile; pending work has completed. Without an embedded cloud, reloads are allowed
 * from now on. */
int service_start(struct service *service, const struct engine_observer *observer,
                  struct error *error);
/* Waits until the engine has drained. */
void service_drain(struct service *service);

/* Runs the loop until done returns true (true) or an interrupt has arrived, now or earlier
 * (false). */
bool service_wait(struct service *service, bool (*done)(void *user), void *user);
/* The same, but it does not return on interrupts. */
void service_finish(struct service *service, bool (*done)(void *user), void *user);
bool service_interrupted(const struct service *service);
/* Sets the action before a signal ends the process. */
void service_interrupt(struct service *service, int number);

/* Calls tick every 100 ms while the loop runs; NULL: stop. */
void service_tick(struct service *service, void (*tick)(void *user), void *user);

#endif
