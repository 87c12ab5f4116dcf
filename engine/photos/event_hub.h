/*
 * The events that pages follow: numbered, kept for a while, read by any number of readers.
 *
 * An event's id is "EPOCH.N": N counts from 1, and the epoch is a random number of the process, so
 * that an id of another process is recognised. A reader has a position and reads on from it whenever
 * it has room; nothing is copied for it. Who falls behind what is kept, or comes with an id of
 * another process or of an event that is not kept any more, is told to start anew: it then reads only
 * what follows, and must load again what it shows. So a reader misses nothing and sees nothing twice,
 * or knows that it has missed something.
 *
 * Loop thread. `wake` is called inside event_hub_publish; the reader should read later, once for
 * many events.
 */
#ifndef THUMBWHEEL_EVENT_HUB_H
#define THUMBWHEEL_EVENT_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "list.h"

enum {
    EVENT_HUB_KEPT = 4096,             /* events */
    EVENT_HUB_BYTES = 8 * 1024 * 1024, /* of their data */
    EVENT_ID_SIZE = 40,                /* with the NUL */
};

struct hub_event {
    uint64_t number;
    const char *type;  /* static */
    struct slice data; /* JSON on one line */
};

struct event_hub {
    uint64_t epoch;
    uint64_t last;   /* number of the newest event; 0: none yet */
    uint64_t oldest; /* number of the oldest one that is kept; last + 1: none is */
    size_t bytes;    /* of what is kept */
    struct hub_slot {
        const char *type;
        struct bytes data;
    } slots[EVENT_HUB_KEPT]; /* of event n: n % EVENT_HUB_KEPT */
    struct list readers;
    size_t reader_count;
    uint64_t joins; /* readers that have ever joined */
};

struct hub_reader { /* embed it */
    struct list link;
    uint64_t next; /* number of the next event to read */
    bool reset;    /* to be told first that it has missed something */
    void (*wake)(struct hub_reader *reader);
};

/* epoch: a random number. */
void event_hub_init(struct event_hub *hub, uint64_t epoch);
void event_hub_clear(struct event_hub *hub); /* no reader is left */

/* Takes data. If it is empty (there was not enough memory to make it), every reader is told to start
 * anew. */
void event_hub_publish(struct event_hub *hub, const char *type, struct bytes *data);
/* Tells every reader to start anew. */
void event_hub_reset(struct event_hub *hub);

/* Joins behind the event with this id. NULL or "": behind the newest, without a reset. */
void event_hub_join(struct event_hub *hub, struct hub_reader *reader, const char *last_id);
void event_hub_leave(struct event_hub *hub, struct hub_reader *reader); /* twice is harmless */
/* Whether there is something to read: a reset counts. */
bool event_hub_has(const struct event_hub *hub, const struct hub_reader *reader);
/* Takes the next event, borrowed until the next publish; false: there is none. A reset is an event of
 * type "reset" with the number of the newest event. */
bool event_hub_next(struct event_hub *hub, struct hub_reader *reader, struct hub_event *out);

/* The id of an event with this number; event_hub_next's number, or hub->last. */
void event_hub_id(const struct event_hub *hub, uint64_t number, char out[EVENT_ID_SIZE]);

/* The event in the format of server-sent events (WHATWG HTML, section 9.2.5). */
int event_hub_write(const struct event_hub *hub, const struct hub_event *event, struct buffer *out);

#endif
