/* thumbwheel health: asks a running engine whether it is alive or ready, for a container's health
 * check. */
#include "command.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "engine_probe.h"
#include "http_client.h"
#include "json_line.h"
#include "service_monitor.h"

enum { TIMEOUT_MS = 5000, RESPONSE_MAX = 64 * 1024 };

struct probe {
    uv_loop_t loop;
    struct http_client *http;
    struct error error; /* code 0: the response was 200 */
    bool closed;
};

static void on_closed(void *user)
{
    struct probe *probe = user;
    probe->closed = true;
}

static void on_response(const struct http_response *response, void *user)
{
    struct probe *probe = user;
    struct slice body = {response->body.data, response->body.size};
    if (response->error)
        error_set(&probe->error, response->error, "the engine does not respond: %s",
                  response->detail);
    else if (response->status != 200)
        error_set(&probe->error, ERR_SERVER, "%.*s",
                  (int)strcspn(body.size ? body.data : "\n", "\n"),
                  body.size ? (const char *)body.data : "");
    http_client_close(probe->http, on_closed, probe);
}

static void run_probe(struct probe *probe, const char *url)
{
    const struct http_client_options options = {0};
    const struct http_request request = {.method = "GET",
                                         .url = url,
                                         .response_max = RESPONSE_MAX,
                                         .connect_timeout_ms = TIMEOUT_MS,
                                         .idle_timeout_ms = TIMEOUT_MS,
                                         .total_timeout_ms = TIMEOUT_MS};
    struct http_exchange *exchange;
    int code = http_client_create(&probe->loop, &options, &probe->http, &probe->error);
    if (code)
        return;
    code = http_client_send(probe->http, &request, on_response, probe, &exchange);
    if (code) {
        error_set(&probe->error, code, "the request could not be started (%s)", error_name(code));
        http_client_close(probe->http, on_closed, probe);
    }
    uv_run(&probe->loop, UV_RUN_DEFAULT);
}

static int print_result(const struct config *config, const struct error *error)
{
    const char *what = config->ready ? "ready" : "alive";
    if (config->json)
        return json_line_print(json_pack("{s:s, s:b, s:s?}", "check", what, "ok", !error->code,
                                         "error", error->code ? error->text : NULL),
                               stdout);
    if (!error->code)
        printf("%s\n", what);
    return 0;
}

int cmd_health(const struct assembly *assembly, const struct config *config)
{
    struct probe probe = {0};
    char host[INET6_ADDRSTRLEN], url[ENGINE_PROBE_URL_MAX];
    unsigned port = 0;
    (void)assembly;
    if (!config->metrics) {
        command_error(
            "health needs --metrics ADDRESS:PORT, or THUMBWHEEL_METRICS: the address that "
            "the engine serves its metrics on");
        return STATUS_USAGE;
    }
    if (service_monitor_address("--metrics", config->metrics, host, sizeof host, &port,
                                &probe.error)) {
        command_error("%s", probe.error.text);
        return STATUS_USAGE;
    }
    engine_probe_url(url, host, port, config->ready ? "/readyz" : "/livez");
    if (uv_loop_init(&probe.loop)) {
        command_error("cannot start the event loop");
        return STATUS_FAILED;
    }
    run_probe(&probe, url);
    uv_loop_close(&probe.loop);
    if (probe.error.code)
        command_error("%s", probe.error.text);
    return print_result(config, &probe.error) || probe.error.code ? STATUS_FAILED : STATUS_OK;
}
