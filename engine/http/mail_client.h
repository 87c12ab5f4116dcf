/*
 * Sends mail by SMTP, each on its own thread, because SMTP blocks and mail is rare.
 * Loop thread.
 */
#ifndef THUMBWHEEL_MAIL_CLIENT_H
#define THUMBWHEEL_MAIL_CLIENT_H

#include <uv.h>

#include "bytes.h"

struct mail {
    const char *server;    /* smtp:// or smtps://, perhaps with user and password; copied */
    const char *from, *to; /* addresses; copied */
    struct bytes text;     /* header and body, lines end with CRLF; taken, unless it fails */
    unsigned timeout_ms;   /* in all */
};

/* Once, from the loop. error: 0 when the server has taken the mail; ERR_INVALID where it refuses it
 * for good; ERR_TIMEOUT, ERR_NETWORK, ERR_MEMORY, ERR_CANCELLED. detail: a line for people, no
 * secrets. */
typedef void mail_done(int error, const char *detail, void *user);

struct mail_sending;
/* ERR_MEMORY: done will not come. */
int mail_send(uv_loop_t *loop, const struct mail *mail, mail_done *done, void *user,
              struct mail_sending **out);
/* Has it end soon; done comes still. */
void mail_cancel(struct mail_sending *sending);

#endif
