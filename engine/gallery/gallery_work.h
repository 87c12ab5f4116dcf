/*
 * Work on a thread of libuv's pool for a request. A part of the gallery: its end waits for all work.
 * Loop thread.
 */
#ifndef THUMBWHEEL_GALLERY_WORK_H
#define THUMBWHEEL_GALLERY_WORK_H

#include "gallery_private.h"

int gallery_work_open(struct gallery *gallery, struct error *error);
void gallery_work_close(struct gallery *gallery);

struct gallery_work { /* embedded by its owner */
    uv_work_t work;
    struct gallery *gallery;
    struct gallery_call *call;              /* NULL: the request has ended */
    void (*run)(struct gallery_work *work); /* on the pool: touches only the owner's structure */
    void (*done)(
        struct gallery_work *work); /* on the loop: responds if there is a call, and frees */
};

/* Takes the call's `ended` until done is called. */
void gallery_work_start(struct gallery_work *work, struct gallery_call *call);

#endif
