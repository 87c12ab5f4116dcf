/*
 * TLS 1.2 of a served port (mbedTLS), without any I/O: ciphertext goes in and out as bytes.
 *
 * A session is fed what the peer sent and gives what it means; what is to go to the peer is
 * appended to its `outgoing` buffer, which the owner empties. A handshake costs the peer's messages
 * one step each. No renegotiation, no session tickets, no client certificates. Loop thread.
 */
#ifndef THUMBWHEEL_TLS_H
#define THUMBWHEEL_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "error.h"

struct tls_identity; /* certificate, key and settings that sessions share */
struct tls_session;

/* Reads both PEM files; blocking. The certificate's may go on with intermediate ones. ERR_INVALID:
 * they cannot be read as such, or are not of each other; the text says which. */
int tls_identity_open(const char *certificate, const char *key, struct tls_identity **out,
                      struct error *error);
void tls_identity_close(struct tls_identity *identity); /* after its sessions; NULL: nothing */

int tls_session_open(struct tls_identity *identity, struct tls_session **out); /* ERR_MEMORY */
void tls_session_close(struct tls_session *session);                           /* NULL: nothing */

enum tls_progress {
    TLS_DATA,  /* *out has been filled */
    TLS_MORE,  /* all of *in is used up, and more is needed */
    TLS_END,   /* the peer has said its last */
    TLS_FAILED /* not TLS, or not as it should be; an alert may be outgoing */
};
/* Takes ciphertext from the front of *in, until there is plaintext or a reason to stop. */
enum tls_progress tls_session_read(struct tls_session *session, struct slice *in, char *out,
                                   size_t room, size_t *size);
bool tls_session_ready(const struct tls_session *session); /* the handshake is over */

/* Once it is ready. ERR_MEMORY, ERR_PROTOCOL. */
int tls_session_write(struct tls_session *session, struct slice plain);
void tls_session_finish(struct tls_session *session); /* says that nothing follows */

/* Takes the bytes to send, possibly none; ownership goes to the caller. */
struct bytes tls_session_take(struct tls_session *session);

#endif
