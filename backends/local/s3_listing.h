/* What the listings of S3 have in common: parameters, and elements of their answers. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_LISTING_H
#define THUMBWHEEL_LOCAL_S3_LISTING_H

#include "bytes.h"
#include "s3_request.h"

enum {
    S3_LISTING_MAX = 1000,      /* entries of a page (S3) */
    S3_LISTING_TEXT_MAX = 1024, /* bytes of a prefix, delimiter, marker: those of the longest key */
};

/* encoding-type=url; false: answered. */
bool s3_listing_encoding(struct s3_request *request, bool *encode);
/* A count such as max-keys, at most (and where it is absent) S3_LISTING_MAX; false: answered. */
bool s3_listing_max(struct s3_request *request, const char *name, unsigned *max);

/* An element with a key or a part of one. */
void s3_listing_name(struct buffer *out, const char *element, const char *text, bool encode);
/* Owner or Initiator. */
void s3_listing_person(struct buffer *out, const char *element, const char *account);

#endif
