/*
 * A streaming parser for multipart/form-data as browsers send it (RFC 7578): fields, which are
 * stored, then one file, whose bytes are passed through. As in S3, everything after the file is
 * ignored. No I/O; any thread, but only one at a time.
 */
#ifndef THUMBWHEEL_LOCAL_S3_FORM_H
#define THUMBWHEEL_LOCAL_S3_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"

enum {
    S3_FORM_BOUNDARY_MAX = 70,      /* RFC 2046 */
    S3_FORM_FIELDS_MAX = 100,       /* in number */
    S3_FORM_BYTES_MAX = 20 * 1024,  /* total size of all fields (S3) */
    S3_FORM_HEADERS_MAX = 4 * 1024, /* maximum size of a part's headers */
};

struct s3_form_field {
    char *name; /* lower case */
    char *value;
};

enum s3_form_state {
    S3_FORM_PREAMBLE,
    S3_FORM_DELIMITED, /* after a delimiter: the end, or another part */
    S3_FORM_HEADERS,
    S3_FORM_VALUE,
    S3_FORM_FILE,
    S3_FORM_EPILOGUE,
};

struct s3_form { /* zero it before use */
    struct s3_form_field fields[S3_FORM_FIELDS_MAX];
    size_t count;
    char *filename; /* file name without a path; NULL: the file has not begun */
    bool complete;  /* the file is complete */
    /* private */
    enum s3_form_state state;
    char delimiter[S3_FORM_BOUNDARY_MAX + 8]; /* "\r\n--boundary" */
    size_t delimiter_size, matched;
    struct buffer text; /* a part's headers, or a field's value */
    size_t bytes;
    bool skipping; /* data after the file */
};

/* Begins with the Content-Type of the request; false: not such a form. */
bool s3_form_begin(struct s3_form *form, struct slice content_type);
void s3_form_end(struct s3_form *form);

/* Consumes input from *in. 1: *data contains the next bytes of the file (the first time, all fields
 * are known and *data may be empty); 0: all of *in is consumed. ERR_PROTOCOL: malformed; ERR_LIMIT:
 * too much data before the file; ERR_MEMORY. */
int s3_form_next(struct s3_form *form, struct slice *in, struct slice *data);

/* The field with this lower-case name; NULL: absent. */
const char *s3_form_value(const struct s3_form *form, const char *name);

#endif
