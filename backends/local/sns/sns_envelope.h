/*
 * The JSON that SNS sends: notifications and confirmations, all signed except the notifications of
 * FIFO topics.
 *
 * Source: "Parsing message formats" and "Verifying the signatures of Amazon SNS messages" in the
 * SNS Developer Guide. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_SNS_ENVELOPE_H
#define THUMBWHEEL_LOCAL_SNS_ENVELOPE_H

#include <jansson.h>

#include "bytes.h"
#include "sns_signer.h"
#include "sns_signing.h"
#include "uuid.h"

struct cloud;

enum { SNS_TIMESTAMP_SIZE = 32 };

enum sns_envelope_type {
    SNS_NOTIFICATION,
    SNS_SUBSCRIPTION_CONFIRMATION,
    SNS_UNSUBSCRIBE_CONFIRMATION
};
const char *sns_envelope_type_name(enum sns_envelope_type type);

struct sns_envelope { /* borrowed */
    enum sns_envelope_type type;
    const char *topic, *id, *timestamp;
    struct slice subject; /* data NULL: none */
    struct slice body;
    const char *token;        /* of a confirmation */
    const char *subscription; /* ARN of a notification's subscription */
    const char *sequence;     /* of a FIFO topic, which does not sign; NULL: a standard topic */
    json_t *attributes;       /* see message_attributes.h; NULL: none */
    int signature_version;
    /* Set by the unit that the envelope is part of; NULL before. */
    struct sns_signing *signing;
};

void sns_timestamp(char out[SNS_TIMESTAMP_SIZE]); /* the current time */

/* Needs a ready signer, except for FIFO topics. Returns a text for free(), or NULL if memory is
 * short. The text has room for the signature at *room; the envelope's signing in the unit (NULL: it
 * is not signed) accepts one place per call. */
char *sns_envelope_unsigned(const struct cloud *cloud, struct sns_envelope *envelope,
                            struct storage_unit *unit, size_t *room);

/* URLs of the embedded cloud; for free(). */
char *sns_unsubscribe_url(const struct cloud *cloud, const char *subscription);
char *sns_confirm_url(const struct cloud *cloud, const char *topic, const char *token);

/* Converts attributes from the structure of SQS to {"name": {"Type": …, "Value": …}}; NULL if
 * memory is short. */
json_t *sns_envelope_attributes(json_t *attributes);

#endif
