#include "management_client.h"

#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "json_text.h"
#include "secret.h"
#include "uri.h"
#include "utf8.h"

enum {
    RESPONSE_MAX = 4 * 1024 * 1024, /* bytes; /api/overview of a large cluster has some 100 KiB */
    REASON_MAX = 300,               /* bytes of the broker's words in an error message */
    PATH_MAX_SIZE = 4096,
    TIMEOUT_MS = 30 * 1000,
};

struct management_request {
    const struct management_client *client;
    struct http_exchange *exchange;
    char *body; /* JSON; NULL: none */
    management_replied *done;
    void *user;
};

/* ---- opening ---- */

static void wipe_free(char *secret, size_t size)
{
    if (secret)
        secret_wipe(secret, size);
    free(secret);
}

/* "Basic ", and user:password in base64 (RFC 7617). */
static char *authorization_make(const char *user, const char *password)
{
    static const char scheme[] = "Basic ";
    const size_t user_size = strlen(user), password_size = strlen(password);
    const size_t size = user_size + 1 + password_size;
    char *plain = malloc(size + 1);
    char *out = plain ? malloc(sizeof scheme + BASE64_TEXT_SIZE(size)) : NULL;
    if (out) {
        memcpy(plain, user, user_size);
        plain[user_size] = ':';
        memcpy(plain + user_size + 1, password, password_size);
        memcpy(out, scheme, sizeof scheme);
        base64_write(plain, size, out + sizeof scheme - 1);
    }
    wipe_free(plain, size);
    return out;
}

int management_client_open(struct management_client *client, struct http_client *http,
                           const char *base, const char *user, const char *password)
{
    *client = (struct management_client){
        .http = http, .base = strdup(base), .authorization = authorization_make(user, password)};
    if (client->base && client->authorization)
        return 0;
    management_client_close(client);
    return ERR_MEMORY;
}

void management_client_close(struct management_client *client)
{
    if (client->authorization)
        wipe_free(client->authorization, strlen(client->authorization));
    free(client->base);
    *client = (struct management_client){0};
}

/* ---- responses ---- */

/* {"error": …, "reason": …}, in the broker's words. */
static void reason_read(const json_t *body, char out[REASON_MAX])
{
    const char *reason = json_text_in(body, "reason");
    if (!reason)
        reason = json_text_in(body, "error");
    const size_t size = reason ? strnlen(reason, REASON_MAX - 1) : 0;
    if (size)
        memcpy(out, reason, size);
    out[size] = '\0';
    utf8_repair(out);
}

static int kind_of_status(int status)
{
    switch (status) {
    case 401:
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    default:
        return status >= 500 ? ERR_SERVER : ERR_REFUSED;
    }
}

static void fail_status(const struct management_client *client, int status, const json_t *body,
                        struct error *error)
{
    char reason[REASON_MAX];
    const char *hint = "";
    reason_read(body, reason);
    if (status >= 300 && status < 400)
        hint = "; redirects are not followed";
    else if (status == 401 || status == 403)
        hint = ": check the user and the password, the user's tags (policymaker) and permissions";
    error_set(error, kind_of_status(status),
              "the management API of RabbitMQ at %s responded with HTTP %d%s%s%s", client->base,
              status, reason[0] ? ": " : "", reason, hint);
}

static void fail_transport(const struct management_client *client,
                           const struct http_response *response, struct error *error)
{
    error_set(error, response->error == ERR_LIMIT ? ERR_PROTOCOL : response->error,
              "the management API of RabbitMQ at %s: %s; does the plugin rabbitmq_management run "
              "there? --broker-api names another address",
              client->base,
              response->error == ERR_LIMIT ? "its response is too long" : response->detail);
}

/* 201 and 204 have no body. */
static void reply_read(const struct management_client *client, const struct http_response *response,
                       struct management_reply *reply)
{
    const struct slice text = {response->body.data ? response->body.data : "", response->body.size};
    reply->status = response->status;
    if (text.size)
        reply->body = json_text_read(text, JSON_LAST_DUPLICATE, NULL);
    if (response->status < 200 || response->status > 299)
        fail_status(client, response->status, reply->body, &reply->error);
    else if (text.size && !reply->body)
        error_set(&reply->error, ERR_PROTOCOL,
                  "the management API of RabbitMQ at %s did not respond with JSON: is it another "
                  "service? --broker-api names the address",
                  client->base);
}

static void request_free(struct management_request *request)
{
    free(request->body);
    free(request);
}

static void on_response(const struct http_response *response, void *user)
{
    struct management_request *request = user;
    struct management_reply reply = {0};
    if (response->error)
        fail_transport(request->client, response, &reply.error);
    else
        reply_read(request->client, response, &reply);
    request->done(&reply, request->user);
    json_decref(reply.body);
    request_free(request);
}

/* ---- requests ---- */

static int request_start(struct management_client *client, const char *method, const char *path,
                         struct management_request *request)
{
    const struct http_header headers[] = {{"authorization", client->authorization},
                                          {"accept", "application/json"},
                                          {"content-type", "application/json"}};
    struct buffer url;
    buffer_init(&url, PATH_MAX_SIZE);
    int code = buffer_format(&url, "%s/api%s", client->base, path);
    if (!code) {
        const struct http_request http = {.method = method,
                                          .url = url.data,
                                          .headers = headers,
                                          .header_count = request->body ? 3 : 2,
                                          .body = request->body,
                                          .body_size = request->body ? strlen(request->body) : 0,
                                          .response_max = RESPONSE_MAX,
                                          .total_timeout_ms = TIMEOUT_MS};
        code = http_client_send(client->http, &http, on_response, request, &request->exchange);
    }
    buffer_free(&url);
    return code;
}

int management_send(struct management_client *client, const char *method, const char *path,
                    json_t *body, management_replied *done, void *user,
                    struct management_request **out)
{
    struct management_request *request = calloc(1, sizeof *request);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    const bool is_short = !request || (body && !text);
    json_decref(body);
    *out = NULL;
    if (is_short) {
        free(request);
        free(text);
        return ERR_MEMORY;
    }
    *request =
        (struct management_request){.client = client, .body = text, .done = done, .user = user};
    const int code = request_start(client, method, path, request);
    if (code)
        request_free(request);
    else
        *out = request;
    return code;
}

void management_cancel(struct management_request *request)
{
    http_exchange_cancel(request->exchange);
    request_free(request);
}

void management_path_add(struct buffer *path, const char *name)
{
    buffer_byte(path, '/');
    uri_encode(path, slice_of(name), false);
}
