/* CreateMultipartUpload, UploadPart, CompleteMultipartUpload and AbortMultipartUpload. Each part is a
 * request of its own, which is repeated by itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "etag.h"
#include "s3_private.h"
#include "uri.h"
#include "xml_reader.h"
#include "xml_writer.h"

enum { QUERY_MAX = 8 * 1024, DOCUMENT_MAX = 4 * 1024 * 1024 };

static struct aws *aws_of(struct object_store *store)
{
    return container_of(store, struct aws, objects);
}

/* ---- begin ---- */

static int find_id(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    (void)start;
    (void)end;
    char **id = user;
    if (*id || strcmp(path, "InitiateMultipartUploadResult/UploadId") != 0)
        return 0;
    *id = slice_dup(text);
    return *id ? 0 : ERR_MEMORY;
}

static void on_begun(const struct aws_reply *reply, void *user)
{
    void *their;
    union object_callback done = s3_operation_end(user, &their);
    struct error error = reply->error;
    char *id = NULL;
    if (!error.code) {
        const struct bytes *body = &reply->response->body;
        int code = xml_read((struct slice){body->data, body->size}, NULL, find_id, &id);
        if (!code && (!id || !*id))
            code = ERR_PROTOCOL;
        if (code)
            aws_error_unreadable(&error, &reply->subject, code, "the response cannot be read");
    }
    done.begun(error.code ? NULL : id, &error, their);
    free(id);
}

int s3_parts_begin(struct object_store *store, const struct object_upload *upload,
                   const char *content_type, object_upload_begun *done, void *user,
                   struct object_request **out)
{
    const struct http_header headers[] = {
        {"content-type", content_type ? content_type : "application/octet-stream"}};
    struct s3_call call = {.operation = "CreateMultipartUpload",
                           .method = "POST",
                           .bucket = upload->bucket,
                           .key = upload->key,
                           .query = "uploads=",
                           .headers = headers,
                           .header_count = 1,
                           .response_max = AWS_RESPONSE_MAX,
                           .replied = on_begun,
                           .done.begun = done,
                           .user = user};
    return upload->key ? s3_start(aws_of(store), &call, out) : ERR_INVALID;
}

/* ---- the rest, on an upload that has begun ---- */

/* In the order of the names, as signatures need it. */
static int upload_query(const struct object_upload *upload, unsigned number, struct buffer *out)
{
    buffer_init(out, QUERY_MAX);
    if (number)
        buffer_format(out, "partNumber=%u&", number);
    buffer_text(out, "uploadId=");
    return uri_encode(out, slice_of(upload->id), false);
}

/* Takes the call's body, even on failure. */
static int upload_start(struct object_store *store, const struct object_upload *upload,
                        unsigned number, struct s3_call *call, struct object_request **out)
{
    struct buffer query;
    int code = upload_query(upload, number, &query);
    if (!code && !upload->key)
        code = ERR_INVALID;
    call->bucket = upload->bucket;
    call->key = upload->key;
    call->query = query.data;
    call->response_max = AWS_RESPONSE_MAX;
    if (code)
        bytes_free(&call->body);
    else
        code = s3_start(aws_of(store), call, out);
    buffer_free(&query);
    return code;
}

static void on_part(const struct aws_reply *reply, void *user)
{
    void *their;
    union object_callback done = s3_operation_end(user, &their);
    struct error error = reply->error;
    char *etag = NULL;
    if (!error.code) {
        etag = slice_dup(etag_bare(http_response_header(reply->response, "etag")));
        if (!etag)
            aws_error_local(&error, &reply->subject, ERR_MEMORY, NULL);
    }
    done.part(etag, &error, their);
    free(etag);
}

int s3_parts_store(struct object_store *store, const struct object_upload *upload, unsigned number,
                   struct slice body, object_part_stored *done, void *user,
                   struct object_request **out)
{
    char md5[S3_MD5_SIZE];
    s3_content_md5(body.data, body.size, md5);
    const struct http_header headers[] = {{"content-md5", md5}};
    struct s3_call call = {.operation = "UploadPart",
                           .method = "PUT",
                           .headers = headers,
                           .header_count = 1,
                           .body = bytes_borrow(body.data, body.size),
                           .is_object = true,
                           .replied = on_part,
                           .done.part = done,
                           .user = user};
    if (number < 1 || number > OBJECT_PARTS_MAX)
        return ERR_LIMIT;
    return upload_start(store, upload, number, &call, out);
}

static int parts_document(char *const *etags, size_t count, struct buffer *out)
{
    buffer_init(out, DOCUMENT_MAX);
    buffer_text(out, "<CompleteMultipartUpload "
                     "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (size_t i = 0; i < count; i++) {
        xml_open(out, "Part");
        xml_number(out, "PartNumber", i + 1);
        buffer_text(out, "<ETag>&quot;");
        xml_strict_text(out, slice_of(etags[i]));
        buffer_text(out, "&quot;</ETag>");
        xml_close(out, "Part");
    }
    xml_close(out, "CompleteMultipartUpload");
    return out->error;
}

int s3_parts_complete(struct object_store *store, const struct object_upload *upload,
                      char *const *etags, size_t count, object_done *done, void *user,
                      struct object_request **out)
{
    const struct http_header headers[] = {{"content-type", "application/xml"},
                                          {"if-none-match", "*"}};
    struct buffer document;
    int code = parts_document(etags, count, &document);
    if (code) {
        buffer_free(&document);
        return code;
    }
    struct s3_call call = {.operation = "CompleteMultipartUpload",
                           .method = "POST",
                           .headers = headers,
                           .header_count = upload->only_new ? 2 : 1,
                           .body = buffer_take(&document),
                           .replied = s3_on_done,
                           .done.done = done,
                           .user = user};
    return upload_start(store, upload, 0, &call, out);
}

int s3_parts_abort(struct object_store *store, const struct object_upload *upload,
                   object_done *done, void *user, struct object_request **out)
{
    struct s3_call call = {.operation = "AbortMultipartUpload",
                           .method = "DELETE",
                           .replied = s3_on_done,
                           .done.done = done,
                           .user = user};
    return upload_start(store, upload, 0, &call, out);
}
