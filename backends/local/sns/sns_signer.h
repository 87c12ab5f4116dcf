/*
 * The key that SNS's notifications are signed with, and its certificate, for a running cloud.
 *
 * Both are made once for a data directory (sns_key.h), when they are first wanted, on a separate
 * thread, because that takes a while: only messages that need a signature wait for it. The
 * certificate is served at its path. Loop thread.
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
/* Wishes are answered with ERR_CANCELLED. closed (may be NULL) comes from the loop, or at once. */
void sns_signer_close(struct sns_signer *signer, void (*closed)(void *user), void *user);

bool sns_signer_ready(const struct sns_signer *signer);

/* While it is not ready: has the key read or made, and calls ready from the loop: status 0, or why
 * there is none (another wish tries again). Embedded in what waits. */
struct sns_signer_wish {
    void (*ready)(struct sns_signer_wish *wish, int status);
    struct list link; /* private */
};
void sns_signer_want(struct sns_signer *signer, struct sns_signer_wish *wish);

/* Once ready, and until it is closed. */
const struct sns_key *sns_signer_key(const struct sns_signer *signer);

/* Once ready: "/SimpleNotificationService-….pem", and what lies there. */
const char *sns_signer_certificate_path(const struct sns_signer *signer);
const char *sns_signer_certificate(const struct sns_signer *signer);

#endif
