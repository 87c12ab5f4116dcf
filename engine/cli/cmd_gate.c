/* thumbwheel gate: presigned uploads and downloads for those who have a token, until SIGTERM. */
#include "command.h"

#include <jansson.h>
#include <string.h>

#include "core_files.h"
#include "gate_token_file.h"
#include "log.h"
#include "secret.h"
#include "service.h"
#include "service_gate.h"

#define GATE_ADDRESS "127.0.0.1:8300"

static bool never(void *user)
{
    (void)user;
    return false;
}

/* ---- making a token ---- */

static int scopes_read(const char *text, unsigned *scopes, struct error *error)
{
    *scopes = 0;
    for (const char *p = text; p;) {
        const struct slice word = {p, strcspn(p, ",")};
        if (slice_equal_text(word, "upload"))
            *scopes |= GATE_UPLOAD;
        else if (slice_equal_text(word, "download"))
            *scopes |= GATE_DOWNLOAD;
        else
            return error_set(error, ERR_INVALID,
                             "--scopes: \"%s\" is not allowed; give upload, download or "
                             "upload,download",
                             text);
        p = p[word.size] ? p + word.size + 1 : NULL;
    }
    return 0;
}

static int token_make(const struct config *config, char token[GATE_TOKEN_SIZE], struct error *error)
{
    unsigned scopes;
    const int code = scopes_read(config->gate.scopes, &scopes, error);
    if (code)
        return code;
    if (!config->gate.tokens)
        return error_set(error, ERR_INVALID, "--add-token needs --tokens FILE");
    return gate_token_add(config->gate.tokens, config->gate.add_token, scopes, token, error);
}

static int token_add(const struct config *config)
{
    struct error error = {0};
    char token[GATE_TOKEN_SIZE];
    const int code = token_make(config, token, &error);
    if (code)
        command_error("%s", error.text);
    else
        printf("%s\n", token);
    secret_wipe(token, sizeof token);
    return (int)command_status(code);
}

/* ---- serving ---- */

static int serve(struct service *service, struct service_gate **gate, struct error *error)
{
    const char *address = service->config->listen ? service->config->listen : GATE_ADDRESS;
    const int code = service_gate_open(service, "--listen", address, gate, error);
    if (code)
        return code == ERR_CANCELLED ? 0 : code;
    log_info("gate started", LOG_TEXT("version", THUMBWHEEL_VERSION));
    service_wait(service, never, NULL);
    log_info("gate is draining", LOG_INT("grace_ms", service->config->grace_ms));
    service_gate_drain(*gate, service->config->grace_ms);
    return 0;
}

static int run(const struct assembly *assembly, const struct config *config)
{
    struct service service;
    struct service_gate *gate = NULL;
    struct error error = {0};
    const struct service_options options = {.assembly = assembly, .config = config};
    int code = service_open(&service, &options, &error);
    if (!code)
        code = serve(&service, &gate, &error);
    service_gate_close(gate);
    service_close(&service);
    if (code)
        command_error("%s", error.text);
    return (int)command_status(code);
}

int cmd_gate(const struct assembly *assembly, const struct config *config)
{
    core_files_forbid();
    return config->gate.add_token ? token_add(config) : run(assembly, config);
}
