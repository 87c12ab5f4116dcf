#include "s3_multipart.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "upload_parts.h"

void s3_upload_id_write(uint64_t id, char out[S3_UPLOAD_ID_SIZE])
{
    snprintf(out, S3_UPLOAD_ID_SIZE, "%016" PRIx64, id);
}

uint64_t s3_upload_id_read(const char *text)
{
    size_t size = S3_UPLOAD_ID_SIZE - 1;
    if (!text || strlen(text) != size || strspn(text, "0123456789abcdef") != size)
        return 0;
    uint64_t id = strtoull(text, NULL, 16);
    return id <= INT64_MAX ? id : 0;
}

bool s3_multipart_upload_id(struct s3_request *request, uint64_t *id)
{
    *id = s3_upload_id_read(s3_parameter(request, "uploadId"));
    if (!*id)
        s3_respond_error(request, S3_NO_SUCH_UPLOAD, NULL);
    return *id != 0;
}

/* -1: not a number. */
static long read_number(const char *text)
{
    size_t size = strlen(text);
    if (!size || size > 9 || strspn(text, "0123456789") != size)
        return -1;
    return strtol(text, NULL, 10);
}

bool s3_multipart_part_number(struct s3_request *request, unsigned *number)
{
    const char *text = s3_parameter(request, "partNumber");
    long value = text ? read_number(text) : -1;
    bool good = value >= 1 && value <= PART_NUMBER_MAX;
    *number = good ? (unsigned)value : 0;
    if (!good)
        s3_respond_argument(request,
                            "Part number must be an integer between 1 and 10000, inclusive",
                            "partNumber", slice_of(text));
    return good;
}

bool s3_multipart_part_place(struct s3_request *request, struct s3_part_place *place)
{
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket) || !s3_multipart_part_number(request, &place->number) ||
        !s3_multipart_upload_id(request, &place->upload))
        return false;
    place->bucket = bucket.id;
    return true;
}

bool s3_multipart_number(struct s3_request *request, const char *name, unsigned most,
                         unsigned *number)
{
    const char *text = s3_parameter(request, name);
    char message[96];
    *number = most;
    if (!text || !*text)
        return true;
    long value = read_number(text);
    if (value < 0) {
        snprintf(message, sizeof message, "Provided %s not an integer or within integer range",
                 name);
        s3_respond_argument(request, message, name, slice_of(text));
        return false;
    }
    *number = value < (long)most ? (unsigned)value : most;
    return true;
}

void s3_multipart_respond_failure(struct s3_request *request, int code, const struct error *error)
{
    if (code == ERR_NOT_FOUND)
        s3_respond_error(request, S3_NO_SUCH_UPLOAD, NULL);
    else
        s3_respond_failure(request, code, error);
}
