/* The headers of S3 that the embedded cloud knows. */
#ifndef THUMBWHEEL_S3_HEADERS_H
#define THUMBWHEEL_S3_HEADERS_H

#include "s3_request.h"

/* A header of the request that begins with x-amz- and that no operation here honours or may ignore
 * (docs/inputs.md); without data: there is none. */
struct slice s3_unknown_header(const struct s3_request *request);

/* The same for the fields of the form. */
const char *s3_unknown_field(const struct s3_form *form);

#endif
