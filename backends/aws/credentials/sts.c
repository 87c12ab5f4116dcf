#include "sts.h"

#include <stdlib.h>
#include <string.h>

#include "credential_call.h"
#include "endpoint.h"
#include "hash.h"
#include "iso_time.h"
#include "secret.h"
#include "sigv4.h"
#include "uri.h"
#include "url.h"
#include "xml_reader.h"

enum {
    FORM_MAX = 64 * 1024, /* a web identity token has at most 20 000 characters */
    TEXT_MAX = 16 * 1024,
    TIMEOUT_MS = 5000,
    ATTEMPTS = 3,
    HEADERS = 5,
};

struct sts_call {
    struct credential_call *call;
    const char *action;
    const char *subject; /* for error texts; borrowed */
    char *resource;
    const char *source;
    sts_done *done;
    void *user;
};

struct sts_reading { /* of a response */
    char *access_key, *secret_key, *token;
    char expiration[64], code[96], message[256];
    struct sts_result result;
};

/* ---- reading ---- */

static int text_keep(char *out, size_t size, struct slice text)
{
    size_t length = text.size < size - 1 ? text.size : size - 1;
    memcpy(out, text.data, length);
    out[length] = '\0';
    return 0;
}

static int secret_keep(char **out, struct slice text)
{
    secret_free(*out);
    *out = slice_dup(text);
    return *out ? 0 : ERR_MEMORY;
}

static int on_element(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    struct sts_reading *reading = user;
    const char *name = strrchr(path, '/');
    (void)start, (void)end;
    if (!name)
        return 0;
    name++;
    if (strcmp(name, "AccessKeyId") == 0)
        return secret_keep(&reading->access_key, text);
    if (strcmp(name, "SecretAccessKey") == 0)
        return secret_keep(&reading->secret_key, text);
    if (strcmp(name, "SessionToken") == 0)
        return secret_keep(&reading->token, text);
    if (strcmp(name, "Expiration") == 0)
        return text_keep(reading->expiration, sizeof reading->expiration, text);
    if (strcmp(name, "Account") == 0)
        return text_keep(reading->result.account, STS_TEXT_SIZE, text);
    if (strcmp(name, "Arn") == 0)
        return text_keep(reading->result.arn, STS_TEXT_SIZE, text);
    if (strcmp(name, "UserId") == 0)
        return text_keep(reading->result.user_id, STS_TEXT_SIZE, text);
    if (strcmp(path, "ErrorResponse/Error/Code") == 0)
        return text_keep(reading->code, sizeof reading->code, text);
    if (strcmp(path, "ErrorResponse/Error/Message") == 0)
        return text_keep(reading->message, sizeof reading->message, text);
    return 0;
}

static int fault_code(const struct http_response *response, const char *code)
{
    if (strcmp(code, "Throttling") == 0 || strcmp(code, "RequestLimitExceeded") == 0 ||
        response->status == 429)
        return ERR_THROTTLED;
    /* STS could not reach the identity provider: "Can be retried". */
    if (response->status >= 500 || strcmp(code, "IDPCommunicationError") == 0)
        return ERR_SERVER;
    return ERR_CREDENTIALS;
}

static int credentials_read(const struct sts_call *call, struct sts_reading *reading)
{
    int64_t expires_ms = 0;
    if (!reading->access_key || !reading->secret_key || !reading->token ||
        iso_time_parse(reading->expiration, &expires_ms))
        return ERR_PROTOCOL;
    struct credentials *credentials =
        credentials_new(reading->access_key, reading->secret_key, reading->token, call->source);
    if (!credentials)
        return ERR_MEMORY;
    credentials->expires_s = expires_ms / 1000;
    reading->result.credentials = credentials;
    return 0;
}

static int success_read(const struct sts_call *call, struct sts_reading *reading,
                        struct error *error)
{
    int code = call->source             ? credentials_read(call, reading)
               : reading->result.arn[0] ? 0
                                        : ERR_PROTOCOL;
    if (code)
        error_set(error, code, "%s",
                  code == ERR_MEMORY ? "out of memory"
                                     : "the response is not from STS: check for a proxy or gateway "
                                       "in between");
    return code;
}

static int response_read(const struct sts_call *call, const struct http_response *response,
                         struct sts_reading *reading, struct error *error)
{
    if (response->error)
        return error_set(error, response->error, "%s", response->detail);
    int code = xml_read(credential_response_body(response), NULL, on_element, reading);
    if (code == ERR_MEMORY)
        return error_set(error, code, "out of memory");
    if (response->status == 200 && !code)
        return success_read(call, reading, error);
    if (response->status == 200)
        return error_set(error, ERR_PROTOCOL,
                         "the response is not from STS: check for a proxy or gateway in between");
    return error_set(error, fault_code(response, reading->code), "%s%s%s%s(HTTP %d)", reading->code,
                     reading->code[0] ? ": " : "", reading->message, reading->message[0] ? " " : "",
                     response->status);
}

static void call_free(struct sts_call *call)
{
    free(call->resource);
    free(call);
}

static void on_response(const struct http_response *response, void *user)
{
    struct sts_call *call = user;
    struct sts_reading reading = {0};
    struct error error = {0};
    if (response_read(call, response, &reading, &error))
        error_prefix(&error, "STS %s%s%s", call->action, call->resource ? " " : "",
                     call->resource ? call->resource : "");
    call->done(&reading.result, &error, call->user);
    credentials_release(reading.result.credentials);
    secret_free(reading.access_key);
    secret_free(reading.secret_key);
    secret_free(reading.token);
    call_free(call);
}

/* ---- sending ---- */

static void form_add(struct buffer *form, const char *name, const char *value)
{
    if (!value)
        return;
    buffer_format(form, "&%s=", name);
    uri_encode(form, slice_of(value), false);
}

/* The default is like botocore's: a name that identifies the caller in the logs of AWS. */
static void session_name_add(struct buffer *form, const struct credential_host *host,
                             const char *name)
{
    if (name)
        form_add(form, "RoleSessionName", name);
    else
        buffer_format(form, "&RoleSessionName=thumbwheel-%lld", (long long)credential_now(host));
}

static int url_make(const struct credential_host *host, struct buffer *out)
{
    endpoint_append(host->endpoints, AWS_STS, host->region, out);
    return buffer_byte(out, '/');
}

struct sts_headers {
    struct http_header list[HEADERS];
    size_t count;
    char date[SIGV4_DATE_SIZE];
    char *name; /* the host */
    struct buffer authorization;
};

static void header_add(struct sts_headers *headers, const char *name, const char *value)
{
    headers->list[headers->count++] = (struct http_header){name, value};
}

static int authorization_make(const struct credential_host *host, const struct credentials *signer,
                              const struct url *url, const char *form, struct sts_headers *headers)
{
    struct sigv4_header signed_headers[HEADERS];
    const char *region = endpoint_region(host->endpoints, AWS_STS, host->region);
    struct sigv4_scope scope = {.region = region, .service = aws_service_id(AWS_STS)};
    char hash[SIGV4_HEX_SIZE], signature[SIGV4_HEX_SIZE];
    uint8_t key[SIGV4_KEY_SIZE];
    struct buffer names;
    for (size_t i = 0; i < headers->count; i++)
        signed_headers[i] = (struct sigv4_header){slice_of(headers->list[i].name),
                                                  slice_of(headers->list[i].value)};
    sha256_hex(form, strlen(form), hash);
    const struct sigv4_request request = {.method = SLICE_LITERAL("POST"),
                                          .path = url->path,
                                          .headers = signed_headers,
                                          .header_count = headers->count,
                                          .payload_hash = hash,
                                          .normalise_path = true};
    memcpy(scope.date, headers->date, sizeof scope.date);
    buffer_init(&names, TEXT_MAX);
    sigv4_signing_key(signer->secret_key, &scope, key);
    int code = sigv4_signature(&request, &scope, key, signature);
    secret_wipe(key, sizeof key);
    if (code)
        goto out;
    code = sigv4_signed_headers(&request, &names);
    if (code)
        goto out;
    code = buffer_format(&headers->authorization,
                         "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/sts/aws4_request, "
                         "SignedHeaders=%s, Signature=%s",
                         signer->access_key, headers->date, region, names.data, signature);
out:
    buffer_free(&names);
    return code;
}

static int headers_make(const struct credential_host *host, const struct credentials *signer,
                        const char *text, const char *form, struct sts_headers *headers)
{
    struct url url;
    header_add(headers, "content-type", "application/x-www-form-urlencoded; charset=utf-8");
    if (!signer)
        return 0;
    if (url_parse(text, &url))
        return ERR_INVALID;
    headers->name = slice_dup(url.host);
    if (!headers->name)
        return ERR_MEMORY;
    sigv4_date(credential_now(host), headers->date);
    header_add(headers, "host", headers->name);
    header_add(headers, "x-amz-date", headers->date);
    if (signer->session_token)
        header_add(headers, "x-amz-security-token", signer->session_token);
    int code = authorization_make(host, signer, &url, form, headers);
    if (!code)
        header_add(headers, "authorization", headers->authorization.data);
    return code;
}

/* Takes the form. */
static int call_send(const struct credential_host *host, const struct credentials *signer,
                     char *form, struct sts_call *call)
{
    struct sts_headers headers = {0};
    struct buffer url;
    buffer_init(&url, TEXT_MAX);
    buffer_init(&headers.authorization, TEXT_MAX);
    int code = url_make(host, &url);
    if (!code)
        code = headers_make(host, signer, url.data, form, &headers);
    const struct credential_request request = {.method = "POST",
                                               .url = url.data,
                                               .headers = headers.list,
                                               .header_count = headers.count,
                                               .body = form,
                                               .timeout_ms = TIMEOUT_MS,
                                               .attempts = ATTEMPTS,
                                               .done = on_response,
                                               .user = call};
    if (code)
        secret_free(form);
    else
        code = credential_call_start(host, &request, &call->call);
    buffer_free(&url);
    buffer_free(&headers.authorization);
    free(headers.name);
    return code;
}

/* Takes the form. */
static int call_start(const struct credential_host *host, const struct credentials *signer,
                      struct buffer *form, const struct sts_call *facts, struct sts_call **out,
                      struct error *error)
{
    char *text = buffer_take_text(form);
    struct sts_call *call = calloc(1, sizeof *call);
    *out = NULL;
    int code = ERR_MEMORY;
    buffer_free(form);
    if (text && call) {
        *call = *facts;
        call->resource = facts->subject ? strdup(facts->subject) : NULL;
        code = call_send(host, signer, text, call);
    } else {
        secret_free(text);
    }
    if (code) {
        if (call)
            call_free(call);
        return error_set(error, code, "STS %s: %s", facts->action, error_name(code));
    }
    *out = call;
    return 0;
}

int sts_assume_role(const struct credential_host *host, const struct credential_role *role,
                    const struct credentials *signer, const char *token, sts_done *done, void *user,
                    struct sts_call **out, struct error *error)
{
    struct buffer form;
    const struct sts_call facts = {.action = signer ? "AssumeRole" : "AssumeRoleWithWebIdentity",
                                   .subject = role->arn,
                                   .source = signer ? "assumed role" : "web identity",
                                   .done = done,
                                   .user = user};
    buffer_init(&form, FORM_MAX);
    buffer_format(&form, "Action=%s&Version=2011-06-15", facts.action);
    form_add(&form, "RoleArn", role->arn);
    session_name_add(&form, host, role->session_name);
    form_add(&form, "ExternalId", signer ? role->external_id : NULL);
    form_add(&form, "WebIdentityToken", signer ? NULL : token);
    if (role->duration_s)
        buffer_format(&form, "&DurationSeconds=%u", role->duration_s);
    return call_start(host, signer, &form, &facts, out, error);
}

int sts_get_caller_identity(const struct credential_host *host, const struct credentials *signer,
                            sts_done *done, void *user, struct sts_call **out, struct error *error)
{
    struct buffer form;
    const struct sts_call facts = {.action = "GetCallerIdentity", .done = done, .user = user};
    buffer_init(&form, FORM_MAX);
    buffer_text(&form, "Action=GetCallerIdentity&Version=2011-06-15");
    return call_start(host, signer, &form, &facts, out, error);
}

void sts_cancel(struct sts_call *call)
{
    credential_call_cancel(call->call);
    call_free(call);
}
