/* The open connection, for code on its thread (amqp_connection.h). */
#ifndef THUMBWHEEL_AMQP_SESSION_H
#define THUMBWHEEL_AMQP_SESSION_H

#include <amqp.h>
#include <amqp_framing.h>
#include <stdbool.h>
#include <stdint.h>

#include "amqp_connection.h"

enum {
    AMQP_CHANNELS_MAX = 2047, /* RabbitMQ's default of channel_max */
    AMQP_FRAME_MAX = 131072,  /* bytes; the same of frame_max */
    AMQP_RPC_TIMEOUT_S = 20,
};

struct amqp_session {
    amqp_connection_state_t state;        /* NULL: not open */
    bool broken;                          /* nothing more can be sent: it is about to be closed */
    struct error error;                   /* why */
    bool blocked;                         /* the broker takes no messages (connection.blocked) */
    bool ticking;                         /* set by the owner: call turn once a second */
    const char *host;                     /* "broker:5672" */
    bool channels[AMQP_CHANNELS_MAX + 1]; /* in use */
    struct amqp_connection *connection;
};

/* Ends a task that is pending, or passes a new one to the loop: its done is called. */
void amqp_session_post(struct amqp_session *session, struct amqp_task *task, int code,
                       const struct error *error);

/* Judges a reply on a channel. 0, or a code of error.h; the text begins with what. An error of the
 * channel closes only the channel (and it is free again); any other breaks the session. */
int amqp_session_check(struct amqp_session *session, amqp_channel_t channel, amqp_rpc_reply_t reply,
                       const char *what, struct error *error);
/* The same for the calls that return a status of librabbitmq: these break the session. */
int amqp_session_sent(struct amqp_session *session, int result, const char *what,
                      struct error *error);
/* For a frame with channel.close that no call waited for: answers it; returns its code. */
int amqp_session_channel_closed(struct amqp_session *session, const amqp_frame_t *frame,
                                const char *what, struct error *error);

/* ERR_LIMIT: no more channels. */
int amqp_session_channel_open(struct amqp_session *session, amqp_channel_t *out,
                              struct error *error);
void amqp_session_channel_close(struct amqp_session *session, amqp_channel_t channel);

/* The messages that are ready in a queue. ERR_NO_CONTAINER: there is no such queue. It uses a
 * channel of its own. */
int amqp_session_count(struct amqp_session *session, const char *queue, uint64_t *out,
                       struct error *error);
/* Deletes the messages that are ready in a queue. Like amqp_session_count. */
int amqp_session_purge(struct amqp_session *session, const char *queue, struct error *error);

/* ---- for amqp_connection.c ---- */

int amqp_session_open(struct amqp_session *session, const struct amqp_address *address,
                      const struct amqp_host *host, const struct amqp_settings *settings,
                      const char *purpose, struct error *error);
/* Politely unless it is broken. */
void amqp_session_close(struct amqp_session *session);
/* Reads all frames that have arrived and passes them on. */
void amqp_session_read(struct amqp_session *session, const struct amqp_events *events, void *user);

#endif
