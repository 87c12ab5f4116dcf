/*
 * TLS 1.2 of a served port (mbedTLS), without any I/O: ciphertext goes in and out as bytes.
 *
 * A session takes the peer's ciphertext and returns plaintext; bytes for the peer are appended to
 * its `outgoing` buffer, which the owner sends. Each handshake message of the peer takes one step.
 * No renegotiation, no session tickets, no client certificates. Loop thread.
 */
#ifndef THUMBWHEEL_TLS_H
#define THUMBWHEEL_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "error.h"

struct tls_identity; /* certificate, key and settings that sessions share */
struct tls_session;

/* Reads both PEM files; blocking. The certificate file may also contain intermediate certificates.
 * ERR_INVALID: a file cannot be parsed, or the key does not match the certificate; the text says
 * which. */
int tls_identity_open(const char *certificate, const char *key, struct tls_identity **out,
                      struct error *error);
void tls_identity_close(struct tls_identity *identity); /* free all sessions first; NULL: does
                                                         * nothing */

int tls_session_open(struct tls_identity *identity, struct tls_session **out); /* ERR_MEMORY */
void tls_session_close(struct tls_session *session);                           /* NULL: does
                                                                                * nothing */

enum tls_progress {
    TLS_DATA,  /* *out has been filled */
    TLS_MORE,  /* all of *in was read, and more is needed */
    TLS_END,   /* the peer has closed the session */
    TLS_FAILED /* not TLS, or invalid; an alert may be in outgoing */
};
/* Reads ciphertext from *in until there is plaintext or a reason to stop. */
enum tls_progress tls_session_read(struct tls_session *session, struct slice *in, char *out,
                                   size_t room, size_t *size);
bool tls_session_ready(const struct tls_session *session); /* the handshake is complete */

/* Encrypts; only after the handshake. ERR_MEMORY, ERR_PROTOCOL. */
int tls_session_write(struct tls_session *session, struct slice plain);
void tls_session_finish(struct tls_session *session); /* sends close_notify */

/* Takes the bytes to send, possibly none; ownership goes to the caller. */
struct bytes tls_session_take(struct tls_session *session);

#endif
