/*
 * Moves a message from one queue to another, for a redrive policy or a move task. It gets a new
 * number in its row and in memory, so that numbers give the order of arrival in every queue. Loop
 * thread.
 */
#ifndef THUMBWHEEL_QUEUE_TRANSFER_H
#define THUMBWHEEL_QUEUE_TRANSFER_H

struct local_message;
struct local_queue;
struct queue_move;

/* The message is pending until the transfer is stored. A redriven message keeps its id, its history
 * and, in a standard queue, its send time; a moved one arrives as a new message (and the move task
 * is notified, queue_moves.c). ERR_MEMORY: nothing has changed. */
int message_transfer(struct local_message *message, struct local_queue *target,
                     struct queue_move *move);
void queue_move_settled(struct queue_move *move, int code);

#endif
