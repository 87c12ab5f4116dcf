/*
 * Deadlines: a heap of them (time_heap.h) over one uv_timer, which is set to the earliest. With
 * none, or only distant ones, the loop does not wake up.
 *
 * Time is in Unix milliseconds, read once when the heap is created and advanced by the loop's
 * monotonic clock, so that a step of the system clock neither delays messages nor makes them
 * visible early. Loop thread.
 */
#ifndef THUMBWHEEL_DEADLINES_H
#define THUMBWHEEL_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "error.h"
#include "time_heap.h"

struct deadlines;

struct deadline { /* embed it; zeroed: not set */
    struct time_entry entry;
    void (*expired)(struct deadline *deadline);
};

int deadlines_create(uv_loop_t *loop, struct deadlines **out, struct error *error);
/* Nothing expires any more; setting and clearing still work. */
void deadlines_stop(struct deadlines *deadlines);
/* closed (may be NULL) is called from the loop. */
void deadlines_close(struct deadlines *deadlines, void (*closed)(void *user), void *user);

static inline bool deadline_is_set(const struct deadline *deadline)
{
    return deadline->entry.place != 0;
}

int64_t deadlines_now(const struct deadlines *deadlines);
/* Reserves room for `count` deadlines in all, so that deadline_set cannot fail for that many.
 * ERR_MEMORY. */
int deadlines_reserve(struct deadlines *deadlines, size_t count);
size_t deadlines_count(const struct deadlines *deadlines);
/* Sets or moves a deadline. There must be room for it: see deadlines_reserve. */
void deadline_set(struct deadlines *deadlines, struct deadline *deadline, int64_t at_ms);
void deadline_clear(struct deadlines *deadlines, struct deadline *deadline);

#endif
