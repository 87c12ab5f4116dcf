/* The URLs of S3: of requests, and presigned. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws_sign.h"
#include "base64.h"
#include "bucket_endpoint.h"
#include "container_of.h"
#include "hash.h"
#include "s3_private.h"
#include "uri.h"

enum { URL_MAX = 16 * 1024, PRESIGN_MAX_S = 604800 };

int s3_url(const struct aws *aws, const char *bucket, const char *key, const char *query,
           char region[REGION_SIZE_MAX], struct buffer *out)
{
    bool in_path = false;
    if (!bucket || (key && (!key[0] || strlen(key) > OBJECT_KEY_MAX)))
        return ERR_INVALID;
    int code = bucket_region_of(aws, bucket, region);
    if (!code)
        code = bucket_endpoint_append(&aws->endpoints, bucket, region, &in_path, out);
    if (code)
        return code;
    if (key || !in_path)
        buffer_byte(out, '/');
    if (key)
        uri_encode(out, slice_of(key), true);
    if (query)
        buffer_format(out, "?%s", query);
    return out->error;
}

int s3_version_query(const struct object_name *name, const char *first, struct buffer *out)
{
    buffer_text(out, first);
    if (name->version) {
        buffer_text(out, first[0] ? "&versionId=" : "versionId=");
        uri_encode(out, slice_of(name->version), false);
    }
    return out->error;
}

static int presign_append(const struct aws *aws, const char *method, const struct object_name *name,
                          unsigned expires_s, struct buffer *out)
{
    char region[REGION_SIZE_MAX];
    struct buffer url, query;
    buffer_init(&url, URL_MAX);
    buffer_init(&query, URL_MAX);
    int code = s3_version_query(name, "", &query);
    if (!code && aws->requester_pays)
        code = buffer_format(&query, "%sx-amz-request-payer=requester", query.size ? "&" : "");
    if (code)
        goto out;
    code = s3_url(aws, name->bucket, name->key, query.size ? query.data : NULL, region, &url);
    if (code)
        goto out;
    const struct aws_sign what = {.credentials = credential_chain_use(aws->chain),
                                  .service = AWS_S3,
                                  .region = region,
                                  .method = method,
                                  .url = url.data,
                                  .payload_hash = SIGV4_UNSIGNED_PAYLOAD,
                                  .now_s = (int64_t)time(NULL) + aws->clock_offset_s};
    code = what.credentials ? aws_presign(&what, expires_s, out) : ERR_CREDENTIALS;
out:
    buffer_free(&url);
    buffer_free(&query);
    return code;
}

char *s3_presign(struct object_store *store, const char *method, const struct object_name *name,
                 unsigned expires_s, struct error *error)
{
    if (expires_s < 1 || expires_s > PRESIGN_MAX_S) {
        error_set(error, ERR_INVALID,
                  "a presigned URL is valid for 1 to %d seconds (7 days), not %u", PRESIGN_MAX_S,
                  expires_s);
        return NULL;
    }
    struct buffer out;
    buffer_init(&out, URL_MAX);
    int code =
        presign_append(container_of(store, struct aws, objects), method, name, expires_s, &out);
    char *url = code ? NULL : buffer_take_text(&out);
    buffer_free(&out);
    if (!url)
        error_set(error, code ? code : ERR_MEMORY, "cannot presign s3://%.60s/%.160s: %s",
                  name->bucket, name->key,
                  code == ERR_INVALID ? "the bucket or key is not valid" : error_name(code));
    return url;
}

void s3_content_md5(const void *body, size_t size, char out[S3_MD5_SIZE])
{
    uint8_t digest[MD5_SIZE];
    hash_whole(HASH_MD5, body, size, digest);
    base64_write(digest, sizeof digest, out);
}
