/*
 * The key that SNS's notifications are signed with, and its certificate, for a running cloud.
 *
 * Both are created once per data directory (sns_key.h), on first use, on a separate thread because
 * it takes a while: only messages that need a signature wait for it. The certificate is served at
 * its path. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_SNS_SIGNER_H
#define THUMBWHEEL_LOCAL_SNS_SIGNER_H

#include <stdbool.h>
#include <uv.h>

#include "bytes.h"
#include "error.h"
#include "list.h"
#include "sns_key.h"

struct sns_signer;

enum { SNS_CERTIFICATE_PATH_SIZE = 80 };

/* directory is borrowed. ERR_MEMORY. */
int sns_signer_open(uv_loop_t *loop, const char *directory, struct sns_signer **out);
/* Pending requests get ERR_CANCELLED. closed (may be NULL) is called from the loop, or at once. */
void sns_signer_close(struct sns_signer *signer, void (*closed)(void *user), void *user);

bool sns_signer_ready(const struct sns_signer *signer);

/* If the signer is not ready: has the key read or generated, and calls ready from the loop with
 * code 0 or an error (the next request tries again). Embedded in the waiting struct. */
struct sns_signer_wish {
    void (*ready)(struct sns_signer_wish *wish, int code);
    struct list link; /* private */
};
void sns_signer_want(struct sns_signer *signer, struct sns_signer_wish *wish);

/* Only when ready, and valid until it is closed. */
const struct sns_key *sns_signer_key(const struct sns_signer *signer);

/* Only when ready: "/SimpleNotificationService-….pem" and its content. */
const char *sns_signer_certificate_path(const struct sns_signer *signer);
const char *sns_signer_certificate(const struct sns_signer *signer);

#endif
