#include "service_monitor.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "container_of.h"
#include "engine_metrics.h"
#include "gallery.h"
#include "gate.h"
#include "log.h"
#include "metric_text.h"
#include "monitor.h"
#include "otlp_export.h"
#include "service.h"

enum { BEAT_MS = 1000, PORT_MAX = 65535 };

/* ---- address ---- */

static bool is_address(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

int service_monitor_address(const char *flag, const char *text, char *host, size_t host_size,
                            unsigned *port, struct error *error)
{
    const char *colon = strrchr(text, ':');
    size_t size = colon ? (size_t)(colon - text) : 0;
    char *end;
    if (!colon || colon[1] < '0' || colon[1] > '9')
        return error_set(error, ERR_INVALID,
                         "%s: \"%s\" has no port; expected ADDRESS:PORT, for example "
                         "127.0.0.1:9464",
                         flag, text);
    unsigned long number = strtoul(colon + 1, &end, 10);
    bool bracketed = size >= 2 && text[0] == '[' && text[size - 1] == ']';
    snprintf(host, host_size, "%.*s", (int)(bracketed ? size - 2 : size), text + bracketed);
    if (size == 0)
        snprintf(host, host_size, "::"); /* both families */
    if (*end || number > PORT_MAX || !is_address(host) || (strchr(host, ':') && size && !bracketed))
        return error_set(error, ERR_INVALID,
                         "%s: \"%s\" is not a numeric address and port; expected for "
                         "example 127.0.0.1:9464, [::1]:9464, or :9464 for all addresses",
                         flag, text);
    *port = (unsigned)number;
    return 0;
}

/* ---- metrics ---- */

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (!directory)
        return 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count > 3 ? count - 3 : 0; /* without ".", ".." and the directory itself */
}

/* The names are those of Prometheus' client libraries. */
static void write_process(struct buffer *out)
{
    struct rusage usage;
    size_t resident = 0;
    if (!getrusage(RUSAGE_SELF, &usage))
        metric_single(out, METRIC_COUNTER, "process_cpu_seconds_total",
                      "CPU time of this process, without its decoders.",
                      seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
    if (!uv_resident_set_memory(&resident))
        metric_single(out, METRIC_GAUGE, "process_resident_memory_bytes",
                      "Resident memory of this process, without its decoders.", (double)resident);
    metric_single(out, METRIC_GAUGE, "process_open_fds", "Open file descriptors.",
                  (double)open_descriptors());
}

static void write_build(struct buffer *out)
{
    const struct metric_label version = {"version", THUMBWHEEL_VERSION};
    metric_family(out, METRIC_GAUGE, "thumbwheel_build_info", "Always 1; the version is a label.");
    metric_sample(out, "thumbwheel_build_info", &version, 1, 1);
}

static void metrics(struct buffer *out, void *user)
{
    struct service_monitor *monitor = user;
    write_build(out);
    write_process(out);
    metric_single(out, METRIC_GAUGE, "thumbwheel_loop_lag_seconds",
                  "The longest delay of the event loop since the metrics were last read.",
                  monitor->lag_s);
    monitor->lag_s = 0;
    monitor->service->assembly->backend_metrics(&monitor->service->backend, out);
    monitor->service->assembly->isolation_metrics(out);
    gate_write_metrics(monitor->service->gate, out);
    gallery_write_metrics(monitor->service->gallery, out);
    otlp_export_write_metrics(monitor->service->traces, out);
    if (monitor->service->engine)
        engine_write_metrics(monitor->service->engine, out);
}

/* A loop that does not run does not respond: the prober's time limit finds that. */
static bool alive(struct buffer *reasons, void *user)
{
    const struct service_monitor *monitor = user;
    const struct engine *engine = monitor->service->engine;
    return !engine || engine_is_alive(engine, reasons);
}

static bool ready(struct buffer *reasons, void *user)
{
    const struct service_monitor *monitor = user;
    struct service *service = monitor->service;
    bool is_ready = service->assembly->backend_ready(&service->backend, reasons);
    if (service->engine)
        return engine_is_ready(service->engine, reasons) && is_ready;
    if ((service->gate && !service->pipelines) || (service->gallery && service->without_engine))
        return is_ready;
    buffer_text(reasons, "the engine has not started\n");
    return false;
}

/* ---- lifecycle ---- */

static void on_beat(uv_timer_t *timer)
{
    struct service_monitor *monitor = container_of(timer, struct service_monitor, beat);
    uint64_t now_ns = uv_hrtime();
    double late_s =
        now_ns > monitor->beat_due_ns ? (double)(now_ns - monitor->beat_due_ns) / 1e9 : 0;
    if (late_s > monitor->lag_s)
        monitor->lag_s = late_s;
    monitor->beat_due_ns = now_ns + (uint64_t)BEAT_MS * 1000000;
}

static void beat_begin(struct service_monitor *monitor)
{
    uv_timer_init(&monitor->service->loop, &monitor->beat);
    monitor->beat_due_ns = uv_hrtime() + (uint64_t)BEAT_MS * 1000000;
    uv_timer_start(&monitor->beat, on_beat, BEAT_MS, BEAT_MS);
    uv_unref((uv_handle_t *)&monitor->beat);
}

int service_monitor_open(struct service_monitor *monitor, struct service *service,
                         struct error *error)
{
    char host[INET6_ADDRSTRLEN];
    struct monitor_options options = {
        .host = host, .metrics = metrics, .alive = alive, .ready = ready, .user = monitor};
    *monitor = (struct service_monitor){.service = service};
    if (!service->config->metrics)
        return 0;
    int code = service_monitor_address("--metrics", service->config->metrics, host, sizeof host,
                                       &options.port, error);
    if (code)
        return code;
    code = monitor_open(&service->loop, &options, &monitor->monitor, error);
    if (code)
        return code;
    beat_begin(monitor);
    log_info("metrics are served", LOG_TEXT("address", host),
             LOG_INT("port", monitor_port(monitor->monitor)));
    return 0;
}

void service_monitor_close(struct service_monitor *monitor, void (*closed)(void *user), void *user)
{
    if (!monitor->monitor) {
        closed(user);
        return;
    }
    uv_close((uv_handle_t *)&monitor->beat, NULL);
    monitor_close(monitor->monitor, closed, user);
    monitor->monitor = NULL;
}
