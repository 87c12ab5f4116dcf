#include "service_gate.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "command.h"
#include "gate.h"
#include "gate_key.h"
#include "log.h"
#include "loopback.h"
#include "object_address.h"
#include "service.h"
#include "service_port.h"
#include "tls.h"

enum { EXPIRES_S = 15 * 60 };

struct service_gate {
    struct service *service;
    bool closing;
    struct tls_identity *tls;
    struct object_address addresses[GATE_PLACES_MAX + 1]; /* hold the places' texts */
    size_t address_count;
    struct gate_place uploads, downloads[GATE_PLACES_MAX];
    size_t download_count;
    struct text_list origins;
    bool located;
    struct error error; /* of locating */
};

/* ---- the settings ---- */

static int place_read(struct service_gate *gate, const char *flag, const char *text,
                      struct gate_place *out, struct error *error)
{
    struct object_address *address = &gate->addresses[gate->address_count];
    const int code = port_place_read(flag, text, GATE_PREFIX_MAX, address, error);
    if (code)
        return code;
    gate->address_count++;
    *out = (struct gate_place){.bucket = address->bucket, .prefix = address->key};
    return 0;
}

static int downloads_read(struct service_gate *gate, const char *text, struct error *error)
{
    struct text_list list = {0};
    int code = port_list_split("--downloads", text, &list, error);
    if (!code && list.count > GATE_PLACES_MAX)
        code = error_set(error, ERR_INVALID, "--downloads: there are more than %d prefixes",
                         GATE_PLACES_MAX);
    for (size_t i = 0; !code && i < list.count; i++)
        code = place_read(gate, "--downloads", list.items[i], &gate->downloads[i], error);
    gate->download_count = list.count;
    text_list_clear(&list);
    return code;
}

static int settings_read(struct service_gate *gate, const struct config *config,
                         struct error *error)
{
    if (!config->gate.tokens)
        return error_set(error, ERR_INVALID,
                         "the gate needs --tokens FILE; to make a token: thumbwheel gate --tokens "
                         "FILE --add-token NAME");
    if (!config->gate.uploads && !config->gate.downloads)
        return error_set(error, ERR_INVALID,
                         "the gate needs --uploads s3://BUCKET/PREFIX/, --downloads, or both");
    int code = 0;
    if (config->gate.uploads)
        code = place_read(gate, "--uploads", config->gate.uploads, &gate->uploads, error);
    if (code)
        return code;
    code = downloads_read(gate, config->gate.downloads, error);
    if (code)
        return code;
    const struct port_origins origins = {"--cors-origin", config->gate.origins, GATE_ORIGINS_MAX,
                                         .any = true};
    code = port_origins_read(&origins, &gate->origins, error);
    if (code)
        return code;
    const struct port_identity identity = {"--gate-cert", config->gate.certificate, "--gate-key",
                                           config->gate.key};
    return port_identity_open(&identity, &gate->tls, error);
}

/* ---- opening ---- */

static bool backend_ready(struct buffer *reasons, void *user)
{
    struct service *service = user;
    return service->assembly->backend_ready(&service->backend, reasons);
}

static int listen_at(struct service_gate *gate, const char *flag, const char *address,
                     struct error *error)
{
    struct service *service = gate->service;
    char host[INET6_ADDRSTRLEN];
    struct gate_options options = {
        .host = host,
        .tls = gate->tls,
        .tokens = service->config->gate.tokens,
        .store = service->backend.store,
        .uploads = service->config->gate.uploads ? &gate->uploads : NULL,
        .downloads = gate->downloads,
        .download_count = gate->download_count,
        .expires_s = service->config->expires_s ? service->config->expires_s : EXPIRES_S,
        .origins = (const char *const *)gate->origins.items,
        .origin_count = gate->origins.count,
        .ready = backend_ready,
        .user = service,
    };
    int code = service_monitor_address(flag, address, host, sizeof host, &options.port, error);
    if (!code)
        code = gate_open(&service->loop, &options, &service->gate, error);
    if (code)
        return code;
    if (!gate->tls && !host_is_loopback(slice_of(host)))
        command_warn(
            "the gate serves plain HTTP on %s: tokens and URLs can be read on the way; set "
            "--gate-cert, or put a proxy with TLS in front of it",
            host);
    log_info("gate is listening", LOG_TEXT("address", host),
             LOG_INT("port", gate_port(service->gate)),
             LOG_TEXT("scheme", gate->tls ? "https" : "http"));
    return 0;
}

static void on_located(const struct error *error, void *user)
{
    struct service_gate *gate = user;
    gate->error = *error;
    gate->located = true;
}

static bool is_located(void *user)
{
    return ((struct service_gate *)user)->located;
}

/* What a person must correct ends the command. */
static int judge(const struct service_gate *gate, struct error *error)
{
    switch (gate->error.code) {
    case ERR_NONE:
        return 0;
    case ERR_NO_CONTAINER:
    case ERR_INVALID:
    case ERR_DENIED:
    case ERR_CREDENTIALS:
    case ERR_EXPIRED:
        *error = gate->error;
        return error->code;
    default:
        log_warn("a bucket could not be looked for; requests try again",
                 LOG_TEXT("error", gate->error.text));
        return 0;
    }
}

static int locate(struct service_gate *gate, struct error *error)
{
    const int code = gate_locate(gate->service->gate, on_located, gate);
    if (code)
        return error_set(error, code, "the name of a bucket is not valid (%s)", error_name(code));
    if (!service_wait(gate->service, is_located, gate))
        return error_set(error, ERR_CANCELLED, "stopped before the buckets were found");
    return judge(gate, error);
}

int service_gate_open(struct service *service, const char *flag, const char *address,
                      struct service_gate **out, struct error *error)
{
    struct service_gate *gate = calloc(1, sizeof *gate);
    *out = gate;
    if (!gate)
        return error_set(error, ERR_MEMORY, "out of memory");
    gate->service = service;
    int code = settings_read(gate, service->config, error);
    if (!code)
        code = listen_at(gate, flag, address, error);
    return code ? code : locate(gate, error);
}

/* ---- closing ---- */

static void on_closed(void *user)
{
    struct service_gate *gate = user;
    gate->service->gate = NULL;
}

static bool is_closed(void *user)
{
    return !((struct service_gate *)user)->service->gate;
}

void service_gate_drain(struct service_gate *gate, unsigned grace_ms)
{
    if (!gate || !gate->service->gate || gate->closing)
        return;
    gate->closing = true;
    gate_close(gate->service->gate, grace_ms, on_closed, gate);
}

void service_gate_close(struct service_gate *gate)
{
    if (!gate)
        return;
    service_gate_drain(gate, 0);
    service_finish(gate->service, is_closed, gate);
    for (size_t i = 0; i < gate->address_count; i++)
        object_address_free(&gate->addresses[i]);
    text_list_clear(&gate->origins);
    tls_identity_close(gate->tls);
    free(gate);
}
