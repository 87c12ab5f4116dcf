/*
 * The message groups of FIFO queues: which message may be received next.
 *
 *   a group:  [busy: in flight, pending] ─► waiting: 7 ─ 8 ─ 12 ─ …   in the order of their numbers
 *
 * A group is open if its first waiting message is visible and none before it is busy. Open groups
 * are in a list of their queue, first opened, first served. One receive takes as many messages of a
 * group as it can, none of which may follow one that was busy before. The first one closes the group
 * to all other receives until it is deleted or visible again. A pending message (its change is being
 * written) also counts as busy, so that no other message overtakes it if the write fails.
 *
 * A group exists while it has members. Purged messages remain in their old group, which can no
 * longer be found. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_GROUPS_H
#define THUMBWHEEL_QUEUE_GROUPS_H

#include "id_table.h"
#include "list.h"

struct local_message;
struct local_queue;
struct message_group;

struct group_place { /* the place of a message in its group; owned by the message */
    struct message_group *group;
    struct local_message *message;
    struct list link;
};

/* Creates the place of a message in that group; NULL if memory is short. It does not make the group
 * busy until the message is settled. */
struct group_place *group_join(struct local_queue *queue, const char *group,
                               struct local_message *message);
void group_leave(struct group_place *place); /* frees the place; NULL does nothing */

/* Call them when the message's state changes: the first removes it from its lists, the second adds
 * it according to message->state. */
void group_hold(struct group_place *place);
void group_settle(struct group_place *place);

/* The next message of `current` (the group that a receive is taking from; may be NULL), else of the
 * first open group; NULL: none. */
struct local_message *group_next(struct local_queue *queue, struct message_group *current);
/* The first message of an open group with a lower number than this, or NULL. */
struct local_message *group_next_below(struct local_queue *queue, uint64_t number);

#endif
