/*
 * GET /api/events: what pages follow, as a stream of server-sent events or by polling.
 *
 * A stream has one piece on its way at a time, of at most EVENTS_PIECE_MAX bytes, so that a page that
 * reads slowly costs no memory: it reads on from the hub, or is told to start anew. The stream begins
 * with the event "hello"; where a proxy holds it back, the page polls. Loop thread.
 */
#ifndef THUMBWHEEL_GALLERY_EVENTS_H
#define THUMBWHEEL_GALLERY_EVENTS_H

#include <uv.h>

#include "event_hub.h"
#include "gallery_private.h"

enum {
    EVENTS_READERS_MAX = 64,        /* streams and waiting polls */
    EVENTS_PIECE_MAX = 64 * 1024,   /* bytes, unless one event is larger */
    EVENTS_POLL_MAX = 500,          /* events of a response to a poll */
    EVENTS_POLL_MS = 20000,         /* the longest wait of a poll */
    EVENTS_COMMENT_MS = 15000,      /* between signs of life */
    EVENTS_EVENT_MAX = 1024 * 1024, /* bytes of JSON */
};

struct gallery_events {
    struct gallery *gallery;
    struct event_hub hub;
    struct list readers; /* struct events_reader */
    uv_timer_t turn;     /* zero delay: readers go on */
    uv_timer_t beat;     /* every second while there are readers */
    unsigned open;       /* handles */
    bool draining;
};

/* For gallery_parts.c. */
int gallery_events_open(struct gallery *gallery, struct error *error);
void gallery_events_drain(struct gallery *gallery);
void gallery_events_close(struct gallery *gallery);

#endif
