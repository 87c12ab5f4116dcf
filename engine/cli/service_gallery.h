/* The gallery of a service, by itself or beside the engine, as the settings say. Loop thread. */
#ifndef THUMBWHEEL_SERVICE_GALLERY_H
#define THUMBWHEEL_SERVICE_GALLERY_H

#include <stdbool.h>

#include "error.h"

struct service;
struct service_gallery;

struct service_gallery_plan {
    const char *flag;           /* the setting that has the address, for errors */
    const char *address;        /* ADDRESS:PORT */
    bool next_port;             /* if the port is in use, one of the next */
    const char *data_dir;       /* unless --gallery-data is given; NULL: the standard one */
    const char *default_bucket; /* of pipelines that accept any; NULL: --photos must say it */
    bool creates_buckets;       /* people can create a missing bucket while it serves */
};

/* Listens, and looks for the buckets, so that a mistake in their names is reported at start.
 * ERR_CANCELLED: interrupted. *out must be closed, whatever this returns. */
int service_gallery_open(struct service *service, const struct service_gallery_plan *plan,
                         struct service_gallery **out, struct error *error);
/* The address to open in a browser, with a token that logs in once; NULL: people log in with name
 * and password, or memory is short. Borrowed. */
const char *service_gallery_link(const struct service_gallery *gallery);
/* The address without a token. */
const char *service_gallery_address(const struct service_gallery *gallery);
/* Refuses new requests from now on, and closes after grace_ms or when none is pending. */
void service_gallery_drain(struct service_gallery *gallery, unsigned grace_ms);
/* Waits until it has drained; without service_gallery_drain before, it closes at once. Call it before
 * service_close. Both do nothing with NULL. */
void service_gallery_close(struct service_gallery *gallery);

#endif
