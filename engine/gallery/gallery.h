/*
 * The gallery: a web page on which people upload photos, watch them become renditions and tags,
 * search them, and look after the engine (docs/gallery.md).
 *
 * It serves the page, whose files are part of the program, and the JSON interface that the page
 * uses. Photos go straight from the browser to the store and back, by presigned URLs. Whoever calls
 * the interface has logged in, by a link with a token that is valid once or with name and password,
 * and has a signed cookie. The state is the store itself; what is kept beside it may be deleted.
 *
 * Loop thread. Strings of the options are borrowed until the gallery is closed.
 */
#ifndef THUMBWHEEL_GALLERY_H
#define THUMBWHEEL_GALLERY_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "error.h"
#include "object_store.h"
#include "pipeline.h"
#include "pipeline_check.h"
#include "queue_backend.h"

struct gallery;
struct engine;
struct engine_record;
struct engine_step;
struct tls_identity;

enum {
    GALLERY_PLACES_MAX = 32,
    GALLERY_ORIGINS_MAX = 32,
    GALLERY_PORTS_TRIED = 32, /* with next_port */
    GALLERY_PREFIX_MAX = 900, /* bytes */
};

struct gallery_place { /* where photos are */
    const char *bucket;
    const char *prefix; /* "": all of the bucket */
};

struct gallery_options {
    const char *host;           /* numeric address */
    unsigned port;              /* 0: any free port */
    bool next_port;             /* if the port is in use, one of the next, or else any */
    struct tls_identity *tls;   /* borrowed; NULL: plain HTTP */
    const char *data_dir;       /* created if it does not exist */
    const char *users;          /* the file with names and passwords; NULL: only links */
    const char *const *origins; /* further ones under which browsers reach it */
    size_t origin_count;
    /* Where photos are. None: what the pipelines' match names; a pipeline that accepts any bucket
     * then means default_bucket (NULL: such pipelines are left out). */
    const struct gallery_place *places;
    size_t place_count;
    const char *default_bucket;
    struct object_store *store;
    struct queue_backend *queues;
    const struct pipeline_ops *pipeline_ops;
    struct pipeline *const *pipelines; /* the gallery takes a reference to each */
    size_t pipeline_count;
    struct pipeline_rules rules;   /* for pipeline files that are tried and saved */
    struct pipeline_limits limits; /* of photos */
    /* A pipeline file was saved; NULL: nobody reads it again. */
    void (*reload)(void *user);
    void *user;
    struct engine *const *engine; /* *engine NULL: none runs in this process (now) */
};

/* Reads its files (blocking) and listens. ERR_BUSY: the port is in use. */
int gallery_open(uv_loop_t *loop, const struct gallery_options *options, struct gallery **out,
                 struct error *error);
unsigned gallery_port(const struct gallery *gallery);
/* Where it looks for photos, and how many places that are. Borrowed until the next gallery_reload. */
size_t gallery_places(const struct gallery *gallery, struct gallery_place out[GALLERY_PLACES_MAX]);

/* A link with a token that logs in once, until it was used or the gallery is closed; to be freed by
 * the caller. It is a secret. NULL: out of memory, or no random bytes. */
char *gallery_link(struct gallery *gallery);

/* The pipelines were loaded again. The gallery takes a reference to each. ERR_MEMORY: the old ones
 * remain. */
int gallery_reload(struct gallery *gallery, struct pipeline *const *pipelines, size_t count);

/* What happens in the engine; for an engine_observer. */
void gallery_record_finished(struct gallery *gallery, const struct engine_record *record);
void gallery_step_entered(struct gallery *gallery, const struct engine_step *step);

/* Appends the metrics in Prometheus' format: zeros if gallery is NULL. */
void gallery_write_metrics(const struct gallery *gallery, struct buffer *out);

/* Refuses new requests and ends the streams, waits at most grace_ms for pending requests, then
 * closes everything. closed is called from the loop when the memory is freed. */
void gallery_close(struct gallery *gallery, unsigned grace_ms, void (*closed)(void *user),
                   void *user);

#endif
