/* Whose credentials are in use, as STS says. Loop thread. */
#ifndef THUMBWHEEL_AWS_IDENTITY_H
#define THUMBWHEEL_AWS_IDENTITY_H

#include <stdint.h>

#include "aws.h"
#include "error.h"

struct aws_identity {
    const char *provider; /* static: the name of the provider in docs/credentials.md */
    const char *account, *arn, *user_id;
    int64_t expires_s; /* Unix time; 0: never */
};

/* The identity is borrowed; NULL: *error says why. From a fresh loop callback. */
typedef void aws_identified(const struct aws_identity *identity, const struct error *error,
                            void *user);

/* One at a time. On error (ERR_MEMORY, ERR_BUSY) done is not called. */
int aws_identify(struct aws *aws, aws_identified *done, void *user);
/* For aws_destroy. */
void aws_identify_cancel(struct aws *aws);

#endif
