/*
 * The end of a delivery: what its outcome means for the message, the lease, the dead-letter queue
 * and the next delivery of the same message. Each function here may free the delivery. Loop thread.
 */
#ifndef THUMBWHEEL_DELIVERY_SETTLE_H
#define THUMBWHEEL_DELIVERY_SETTLE_H

struct delivery;

/* Does what delivery->outcome says: deletes the message, returns it with a backoff, or sends it to
 * the dead-letter queue. */
void delivery_settle(struct delivery *delivery);
/* The message could not be read, for the reason in delivery->error. */
void delivery_fail(struct delivery *delivery);
/* Its dead letter was sent by an earlier delivery, and only the delete failed. */
void delivery_delete_again(struct delivery *delivery);
/* Returns the message; it becomes visible after visibility_s. delivery->reason and error say why. */
void delivery_give_back(struct delivery *delivery, unsigned visibility_s);
/* The same, after a backoff that grows with the message's receive count. */
void delivery_back_off(struct delivery *delivery);
/* The lease's callback: user is the delivery. */
void delivery_lease_lost(void *user);
/* The dead letter is being sent, and it is unknown whether it arrives: the message may be rejected
 * again, but is never lost. */
void delivery_drop_rejection(struct delivery *delivery);
/* Enters the jobs that have ended in delivery->tally: the next delivery need not repeat them. */
void delivery_tally(struct delivery *delivery);

#endif
