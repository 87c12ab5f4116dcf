/*
 * Confirmation of subscriptions: an HTTP or e-mail endpoint must agree to receive notifications.
 *
 * A subscription's details have "protocol"; while it is pending "pending", "token" and "token_ms"
 * (Unix time); afterwards the token still, so that confirming twice is harmless, and
 * "authenticated" where it was confirmed with AuthenticateOnUnsubscribe. Whose link ended it is
 * sent a last message with a new token, which restores it; until then it is "ended". Source:
 * Subscribe, ConfirmSubscription and Unsubscribe in the Amazon SNS API Reference ("Confirmation
 * tokens are valid for two days"; "so that the endpoint owner can easily resubscribe"). Loop
 * thread.
 */
#ifndef THUMBWHEEL_LOCAL_SNS_CONFIRMATION_H
#define THUMBWHEEL_LOCAL_SNS_CONFIRMATION_H

#include "topics.h"

/* The details of a new subscription; NULL without memory. Queues need no confirmation. */
json_t *confirmation_details(const char *protocol);

/* Sends the token to a pending subscription: done comes when that is stored in the outbox.
 * ERR_MEMORY, ERR_LIMIT: done will not come. */
int confirmation_send(struct cloud *cloud, struct subscription *s, topic_written *done, void *user);

/* Ends a subscription as its endpoint's owner wishes, and sends the last message. As above. */
int confirmation_end(struct cloud *cloud, struct subscription *s, topic_written *done, void *user);
/* When it is to be deleted unless it is confirmed, or restored (Unix time); 0: never. */
int64_t confirmation_end_ms(const struct subscription *s);

/* The subscription of a token that is good; NULL: there is none. */
struct subscription *confirmation_find(struct topic *topic, const char *token);
int confirmation_accept(struct subscription *s, bool authenticated, topic_written *done,
                        void *user);

/* Ending it takes a signature: a queue's always does. */
bool confirmation_guards(const struct subscription *s);

#endif
