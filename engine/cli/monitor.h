/*
 * The port for those who watch the process: GET /metrics, /livez and /readyz. Loop thread.
 *
 * Every page is made when it is requested. A page must be cheap, since it is made on the loop. The
 * port has no authentication, and serves no secret.
 */
#ifndef THUMBWHEEL_MONITOR_H
#define THUMBWHEEL_MONITOR_H

#include <stdbool.h>
#include <uv.h>

#include "bytes.h"
#include "error.h"

struct monitor;

enum { MONITOR_PAGE_MAX = 16 * 1024 * 1024 }; /* bytes */

struct monitor_options {
    const char *host; /* numeric address */
    unsigned port;    /* 0: any free port */
    /* Appends the metrics. */
    void (*metrics)(struct buffer *out, void *user);
    /* Whether the process is alive, and whether it is ready. If not, the reason is appended: one
     * line each. */
    bool (*alive)(struct buffer *reasons, void *user);
    bool (*ready)(struct buffer *reasons, void *user);
    void *user;
};

/* ERR_MEMORY; ERR_BUSY: the port is in use, and the errors of http_server_start. */
int monitor_open(uv_loop_t *loop, const struct monitor_options *options, struct monitor **out,
                 struct error *error);
unsigned monitor_port(const struct monitor *monitor);
/* closed is called from the loop when the memory is freed. */
void monitor_close(struct monitor *monitor, void (*closed)(void *user), void *user);

#endif
