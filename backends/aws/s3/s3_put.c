/*
 * PutObject.
 *
 * A checksum is sent with every object: buckets with Object Lock require one, and the store refuses
 * data damaged in transit. Its response must confirm the same checksum.
 *
 * Every S3-compatible store supports Content-MD5, and the ETag of the response is the MD5, unless
 * the object is encrypted with KMS (aws_validity.c). A CRC-64/NVME takes a tenth of the time, but some
 * stores ignore or refuse it. S3 states it in the response to any upload ("Checking object
 * integrity", S3 User Guide): only a store that has done so is sent one instead of the MD5, and only
 * for as long as it confirms them.
 */
#include <stdio.h>
#include <string.h>

#include "aws_validity.h"
#include "checksum.h"
#include "container_of.h"
#include "s3_private.h"
#include "uri.h"

enum { TEXTS_MAX = 64 * 1024, ETAG_MAX = 128, CRC_FAILURES_MAX = 3 };

/* The headers of a put. Values that are made here are in `texts`, which has room for all of them,
 * so that no text moves. */
struct put_headers {
    struct http_header entries[S3_HEADERS_MAX];
    size_t count;
    struct buffer texts;
};

static void add(struct put_headers *headers, const char *name, const char *value)
{
    if (value)
        headers->entries[headers->count++] = (struct http_header){name, value};
}

static const char *text_begin(const struct put_headers *headers)
{
    return headers->texts.data + headers->texts.size;
}

static void add_metadata(struct put_headers *headers, const struct object_pair *pair, bool encoded)
{
    struct buffer *texts = &headers->texts;
    const char *name = text_begin(headers);
    buffer_format(texts, "x-amz-meta-%s", pair->name);
    buffer_byte(texts, '\0');
    const char *value = text_begin(headers);
    if (encoded)
        s3_metadata_encode(pair->value, texts);
    else
        buffer_text(texts, pair->value);
    buffer_byte(texts, '\0');
    add(headers, name, value);
}

/* "name=value&…", URL-encoded. */
static void add_tags(struct put_headers *headers, const struct object_settings *settings)
{
    struct buffer *texts = &headers->texts;
    const char *value = text_begin(headers);
    if (!settings->tag_count)
        return;
    for (size_t i = 0; i < settings->tag_count; i++) {
        if (i)
            buffer_byte(texts, '&');
        uri_encode(texts, slice_of(settings->tags[i].name), false);
        buffer_byte(texts, '=');
        uri_encode(texts, slice_of(settings->tags[i].value), false);
    }
    buffer_byte(texts, '\0');
    add(headers, "x-amz-tagging", value);
}

static void add_settings(struct put_headers *headers, const struct object_settings *settings)
{
    add(headers, "cache-control", settings->cache_control);
    add(headers, "content-disposition", settings->content_disposition);
    add(headers, "x-amz-server-side-encryption", settings->sse);
    add(headers, "x-amz-server-side-encryption-aws-kms-key-id", settings->kms_key);
    add(headers, "x-amz-storage-class", settings->storage_class);
    add(headers, "x-amz-acl", settings->acl);
    add_tags(headers, settings);
    for (size_t i = 0; i < settings->metadata_count; i++)
        add_metadata(headers, &settings->metadata[i], false);
}

static size_t pairs_room(const struct object_pair *pairs, size_t count)
{
    size_t room = 0;
    for (size_t i = 0; i < count; i++)
        room += 3 * (strlen(pairs[i].name) + strlen(pairs[i].value)) + 16;
    return room;
}

static int headers_reserve(struct put_headers *headers, const struct object_put *put)
{
    const struct object_settings *settings = put->settings;
    size_t room = pairs_room(put->metadata, put->metadata_count) + 1;
    size_t count = put->metadata_count + 13; /* all other headers */
    if (settings) {
        room += pairs_room(settings->metadata, settings->metadata_count) +
                pairs_room(settings->tags, settings->tag_count);
        count += settings->metadata_count;
    }
    return count > S3_HEADERS_MAX ? ERR_LIMIT : buffer_reserve(&headers->texts, room);
}

/* ---- the checksum ---- */

static bool crc_is_confirmed(const struct aws *aws)
{
    return aws->stored_crc.known && aws->stored_crc.failures < CRC_FAILURES_MAX;
}

/* Of an upload without a CRC, its presence counts; of one with a CRC, the value was compared. After a
 * failure the next upload has an MD5, whatever the cause was. */
static void crc_learn(const struct object_request *operation, const struct aws_reply *reply)
{
    struct stored_crc *crc = &operation->aws->stored_crc;
    if (!reply->error.code)
        crc->known = http_response_header(reply->response, AWS_CRC_HEADER) != NULL;
    else if (operation->with_crc)
        crc->known = false;
    if (operation->with_crc && reply->error.code == ERR_PROTOCOL)
        crc->failures++;
}

struct digest {
    bool with_crc;
    char text[CHECKSUM_TEXT_SIZE];
};

_Static_assert((int)CHECKSUM_TEXT_SIZE >= (int)S3_MD5_SIZE, "a digest is either");

static struct digest digest_of(const struct aws *aws, const struct object_put *put)
{
    struct digest digest = {.with_crc = crc_is_confirmed(aws)};
    struct checksum crc;
    if (!digest.with_crc) {
        s3_content_md5(put->body, put->body_size, digest.text);
        return digest;
    }
    checksum_start(&crc, CHECKSUM_CRC64NVME);
    checksum_update(&crc, put->body, put->body_size);
    checksum_finish(&crc, digest.text);
    return digest;
}

static void add_digest(struct put_headers *headers, const struct digest *digest)
{
    if (!digest->with_crc) {
        add(headers, "content-md5", digest->text);
        return;
    }
    add(headers, AWS_CRC_HEADER, digest->text);
    add(headers, "x-amz-sdk-checksum-algorithm", checksum_name(CHECKSUM_CRC64NVME));
}

/* ---- the request ---- */

static int headers_make(struct put_headers *headers, const struct object_put *put,
                        const struct digest *digest, const char *match)
{
    int code = headers_reserve(headers, put);
    if (code)
        return code;
    add(headers, "content-type",
        put->content_type ? put->content_type : "application/octet-stream");
    add_digest(headers, digest);
    add(headers, "if-none-match", put->only_new ? "*" : NULL);
    add(headers, "if-match", put->replaces ? match : NULL);
    if (put->settings)
        add_settings(headers, put->settings);
    for (size_t i = 0; i < put->metadata_count; i++)
        add_metadata(headers, &put->metadata[i], true);
    return headers->texts.error;
}

/* A store that ignores the header would keep the object unencrypted. S3 always confirms it. */
static void check_encryption(const struct aws_reply *reply, const char *sse, struct error *error)
{
    const char *used = http_response_header(reply->response, "x-amz-server-side-encryption");
    char detail[160];
    if (!*sse || (used && strcmp(used, sse) == 0))
        return;
    snprintf(detail, sizeof detail,
             "the service stored the object, but did not confirm its encryption (%s): remove sse "
             "from the pipeline file if the service does not support it",
             sse);
    aws_error_local(error, &reply->subject, ERR_REFUSED, detail);
}

static void on_put(const struct aws_reply *reply, void *user)
{
    const struct object_request *operation = user;
    struct error error = reply->error;
    void *their;
    crc_learn(operation, reply);
    if (!error.code)
        check_encryption(reply, operation->sse, &error);
    union object_callback done = s3_operation_end(user, &their);
    done.done(&error, their);
}

int s3_put(struct object_store *store, const struct object_put *put, object_done *done, void *user,
           struct object_request **out)
{
    struct aws *aws = container_of(store, struct aws, objects);
    char match[ETAG_MAX + 3];
    struct put_headers headers = {.count = 0};
    if (!put->key)
        return ERR_INVALID;
    if (put->replaces && strlen(put->replaces) > ETAG_MAX)
        return ERR_LIMIT;
    snprintf(match, sizeof match, "\"%s\"", put->replaces ? put->replaces : "");
    const struct digest digest = digest_of(aws, put);
    buffer_init(&headers.texts, TEXTS_MAX);
    int code = headers_make(&headers, put, &digest, match);
    struct s3_call call = {.operation = "PutObject",
                           .method = "PUT",
                           .bucket = put->bucket,
                           .key = put->key,
                           .trace = put->trace,
                           .headers = headers.entries,
                           .header_count = headers.count,
                           .body = bytes_borrow(put->body, put->body_size),
                           .is_object = true,
                           .response_max = AWS_RESPONSE_MAX,
                           .replied = on_put,
                           .done.done = done,
                           .user = user,
                           .sse = put->settings ? put->settings->sse : NULL,
                           .with_crc = digest.with_crc};
    if (!code)
        code = s3_start(aws, &call, out);
    buffer_free(&headers.texts);
    return code;
}
