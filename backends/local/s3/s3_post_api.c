/*
 * PostObject: an upload by a browser form ("Browser-Based Uploads Using POST", S3 API Reference).
 *
 * The form's fields come first and are limited in size; they correspond to the headers of a PUT.
 * When the file begins, they are checked (signature, policy conditions, bucket policy), and its
 * bytes are handled like every body (s3_intake.h). Everything after the file is ignored.
 */
#include "s3_handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "container_of.h"
#include "object_store.h"
#include "s3_access.h"
#include "s3_address.h"
#include "s3_created.h"
#include "s3_expiration.h"
#include "s3_form.h"
#include "s3_intake.h"
#include "s3_metadata.h"
#include "s3_placement.h"
#include "s3_post_policy.h"
#include "s3_tags.h"
#include "s3_time.h"
#include "s3_version.h"
#include "s3_xml.h"
#include "signature_check.h"
#include "signature_explain.h"
#include "uri.h"
#include "utf8.h"

enum { RESPONSE_MAX = 16 * 1024, LOCATION_MAX = 8 * 1024 };

struct post {
    struct s3_intake intake;
    int64_t bucket;
    enum versioning versioning;
    struct s3_form form;
    bool judged; /* the file has begun */
    struct s3_post_policy policy;
    struct signature_claim signer; /* of the policy */
    struct object object;
};

static void post_free(void *operation)
{
    struct post *post = operation;
    s3_intake_end(&post->intake);
    s3_form_end(&post->form);
    object_clear(&post->object);
    signature_claim_end(&post->signer);
    free(post);
}

/* Responses. */

/* For free(), or NULL. */
static char *location_of(const struct post *post)
{
    const struct s3_request *request = post->intake.request;
    struct buffer out;
    buffer_init(&out, LOCATION_MAX);
    buffer_format(&out, "%s/%s/", request->cloud->endpoint, request->bucket);
    uri_encode(&out, slice_of(request->key), true);
    return buffer_take_text(&out);
}

/* The redirect that the form requests, with the stored object in the query; NULL: none. */
static char *redirect_of(const struct post *post)
{
    const struct s3_request *request = post->intake.request;
    const char *url = s3_form_value(&post->form, "success_action_redirect");
    struct buffer out;
    if (!url)
        url = s3_form_value(&post->form, "redirect");
    if (!url || (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) ||
        strcspn(url, " \r\n\t") != strlen(url))
        return NULL;
    buffer_init(&out, LOCATION_MAX);
    buffer_format(&out, "%s%cbucket=%s&key=", url, strchr(url, '?') ? '&' : '?', request->bucket);
    uri_encode(&out, slice_of(request->key), false);
    buffer_format(&out, "&etag=%%22%s%%22", post->object.etag);
    return buffer_take_text(&out);
}

static int status_of(const struct post *post)
{
    const char *text = s3_form_value(&post->form, "success_action_status");
    if (text && (strcmp(text, "200") == 0 || strcmp(text, "201") == 0))
        return atoi(text);
    return 204;
}

static void respond_document(struct post *post, const char *location,
                             const struct http_header *headers, size_t count)
{
    struct s3_request *request = post->intake.request;
    struct buffer out;
    buffer_init(&out, RESPONSE_MAX);
    s3_xml_begin(&out, "PostResponse");
    xml_element(&out, "Location", location);
    xml_element(&out, "Bucket", request->bucket);
    xml_element(&out, "Key", request->key);
    buffer_format(&out, "<ETag>&quot;%s&quot;</ETag>", post->object.etag);
    xml_close(&out, "PostResponse");
    s3_respond_document(request, 201, headers, count, &out);
}

static void stored(struct s3_intake *intake)
{
    struct post *post = container_of(intake, struct post, intake);
    char etag[64], version[S3_VERSION_SIZE], expiration[S3_EXPIRATION_SIZE];
    char *redirect = redirect_of(post), *location = location_of(post);
    int status = redirect ? 303 : status_of(post);
    struct s3_placement_headers placement;
    struct http_header headers[4 + S3_PLACEMENT_HEADERS] = {{"ETag", etag}};
    size_t count = 1;
    snprintf(etag, sizeof etag, "\"%s\"", post->object.etag);
    if (redirect || location)
        headers[count++] = (struct http_header){"Location", redirect ? redirect : location};
    s3_version_of(&post->object, post->versioning, version);
    if (*version)
        headers[count++] = (struct http_header){"x-amz-version-id", version};
    count += s3_expiration_header(intake->request, &post->object, expiration, &headers[count]);
    count += s3_placement_respond(post->object.headers, &placement, &headers[count]);
    if (status == 201)
        respond_document(post, location ? location : "", headers, count);
    else
        s3_respond_empty(intake->request, status, headers, count);
    free(redirect);
    free(location);
}

/* Storing. */

static int prepare(struct s3_intake *intake, struct storage_unit *unit)
{
    struct post *post = container_of(intake, struct post, intake);
    return s3_created_by_intake(intake, post->bucket, "ObjectCreated:Post", &post->object,
                                &post->versioning, unit);
}

static int commit(struct s3_intake *intake, struct error *error)
{
    struct post *post = container_of(intake, struct post, intake);
    return objects_put(intake->blobs, post->bucket, intake->request->key, &post->object,
                       buffer_slice(&intake->pending), &(struct object_condition){0}, error);
}

static const struct s3_intake_owner owner = {
    .small_in_row = true,
    .checksum = CHECKSUM_CRC64NVME,
    .not_found = S3_NO_SUCH_KEY,
    .prepare = prepare,
    .commit = commit,
    .stored = stored,
};

/* Checks. */

static enum s3_error refuse(struct post *post, enum s3_error error, const char *message)
{
    snprintf(post->policy.message, sizeof post->policy.message, "%.180s", message);
    return error;
}

static enum s3_error refuse_field(struct post *post, const char *name, const char *value,
                                  const char *message)
{
    s3_detail(post->intake.request, "ArgumentName", name);
    s3_detail(post->intake.request, "ArgumentValue", value);
    return refuse(post, S3_INVALID_ARGUMENT, message);
}

/* localstack recorded the elements of the service: the policy is what is signed. */
static enum s3_error refuse_signature(struct post *post, const struct signed_text *text)
{
    struct s3_request *request = post->intake.request;
    s3_detail(request, "AWSAccessKeyId", post->signer.access_key);
    s3_detail(request, "StringToSign", text->text);
    s3_detail(request, "SignatureProvided", text->signature);
    signature_explain_bytes(&request->details, "StringToSignBytes", slice_of(text->text));
    return S3_SIGNATURE_MISMATCH;
}

/* ${filename} is replaced by the file name that the browser sent. */
static char *expand_key(const struct s3_form *form, const char *key)
{
    static const char variable[] = "${filename}";
    struct buffer out;
    const char *at;
    buffer_init(&out, OBJECT_KEY_MAX + S3_FORM_HEADERS_MAX);
    for (; (at = strstr(key, variable)); key = at + sizeof variable - 1) {
        buffer_append(&out, key, (size_t)(at - key));
        buffer_text(&out, form->filename);
    }
    buffer_text(&out, key);
    return buffer_take_text(&out);
}

static enum s3_error take_key(struct post *post)
{
    struct s3_request *request = post->intake.request;
    const char *key = s3_form_value(&post->form, "key");
    if (!key || !*key)
        return refuse_field(post, "key", "",
                            "Bucket POST must contain a field named 'key'.  If it is specified, "
                            "please check the order of the fields.");
    char *expanded = expand_key(&post->form, key);
    if (!expanded)
        return S3_KEY_TOO_LONG;
    free(request->key);
    request->key = expanded;
    cloud_request_note_key(request->base, expanded);
    if (!*expanded || strlen(expanded) > OBJECT_KEY_MAX)
        return *expanded ? S3_KEY_TOO_LONG : S3_INVALID_ARGUMENT;
    return utf8_length(expanded) < 0 || s3_key_climbs(expanded) ? S3_INVALID_URI : S3_OK;
}

/* Signature Version 2 has no region. */
static enum s3_error check_region(struct post *post)
{
    struct s3_request *request = post->intake.request;
    struct bucket bucket;
    char text[300];
    if (post->signer.version2 || !buckets_find(request->cloud->buckets, request->bucket, &bucket) ||
        strcmp(post->signer.region, bucket.region) == 0)
        return S3_OK;
    snprintf(text, sizeof text,
             "Error parsing the X-Amz-Credential parameter; the region '%s' is wrong; expecting "
             "'%.64s'",
             post->signer.region, bucket.region);
    return refuse(post, S3_QUERY_MALFORMED, text);
}

static enum s3_error check_signer(struct post *post, const struct signed_text *text)
{
    struct s3_request *request = post->intake.request;
    const struct access_key_list *keys = request->cloud->access_keys;
    int64_t now = (int64_t)time(NULL);
    enum signature_code code = text->date
                                   ? signature_verify_text(keys, text, now, &post->signer)
                                   : signature_verify_v2_text(keys, text, now, &post->signer);
    switch (code) {
    case SIGNATURE_OK:
        request->caller = post->signer.key;
        return check_region(post);
    case SIGNATURE_UNKNOWN_KEY:
        s3_detail(request, "AWSAccessKeyId", post->signer.access_key);
        return S3_INVALID_ACCESS_KEY;
    case SIGNATURE_BAD_TOKEN:
        return S3_INVALID_TOKEN;
    case SIGNATURE_TOKEN_EXPIRED:
        return S3_EXPIRED_TOKEN;
    case SIGNATURE_MALFORMED:
        return refuse(post, S3_INVALID_ARGUMENT,
                      "The x-amz-credential or x-amz-date field is not valid.");
    default:
        return refuse_signature(post, text);
    }
}

/* Signature Version 2: "AWSAccessKeyId", "signature". */
static bool has_version2(const struct post *post, const char *policy, struct signed_text *out)
{
    *out = (struct signed_text){.credential = s3_form_value(&post->form, "awsaccesskeyid"),
                                .text = policy,
                                .signature = s3_form_value(&post->form, "signature"),
                                .token = s3_form_value(&post->form, "x-amz-security-token")};
    return out->credential && out->signature;
}

static enum s3_error check_signature(struct post *post, const char *policy)
{
    struct signed_text version2;
    if (has_version2(post, policy, &version2))
        return check_signer(post, &version2);
    static const char *const names[] = {"x-amz-algorithm", "x-amz-credential", "x-amz-date",
                                        "x-amz-signature"};
    const char *values[4];
    char text[128];
    for (size_t i = 0; i < 4; i++) {
        values[i] = s3_form_value(&post->form, names[i]);
        snprintf(text, sizeof text,
                 "Bucket POST must contain a field named '%s'.  If it is specified, please check "
                 "the order of the fields.",
                 names[i]);
        if (!values[i])
            return refuse_field(post, names[i], "", text);
    }
    if (strcmp(values[0], "AWS4-HMAC-SHA256") != 0)
        return refuse(post, S3_INVALID_ARGUMENT,
                      "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
    return check_signer(
        post, &(struct signed_text){.credential = values[1],
                                    .date = values[2],
                                    .text = policy,
                                    .signature = values[3],
                                    .token = s3_form_value(&post->form, "x-amz-security-token")});
}

/* Without a policy the request is anonymous, unless it is itself signed. */
static enum s3_error check_policy(struct post *post)
{
    struct s3_request *request = post->intake.request;
    const char *policy = s3_form_value(&post->form, "policy");
    post->policy = (struct s3_post_policy){.size_max = UINT64_MAX};
    enum s3_error error = policy ? check_signature(post, policy) : S3_OK;
    if (error)
        return error;
    if (policy)
        error = s3_post_policy_check(&post->policy, policy, &post->form, request->bucket,
                                     request->key, s3_time_now_ms());
    if (error)
        return error;
    if (!s3_access_allowed(request, request->bucket, "PutObject", request->key))
        return S3_ACCESS_DENIED;
    return S3_OK;
}

/* In a form, the tags are an XML document. */
static enum s3_error take_tags(struct post *post)
{
    const char *document = s3_form_value(&post->form, "tagging");
    struct error error = {0};
    char *tags = NULL;
    if (!document)
        return S3_OK;
    int code = s3_tags_from_xml(slice_of(document), OBJECT_TAGS_MAX, &tags, NULL, &error);
    if (code)
        return code == ERR_INVALID ? refuse(post, S3_INVALID_TAG, error.text) : S3_MALFORMED_XML;
    free(post->object.tags);
    post->object.tags = tags;
    return S3_OK;
}

static enum s3_error take_metadata(struct post *post)
{
    const char *message = NULL;
    enum s3_error error = s3_metadata_read(post->intake.request, &post->object, &message);
    if (error && message)
        refuse(post, error, message);
    return error ? error : take_tags(post);
}

static enum s3_error fields_take(struct post *post)
{
    enum s3_error error = take_key(post);
    if (error)
        return error;
    error = check_policy(post);
    if (error)
        return error;
    return take_metadata(post);
}

/* The file begins. False: an error was sent. */
static bool judge(struct post *post)
{
    struct s3_request *request = post->intake.request;
    request->form = &post->form;
    enum s3_error error = fields_take(post);
    if (error) {
        const char *message = post->policy.message;
        s3_respond_error(request, error, *message ? message : NULL);
        return false;
    }
    post->judged = true;
    return s3_intake_begin_part(&post->intake, post->policy.size_max);
}

/* The body. */

static void refuse_form(struct post *post, int code)
{
    struct s3_request *request = post->intake.request;
    enum s3_error error = code == ERR_LIMIT    ? S3_POST_FIELDS_TOO_LARGE
                          : code == ERR_MEMORY ? S3_INTERNAL_ERROR
                                               : S3_MALFORMED_POST;
    if (post->judged)
        s3_intake_fail(&post->intake, error);
    else
        s3_respond_error(request, error, NULL);
}

static void refuse_small(struct post *post)
{
    struct s3_request *request = post->intake.request;
    s3_detail_number(request, "ProposedSize", post->intake.size);
    s3_detail_number(request, "MinSizeAllowed", post->policy.size_min);
    s3_intake_fail(&post->intake, S3_ENTITY_TOO_SMALL);
}

static void take_end(struct post *post)
{
    if (!post->judged)
        s3_respond_argument(post->intake.request,
                            "POST requires exactly one file upload per request.", "file",
                            slice_of("0"));
    else if (!post->form.complete)
        s3_intake_fail(&post->intake, S3_MALFORMED_POST);
    else if (post->intake.size < post->policy.size_min)
        refuse_small(post);
    else
        s3_intake_finish(&post->intake);
}

static void on_data(struct http_call *call, int code, const void *bytes, size_t size, void *user)
{
    struct post *post = user;
    struct slice in = {bytes, size}, data;
    (void)call;
    if (code) {
        if (post->judged)
            s3_intake_lose(&post->intake); /* the HTTP server responds */
        return;
    }
    if (!size) {
        take_end(post);
        return;
    }
    while ((code = s3_form_next(&post->form, &in, &data)) == 1) {
        if (!post->judged && !judge(post))
            return;
        if (data.size && !s3_intake_feed(&post->intake, data))
            return;
    }
    if (code)
        refuse_form(post, code);
}

void s3_post_object(struct s3_request *request)
{
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket))
        return;
    struct post *post = s3_operation(request, sizeof *post, post_free);
    if (!post)
        return;
    s3_intake_prepare_part(&post->intake, request, &owner);
    post->bucket = bucket.id;
    if (!s3_form_begin(&post->form, s3_header(request, "content-type")))
        s3_respond_error(request, S3_PRECONDITION_FAILED,
                         "Bucket POST must be of the enclosure-type multipart/form-data");
    else
        http_call_read(request->base->call, on_data, post);
}
