/*
 * A self-signed certificate for the served port if the user has none: ECDSA P-256, for localhost,
 * *.localhost, 127.0.0.1 and ::1. Clients must trust its file.
 */
#ifndef THUMBWHEEL_TLS_CERTIFICATE_H
#define THUMBWHEEL_TLS_CERTIFICATE_H

#include "error.h"

#define TLS_CERTIFICATE_FILE "tls-certificate.pem"
#define TLS_KEY_FILE         "tls-key.pem" /* mode 0600 */

/* Creates both files in a directory, unless they exist and are valid for another month. Blocking.
 * ERR_IO, ERR_MEMORY. */
int tls_certificate_ensure(const char *directory, struct error *error);

#endif
