/*
 * Uploads one output so that an older event never replaces the output of a newer one.
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
 * A first output costs one request, as without conditions. Outputs of events without a sequencer
 * cannot be ordered and are written unconditionally. The same applies to a store that refuses
 * conditions (NotImplemented) or does not allow reading outputs (HEAD is denied); a store may also
 * ignore the headers. In these cases, two engines that process the same key at the same time are
 * not ordered. ("Conditional requests", S3 User Guide.) Loop thread.
 */
#ifndef THUMBWHEEL_OUTPUT_UPLOAD_H
#define THUMBWHEEL_OUTPUT_UPLOAD_H

#include "envelope.h"
#include "object_store.h"
#include "output_mark.h"

struct output_upload { /* zero-initialised */
    struct object_store *store;
    struct object_put put;                /* borrowed until done or the cancel */
    const struct envelope_record *record; /* sequencer of the event; borrowed */
    const char *pipeline, *source_etag;   /* for the marks; borrowed, source_etag may be NULL */
    struct output_sizes sizes;            /* for the marks */
    /* Called once, from a new loop callback, unless it was cancelled or the start failed. */
    void (*done)(struct output_upload *upload, const struct error *error);
    bool superseded; /* the output of a newer event exists; ours was not written */

    struct object_request *request; /* private, like the following; NULL: nothing is pending */
    char *replaces;                 /* the ETag to replace; NULL: expects none */
    bool unconditional;
    unsigned tries;
    uint64_t began_ns; /* uv_hrtime of the start */
};

/* ERR_MEMORY, ERR_INVALID: done will not be called. */
int output_upload_start(struct output_upload *upload);
/* Cancels pending requests and frees; may also be called after done. */
void output_upload_end(struct output_upload *upload);

#endif
