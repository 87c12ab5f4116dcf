/*
 * What others may use without credentials: presigned URLs ("Authenticating Requests: Using Query
 * Parameters", S3 API Reference) and upload forms ("Browser-Based Uploads Using POST").
 *
 * Both are made without a request. The region that is signed for must be the bucket's, so that
 * s3_locate asks for it before; a HEAD of the bucket names it even to those who may not look at the
 * bucket.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws_sign.h"
#include "base64.h"
#include "container_of.h"
#include "iso_time.h"
#include "json_write.h"
#include "s3_private.h"
#include "uri.h"

enum {
    URL_MAX = 16 * 1024,
    POLICY_MAX = 16 * 1024,
    SIZE_TEXT_MAX = 24,
    FORM_STATUS = 201,
    HEADERS_MAX = 3,
    FIELD_MAX = 512
};

static struct aws *aws_of(struct object_store *store)
{
    return container_of(store, struct aws, objects);
}

/* ---- the bucket's region ---- */

static void on_located(const struct aws_reply *reply, void *user)
{
    struct error error = reply->error;
    void *their;
    union object_callback done = s3_operation_end(user, &their);
    if (error.code == ERR_NOT_FOUND)
        error.code = ERR_NO_CONTAINER;
    if (error.code == ERR_DENIED) /* the bucket exists, in the region that was asked */
        error = (struct error){0};
    done.done(&error, their);
}

int s3_locate(struct object_store *store, const char *bucket, object_done *done, void *user,
              struct object_request **out)
{
    struct s3_call call = {.operation = "HeadBucket",
                           .method = "HEAD",
                           .bucket = bucket,
                           .replied = on_located,
                           .done.done = done,
                           .user = user};
    return s3_start(aws_of(store), &call, out);
}

/* ---- what both have in common ---- */

static int check_expiry(unsigned expires_s, const char *what, struct error *error)
{
    if (expires_s >= 1 && expires_s <= OBJECT_PRESIGN_MAX_S)
        return 0;
    return error_set(error, ERR_INVALID,
                     "a presigned %s is valid for 1 to %d seconds (7 days), not %u", what,
                     OBJECT_PRESIGN_MAX_S, expires_s);
}

static int fail(const char *bucket, const char *key, int code, struct error *error)
{
    static const char hint[] = "there are no credentials yet; try again, or see \"thumbwheel "
                               "whoami\"";
    return error_set(error, code, "cannot presign s3://%.60s/%.160s: %s", bucket ? bucket : "",
                     key ? key : "",
                     code == ERR_INVALID       ? "the bucket or key is not valid"
                     : code == ERR_CREDENTIALS ? hint
                                               : error_name(code));
}

static struct object_validity validity(const struct credentials *credentials, int64_t expires_s)
{
    return (struct object_validity){.expires_s = expires_s,
                                    .credentials_expire_s = credentials->expires_s};
}

static int64_t service_now(const struct aws *aws)
{
    return (int64_t)time(NULL) + aws->clock_offset_s;
}

/* ---- URLs ---- */

/* So many seconds ago a URL is signed. */
static unsigned signed_before(const struct aws *aws, const struct object_presign *what)
{
    return what->stable_s ? (unsigned)(service_now(aws) % what->stable_s) : 0;
}

static void parameter_add(struct buffer *query, const char *name, const char *value)
{
    if (!value)
        return;
    buffer_format(query, "%s%s=", query->size ? "&" : "", name);
    uri_encode(query, slice_of(value), false);
}

static int query_make(const struct aws *aws, const struct object_presign *what,
                      struct buffer *query)
{
    const bool is_put = strcmp(what->method, "PUT") == 0;
    char part[SIZE_TEXT_MAX];
    parameter_add(query, "versionId", what->name.version);
    if (what->upload) {
        snprintf(part, sizeof part, "%u", what->part);
        parameter_add(query, "partNumber", part);
        parameter_add(query, "uploadId", what->upload);
    }
    if (aws->requester_pays)
        parameter_add(query, "x-amz-request-payer", "requester");
    if (!is_put) {
        parameter_add(query, "response-content-type", what->content_type);
        parameter_add(query, "response-content-disposition", what->disposition);
    }
    return query->error;
}

static size_t headers_make(const struct object_presign *what, char size[SIZE_TEXT_MAX],
                           struct http_header out[HEADERS_MAX])
{
    size_t count = 0;
    if (strcmp(what->method, "PUT") != 0)
        return 0;
    if (what->sized) {
        snprintf(size, SIZE_TEXT_MAX, "%" PRIu64, what->size);
        out[count++] = (struct http_header){"content-length", size};
    }
    if (what->content_type)
        out[count++] = (struct http_header){"content-type", what->content_type};
    if (what->only_new)
        out[count++] = (struct http_header){"if-none-match", "*"};
    return count;
}

static int url_sign(struct aws *aws, const struct object_presign *what, struct buffer *out)
{
    char region[REGION_SIZE_MAX], size[SIZE_TEXT_MAX];
    struct http_header headers[HEADERS_MAX];
    struct buffer url, query;
    buffer_init(&url, URL_MAX);
    buffer_init(&query, URL_MAX);
    int code = query_make(aws, what, &query);
    if (!code)
        code = s3_url(aws, what->name.bucket, what->name.key, query.size ? query.data : NULL,
                      region, &url);
    if (code)
        goto out;
    const struct aws_sign sign = {.credentials = credential_chain_use(aws->chain),
                                  .service = AWS_S3,
                                  .region = region,
                                  .method = what->method,
                                  .url = url.data,
                                  .headers = headers,
                                  .header_count = headers_make(what, size, headers),
                                  .payload_hash = SIGV4_UNSIGNED_PAYLOAD,
                                  .now_s = service_now(aws) - signed_before(aws, what)};
    code = sign.credentials ? aws_presign(&sign, what->expires_s, out) : ERR_CREDENTIALS;
out:
    buffer_free(&url);
    buffer_free(&query);
    return code;
}

int s3_presign(struct object_store *store, const struct object_presign *what, char **url,
               struct object_validity *valid, struct error *error)
{
    struct aws *aws = aws_of(store);
    *url = NULL;
    if (check_expiry(what->expires_s, "URL", error))
        return ERR_INVALID;
    struct buffer out;
    buffer_init(&out, URL_MAX);
    int code = what->name.key ? url_sign(aws, what, &out) : ERR_INVALID;
    if (!code && valid)
        *valid = validity(credential_chain_use(aws->chain),
                          (int64_t)time(NULL) - signed_before(aws, what) + what->expires_s);
    *url = code ? NULL : buffer_take_text(&out);
    buffer_free(&out);
    if (!code && !*url)
        code = ERR_MEMORY;
    return code ? fail(what->name.bucket, what->name.key, code, error) : 0;
}

/* ---- forms ---- */

/* Takes the value. */
static int field_take(struct object_form_made *form, const char *name, char *value)
{
    if (!value)
        return ERR_MEMORY;
    form->fields[form->count].name = name;
    form->fields[form->count++].value = value;
    return 0;
}

static int field_add(struct object_form_made *form, const char *name, const char *value)
{
    return field_take(form, name, strdup(value));
}

/* All fields but the policy and its signature: each is a condition of the policy. */
static int fields_make(const struct object_form *what, const struct aws_sign *sign,
                       const char *date, struct object_form_made *form)
{
    char status[8], scope[FIELD_MAX];
    snprintf(status, sizeof status, "%d", FORM_STATUS);
    snprintf(scope, sizeof scope, "%s/%.8s/%s/s3/aws4_request", sign->credentials->access_key, date,
             sign->region);
    const struct {
        const char *name, *value; /* NULL: not sent */
    } fields[] = {
        {"key", what->key},
        {"Content-Type", what->content_type},
        {"success_action_status", status},
        {"x-amz-algorithm", "AWS4-HMAC-SHA256"},
        {"x-amz-credential", scope},
        {"x-amz-date", date},
        {"x-amz-security-token", sign->credentials->session_token},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].value && field_add(form, fields[i].name, fields[i].value))
            return ERR_MEMORY;
    return 0;
}

static json_t *conditions_make(const struct object_form *what, const struct object_form_made *form)
{
    json_t *conditions = json_array();
    json_array_append_new(conditions, json_pack("{s:s}", "bucket", what->bucket));
    json_array_append_new(conditions,
                          json_pack("[s,I,I]", "content-length-range", (json_int_t)what->size_min,
                                    (json_int_t)what->size_max));
    for (size_t i = 0; i < form->count; i++)
        json_array_append_new(conditions,
                              json_pack("{s:s}", form->fields[i].name, form->fields[i].value));
    if (json_array_size(conditions) == form->count + 2)
        return conditions;
    json_decref(conditions);
    return NULL;
}

/* In base64, as it is signed and sent. */
static char *policy_make(const struct object_form *what, const struct object_form_made *form,
                         int64_t expires_s)
{
    char expires[ISO_TIME_SIZE], *text = NULL;
    struct buffer policy;
    buffer_init(&policy, POLICY_MAX);
    iso_time_format(expires_s, expires);
    json_t *tree =
        json_pack("{s:s,s:o?}", "expiration", expires, "conditions", conditions_make(what, form));
    if (tree && json_object_get(tree, "conditions") && json_write(tree, &policy) == 0)
        text = malloc(BASE64_TEXT_SIZE(policy.size));
    if (text)
        base64_write(policy.data, policy.size, text);
    json_decref(tree);
    buffer_free(&policy);
    return text;
}

static int form_sign(const struct aws *aws, const struct object_form *what,
                     const struct aws_sign *sign, struct object_form_made *out)
{
    char date[SIGV4_DATE_SIZE], signature[SIGV4_HEX_SIZE];
    const int64_t now_s = service_now(aws);
    sigv4_date(now_s, date);
    int code = fields_make(what, sign, date, out);
    if (code)
        return code;
    code = field_take(out, "policy", policy_make(what, out, now_s + what->expires_s));
    if (code)
        return code;
    aws_sign_text(sign, date, slice_of(out->fields[out->count - 1].value), signature);
    return field_add(out, "x-amz-signature", signature);
}

static int form_make(struct aws *aws, const struct object_form *what, struct buffer *url,
                     struct object_form_made *out)
{
    char region[REGION_SIZE_MAX];
    if (!what->key || !what->key[0] || strlen(what->key) > OBJECT_KEY_MAX)
        return ERR_INVALID;
    int code = s3_url(aws, what->bucket, NULL, NULL, region, url);
    if (code)
        return code;
    const struct aws_sign sign = {
        .credentials = credential_chain_use(aws->chain), .service = AWS_S3, .region = region};
    if (!sign.credentials)
        return ERR_CREDENTIALS;
    code = form_sign(aws, what, &sign, out);
    if (code)
        return code;
    out->valid = validity(sign.credentials, (int64_t)time(NULL) + what->expires_s);
    out->url = buffer_take_text(url);
    return out->url ? 0 : ERR_MEMORY;
}

int s3_presign_form(struct object_store *store, const struct object_form *what,
                    struct object_form_made *out, struct error *error)
{
    struct buffer url;
    *out = (struct object_form_made){0};
    if (check_expiry(what->expires_s, "form", error))
        return ERR_INVALID;
    buffer_init(&url, URL_MAX);
    const int code = form_make(aws_of(store), what, &url, out);
    buffer_free(&url);
    if (!code)
        return 0;
    object_form_free(out);
    return fail(what->bucket, what->key, code, error);
}
