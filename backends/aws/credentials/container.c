/*
 * The agent of a container platform: ECS, EKS Pod Identity, and others that speak their protocol.
 * The token that it asks for is read from its file each time, because EKS renews it. Sources:
 * botocore 1.29, credentials.py (ContainerProvider) and utils.py (ContainerMetadataFetcher);
 * "Container credential provider", AWS SDKs and Tools Reference Guide.
 */
#include <stdlib.h>
#include <string.h>

#include "credential_call.h"
#include "credential_json.h"
#include "secret_file.h"

enum { TIMEOUT_MS = 2000, ATTEMPTS = 3 };

static const char who[] = "the container's credentials";

struct container {
    const struct credential_host *host;
    const struct credential_plan *plan;
    struct credential_get *get;
    struct secret_read *read; /* one of the two is under way */
    struct credential_call *call;
};

static void cancel(void *operation)
{
    struct container *container = operation;
    if (container->read)
        secret_read_cancel(container->read);
    if (container->call)
        credential_call_cancel(container->call);
    free(container);
}

static void finish(struct container *container, struct credentials *credentials,
                   const struct error *error)
{
    struct credential_get *get = container->get;
    free(container);
    credential_get_end(get, credentials, error);
}

static void response_read(const struct http_response *response, struct credentials **out,
                          struct error *error)
{
    if (response->error || response->status != 200) {
        credential_response_error(response, ERR_CREDENTIALS, who, error);
        return;
    }
    json_t *object = secret_json_read(credential_response_body(response));
    if (!object)
        error_set(error, ERR_PROTOCOL, "%s: the response is not a JSON object", who);
    else if (credentials_of_json(object, "Token", true, "container", out, error))
        error_prefix(error, "%s", who);
    secret_json_free(object);
}

static void on_response(const struct http_response *response, void *user)
{
    struct credentials *credentials = NULL;
    struct error error = {0};
    response_read(response, &credentials, &error);
    finish(user, credentials, &error);
}

static int ask(struct container *container, const char *token, struct error *error)
{
    const struct http_header headers[] = {{"accept", "application/json"}, {"authorization", token}};
    const struct credential_request request = {.method = "GET",
                                               .url = container->plan->texts[PLAN_URL],
                                               .headers = headers,
                                               .header_count = token ? 2 : 1,
                                               .timeout_ms = TIMEOUT_MS,
                                               .attempts = ATTEMPTS,
                                               .done = on_response,
                                               .user = container};
    if (token && strpbrk(token, "\r\n"))
        return error_set(error, ERR_INVALID,
                         "%s: the authorization token contains a line break, which a header cannot",
                         who);
    int code = credential_call_start(container->host, &request, &container->call);
    return code ? error_set(error, code, "%s: %s", who, error_name(code)) : 0;
}

static void on_token(char *token, const struct error *error, void *user)
{
    struct container *container = user;
    struct error why = *error;
    container->read = NULL;
    if (!token)
        error_prefix(&why, "%s: the authorization token", who);
    else if (ask(container, token, &why) == 0)
        return;
    finish(container, NULL, &why);
}

int container_get(const struct credential_host *host, const struct credential_plan *plan,
                  struct credential_get *get, struct error *error)
{
    struct container *container = calloc(1, sizeof *container);
    if (!container)
        return error_set(error, ERR_MEMORY, "out of memory");
    container->host = host;
    container->plan = plan;
    container->get = get;
    const char *file = plan->texts[PLAN_TOKEN_FILE];
    int code =
        file ? secret_read_start(host->loop, file, on_token, container, &container->read, error)
             : ask(container, plan->texts[PLAN_TOKEN], error);
    if (code) {
        free(container);
        return code;
    }
    get->cancel = cancel;
    get->operation = container;
    return 0;
}
