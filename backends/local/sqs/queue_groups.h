/*
 * The message groups of FIFO queues: who may be received next.
 *
 *   a group:  [in flight or held: busy] ─► waiting: 7 ─ 8 ─ 12 ─ …   in the order of their numbers
 *
 * A group is open when none of its messages is busy and the first that waits is visible; open
 * groups stand in a row in their queue, first opened, first served. One receive takes as many of a
 * group as it can, and with the first the group is closed to all others until each of them is
 * deleted or visible again. A message that is held (its fate is being written) keeps its group
 * closed too, so that none overtakes it should the write fail.
 *
 * A group exists while it has members. Messages that a purge has condemned stay in their old group,
 * which is not found any more. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_GROUPS_H
#define THUMBWHEEL_QUEUE_GROUPS_H

#include "id_table.h"
#include "list.h"

struct local_message;
struct local_queue;
struct message_group;

struct group_place { /* of one message in its group; owned by the message */
    struct message_group *group;
    struct local_message *message;
    struct list link;
    bool busy;
};

/* Where a message of that group will stand; NULL without memory. It is busy for nobody until it is
 * settled. */
struct group_place *group_join(struct local_queue *queue, const char *group,
                               struct local_message *message);
void group_leave(struct group_place *place); /* NULL: nothing; frees it */

/* The message's state has changed: out of its lists, or as message->state says. */
void group_hold(struct group_place *place);
void group_settle(struct group_place *place);

/* The next message of `current` (the group that a receive is taking from; may be NULL), else of the
 * first open group; NULL: there is none. */
struct local_message *group_next(struct local_queue *queue, struct message_group *current);
/* The first of an open group with a lower number than that, or NULL. */
struct local_message *group_next_below(struct local_queue *queue, uint64_t number);

#endif
