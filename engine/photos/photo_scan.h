/*
 * The scan: lists the places of photos and of their outputs, page after page, and tells the index
 * what is there.
 *
 * One listing is pending at a time, with a pause after each page. A scan that the end of the process
 * interrupted goes on where it was. What a whole scan has not found is removed from the index; if a
 * listing is refused, nothing of that kind is removed. When a page cannot be listed or stored for a
 * passing reason, it is tried again. A scan follows another one after a while, sooner when somebody
 * watches. Loop thread.
 */
#ifndef THUMBWHEEL_PHOTO_SCAN_H
#define THUMBWHEEL_PHOTO_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "log.h"
#include "object_store.h"
#include "photo_index.h"

struct photo_scan_options {
    uv_loop_t *loop;
    struct object_store *store;
    struct photo_index *index;
    /* A photo is new, was replaced or has another output; recent: it may still get others. */
    void (*changed)(const char *bucket, const char *key, bool recent, void *user);
    void (*gone)(const char *bucket, const char *key, void *user);
    void (*progressed)(void *user); /* a page, or the end of the scan, is in the index */
    bool (*watched)(void *user);    /* whether somebody looks at the photos */
    bool (*informed)(void *user);   /* whether an engine of this process tells of new photos */
    void *user;
};

enum scan_phase { SCAN_RESTING, SCAN_BEGINNING, SCAN_LISTING, SCAN_STORING, SCAN_SWEEPING };

struct photo_scan {
    struct photo_scan_options options;
    uv_timer_t timer;
    enum scan_phase phase;
    unsigned serial; /* of the scan: what belongs to an earlier one is ignored */
    struct object_request *request;
    size_t stage;
    char *after; /* key of the last entry; NULL: none yet */
    bool resumed;
    bool partial[2]; /* listings were refused: of photos, of outputs */
    bool completed;  /* a scan of this process has reached its end since the index was empty */
    unsigned failures;
    uint64_t listed, pages; /* entries and pages of this scan */
    uint64_t ended_ms;      /* uv_now */
    struct log_gate gate;
};

void photo_scan_init(struct photo_scan *scan, const struct photo_scan_options *options);
/* Begins a scan; one that is under way begins anew. */
void photo_scan_start(struct photo_scan *scan);
/* Begins a scan soon if the last one has ended a while ago. */
void photo_scan_hurry(struct photo_scan *scan);
/* No callback is called any more. The caller closes the timer, and waits until the index is closed
 * before it frees the memory. */
void photo_scan_end(struct photo_scan *scan);

#endif
