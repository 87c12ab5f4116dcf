/*
 * Confirmation of subscriptions: an HTTP or e-mail endpoint, and a queue of another account than the
 * one that subscribes it, must agree to receive notifications.
 *
 * A subscription's details contain "protocol"; while it is pending also "pending", "token" and
 * "token_ms" (Unix time). After confirmation the token is kept, so that confirming twice is
 * harmless, and "authenticated" is set if it was confirmed with AuthenticateOnUnsubscribe. If a
 * link ends the subscription, the endpoint receives a last message with a new token that can
 * restore it; until then the subscription is "ended". Source: Subscribe, ConfirmSubscription and
 * Unsubscribe in the Amazon SNS API Reference ("Confirmation tokens are valid for two days"; "so
 * that the endpoint owner can easily resubscribe"). Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_SNS_CONFIRMATION_H
#define THUMBWHEEL_LOCAL_SNS_CONFIRMATION_H

#include "topics.h"

/* Whether an endpoint must confirm: all but the queues of the account that subscribes ("Sending
 * Amazon SNS messages to an Amazon SQS queue in a different account", SNS Developer Guide). */
bool confirmation_is_needed(const char *protocol, const char *endpoint, struct slice account);
/* The details of a new subscription by that principal (an ARN; NULL: unknown); NULL if memory is
 * short. */
json_t *confirmation_details(const char *protocol, const char *principal, bool pending);

/* Sends the token to a pending subscription; done is called when the message is stored in the
 * outbox. ERR_MEMORY, ERR_LIMIT: done will not be called. */
int confirmation_send(struct cloud *cloud, struct subscription *s, topic_written *done, void *user);

/* Ends a subscription at the request of its endpoint's owner, and sends the last message. As
 * above. */
int confirmation_end(struct cloud *cloud, struct subscription *s, topic_written *done, void *user);
/* When the subscription is deleted unless it is confirmed or restored (Unix time); 0: never. */
int64_t confirmation_end_ms(const struct subscription *s);

/* The subscription with this token; NULL: the token is not valid. */
struct subscription *confirmation_find(struct topic *topic, const char *token);
int confirmation_accept(struct subscription *s, bool authenticated, topic_written *done,
                        void *user);

/* Whether ending it requires a signed request; always true for queues. */
bool confirmation_guards(const struct subscription *s);

#endif
