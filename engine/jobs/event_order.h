/*
 * The order of events for one key.
 *
 * Deliveries arrive in any order, and several at a time. S3 gives each event of a key a sequencer.
 * For each pipeline, bucket and key, this table contains the newest sequencer whose outputs are
 * stored, and the current writer:
 *
 *     join ──► older than what is stored: nothing to do
 *       │
 *       └──► … fetch, render … ──► turn ──► mine: write ──► leave(stored) ──► the next one's turn
 *                                   └──► wait, until whoever writes has ended; then ask again
 *
 * Only one event of a key writes at a time, and the newest waiting one goes first, so that an older
 * event never overwrites the outputs of a newer one, whichever finishes last. Removals are recorded
 * too: they distinguish an object that was deleted after its event from one that never existed.
 *
 * The table is limited in size (ORDER_BYTES_MAX, least recently used entries are evicted) and
 * exists only in memory. Missing information is then read from the outputs, whose metadata contains
 * the sequencer of their source (output_mark.h), but only for events that name a version, because
 * its bytes may be outdated. Without a version, a GET returns the newest bytes, whatever the event
 * contains. This does not order two engines that process the same key at the same time.
 *
 * Sequencers are hexadecimal and of any length; the shorter one is padded with zeros on the right,
 * then they are compared as text ("Event message structure", S3 User Guide). Events without one are
 * not ordered. Loop thread.
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
    uv_timer_t turn;     /* zero delay: wakes claims whose turn has come */
    struct list waiting; /* claims to wake */
};

struct order_claim {                         /* embed it in a job, zeroed */
    void (*wake)(struct order_claim *claim); /* from a new loop callback: ask again */
    struct order_key *key;                   /* NULL: not ordered */
    char sequencer[SEQUENCER_MAX + 1];
    struct list link; /* in the key's list of waiting claims, or in order->waiting */
};

void event_order_init(struct event_order *order, uv_loop_t *loop);
/* All claims must have left. closed is called from the loop; the caller owns the memory. */
void event_order_close(struct event_order *order, uv_close_cb closed);

/* -1, 0 or 1: a is older, the same, newer. */
int sequencer_compare(const char *a, const char *b);
/* Whether it is hexadecimal and not too long. */
bool sequencer_valid(const char *text);

enum order_verdict { ORDER_GO, ORDER_WAIT, ORDER_OLD };

/* Starts an event for a key. OLD: the outputs of a newer one are stored; the claim is empty. If
 * memory is short, the event is not ordered. */
enum order_verdict event_order_join(struct event_order *order, const char *pipeline,
                                    const struct envelope_record *record,
                                    struct order_claim *claim);
/* Call it before writing. GO: no other event writes until event_order_leave. WAIT: wake will be
 * called.
 */
enum order_verdict event_order_turn(struct order_claim *claim);
/* Records that the outputs are those of this newer event. */
void event_order_learn(struct order_claim *claim, const char *sequencer);
/* Ends the claim; does nothing for an empty one. stored: everything is written. */
void event_order_leave(struct event_order *order, struct order_claim *claim, bool stored);

/* Records an event that reports the deletion of the object. */
void event_order_removed(struct event_order *order, const struct envelope_record *record);
/* Whether a removal after the record's event is known. */
bool event_order_is_removed(struct event_order *order, const struct envelope_record *record);

#endif
