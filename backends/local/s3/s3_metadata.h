/* Object metadata: Content-Type, the other content headers, user metadata. Loop thread. */
#ifndef THUMBWHEEL_LOCAL_S3_METADATA_H
#define THUMBWHEEL_LOCAL_S3_METADATA_H

#include "objects.h"
#include "s3_request.h"

enum { S3_METADATA_HEADERS_MAX = 64 };

/* Sets content_type, headers and tags from a PUT's headers. S3_OK, or an error with a message for
 * the response (static; NULL: the default). */
enum s3_error s3_metadata_read(struct s3_request *request, struct object *object,
                               const char **message);

/* Refuses headers for features that the store does not implement; s3_metadata_read does this
 * too. */
enum s3_error s3_metadata_check(struct s3_request *request, const char **message);

/* Checks the response-* parameters, which S3 accepts only in signed requests. False: an error was
 * sent. */
bool s3_metadata_check_overrides(struct s3_request *request);

enum { S3_ETAG_SIZE = 64 };
/* The ETag as a header has it: in quotes. */
void s3_etag_quote(const char *etag, char out[S3_ETAG_SIZE]);

/* The metadata as response headers. `text` owns the strings. */
struct s3_metadata_headers {
    struct http_header headers[S3_METADATA_HEADERS_MAX];
    size_t count;
    char *text;
    char etag[S3_ETAG_SIZE];
    char modified[64];
    char tag_count[24];
};
/* ERR_MEMORY. The request's response-* parameters override the stored values. checksum: a line as in
 * struct object, with its type; NULL: none is wanted. */
int s3_metadata_write(const struct s3_request *request, const struct object *object,
                      const char *checksum, const char *checksum_type,
                      struct s3_metadata_headers *out);
void s3_metadata_headers_free(struct s3_metadata_headers *headers);

#endif
