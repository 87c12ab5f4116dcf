/*
 * Sends mail by SMTP, each on its own thread, because SMTP blocks and mail is rare.
 * Loop thread.
 */
#ifndef THUMBWHEEL_MAIL_CLIENT_H
#define THUMBWHEEL_MAIL_CLIENT_H

#include <uv.h>

#include "bytes.h"

struct mail {
    const char *server;    /* smtp:// or smtps://, optionally with user and password; copied */
    const char *from, *to; /* addresses; copied */
    struct bytes text;     /* header and body, lines end with CRLF; ownership is taken on success */
    unsigned timeout_ms;   /* in all */
};

/* Called once, from the loop. error: 0 if the server accepted the mail; ERR_INVALID if it rejected
 * it permanently; ERR_TIMEOUT, ERR_NETWORK, ERR_MEMORY, ERR_CANCELLED. detail: one line for
 * messages, no secrets. */
typedef void mail_done(int code, const char *detail, void *user);

struct mail_sending;
/* ERR_MEMORY: done will not be called. */
int mail_send(uv_loop_t *loop, const struct mail *mail, mail_done *done, void *user,
              struct mail_sending **out);
/* Cancels the mail; done is still called. */
void mail_cancel(struct mail_sending *sending);

#endif
