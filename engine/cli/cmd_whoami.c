/* thumbwheel whoami: which provider gave the credentials, and whose they are. */
#include "command.h"

#include <jansson.h>
#include <stdlib.h>

#include "core_files.h"
#include "iso_time.h"
#include "json_line.h"
#include "service.h"
#include "terminal.h"

struct whoami {
    bool here;
    bool as_json;
    int code;
    struct error error;
};

/* NULL: they do not expire. */
static const char *time_text(int64_t unix_s, char out[ISO_TIME_SIZE])
{
    if (!unix_s)
        return NULL;
    iso_time_format(unix_s, out);
    return out;
}

static int print_json(const struct backend_identity *identity)
{
    char expires[ISO_TIME_SIZE];
    json_t *tree = json_pack("{s:s, s:s, s:s, s:s, s:s?}", "provider", identity->provider,
                             "account", identity->account, "arn", identity->arn, "user_id",
                             identity->user_id, "expires", time_text(identity->expires_s, expires));
    return json_line_print(tree, stdout);
}

static void print_line(const char *name, const char *value)
{
    char *shown = text_display(value);
    printf("%-9s %s\n", name, shown ? shown : "");
    free(shown);
}

static int print_text(const struct backend_identity *identity)
{
    char expires[ISO_TIME_SIZE];
    const char *when = time_text(identity->expires_s, expires);
    print_line("Provider", identity->provider);
    print_line("Account", identity->account);
    print_line("ARN", identity->arn);
    print_line("Expires", when ? when : "never");
    return 0;
}

static void on_identified(const struct backend_identity *identity, const struct error *error,
                          void *user)
{
    struct whoami *whoami = user;
    whoami->error = *error;
    whoami->code = error->code;
    whoami->here = true;
    if (identity)
        whoami->code = whoami->as_json ? print_json(identity) : print_text(identity);
}

static bool is_here(void *user)
{
    return ((struct whoami *)user)->here;
}

static int ask(struct service *service, struct whoami *whoami)
{
    int code = service->assembly->backend_identify(&service->backend, on_identified, whoami);
    if (code)
        return error_set(&whoami->error, code, "the identity could not be asked for (%s)",
                         error_name(code));
    if (!service_wait(service, is_here, whoami))
        return error_set(&whoami->error, ERR_CANCELLED, "interrupted");
    return whoami->code;
}

int cmd_whoami(const struct assembly *assembly, const struct config *config)
{
    struct service service;
    struct whoami whoami = {.as_json = config->json};
    const struct service_options options = {.assembly = assembly, .config = config};
    core_files_forbid();
    int code = service_open(&service, &options, &whoami.error);
    if (!code)
        code = ask(&service, &whoami);
    service_close(&service);
    if (code)
        command_error("%s", whoami.error.code ? whoami.error.text : error_name(code));
    return (int)command_status(code);
}
