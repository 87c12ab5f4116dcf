/*
 * A certificate of our own for the served port, where the user has none: ECDSA P-256, signed by
 * itself, for localhost, *.localhost, 127.0.0.1 and ::1. Clients are given its file to trust.
 */
#ifndef THUMBWHEEL_TLS_CERTIFICATE_H
#define THUMBWHEEL_TLS_CERTIFICATE_H

#include "error.h"

#define TLS_CERTIFICATE_FILE "tls-certificate.pem"
#define TLS_KEY_FILE         "tls-key.pem" /* mode 0600 */

/* Makes both in a directory, unless they are there and good for another month. Blocking. ERR_IO,
 * ERR_MEMORY. */
int tls_certificate_ensure(const char *directory, struct error *error);

#endif
