/*
 * A running engine with everything under it: loop, HTTP client, embedded cloud where there is one,
 * backend, engine.
 *
 * The main thread owns the loop and drives it: commands read from top to bottom, callbacks record
 * facts, and service_wait turns the loop until a fact is there. Opened in the order above, closed
 * in reverse; what service_close leaves behind is a bug. SIGTERM and SIGINT interrupt the waits;
 * the second one ends the process at once with status 1, which loses nothing: the messages come
 * back by themselves. SIGHUP is the reloader's.
 */
#ifndef THUMBWHEEL_SERVICE_H
#define THUMBWHEEL_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "assembly.h"
#include "config.h"
#include "engine.h"
#include "pipeline_set.h"
#include "reloader.h"

struct wait;

struct service {
    const struct assembly *assembly;
    const struct config *config;
    const struct pipeline_set *pipelines; /* loaded, without problems */
    uv_loop_t loop;
    uv_signal_t signals[2];
    uv_timer_t clock;
    uv_prepare_t gate;
    const struct wait *wait; /* what the loop is being turned for */
    struct http_client *http;
    void *cloud; /* NULL: none */
    struct backend backend;
    struct engine *engine;
    struct reloader reloader;
    unsigned interrupts;
    const char *at_once;      /* the first signal ends the process, too, with this note: nothing is
                                 pending, and what goes on cannot be interrupted; NULL: it drains */
    void (*tick)(void *user); /* while service_tick is on */
    void *tick_user;
    void (*abandon)(void *user); /* before the process ends at once; NULL: nothing to do */
    void *abandon_user;
};

struct service_options {
    const struct assembly *assembly;
    const struct config *config;
    const struct pipeline_set *pipelines;
    const struct cloud_settings *cloud; /* NULL: no embedded cloud */
    bool reloads;                       /* SIGHUP reloads the pipeline files */
};

/* Everything but the engine. */
int service_open(struct service *service, const struct service_options *options,
                 struct error *error);
/* Also where service_open failed. */
void service_close(struct service *service);

/* Makes bucket, topic and queues for the pipelines. Waits. */
int service_provision(struct service *service, const struct fanout *fanout, struct error *error);
/* Whether no object's key begins with the prefix. Waits. */
int service_is_empty(struct service *service, const char *bucket, const char *prefix, bool *empty,
                     struct error *error);

/* Creates the engine and waits until its queues are open, however long that takes. ERR_CANCELLED:
 * interrupted meanwhile; what was under way is finished. Without an embedded cloud, reloads are
 * allowed from here on. */
int service_start(struct service *service, const struct engine_observer *observer,
                  struct error *error);
/* Waits until the engine has finished what it may. */
void service_drain(struct service *service);

/* Turns the loop until done says so (true) or an interrupt has come, now or earlier (false). */
bool service_wait(struct service *service, bool (*done)(void *user), void *user);
/* The same, but interrupts are no reason to give up. */
void service_finish(struct service *service, bool (*done)(void *user), void *user);
bool service_interrupted(const struct service *service);
/* What a signal that ends the process does. */
void service_interrupt(struct service *service, int number);

/* Calls tick every 100 ms while the loop turns; NULL ends that. */
void service_tick(struct service *service, void (*tick)(void *user), void *user);

#endif
