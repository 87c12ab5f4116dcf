/*
 * The signature of a webhook, as in the Standard Webhooks specification, version 1:
 * "v1," and the base64 of HMAC-SHA256 over "id.timestamp.payload". Any thread.
 */
#ifndef THUMBWHEEL_WEBHOOK_SIGNATURE_H
#define THUMBWHEEL_WEBHOOK_SIGNATURE_H

#include "bytes.h"
#include "error.h"

enum {
    WEBHOOK_KEY_MIN = 24, /* bytes of a key, as the specification recommends */
    WEBHOOK_KEY_MAX = 64,
    WEBHOOK_SECRETS_MAX = 4,
};

/* secrets: "whsec_" and the key in base64. Several, separated by white space, give one signature
 * each, so that a secret can be replaced while receivers still know the old one. Appends the value
 * of the header webhook-signature. ERR_CREDENTIALS: not such secrets; the text does not show
 * them. */
int webhook_sign(const char *secrets, const char *id, const char *timestamp, struct slice payload,
                 struct buffer *out, struct error *error);

#endif
