/*
 * Shared by the parts of a backfill. An object goes from one part to the next by its state: pages are
 * listed (backfill.c), outputs are looked for (backfill_check.c), events are sent in the order of
 * the keys (backfill_send.c), and what is settled moves the checkpoint. Loop thread.
 */
#ifndef THUMBWHEEL_BACKFILL_PRIVATE_H
#define THUMBWHEEL_BACKFILL_PRIVATE_H

#include "backfill.h"
#include "event_record.h"
#include "list.h"
#include "message_sender.h"

enum backfill_state { ITEM_LISTED, ITEM_CHECKING, ITEM_DECIDED, ITEM_SENDING, ITEM_SETTLED };

struct backfill_item { /* an object */
    struct list link;
    struct backfill *backfill;
    enum backfill_state state;
    char *key;
    char *etag; /* NULL: unknown */
    uint64_t size;
    int64_t modified_ms;
    size_t pipeline, output; /* the output that is being looked for */
    bool looked;             /* the pipeline has outputs that can be looked for */
    char *pattern;           /* of its key */
    size_t pending;          /* messages */
    bool failed;             /* one of them */
    char deduplication[DEDUPLICATION_SIZE];
    bool needs[]; /* the event, by pipeline */
};

struct backfill {
    struct backfill_options options;
    struct message_sender *senders;
    uv_timer_t turn;
    struct list items;                            /* in the order of their keys */
    struct backfill_item *next_check, *next_send; /* the first that is not begun; NULL: none */
    size_t held, ahead, checking, messages;       /* items; listed; being checked; unconfirmed */
    char *listed_to;                              /* last key of the last page; NULL: none */
    bool listing, listed;                         /* a page is pending; it was the last */
    bool stopped;
    uint64_t due_us; /* of the next object to send */
    char *after;
    struct backfill_counts counts;
    struct error error;
    size_t handles;
    void (*closed)(void *user);
    void *closed_user;
};

/* Decides soon what happens next. */
void backfill_schedule(struct backfill *b);
void backfill_schedule_in(struct backfill *b, uint64_t delay_ms);
/* Keeps the first error; all work stops. */
void backfill_fail(struct backfill *b, int code, const char *why);
/* The object after this one; NULL: it is the last. */
struct backfill_item *backfill_item_next(const struct backfill *b,
                                         const struct backfill_item *item);

/* Begin as much as their limits allow. */
void backfill_checks_begin(struct backfill *b);
void backfill_sends_begin(struct backfill *b);
/* Of each sender; user: the backfill. */
outgoing_settled backfill_on_settled;

#endif
