/* Shared by the outbox's files: sns_outbox.c (scheduling), sns_items.c (a delivery),
 * sns_outbox_rows.c (rows), sns_senders.c (one attempt), sns_dead_letters.c. */
#ifndef THUMBWHEEL_LOCAL_SNS_OUTBOX_INTERNAL_H
#define THUMBWHEEL_LOCAL_SNS_OUTBOX_INTERNAL_H

#include "cloud.h"
#include "deadlines.h"
#include "http_client.h"
#include "list.h"
#include "mail_client.h"
#include "sns_outbox.h"

enum { SNS_TIMEOUT_MS = 15000 };

struct sns_outbox {
    struct cloud *cloud;
    char *smtp; /* NULL: files */
    struct deadlines *deadlines;
    struct deadline key_retry;
    struct sns_signer_wish wish;
    bool wishing;
    struct http_client *http; /* NULL: not needed yet */
    struct list items;        /* all of them, by all */
    struct list ready;        /* due, by link */
    size_t item_count, bytes;
    size_t queue_items; /* number of deliveries to queues */
    unsigned sending;
    uint64_t next_id;
    bool stopped;
    void (*on_stopped)(void *user);
    void *stopped_user;
};

struct sns_item {
    struct sns_outbox *outbox;
    struct list all, link;
    struct deadline deadline;
    uint64_t id;
    char *subscription; /* ARN */
    json_t *message;    /* see sns_item_message */
    char *stored;       /* its text, until it is stored */
    size_t size;
    int attempts;
    bool queue; /* counted in queue_items */
    bool slot;  /* already scheduled by the throttle policy */
    /* While it is sent. */
    struct http_exchange *exchange;
    struct mail_sending *mail;
    struct storage_task signed_task;
    char *text; /* of the request, or the JSON of a mail */
};

enum sns_outcome {
    SNS_SENT,
    SNS_AGAIN,
    SNS_HOPELESS,
};

/* sns_outbox.c */
void sns_item_done(struct sns_item *item, enum sns_outcome outcome, const char *reason);
/* Called when the signed content can be sent; code is the result of signing. */
void sns_item_signed(struct sns_item *item, int code);
void sns_item_due(struct deadline *deadline);

/* sns_items.c */
json_t *sns_item_message(const struct subscription *s, const struct sns_delivery *delivery);
/* Takes the message even if it returns NULL because memory is short. */
struct sns_item *sns_item_new(struct sns_outbox *outbox, const char *subscription, json_t *message,
                              size_t size);
void sns_item_free(struct sns_item *item);
/* The subscription; NULL: deleted. A subscriber who has ended a subscription receives only the last
 * message.
 */
struct subscription *sns_item_subscription(const struct sns_item *item);
/* A view into the item's message, including its attributes. */
void sns_item_envelope(const struct sns_item *item, const struct subscription *s,
                       struct sns_envelope *out);
struct sns_delivery sns_item_delivery(const struct sns_item *item,
                                      const struct sns_envelope *envelope);

/* sns_senders.c: begins an attempt. Unless it returns an error, the loop then calls sns_item_signed
 * if something must be signed first, else sns_item_done. */
int sns_item_attempt(struct sns_item *item, const struct subscription *s);
/* Sends content that is signed or needs no signature. sns_item_done is called, unless an error is
 * returned. */
int sns_item_send(struct sns_item *item, const struct subscription *s);
struct delivery_policy;
void sns_delivery_policy(const struct cloud *cloud, const struct subscription *s,
                         struct delivery_policy *out);

/* sns_outbox_rows.c */
int sns_row_insert(struct sns_item *item, void (*stored)(struct sns_item *item, int code),
                   struct storage_unit *unit);
/* No response waits for these: if they are lost, the delivery is repeated. */
int sns_row_update(struct sns_item *item, int64_t due_ms);
int sns_row_delete(struct sns_outbox *outbox, uint64_t id, struct storage_unit *unit);
int sns_rows_load(struct sns_outbox *outbox, struct error *error);

#endif
