/*
 * The order of the messages of one FIFO group: they are processed one after another, as received,
 * and those that follow a returned message are returned after it, because SQS delivers them again
 * behind it. Loop thread.
 */
#ifndef THUMBWHEEL_DELIVERY_GROUP_H
#define THUMBWHEEL_DELIVERY_GROUP_H

#include <stdbool.h>

#include "list.h"

struct delivery;

/* Whether an earlier message of its group is in the list, searching backwards from `last`. */
bool delivery_is_behind(const struct delivery *delivery, const struct list *last);
/* The delivery ends: later messages of its group can now be processed, or are returned after it.
 * deliveries_regroup does that. */
void delivery_group_ended(const struct delivery *delivery);

#endif
