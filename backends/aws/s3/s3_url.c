/* The URLs of S3. */
#include <string.h>

#include "base64.h"
#include "bucket_endpoint.h"
#include "hash.h"
#include "s3_private.h"
#include "uri.h"

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

void s3_content_md5(const void *body, size_t size, char out[S3_MD5_SIZE])
{
    uint8_t digest[MD5_SIZE];
    hash_whole(HASH_MD5, body, size, digest);
    base64_write(digest, sizeof digest, out);
}
