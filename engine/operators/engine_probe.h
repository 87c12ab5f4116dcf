/*
 * Asks a running engine that serves its metrics how it is: /readyz, then /metrics. Loop thread.
 */
#ifndef THUMBWHEEL_ENGINE_PROBE_H
#define THUMBWHEEL_ENGINE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "http_client.h"

enum { ENGINE_PROBE_URL_MAX = 128, ENGINE_PROBE_REASON_MAX = 200 };

struct engine_facts {
    bool reached; /* it responds */
    bool ready;
    char reason[ENGINE_PROBE_REASON_MAX]; /* why it is not ready, or not reached; "": it is */
    bool measured;                        /* the metrics are known */
    double jobs, in_flight;               /* now */
    double done, retried, rejected;       /* messages since its start */
    uint64_t at_ms;                       /* uv_now of the metrics */
};

struct engine_probe {
    uv_loop_t *loop;
    struct http_client *http;
    char base[ENGINE_PROBE_URL_MAX]; /* "http://127.0.0.1:9464" */
    struct engine_facts facts;
    struct http_exchange *exchange; /* NULL: idle */
};

/* An address that stands for all addresses is reached on the loopback. http is borrowed. */
void engine_probe_init(struct engine_probe *probe, uv_loop_t *loop, struct http_client *http,
                       const char *host, unsigned port);
void engine_probe_ask(struct engine_probe *probe);
bool engine_probe_is_idle(void *probe);
void engine_probe_cancel(struct engine_probe *probe);

/* The URL of a page of the monitoring port. */
void engine_probe_url(char out[ENGINE_PROBE_URL_MAX], const char *host, unsigned port,
                      const char *path);
/* The sum of a family's samples whose labels contain a text ("": all), in Prometheus' text format;
 * -1: there is none. */
double engine_metric_sum(struct slice page, const char *family, const char *label);

#endif
