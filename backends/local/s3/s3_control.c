#include "s3_control.h"

#include <stdlib.h>
#include <string.h>

#include "xml_writer.h"

static const char version[] = "v20180820";

enum { ACCOUNT_DIGITS = 12 };

/* No bucket has such a name (bucket_name_valid). */
static bool is_account(const char *name)
{
    return strlen(name) == ACCOUNT_DIGITS && strspn(name, "0123456789") == ACCOUNT_DIGITS;
}

/* The path below the version; NULL: another request. */
static const char *path_of(const struct s3_request *request)
{
    size_t size = sizeof version - 1;
    if (strcmp(request->bucket, version) == 0)
        return request->key;
    if (is_account(request->bucket) && strncmp(request->key, version, size) == 0 &&
        request->key[size] == '/')
        return request->key + size + 1;
    return NULL;
}

/* "" if it is not the path of a bucket's tags. */
static const char *bucket_of(const char *path)
{
    static const char tags[] = "tags/arn:aws:s3:::";
    if (strncmp(path, tags, sizeof tags - 1) != 0 || strchr(path + sizeof tags - 1, '/'))
        return "";
    return path + sizeof tags - 1;
}

int s3_control_address(struct s3_request *request)
{
    const char *path = path_of(request);
    if (!path)
        return 0;
    char *bucket = strdup(bucket_of(path)), *key = strdup("");
    if (!bucket || !key) {
        free(bucket);
        free(key);
        return ERR_MEMORY;
    }
    free(request->bucket);
    free(request->key);
    request->bucket = bucket;
    request->key = key;
    request->control = true;
    return 0;
}

bool s3_control_check_account(struct s3_request *request)
{
    struct slice account = s3_header(request, "x-amz-account-id");
    if (slice_equal_text(account, request->account))
        return true;
    if (account.data)
        s3_respond_error(request, S3_ACCESS_DENIED, NULL);
    else
        s3_respond_error(request, S3_INVALID_REQUEST,
                         "Missing required header for this request: x-amz-account-id");
    return false;
}

void s3_control_write_error(const struct s3_request *request, const struct s3_error_facts *facts,
                            const char *message, struct buffer *out)
{
    buffer_text(out, XML_DECLARATION "\n<ErrorResponse xmlns=\"" S3_CONTROL_NAMESPACE "\"><Error>");
    xml_element(out, "Code", facts->code);
    xml_element(out, "Message", message ? message : facts->message);
    buffer_text(out, "</Error>");
    xml_element(out, "RequestId", request->id);
    xml_element(out, "HostId", request->id);
    buffer_text(out, "</ErrorResponse>");
}
