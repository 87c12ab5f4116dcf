/*
 * Confirming subscriptions: who gets notifications over HTTP or by mail must have asked for them.
 *
 * A subscription's details have "protocol"; while it is pending "pending", "token" and "token_ms"
 * (Unix time); afterwards the token still, so that confirming twice is harmless, and
 * "authenticated" where it was confirmed with AuthenticateOnUnsubscribe. Source: Subscribe and
 * ConfirmSubscription in the Amazon SNS API Reference ("Confirmation tokens are valid for two
 * days"). Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_SNS_CONFIRMATION_H
#define THUMBWHEEL_LOCAL_SNS_CONFIRMATION_H

#include "topics.h"

/* The details of a new subscription; NULL without memory. Queues need no confirmation. */
json_t *confirmation_details(const char *protocol);

/* Sends the token to a pending subscription: done comes when that is stored in the outbox.
 * ERR_MEMORY, ERR_LIMIT: done will not come. */
int confirmation_send(struct cloud *cloud, struct subscription *s, topic_written *done, void *user);

/* The subscription of a token that is good; NULL: there is none. */
struct subscription *confirmation_find(struct topic *topic, const char *token);
int confirmation_accept(struct subscription *s, bool authenticated, topic_written *done,
                        void *user);

/* Ending it takes a signature. */
bool confirmation_guards(const struct subscription *s);

#endif
