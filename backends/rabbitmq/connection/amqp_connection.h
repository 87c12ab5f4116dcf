/*
 * One connection to one of several nodes of RabbitMQ, kept open.
 *
 * librabbitmq blocks: when it connects, logs in, waits for a reply, and when it writes faster than
 * the node reads. So each connection has a thread, which alone touches librabbitmq, and the loop
 * thread never waits for it. Work goes to the thread as tasks, and comes back as their completion:
 *
 *     loop thread    amqp_connection_submit(task)                         task->done
 *                           │  inbox (mutex, eventfd)                        ▲  outbox (uv_async)
 *     own thread            └──► task->run(session) ──► AMQP_TASK_PENDING ───┘
 *                                                       then amqp_session_post
 *
 * Both ways keep the order, so whoever learns in done() that the connection was lost has seen
 * everything that arrived before.
 *
 * - A task waits until the connection is open. When every host has been tried without success, the
 *   waiting tasks fail with the last error, and the next round follows after a delay with full
 *   jitter, 10 seconds at most. A lost connection is opened again at once, at the next host.
 * - Heartbeats are librabbitmq's; a node that is silent for two intervals is given up. A node that
 *   takes no data for as long is given up by the kernel (TCP_USER_TIMEOUT).
 * - The password is read from its file for each attempt, so it may change meanwhile.
 */
#ifndef THUMBWHEEL_AMQP_CONNECTION_H
#define THUMBWHEEL_AMQP_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "amqp_address.h"
#include "amqp_settings.h"
#include "error.h"

struct amqp_connection;
struct amqp_session; /* amqp_session.h: the open connection, for code on its thread */

enum { AMQP_TASK_PENDING = 1 };

struct amqp_task { /* embed it; it belongs to the connection from submit until done */
    /* On the connection's thread, while it is open. 0 or an error ends the task; of an error,
     * task->error should say why. AMQP_TASK_PENDING: amqp_session_post will end it. */
    int (*run)(struct amqp_task *task, struct amqp_session *session);
    /* On the loop thread, from a fresh callback. May free the task. */
    void (*done)(struct amqp_task *task);
    bool always; /* run is called also when there is no connection: session->state is NULL, or the
                  * session is broken */
    int code;    /* for done: 0, or what failed; ERR_CANCELLED: the connection is being destroyed */
    struct error error;
    struct amqp_task *next; /* private */
};

struct amqp_frame_t_; /* librabbitmq's */

/* On the connection's thread. Members may be NULL. */
struct amqp_events {
    /* Before the first task. An error ends the connection. */
    int (*opened)(struct amqp_session *session, struct error *error, void *user);
    /* A frame that no call waited for; on channel 0 only what concerns nobody else. It is valid
     * during the call. */
    void (*frame)(struct amqp_session *session, const struct amqp_frame_t_ *frame, void *user);
    /* After a series of frames and tasks, and once a second while session->ticking. */
    void (*turn)(struct amqp_session *session, void *user);
    /* It was lost, or could not be opened. What was pending must be ended. */
    void (*lost)(struct amqp_session *session, const struct error *error, void *user);
};

struct amqp_connection_options { /* copied, but for what the settings and the user point to */
    const struct amqp_address *address; /* copied as well */
    const struct amqp_settings *settings;
    const char *purpose; /* shown in the broker's list of connections; static */
    const struct amqp_events *events;
    void *user;
};

/* Starts its thread. ERR_MEMORY, ERR_IO. */
int amqp_connection_create(uv_loop_t *loop, const struct amqp_connection_options *options,
                           struct amqp_connection **out, struct error *error);
/* Loop thread. */
void amqp_connection_submit(struct amqp_connection *connection, struct amqp_task *task);
/* Runs the submitted tasks, if it is open, and closes it; then closed is called from the loop, after
 * the done of every task. It takes as long as a call that the thread is in: seconds if no node
 * answers. */
void amqp_connection_destroy(struct amqp_connection *connection, void (*closed)(void *user),
                             void *user);

#endif
