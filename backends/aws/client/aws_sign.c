#include "aws_sign.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "hex.h"
#include "secret.h"
#include "uri.h"
#include "url.h"

enum { TEXT_MAX = 16 * 1024 };

static int signature_of(const struct aws_sign *what, const struct url *url,
                        const struct sigv4_header *headers, size_t count, const char *date,
                        char out[SIGV4_HEX_SIZE], struct buffer *signed_headers)
{
    struct sigv4_request request = {.method = slice_of(what->method),
                                    .path = url->path,
                                    .query = url->query,
                                    .headers = headers,
                                    .header_count = count,
                                    .payload_hash = what->payload_hash,
                                    .normalise_path = what->service != AWS_S3};
    struct sigv4_scope scope = {.region = what->region, .service = aws_service_id(what->service)};
    memcpy(scope.date, date, sizeof scope.date);
    uint8_t key[SIGV4_KEY_SIZE];
    sigv4_signing_key(what->credentials->secret_key, &scope, key);
    int code = sigv4_signature(&request, &scope, key, out);
    secret_wipe(key, sizeof key);
    if (code)
        return code;
    return signed_headers ? sigv4_signed_headers(&request, signed_headers) : 0;
}

static void header_add(struct aws_signed *out, const char *name, const char *value)
{
    out->headers[out->header_count++] = (struct http_header){name, value};
}

static void headers_add(const struct aws_sign *what, struct aws_signed *out)
{
    header_add(out, "host", out->host);
    header_add(out, "x-amz-date", out->date);
    if (what->service == AWS_S3)
        header_add(out, "x-amz-content-sha256", what->payload_hash);
    if (what->credentials->session_token)
        header_add(out, "x-amz-security-token", what->credentials->session_token);
}

static int authorization_make(const struct aws_sign *what, const struct url *url,
                              struct aws_signed *out)
{
    struct buffer names, text;
    buffer_init(&names, TEXT_MAX);
    buffer_init(&text, TEXT_MAX);
    char signature[SIGV4_HEX_SIZE];
    struct sigv4_header *headers = calloc(out->header_count, sizeof *headers);
    int code = headers ? 0 : ERR_MEMORY;
    if (code)
        goto out;
    for (size_t i = 0; i < out->header_count; i++)
        headers[i] =
            (struct sigv4_header){slice_of(out->headers[i].name), slice_of(out->headers[i].value)};
    code = signature_of(what, url, headers, out->header_count, out->date, signature, &names);
    if (code)
        goto out;
    code = buffer_format(&text,
                         "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s/aws4_request, "
                         "SignedHeaders=%s, Signature=%s",
                         what->credentials->access_key, out->date, what->region,
                         aws_service_id(what->service), names.data, signature);
    if (code)
        goto out;
    out->authorization = buffer_take_text(&text);
    code = out->authorization ? 0 : ERR_MEMORY;
out:
    free(headers);
    buffer_free(&names);
    buffer_free(&text);
    return code;
}

static void trace_add(const struct trace_context *trace, struct aws_signed *out)
{
    trace_context_xray(trace, out->xray);
    trace_context_traceparent(trace, out->traceparent);
    if (out->xray[0])
        header_add(out, "x-amzn-trace-id", out->xray);
    if (out->traceparent[0])
        header_add(out, "traceparent", out->traceparent);
}

int aws_sign(const struct aws_sign *what, struct aws_signed *out)
{
    *out = (struct aws_signed){0};
    struct url url;
    if (url_parse(what->url, &url))
        return ERR_INVALID;
    sigv4_date(what->now_s, out->date);
    out->host = slice_dup(url.host);
    out->headers = calloc(what->header_count + AWS_SIGN_HEADERS_ADDED, sizeof *out->headers);
    if (!out->host || !out->headers)
        return ERR_MEMORY;
    for (size_t i = 0; i < what->header_count; i++)
        out->headers[out->header_count++] = what->headers[i];
    headers_add(what, out);
    int code = authorization_make(what, &url, out);
    if (!code)
        header_add(out, "authorization", out->authorization);
    if (!code && what->trace)
        trace_add(what->trace, out);
    return code;
}

void aws_signed_free(struct aws_signed *out)
{
    free(out->headers);
    free(out->host);
    free(out->authorization);
    *out = (struct aws_signed){0};
}

static int presign_query(const struct aws_sign *what, const char *date, unsigned expires_s,
                         struct slice signed_headers, struct buffer *out)
{
    buffer_text(out, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=");
    uri_encode(out, slice_of(what->credentials->access_key), false);
    buffer_format(out, "%%2F%.8s%%2F%s%%2F%s%%2Faws4_request&X-Amz-Date=%s&X-Amz-Expires=%u", date,
                  what->region, aws_service_id(what->service), date, expires_s);
    if (what->credentials->session_token) {
        buffer_text(out, "&X-Amz-Security-Token=");
        uri_encode(out, slice_of(what->credentials->session_token), false);
    }
    buffer_text(out, "&X-Amz-SignedHeaders=");
    return uri_encode(out, signed_headers, false);
}

/* The signed headers: the host and those of *what. */
static struct sigv4_header *presign_headers(const struct aws_sign *what, struct slice host,
                                            struct buffer *names)
{
    struct sigv4_header *headers = calloc(what->header_count + 1, sizeof *headers);
    if (!headers)
        return NULL;
    headers[0] = (struct sigv4_header){SLICE_LITERAL("host"), host};
    for (size_t i = 0; i < what->header_count; i++)
        headers[i + 1] = (struct sigv4_header){slice_of(what->headers[i].name),
                                               slice_of(what->headers[i].value)};
    const struct sigv4_request request = {.headers = headers,
                                          .header_count = what->header_count + 1};
    if (sigv4_signed_headers(&request, names) == 0)
        return headers;
    free(headers);
    return NULL;
}

int aws_presign(const struct aws_sign *what, unsigned expires_s, struct buffer *out)
{
    struct url url;
    if (url_parse(what->url, &url))
        return ERR_INVALID;
    char date[SIGV4_DATE_SIZE], signature[SIGV4_HEX_SIZE];
    struct buffer names;
    buffer_init(&names, TEXT_MAX);
    struct sigv4_header *headers = presign_headers(what, url.host, &names);
    int code = headers ? 0 : ERR_MEMORY;
    if (code)
        goto out;
    sigv4_date(what->now_s, date);
    buffer_append(out, what->url, strlen(what->url));
    buffer_byte(out, url.query.size ? '&' : '?');
    code = presign_query(what, date, expires_s, buffer_slice(&names), out);
    if (code)
        goto out;
    code = url_parse(out->data, &url);
    if (code)
        goto out;
    headers[0].value = url.host;
    code = signature_of(what, &url, headers, what->header_count + 1, date, signature, NULL);
    if (!code)
        code = buffer_format(out, "&X-Amz-Signature=%s", signature);
out:
    free(headers);
    buffer_free(&names);
    return code;
}

void aws_sign_text(const struct aws_sign *what, const char *date, struct slice text,
                   char out[SIGV4_HEX_SIZE])
{
    uint8_t key[SIGV4_KEY_SIZE], mac[SHA256_SIZE];
    struct sigv4_scope scope = {.region = what->region, .service = aws_service_id(what->service)};
    memcpy(scope.date, date, sizeof scope.date);
    sigv4_signing_key(what->credentials->secret_key, &scope, key);
    hmac_sha256(key, sizeof key, text.data, text.size, mac);
    secret_wipe(key, sizeof key);
    hex_write(mac, sizeof mac, out);
}
