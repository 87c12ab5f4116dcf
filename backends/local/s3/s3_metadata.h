/* What is stored with an object and returned with it: Content-Type, the other content headers, user
 * metadata. Loop thread. */
#ifndef THUMBWHEEL_LOCAL_S3_METADATA_H
#define THUMBWHEEL_LOCAL_S3_METADATA_H

#include "objects.h"
#include "s3_request.h"

enum { S3_METADATA_HEADERS_MAX = 64 };

/* Fills content_type, headers and tags from a PUT's headers. S3_OK, or an error with a message for
 * the response (static, or NULL for the usual one). */
enum s3_error s3_metadata_read(struct s3_request *request, struct object *object,
                               const char **message);

/* Refuses what would be a promise that the store doesn't keep; s3_metadata_read does. */
enum s3_error s3_metadata_check(struct s3_request *request, const char **message);

/* The response-* parameters, which S3 takes of signed requests alone. False: an error was sent. */
bool s3_metadata_check_overrides(struct s3_request *request);

/* The stored headers and facts as a response's headers. Strings live in `text`. */
struct s3_metadata_headers {
    struct http_header headers[S3_METADATA_HEADERS_MAX];
    size_t count;
    char *text;
    char etag[64];
    char modified[64];
    char tag_count[24];
};
/* ERR_MEMORY. The request's response-* parameters override what is stored. */
int s3_metadata_write(const struct s3_request *request, const struct object *object,
                      bool with_checksum, struct s3_metadata_headers *out);
void s3_metadata_headers_free(struct s3_metadata_headers *headers);

#endif
