/*
 * One message from a queue to another: by a redrive policy, or by a move task. In the row and in
 * memory it gets a new number, so that numbers are the order of arrival in every queue. Loop
 * thread.
 */
#ifndef THUMBWHEEL_QUEUE_TRANSFER_H
#define THUMBWHEEL_QUEUE_TRANSFER_H

struct local_message;
struct local_queue;
struct queue_move;

/* The message is held until that is stored. A redriven one keeps its id, its history and, in a
 * standard queue, its time of sending; with a move (which is told, queue_moves.c) it arrives anew.
 * ERR_MEMORY: nothing has changed. */
int message_transfer(struct local_message *message, struct local_queue *target,
                     struct queue_move *move);
void queue_move_settled(struct queue_move *move, int status);

#endif
