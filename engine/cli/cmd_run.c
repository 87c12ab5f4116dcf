/* thumbwheel run: the engine on the configured service, until SIGTERM. */
#include "command.h"

#include <stdio.h>
#include <string.h>

#include "core_files.h"
#include "log.h"
#include "memory_limit.h"
#include "service.h"
#include "service_gallery.h"
#include "service_gate.h"
#include "terminal.h"

static bool never(void *user)
{
    (void)user;
    return false;
}

/* memory_peak is the resident set of this process, group_memory_peak that of its control group,
 * including its decoders, and memory_promised_peak the peak reserved from the budget of
 * --memory. */
static void log_end(const struct service *service)
{
    struct engine_stats stats;
    engine_stats(service->engine, &stats);
    log_info("engine stopped", LOG_INT("received", stats.received),
             LOG_INT("acknowledged", stats.acknowledged), LOG_INT("retried", stats.retried),
             LOG_INT("rejected", stats.rejected), LOG_INT("stored", stats.stored),
             LOG_COUNT("memory_peak", memory_resident_peak("")),
             LOG_COUNT("group_memory_peak", memory_group_peak("")),
             LOG_INT("memory_promised_peak", stats.memory_peak));
}

/* If --gate is set. */
static int gate_start(struct service *service, struct service_gate **gate, struct error *error)
{
    const char *address = service->config->gate.beside;
    return address ? service_gate_open(service, "--gate", address, gate, error) : 0;
}

/* If --gallery is set. */
static int gallery_start(struct service *service, struct service_gallery **gallery,
                         struct error *error)
{
    const char *address = service->config->gallery.beside;
    const struct service_gallery_plan plan = {.flag = "--gallery", .address = address};
    if (!address || strcmp(address, "off") == 0)
        return 0;
    const int code = service_gallery_open(service, &plan, gallery, error);
    if (code)
        return code;
    const char *link = service_gallery_link(*gallery);
    terminal_line(stdout, "Gallery: %s", link ? link : service_gallery_address(*gallery));
    fflush(stdout);
    return 0;
}

struct ports { /* that people and producers use */
    struct service_gate *gate;
    struct service_gallery *gallery;
};

static int ports_start(struct service *service, struct ports *ports, struct error *error)
{
    const int code = gate_start(service, &ports->gate, error);
    return code ? code : gallery_start(service, &ports->gallery, error);
}

static int serve(struct service *service, struct ports *ports, struct error *error)
{
    int code = ports_start(service, ports, error);
    if (!code)
        code = service_start(service, NULL, error);
    if (code == ERR_CANCELLED)
        return 0; /* stopped before it started: nothing is lost */
    if (code)
        return code;
    log_info("engine started", LOG_TEXT("version", THUMBWHEEL_VERSION),
             LOG_INT("workers", service->config->engine.workers),
             LOG_INT("pipelines", service->pipelines->count));
    service_wait(service, never, NULL);
    log_info("engine is draining", LOG_INT("grace_ms", service->config->grace_ms));
    service_gate_drain(ports->gate, service->config->grace_ms);
    service_gallery_drain(ports->gallery, service->config->grace_ms);
    service_drain(service);
    log_end(service);
    return 0;
}

static int run(const struct assembly *assembly, const struct config *config,
               const struct pipeline_set *pipelines)
{
    struct service service;
    struct ports ports = {0};
    struct error error = {0};
    const struct service_options options = {
        .assembly = assembly, .config = config, .pipelines = pipelines, .reloads = true};
    int code = service_open(&service, &options, &error);
    if (!code)
        code = serve(&service, &ports, &error);
    service_gate_close(ports.gate);
    service_gallery_close(ports.gallery);
    service_close(&service);
    if (code)
        command_error("%s", error.text);
    return (int)command_status(code);
}

int cmd_run(const struct assembly *assembly, const struct config *config)
{
    struct pipeline_set pipelines = {0};
    core_files_forbid();
    int exit_status = command_load_pipelines(assembly, config, &pipelines);
    if (exit_status == STATUS_OK)
        exit_status = run(assembly, config, &pipelines);
    pipeline_set_clear(&pipelines);
    return exit_status;
}
