/*
 * A body of multipart/form-data as browsers send it (RFC 7578), taken apart as it comes: fields,
 * which are kept, then one file, whose bytes are handed through. What follows the file is skipped,
 * as S3 does. No I/O; any thread, one at a time.
 */
#ifndef THUMBWHEEL_LOCAL_S3_FORM_H
#define THUMBWHEEL_LOCAL_S3_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"

enum {
    S3_FORM_BOUNDARY_MAX = 70,      /* RFC 2046 */
    S3_FORM_FIELDS_MAX = 100,       /* in number */
    S3_FORM_BYTES_MAX = 20 * 1024,  /* of all fields together (S3) */
    S3_FORM_HEADERS_MAX = 4 * 1024, /* bytes of one part's headers */
};

struct s3_form_field {
    char *name; /* lower case */
    char *value;
};

enum s3_form_state {
    S3_FORM_PREAMBLE,
    S3_FORM_DELIMITED, /* behind a delimiter: the end, or another part */
    S3_FORM_HEADERS,
    S3_FORM_VALUE,
    S3_FORM_FILE,
    S3_FORM_EPILOGUE,
};

struct s3_form { /* zero it, begin, end */
    struct s3_form_field fields[S3_FORM_FIELDS_MAX];
    size_t count;
    char *filename; /* of the file, without a path; NULL: it has not begun */
    bool complete;  /* the file is here to its end */
    /* private */
    enum s3_form_state state;
    char delimiter[S3_FORM_BOUNDARY_MAX + 8]; /* "\r\n--boundary" */
    size_t delimiter_size, matched;
    struct buffer text; /* a part's headers, or a field's value */
    size_t bytes;
    bool skipping; /* what comes behind the file */
};

/* From the Content-Type of the request; false: it is no such form. */
bool s3_form_begin(struct s3_form *form, struct slice content_type);
void s3_form_end(struct s3_form *form);

/* Takes from the front of *in. 1: *data is the file's next bytes (when they come first, all fields
 * are known; they may be none, once, as the file begins); 0: all of *in is taken. ERR_PROTOCOL: no
 * such form; ERR_LIMIT: too much before the file; ERR_MEMORY. */
int s3_form_next(struct s3_form *form, struct slice *in, struct slice *data);

/* By name in lower case; NULL: absent. */
const char *s3_form_value(const struct s3_form *form, const char *name);

#endif
