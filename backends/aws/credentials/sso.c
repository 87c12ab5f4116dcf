/*
 * IAM Identity Center (SSO): the token of a login is exchanged for the credentials of a role.
 * Sources: botocore 1.29, credentials.py (SSOCredentialFetcher), and its service model
 * data/sso/2019-06-10 (GetRoleCredentials).
 */
#include <stdlib.h>
#include <string.h>

#include "credential_call.h"
#include "credential_json.h"
#include "endpoint.h"
#include "sso_token.h"
#include "uri.h"

enum { TIMEOUT_MS = 5000, ATTEMPTS = 3, URL_MAX = 4096 };

static const char who[] = "SSO GetRoleCredentials";

struct sso {
    const struct credential_host *host;
    const struct credential_plan *plan;
    struct credential_get *get;
    struct sso_token *token; /* one of the two is under way */
    struct credential_call *call;
};

static void cancel(void *operation)
{
    struct sso *sso = operation;
    if (sso->token)
        sso_token_cancel(sso->token);
    if (sso->call)
        credential_call_cancel(sso->call);
    free(sso);
}

static void finish(struct sso *sso, struct credentials *credentials, const struct error *error)
{
    struct credential_get *get = sso->get;
    free(sso);
    credential_get_end(get, credentials, error);
}

static int role_read(const json_t *response, struct credentials **out)
{
    const json_t *role = json_object_get(response, "roleCredentials");
    const char *access_key = json_string_value(json_object_get(role, "accessKeyId"));
    const char *secret_key = json_string_value(json_object_get(role, "secretAccessKey"));
    const char *token = json_string_value(json_object_get(role, "sessionToken"));
    const json_t *expiration = json_object_get(role, "expiration"); /* milliseconds */
    if (!access_key || !secret_key || !token || !json_is_integer(expiration))
        return ERR_PROTOCOL;
    *out = credentials_new(access_key, secret_key, token, "SSO");
    if (!*out)
        return ERR_MEMORY;
    (*out)->expires_s = json_integer_value(expiration) / 1000;
    return 0;
}

static void response_read(const struct sso *sso, const struct http_response *response,
                          struct credentials **out, struct error *error)
{
    if (response->error || response->status != 200) {
        credential_response_error(response, ERR_CREDENTIALS, who, error);
        if (!response->error && response->status == 401)
            sso_login_advise(sso->plan, error);
        return;
    }
    json_t *object = secret_json_read(credential_response_body(response));
    int code = role_read(object, out);
    secret_json_free(object);
    if (code)
        error_set(error, code, "%s: %s", who,
                  code == ERR_MEMORY ? "out of memory" : "the response has no credentials");
}

static void on_response(const struct http_response *response, void *user)
{
    struct sso *sso = user;
    struct credentials *credentials = NULL;
    struct error error = {0};
    response_read(sso, response, &credentials, &error);
    finish(sso, credentials, &error);
}

static int ask(struct sso *sso, const char *token, struct error *error)
{
    const struct http_header header = {"x-amz-sso_bearer_token", token};
    struct buffer url;
    buffer_init(&url, URL_MAX);
    sso_endpoint(sso->host, sso->plan, AWS_SSO, &url);
    buffer_text(&url, "/federation/credentials?role_name=");
    uri_encode(&url, slice_of(sso->plan->texts[PLAN_SSO_ROLE]), false);
    buffer_text(&url, "&account_id=");
    int code = uri_encode(&url, slice_of(sso->plan->texts[PLAN_SSO_ACCOUNT]), false);
    const struct credential_request request = {.method = "GET",
                                               .url = url.data,
                                               .headers = &header,
                                               .header_count = 1,
                                               .timeout_ms = TIMEOUT_MS,
                                               .attempts = ATTEMPTS,
                                               .done = on_response,
                                               .user = sso};
    if (!code)
        code = credential_call_start(sso->host, &request, &sso->call);
    buffer_free(&url);
    return code ? error_set(error, code, "%s: %s", who, error_name(code)) : 0;
}

static void on_token(const char *token, const struct error *error, void *user)
{
    struct sso *sso = user;
    struct error why = *error;
    sso->token = NULL;
    if (!token || ask(sso, token, &why))
        finish(sso, NULL, &why);
}

int sso_get(const struct credential_host *host, const struct credential_plan *plan,
            struct credential_get *get, struct error *error)
{
    struct sso *sso = calloc(1, sizeof *sso);
    if (!sso)
        return error_set(error, ERR_MEMORY, "out of memory");
    sso->host = host;
    sso->plan = plan;
    sso->get = get;
    int code = sso_token_get(host, plan, on_token, sso, &sso->token, error);
    if (code) {
        free(sso);
        return code;
    }
    get->cancel = cancel;
    get->operation = sso;
    return 0;
}
