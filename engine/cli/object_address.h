/* The address of an object or of a part of a bucket, as the AWS CLI writes it. Any thread. */
#ifndef THUMBWHEEL_OBJECT_ADDRESS_H
#define THUMBWHEEL_OBJECT_ADDRESS_H

#include "error.h"

struct object_address { /* free it with object_address_free */
    char *bucket;       /* a name, or the ARN of an access point */
    const char *key;    /* not encoded; "": none */
};

/* s3://bucket/key. ERR_INVALID: the text says what is expected. */
int object_address_read(const char *text, struct object_address *out, struct error *error);
void object_address_free(struct object_address *address);

#endif
