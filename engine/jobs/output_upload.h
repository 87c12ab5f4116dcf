/*
 * One output on its way to the store, so that an older event's never replaces a newer one's.
 *
 * Within one engine event_order.h decides who writes. Another engine may store a newer output
 * between that decision and the arrival of ours, so a write states what it expects to replace:
 *
 *     PUT If-None-Match: * ──► stored
 *        │ 412, 409: there is one (by now)
 *        ▼
 *     HEAD ──► of a newer event: superseded, nothing is written
 *        │ older, the same, or not comparable
 *        ▼
 *     PUT If-Match: its ETag ──► stored
 *        │ 412, 409: again from HEAD, at most TRIES_MAX times; then ERR_CONFLICT
 *
 * A first output costs one request, as without conditions. Events without a sequencer cannot be
 * ordered and are written unconditionally. A store that refuses conditions (NotImplemented), or
 * whose outputs may not be read (HEAD is denied), gets unconditional writes; one that ignores the
 * headers decides by itself. With these two engines that work on one key in the same moment are not
 * ordered. ("Conditional requests", S3 User Guide.) Loop thread.
 */
#ifndef THUMBWHEEL_OUTPUT_UPLOAD_H
#define THUMBWHEEL_OUTPUT_UPLOAD_H

#include "envelope.h"
#include "object_store.h"

struct output_upload { /* zero-initialised */
    struct object_store *store;
    struct object_put put;                /* borrowed until done or the cancel */
    const struct envelope_record *record; /* of the event; borrowed */
    const char *pipeline, *source_etag;   /* for the marks; borrowed, source_etag may be NULL */
    /* Once, from a fresh loop callback, unless it was cancelled or the start failed. */
    void (*done)(struct output_upload *upload, const struct error *error);
    bool superseded; /* a newer event's output is there: ours was not written */

    struct object_request *request; /* private, as what follows; NULL: nothing is under way */
    char *replaces;                 /* the ETag to replace; NULL: expects none */
    bool unconditional;
    unsigned tries;
};

/* ERR_MEMORY, ERR_INVALID: done will not come. */
int output_upload_start(struct output_upload *upload);
/* Ends what is under way and frees; also after done. */
void output_upload_end(struct output_upload *upload);

#endif
