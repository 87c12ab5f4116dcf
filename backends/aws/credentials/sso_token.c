#include "sso_token.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "credential_call.h"
#include "credential_json.h"
#include "endpoint.h"
#include "files.h"
#include "hash.h"
#include "iso_time.h"
#include "log.h"
#include "secret_file.h"

enum {
    TIMEOUT_MS = 5000,
    ATTEMPTS = 3,
    REFRESH_EARLY_S = 15 * 60,
    PATH_SIZE_MAX = 4096,
    FILE_MODE = 0600
};

struct sso_token {
    const struct credential_host *host;
    const struct credential_plan *plan;
    sso_token_done *done;
    void *user;
    char *path;
    struct secret_read *read; /* one of the two is under way */
    struct credential_call *call;
    json_t *cached; /* the file */
    int64_t expires_s;
};

/* The file, written on a pool thread; it is not awaited. */
struct token_write {
    uv_work_t work;
    char *path, *text;
    struct error error;
};

void sso_login_advise(const struct credential_plan *plan, struct error *error)
{
    struct error whole;
    error_set(&whole, error->code, "%s; run: aws sso login --profile %s", error->text,
              plan->texts[PLAN_PROFILE]);
    *error = whole;
}

int sso_endpoint(const struct credential_host *host, const struct credential_plan *plan,
                 int service, struct buffer *out)
{
    return endpoint_append(host->endpoints, (enum aws_service)service, plan->texts[PLAN_SSO_REGION],
                           out);
}

static void token_free(struct sso_token *token)
{
    secret_json_free(token->cached);
    free(token->path);
    free(token);
}

static void finish(struct sso_token *token, const char *text, const struct error *error)
{
    token->done(text, error, token->user);
    token_free(token);
}

static void fail(struct sso_token *token, int code, const char *why)
{
    struct error error;
    error_set(&error, code, "SSO: %s", why);
    sso_login_advise(token->plan, &error);
    finish(token, NULL, &error);
}

static int64_t time_in(const json_t *object, const char *name)
{
    int64_t ms = 0;
    return iso_time_parse(json_string_value(json_object_get(object, name)), &ms) ? 0 : ms / 1000;
}

static const char *text_in(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* ---- writing it back ---- */

static void write_run(uv_work_t *work)
{
    struct token_write *write = container_of(work, struct token_write, work);
    const struct file_options options = {.mode = FILE_MODE};
    file_write_as(write->path, slice_of(write->text), &options, &write->error);
}

static void write_free(struct token_write *write)
{
    secret_free(write->text);
    free(write->path);
    free(write);
}

static void write_end(uv_work_t *work, int code)
{
    struct token_write *write = container_of(work, struct token_write, work);
    if (code || write->error.code)
        log_warn("the refreshed SSO token could not be saved",
                 LOG_TEXT("error", write->error.text));
    write_free(write);
}

static void save(struct sso_token *token)
{
    struct token_write *write = calloc(1, sizeof *write);
    if (!write)
        return;
    write->path = strdup(token->path);
    write->text = json_dumps(token->cached, JSON_COMPACT);
    if (!write->path || !write->text ||
        uv_queue_work(token->host->loop, &write->work, write_run, write_end))
        write_free(write);
}

/* ---- refreshing ---- */

/* Only the members in the response; the others in the file stay. */
static int renew(struct sso_token *token, const json_t *response)
{
    char expires[ISO_TIME_SIZE];
    const json_t *seconds = json_object_get(response, "expiresIn");
    const char *access = text_in(response, "accessToken");
    const char *refresh = text_in(response, "refreshToken");
    if (!access || !json_is_integer(seconds) || json_integer_value(seconds) <= 0)
        return ERR_PROTOCOL;
    token->expires_s = credential_now(token->host) + json_integer_value(seconds);
    iso_time_format(token->expires_s, expires);
    int failed = json_object_set_new(token->cached, "accessToken", json_string(access)) |
                 json_object_set_new(token->cached, "expiresAt", json_string(expires));
    if (refresh)
        failed |= json_object_set_new(token->cached, "refreshToken", json_string(refresh));
    return failed ? ERR_MEMORY : 0;
}

/* If it could not be refreshed, the current one may still be valid. */
static void use_old(struct sso_token *token, const struct http_response *response)
{
    if (token->expires_s > credential_now(token->host)) {
        finish(token, text_in(token->cached, "accessToken"), &(struct error){0});
    } else if (response->error || response->status >= 500 || response->status == 429) {
        struct error error;
        credential_response_error(response, ERR_CREDENTIALS, "SSO OIDC CreateToken", &error);
        finish(token, NULL, &error);
    } else {
        fail(token, ERR_CREDENTIALS, "the login has expired and could not be refreshed");
    }
}

static void on_refreshed(const struct http_response *response, void *user)
{
    struct sso_token *token = user;
    token->call = NULL;
    json_t *document = !response->error && response->status == 200
                           ? secret_json_read(credential_response_body(response))
                           : NULL;
    int code = document ? renew(token, document) : ERR_PROTOCOL;
    secret_json_free(document);
    if (code) {
        use_old(token, response);
        return;
    }
    save(token);
    finish(token, text_in(token->cached, "accessToken"), &(struct error){0});
}

static bool can_refresh(const struct sso_token *token)
{
    const json_t *cached = token->cached;
    return token->plan->texts[PLAN_SSO_SESSION] && text_in(cached, "refreshToken") &&
           text_in(cached, "clientId") && text_in(cached, "clientSecret") &&
           time_in(cached, "registrationExpiresAt") > credential_now(token->host);
}

static char *refresh_body(const json_t *cached)
{
    json_t *form =
        json_pack("{s:s, s:s, s:s, s:s}", "grantType", "refresh_token", "clientId",
                  text_in(cached, "clientId"), "clientSecret", text_in(cached, "clientSecret"),
                  "refreshToken", text_in(cached, "refreshToken"));
    char *body = form ? json_dumps(form, JSON_COMPACT) : NULL;
    secret_json_free(form);
    return body;
}

static int refresh(struct sso_token *token)
{
    static const struct http_header header = {"content-type", "application/json"};
    struct buffer url;
    buffer_init(&url, PATH_SIZE_MAX);
    sso_endpoint(token->host, token->plan, AWS_SSO_OIDC, &url);
    int code = buffer_text(&url, "/token");
    char *body = code ? NULL : refresh_body(token->cached);
    const struct credential_request request = {.method = "POST",
                                               .url = url.data,
                                               .headers = &header,
                                               .header_count = 1,
                                               .body = body,
                                               .timeout_ms = TIMEOUT_MS,
                                               .attempts = ATTEMPTS,
                                               .done = on_refreshed,
                                               .user = token};
    code = body ? credential_call_start(token->host, &request, &token->call) : ERR_MEMORY;
    buffer_free(&url);
    return code;
}

/* ---- reading ---- */

static void use(struct sso_token *token)
{
    const int64_t left_s = token->expires_s - credential_now(token->host);
    if (left_s < REFRESH_EARLY_S && can_refresh(token)) {
        if (refresh(token))
            finish(token, NULL, &(struct error){.code = ERR_MEMORY, .text = "SSO: out of memory"});
    } else if (left_s <= 0) {
        fail(token, ERR_CREDENTIALS, "the login has expired");
    } else {
        finish(token, text_in(token->cached, "accessToken"), &(struct error){0});
    }
}

static void on_file(char *text, const struct error *error, void *user)
{
    struct sso_token *token = user;
    token->read = NULL;
    token->cached = text ? secret_json_read(slice_of(text)) : NULL;
    token->expires_s = time_in(token->cached, "expiresAt");
    if (!text && error->code == ERR_MEMORY)
        finish(token, NULL, error);
    else if (!text)
        fail(token, ERR_CREDENTIALS, "there is no login (no token in ~/.aws/sso/cache)");
    else if (!text_in(token->cached, "accessToken") || !token->expires_s)
        fail(token, ERR_CREDENTIALS, "the token in ~/.aws/sso/cache is damaged");
    else
        use(token);
}

/* ~/.aws/sso/cache/<SHA-1 of the session's name, or of the start URL in the older form>.json */
static char *path_of(const struct credential_plan *plan)
{
    const char *session = plan->texts[PLAN_SSO_SESSION];
    const char *key = session ? session : plan->texts[PLAN_SSO_START_URL];
    uint8_t digest[SHA1_SIZE];
    struct buffer path;
    hash_whole(HASH_SHA1, key, strlen(key), digest);
    buffer_init(&path, PATH_SIZE_MAX);
    buffer_format(&path, "%s/", plan->texts[PLAN_SSO_CACHE]);
    for (size_t i = 0; i < sizeof digest; i++)
        buffer_format(&path, "%02x", digest[i]);
    buffer_text(&path, ".json");
    return buffer_take_text(&path);
}

int sso_token_get(const struct credential_host *host, const struct credential_plan *plan,
                  sso_token_done *done, void *user, struct sso_token **out, struct error *error)
{
    struct sso_token *token = calloc(1, sizeof *token);
    *out = NULL;
    if (!token)
        return error_set(error, ERR_MEMORY, "out of memory");
    token->host = host;
    token->plan = plan;
    token->done = done;
    token->user = user;
    token->path = path_of(plan);
    int code = token->path
                   ? secret_read_start(host->loop, token->path, on_file, token, &token->read, error)
                   : error_set(error, ERR_MEMORY, "out of memory");
    if (code) {
        token_free(token);
        return code;
    }
    *out = token;
    return 0;
}

void sso_token_cancel(struct sso_token *token)
{
    if (token->read)
        secret_read_cancel(token->read);
    if (token->call)
        credential_call_cancel(token->call);
    token_free(token);
}
