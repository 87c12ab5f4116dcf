/* thumbwheel run: the engine on the configured service, until SIGTERM. */
#include "command.h"

#include "core_files.h"
#include "log.h"
#include "memory_limit.h"
#include "service.h"
#include "service_gate.h"

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

static int serve(struct service *service, struct service_gate **gate, struct error *error)
{
    int code = gate_start(service, gate, error);
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
    service_gate_drain(*gate, service->config->grace_ms);
    service_drain(service);
    log_end(service);
    return 0;
}

static int run(const struct assembly *assembly, const struct config *config,
               const struct pipeline_set *pipelines)
{
    struct service service;
    struct service_gate *gate = NULL;
    struct error error = {0};
    const struct service_options options = {
        .assembly = assembly, .config = config, .pipelines = pipelines, .reloads = true};
    int code = service_open(&service, &options, &error);
    if (!code)
        code = serve(&service, &gate, &error);
    service_gate_close(gate);
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
