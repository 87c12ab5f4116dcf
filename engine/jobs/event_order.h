/*
 * The order of events for one key.
 *
 * Deliveries arrive in any order, and several at a time. S3 gives each event of a key a sequencer;
 * this table keeps, for each pipeline, bucket and key, the newest sequencer whose outputs are
 * stored, and the current writer:
 *
 *     join ──► older than what is stored: nothing to do
 *       │
 *       └──► … fetch, render … ──► turn ──► mine: write ──► leave(stored) ──► the next one's turn
 *                                   └──► wait, until whoever writes has ended; then ask again
 *
 * One event of a key writes at a time, the newest of those that wait first, so that an older one
 * never overwrites a newer one's outputs, whichever finishes last. Removals are remembered too:
 * they tell an object that was deleted after its event from one that was never there.
 *
 * The memory is bounded (ORDER_BYTES_MAX, least recently used out) and dies with the process. What
 * it does not know is then asked of the outputs themselves, which carry the sequencer of their
 * source (output_mark.h), where it matters: for events that name a version, whose bytes may be
 * yesterday's. Without a version a GET answers with the newest bytes whatever the event says. Two
 * engines that work on one key in the same moment are not ordered by this.
 *
 * Sequencers are hexadecimal and of any length; the shorter is padded with zeros on the right, then
 * they are compared as text ("Event message structure", S3 User Guide). An event without one is not
 * ordered. Loop thread.
 */
#ifndef THUMBWHEEL_EVENT_ORDER_H
#define THUMBWHEEL_EVENT_ORDER_H

#include <stdbool.h>
#include <uv.h>

#include "envelope.h"
#include "lru.h"

enum { ORDER_BYTES_MAX = 8 * 1024 * 1024, SEQUENCER_MAX = 64 };

struct event_order {
    struct lru keys;
    uv_timer_t turn;     /* zero delay: wakes those whose turn has come */
    struct list waiting; /* claims that are to be woken */
};

struct order_claim {                         /* a job's; embed it, zeroed */
    void (*wake)(struct order_claim *claim); /* from a fresh loop callback: ask again */
    struct order_key *key;                   /* NULL: not ordered */
    char sequencer[SEQUENCER_MAX + 1];
    struct list link; /* in the key's list of those that wait, or in order->waiting */
};

void event_order_init(struct event_order *order, uv_loop_t *loop);
/* Every claim has left. closed is called from the loop; the memory is the caller's. */
void event_order_close(struct event_order *order, uv_close_cb closed);

/* -1, 0 or 1: a is older, the same, newer. */
int sequencer_compare(const char *a, const char *b);
/* Hexadecimal, and not too long. */
bool sequencer_valid(const char *text);

enum order_verdict { ORDER_GO, ORDER_WAIT, ORDER_OLD };

/* An event for a key begins. OLD: the outputs of a newer one are stored; the claim is empty.
 * Without memory for it the event goes unordered. */
enum order_verdict event_order_join(struct event_order *order, const char *pipeline,
                                    const struct envelope_record *record,
                                    struct order_claim *claim);
/* Before anything is written. GO: until event_order_leave nobody else writes. WAIT: wake will come.
 */
enum order_verdict event_order_turn(struct order_claim *claim);
/* The outputs turn out to be of this newer event. */
void event_order_learn(struct order_claim *claim, const char *sequencer);
/* Ends the claim; does nothing for an empty one. stored: everything is written. */
void event_order_leave(struct event_order *order, struct order_claim *claim, bool stored);

/* An event says that the object is gone. */
void event_order_removed(struct event_order *order, const struct envelope_record *record);
/* A removal that came after the record's event is known. */
bool event_order_is_removed(struct event_order *order, const struct envelope_record *record);

#endif
