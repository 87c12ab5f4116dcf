/* Shared by all operations that write objects: the event of a new object, and its checksum as a
 * line, a header and an element. */
#ifndef THUMBWHEEL_LOCAL_S3_CREATED_H
#define THUMBWHEEL_LOCAL_S3_CREATED_H

#include "checksum.h"
#include "objects.h"
#include "s3_request.h"

struct s3_intake;

/* Assigns the object's number, time and version according to the bucket's current settings. Call it
 * when the unit is submitted, so that sequencers have the order of the commits. Loop thread. */
void s3_created_begin(struct s3_request *request, struct object *object, int64_t bucket,
                      enum versioning *versioning);

/* Adds the object's event messages to the unit, by the rules of the request's bucket; nothing if
 * that is no longer the bucket with this id. ERR_MEMORY. Loop thread. */
int s3_created_announce(struct s3_request *request, int64_t bucket, const char *event,
                        const struct object *object, struct storage_unit *unit);

/* Both, for an object whose body has been received. ERR_MEMORY. Loop thread. */
int s3_created_by_intake(const struct s3_intake *intake, int64_t bucket, const char *event,
                         struct object *object, enum versioning *versioning,
                         struct storage_unit *unit);

enum { S3_CHECKSUM_LINE_SIZE = 96 };

/* "name: value", as stored with objects and parts; empty if there is no value. */
void s3_checksum_line(enum checksum_kind kind, const char *value, char out[S3_CHECKSUM_LINE_SIZE]);
/* The type and the value of such a line. */
enum checksum_kind s3_checksum_of(const char *line, const char **value);
/* "FULL_OBJECT", or "COMPOSITE" for a checksum of checksums ("value-parts"). */
const char *s3_checksum_type(const char *value);
/* <ChecksumAlgorithm> and <ChecksumType>, as in lists; nothing for an empty line. */
void s3_checksum_listed(struct buffer *out, const char *line);
/* <ChecksumCRC32>, with or without <ChecksumType>; nothing for an empty line. */
void s3_checksum_xml(struct buffer *out, const char *line, bool with_type);

#endif
