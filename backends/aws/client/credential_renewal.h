/*
 * Keys in ~/.aws/credentials or ~/.aws/config may be rotated while the process runs. The files are
 * read again on a thread of libuv's pool: every half minute while requests are made, and within a
 * second if a service refuses the keys. There is no timer; each request checks whether it is time.
 *
 * The previous keys remain in use if the files cannot be read, have no complete key pair, or were
 * changed within the last second: a write may be in progress. Keys from other sources (variables,
 * options) never change. Loop thread.
 */
#ifndef THUMBWHEEL_AWS_CREDENTIAL_RENEWAL_H
#define THUMBWHEEL_AWS_CREDENTIAL_RENEWAL_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"

struct aws;

enum { CREDENTIAL_RETRY_MS = 1500, CREDENTIAL_RETRIES_MAX = 2 };

struct credential_renewal {       /* in struct aws */
    bool possible;                /* the keys came from a file */
    char *profile;                /* as in backend_settings; may be NULL */
    struct credential_look *look; /* the pending read; NULL: none */
    uint64_t due_ms, last_ms;     /* uv_now */
    struct log_gate unreadable;
};

/* Call it once the credentials are known. ERR_MEMORY. */
int credential_renewal_init(struct aws *aws, const char *profile);
/* A pending read ends later, in a loop callback, without accessing aws. */
void credential_renewal_close(struct aws *aws);

/* Starts to read the files again if it is time. refused: a service rejected the keys. */
void credential_renewal_check(struct aws *aws, bool refused);

#endif
