/* A service's port for monitoring: composes the metrics and the probes. Loop thread. */
#ifndef THUMBWHEEL_SERVICE_MONITOR_H
#define THUMBWHEEL_SERVICE_MONITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "error.h"

struct monitor;
struct service;

struct service_monitor {
    struct service *service;
    struct monitor *monitor; /* NULL: not open */
    uv_timer_t beat;         /* measures how late the loop is */
    uint64_t beat_due_ns;    /* uv_hrtime */
    double lag_s;            /* the longest delay since the metrics were last read */
};

/* "127.0.0.1:9464", "[::1]:9464" or ":9464" (all addresses); a port of 0 chooses a free one. *host
 * has room for an IPv6 address (INET6_ADDRSTRLEN). flag, such as "--metrics", is for the error.
 * ERR_INVALID says what is expected. */
int service_monitor_address(const char *flag, const char *text, char *host, size_t host_size,
                            unsigned *port, struct error *error);

/* Does nothing if config->metrics is not set. ERR_INVALID, ERR_BUSY: see monitor_open. */
int service_monitor_open(struct service_monitor *monitor, struct service *service,
                         struct error *error);
/* Also if it is not open. closed is called from the loop, or at once. */
void service_monitor_close(struct service_monitor *monitor, void (*closed)(void *user), void *user);

#endif
