/* Reading the profile again, on a thread of libuv's pool. Loop thread. */
#ifndef THUMBWHEEL_AWS_PLAN_READING_H
#define THUMBWHEEL_AWS_PLAN_READING_H

#include <stdbool.h>
#include <uv.h>

#include "credential_plan.h"
#include "error.h"

struct plan_reading {
    uv_work_t work;
    char *profile;
    void (*done)(struct plan_reading *reading, void *user); /* NULL: cancelled */
    void *user;
    /* the worker's, then the loop's */
    struct credential_plan plan; /* the callback may take it and leave zeros */
    struct error error;
    int code;
    bool settled; /* the files were not changed within the last second */
};

/* profile may be NULL. done is called once, from a fresh loop callback; the reading is freed after
 * it. NULL: memory is short. */
struct plan_reading *plan_reading_start(uv_loop_t *loop, const char *profile,
                                        void (*done)(struct plan_reading *reading, void *user),
                                        void *user);
/* done is not called any more. NULL does nothing. */
void plan_reading_cancel(struct plan_reading *reading);

#endif
