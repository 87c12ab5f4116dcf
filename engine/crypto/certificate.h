/* Self-signed certificates (X.509, RFC 5280) and their keys, as PEM. mbedTLS'. Any thread. */
#ifndef THUMBWHEEL_CERTIFICATE_H
#define THUMBWHEEL_CERTIFICATE_H

#include <stdbool.h>
#include <time.h>

#include "bytes.h"

enum { PEM_SIZE = 8192 }; /* of a key or a certificate, at most, with the NUL */

struct certificate_plan {
    const char *subject; /* "CN=localhost,O=Example" */
    time_t end;          /* before 2050 */
    /* subjectAltName, as DER (RFC 5280, 4.2.1.6). Not empty: of a TLS server with these names, and
     * clients may trust it like an authority's. */
    struct slice server_names;
};

/* ECDSA P-256; wipe it. ERR_MEMORY. */
int certificate_key_make(char key[PEM_SIZE]);
/* Signed by this key, from yesterday on. ERR_MEMORY; ERR_INVALID: not a key in PEM format. */
int certificate_make(const struct certificate_plan *plan, const char *key, char out[PEM_SIZE]);
/* Whether it belongs to the key. *end: when it expires. False also: one of both cannot be read. */
bool certificate_is_of(const char *certificate, const char *key, time_t *end);

#endif
