#include "deadlines.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "container_of.h"

/* At most this many expire in one turn of the loop, so that other handles get their turn. */
enum { TURN_MAX = 1000 };

struct deadlines {
    uv_timer_t timer;
    struct time_heap heap;
    int64_t offset_ms; /* Unix time minus the loop's time */
    int64_t armed_ms;  /* the time that the timer is set to; 0: not set */
    bool stopped;
    void (*closed)(void *user);
    void *user;
};

static void timer_fired(uv_timer_t *timer);

/* An earlier deadline re-arms the timer at once; a later one lets it fire early, which costs at
 * most one idle wake-up. */
static void timer_arm(struct deadlines *d)
{
    const struct time_entry *first = time_heap_first(&d->heap);
    if (d->stopped || !first || (d->armed_ms != 0 && d->armed_ms <= first->at_ms))
        return;
    int64_t wait = first->at_ms - deadlines_now(d);
    d->armed_ms = first->at_ms;
    uv_timer_start(&d->timer, timer_fired, wait > 0 ? (uint64_t)wait : 0, 0);
}

static void timer_fired(uv_timer_t *timer)
{
    struct deadlines *d = container_of(timer, struct deadlines, timer);
    int64_t now = deadlines_now(d);
    struct time_entry *first;
    /* Not zero, so that deadlines set by the callbacks do not re-arm the timer each time; it is
     * armed once, below. */
    d->armed_ms = now;
    for (int turn = 0;
         turn < TURN_MAX && (first = time_heap_first(&d->heap)) && first->at_ms <= now; turn++) {
        struct deadline *due = container_of(first, struct deadline, entry);
        deadline_clear(d, due);
        due->expired(due);
    }
    d->armed_ms = 0;
    timer_arm(d);
}

int deadlines_create(uv_loop_t *loop, struct deadlines **out, struct error *error)
{
    struct deadlines *d = calloc(1, sizeof *d);
    if (!d || deadlines_reserve(d, 256)) {
        free(d);
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    uv_timer_init(loop, &d->timer);
    uv_update_time(loop);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    d->offset_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - (int64_t)uv_now(loop);
    *out = d;
    return 0;
}

static void timer_closed(uv_handle_t *handle)
{
    struct deadlines *d = container_of((uv_timer_t *)handle, struct deadlines, timer);
    void (*closed)(void *user) = d->closed;
    void *user = d->user;
    time_heap_free(&d->heap);
    free(d);
    if (closed)
        closed(user);
}

void deadlines_stop(struct deadlines *d)
{
    d->stopped = true;
    uv_timer_stop(&d->timer);
}

void deadlines_close(struct deadlines *d, void (*closed)(void *user), void *user)
{
    d->closed = closed;
    d->user = user;
    uv_close((uv_handle_t *)&d->timer, timer_closed);
}

int64_t deadlines_now(const struct deadlines *d)
{
    return d->offset_ms + (int64_t)uv_now(d->timer.loop);
}

int deadlines_reserve(struct deadlines *d, size_t count)
{
    return time_heap_reserve(&d->heap, count);
}

size_t deadlines_count(const struct deadlines *d)
{
    return d->heap.count;
}

void deadline_set(struct deadlines *d, struct deadline *deadline, int64_t at_ms)
{
    time_heap_set(&d->heap, &deadline->entry, at_ms);
    timer_arm(d);
}

void deadline_clear(struct deadlines *d, struct deadline *deadline)
{
    time_heap_clear(&d->heap, &deadline->entry);
}
