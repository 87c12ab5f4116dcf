/*
 * The key that SNS's notifications are signed with, and its certificate.
 *
 * Both are made once for a data directory, when they are first wanted, on a thread of their own,
 * since that takes a second: nothing waits for it but what has to be signed. The key (RSA, 2048
 * bits) is readable by its owner alone; the certificate is self-signed and served at its path.
 * Source: "Verifying the signatures of Amazon SNS messages" in the SNS Developer Guide. Loop
 * thread.
 */
#ifndef THUMBWHEEL_LOCAL_SNS_SIGNER_H
#define THUMBWHEEL_LOCAL_SNS_SIGNER_H

#include <stdbool.h>
#include <uv.h>

#include "bytes.h"
#include "error.h"
#include "list.h"

struct sns_signer;

enum { SNS_SIGNATURE_SIZE = 352, SNS_CERTIFICATE_PATH_SIZE = 80 };

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

/* The signature of a text in base64; version 1: SHA1, 2: SHA256. Only once ready. */
int sns_signer_sign(struct sns_signer *signer, int version, struct slice text,
                    char out[SNS_SIGNATURE_SIZE]);

/* Once ready: "/SimpleNotificationService-….pem", and what lies there. */
const char *sns_signer_certificate_path(const struct sns_signer *signer);
const char *sns_signer_certificate(const struct sns_signer *signer);

#endif
