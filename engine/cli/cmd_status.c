/* thumbwheel status: the queues of the pipelines, and the engine. */
#include "command.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core_files.h"
#include "screen.h"
#include "service_monitor.h"
#include "status.h"
#include "terminal.h"

enum { WATCH_MS = 2000 };

/* ---- a round of questions ---- */

static int ask(struct status *status, struct error *error)
{
    status->before = status->probe.facts;
    if (status->probes)
        engine_probe_ask(&status->probe);
    int code = pipeline_queues_refresh(&status->queues, error);
    if (!code && status->probes &&
        !service_wait(&status->service, engine_probe_is_idle, &status->probe))
        code = error_set(error, ERR_CANCELLED, "interrupted");
    return code;
}

/* Credentials that are missing or refused concern all queues: the user must change them. */
static int refusal(const struct status *status, struct error *error)
{
    const struct queue_group *sources = &status->queues.sources;
    for (size_t i = 0; i < sources->count; i++) {
        const int code = sources->items[i].error.code;
        if (code != ERR_CREDENTIALS && code != ERR_EXPIRED && code != ERR_DENIED)
            return 0;
    }
    if (!sources->count)
        return 0;
    *error = sources->items[0].error;
    return error->code;
}

static int show(const struct status *status, struct screen *screen)
{
    if (status->service.config->json) {
        int code = status_print_json(status, stdout);
        return code ? code : fflush(stdout) ? ERR_IO : 0;
    }
    FILE *out = screen_begin(screen);
    int code = out ? status_print(status, out, terminal_columns(STDOUT_FILENO),
                                  terminal_colour(STDOUT_FILENO))
                   : ERR_MEMORY;
    return screen_end(screen) || code ? ERR_IO : 0;
}

/* ---- watching ---- */

static bool is_over(void *clock)
{
    return !uv_is_active(clock);
}

static void on_clock(uv_timer_t *clock)
{
    (void)clock; /* it is no longer active */
}

/* False: interrupted. */
static bool pause_round(struct status *status, uv_timer_t *clock)
{
    uv_timer_start(clock, on_clock, WATCH_MS, 0);
    return service_wait(&status->service, is_over, clock);
}

static int one_round(struct status *status, struct screen *screen, struct error *error)
{
    int code = ask(status, error);
    if (!code)
        code = refusal(status, error);
    if (code)
        return code;
    code = show(status, screen);
    if (code)
        return error_set(error, code, "the status could not be printed (%s)", error_name(code));
    status->shown = true;
    status->well = status_is_well(status);
    return 0;
}

static int rounds(struct status *status, struct screen *screen, struct error *error)
{
    uv_timer_t clock;
    uv_timer_init(&status->service.loop, &clock);
    int code;
    do
        code = one_round(status, screen, error);
    while (!code && status->service.config->watch && pause_round(status, &clock));
    uv_close((uv_handle_t *)&clock, NULL);
    uv_run(&status->service.loop, UV_RUN_NOWAIT); /* closes it */
    return code == ERR_CANCELLED && status->shown ? 0 : code;
}

/* ---- the command ---- */

static int run(struct status *status, struct error *error)
{
    struct screen screen = {.redraws =
                                status->service.config->watch && terminal_redraws(STDOUT_FILENO)};
    int code =
        pipeline_queues_open(&status->queues, &status->service, &status->pipelines, NULL, error);
    if (!code)
        code = rounds(status, &screen, error);
    engine_probe_cancel(&status->probe);
    return code;
}

static int run_open(struct status *status, const struct assembly *assembly,
                    const struct config *config, const char *host, unsigned port)
{
    struct error error = {0};
    struct config client = *config;
    const struct service_options options = {.assembly = assembly, .config = &client};
    client.metrics = NULL; /* they are the engine's: this process serves none */
    int code = service_open(&status->service, &options, &error);
    if (!code) {
        status->probes = config->metrics != NULL;
        engine_probe_init(&status->probe, &status->service.loop, status->service.http, host, port);
        status->service.quiet = config->watch;
        code = run(status, &error);
        pipeline_queues_close(&status->queues);
        service_close(&status->service);
        if (!code)
            return status->well ? STATUS_OK : STATUS_FAILED;
    } else {
        service_close(&status->service);
    }
    command_error("%s", error.text);
    return (int)command_status(code);
}

int cmd_status(const struct assembly *assembly, const struct config *config)
{
    struct status status = {0};
    struct error error = {0};
    char host[INET6_ADDRSTRLEN] = "";
    unsigned port = 0;
    if (config->metrics &&
        service_monitor_address("--metrics", config->metrics, host, sizeof host, &port, &error)) {
        command_error("%s", error.text);
        return STATUS_USAGE;
    }
    core_files_forbid();
    int code = command_load_pipelines(assembly, config, &status.pipelines);
    if (!code)
        code = run_open(&status, assembly, config, host, port);
    pipeline_set_clear(&status.pipelines);
    return code;
}
