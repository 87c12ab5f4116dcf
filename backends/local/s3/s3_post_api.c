/*
 * PostObject: an upload by a browser form ("Browser-Based Uploads Using POST", S3 API Reference).
 *
 * The form's fields come first and are limited in size; they correspond to the headers of a PUT.
 * When the file begins, they are checked (s3_post_fields.c), and its bytes are handled like every body
 * (s3_intake.h). Everything after the file is ignored.
 */
#include "s3_handlers.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "s3_created.h"
#include "s3_expiration.h"
#include "s3_metadata.h"
#include "s3_placement.h"
#include "s3_post.h"
#include "s3_version.h"
#include "s3_xml.h"
#include "uri.h"

enum { RESPONSE_MAX = 16 * 1024, LOCATION_MAX = 8 * 1024 };

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
    char etag[S3_ETAG_SIZE], version[S3_VERSION_SIZE], expiration[S3_EXPIRATION_SIZE];
    char *redirect = redirect_of(post), *location = location_of(post);
    int status = redirect ? 303 : status_of(post);
    struct s3_placement_headers placement;
    struct http_header headers[4 + S3_PLACEMENT_HEADERS] = {{"ETag", etag}};
    size_t count = 1;
    s3_etag_quote(post->object.etag, etag);
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

/* The file begins. False: an error was sent. */
static bool judge(struct post *post)
{
    struct s3_request *request = post->intake.request;
    request->form = &post->form;
    enum s3_error error = s3_post_fields_take(post);
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
