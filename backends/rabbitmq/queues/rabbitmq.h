/*
 * The queues of RabbitMQ: an implementation of queue_backend.h.
 *
 * How the seam's terms map (docs/rabbitmq.md has the reasons and the consequences):
 *
 *     lease          an unacknowledged delivery; a lost connection returns it at once
 *     visibility     kept here: a delivery that is not extended in time is returned to its queue.
 *                    It is never extended beyond the broker's consumer_timeout
 *     receive count  x-delivery-count, and the attempts that our header counts
 *     admission      a consumer with a prefetch of as many messages as receives have asked for
 *     delete         basic.ack
 *     backoff        a copy to a retry queue, confirmed, then basic.ack
 *     visibility 0   basic.nack with requeue
 *     send           publish to the default exchange, mandatory and confirmed
 *
 * A vhost with its user has two connections, each with a thread (amqp_connection.h): one consumes
 * and acknowledges, the other publishes. A broker that is short of memory stops reading from
 * connections that publish; acknowledgements must not wait for that.
 *
 * A message is acknowledged only when the engine deletes it, or when the broker has confirmed its
 * copy. Whatever fails before leaves it unacknowledged: the broker delivers it again.
 *
 *     rabbitmq.c         the backend, opening and closing queues, depths
 *     rabbit_queue.c     receives, leases and their results, on the loop thread
 *     rabbit_consumer.c  channels, consumers and deliveries, on the consuming connection's thread
 *     rabbit_publisher.c messages and their confirms, on the publishing connection's thread
 *     rabbit_send.c      sending, for the engine
 *     rabbit_message.c   properties and headers
 */
#ifndef THUMBWHEEL_RABBITMQ_H
#define THUMBWHEEL_RABBITMQ_H

#include <uv.h>

#include "amqp_settings.h"
#include "error.h"
#include "queue_backend.h"

struct rabbitmq;

/* Connects when the first queue is opened. The settings' strings are borrowed. NULL: out of memory.
 */
struct rabbitmq *rabbitmq_create(uv_loop_t *loop, const struct amqp_settings *settings);
/* Pending operations are cancelled, without calling back. The loop must run until it has no handles
 * left: the connections are closed in their own time, then the memory is freed. NULL does nothing.
 */
void rabbitmq_destroy(struct rabbitmq *rabbitmq);
struct queue_backend *rabbitmq_queues(struct rabbitmq *rabbitmq); /* owned by it */

/* For a pipeline file: whether the name is a valid address of a queue. ERR_INVALID. */
int rabbitmq_queue_check(const char *name, struct error *error);

#endif
