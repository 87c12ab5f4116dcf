/* The settings that the gate and the gallery have in common: places, origins, and the TLS of a served
 * port. flag is the name of the setting, for errors. Main thread, at start. */
#ifndef THUMBWHEEL_SERVICE_PORT_H
#define THUMBWHEEL_SERVICE_PORT_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "object_address.h"
#include "text_list.h"
#include "tls.h"

/* Splits at commas. text NULL: an empty list. */
int port_list_split(const char *flag, const char *text, struct text_list *out, struct error *error);
/* s3://BUCKET/PREFIX/ with at most prefix_max bytes; on success the caller frees *out. A prefix ends
 * with a slash, so that "web/" does not open "website/". */
int port_place_read(const char *flag, const char *text, size_t prefix_max,
                    struct object_address *out, struct error *error);

struct port_origins {
    const char *flag, *text; /* text NULL: none */
    size_t most;
    bool any; /* "*" is allowed */
};
int port_origins_read(const struct port_origins *what, struct text_list *out, struct error *error);

struct port_identity {
    const char *certificate_flag, *certificate, *key_flag, *key; /* files; NULL: not set */
};
/* *out is not changed without a certificate: plain HTTP. */
int port_identity_open(const struct port_identity *what, struct tls_identity **out,
                       struct error *error);

#endif
