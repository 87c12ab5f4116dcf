/*
 * Storage class and encryption of an object: recorded with it and returned, as S3 does. Nothing is
 * encrypted, and all classes are the same disk. The ETag of an object that is encrypted with KMS is
 * not an MD5 ("Common Response Headers", S3 API Reference). Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_PLACEMENT_H
#define THUMBWHEEL_LOCAL_S3_PLACEMENT_H

#include "object_placement.h"
#include "objects.h"
#include "s3_request.h"

enum { S3_KMS_KEY_SIZE = 600 };

/* Appends the lines of the request's headers, or of the bucket's default encryption. S3_OK, or an
 * error with a message (static). */
enum s3_error s3_placement_read(struct s3_request *request, struct buffer *lines,
                                const char **message);
/* Whether the request states a class or an encryption. */
bool s3_placement_stated(const struct s3_request *request);
/* The headers of a copy: the lines of `own` that say how it is stored, and the other lines of the
 * source. NULL: memory is short. */
char *s3_placement_copy(const char *own, const char *source);

/* The ETag, malloc'd; the object's id and headers must be set. */
char *s3_placement_etag(const struct object *object, const char *md5);
/* Whether the ETag of an object in one piece is the MD5 of its body. */
bool s3_placement_etag_is_md5(const struct object *object);

/* The encryption as headers of a response to a write. */
struct s3_placement_headers {
    char sse[16];
    char kms_key[S3_KMS_KEY_SIZE];
    char bucket_key[8];
};
enum { S3_PLACEMENT_HEADERS = 3 };
size_t s3_placement_respond(const char *lines, struct s3_placement_headers *texts,
                            struct http_header *headers);

#endif
