#include "deadlines.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "container_of.h"

/* What expires in one turn of the loop; the rest comes in the next, so that others get theirs. */
enum { TURN_MAX = 1000 };

struct deadlines {
    uv_timer_t timer;
    struct deadline **heap; /* from 1, so that the parent of i is i / 2 */
    size_t count, capacity;
    int64_t offset_ms; /* Unix time minus the loop's time */
    int64_t armed_ms;  /* what the timer waits for; 0: nothing */
    bool stopped;
    void (*closed)(void *user);
    void *user;
};

static void place(struct deadlines *d, size_t at, struct deadline *deadline)
{
    d->heap[at] = deadline;
    deadline->place = at;
}

static void sift_up(struct deadlines *d, struct deadline *deadline)
{
    size_t at = deadline->place;
    while (at > 1 && d->heap[at / 2]->at_ms > deadline->at_ms) {
        place(d, at, d->heap[at / 2]);
        at /= 2;
    }
    place(d, at, deadline);
}

static void sift_down(struct deadlines *d, struct deadline *deadline)
{
    size_t at = deadline->place;
    for (;;) {
        size_t child = at * 2;
        if (child > d->count)
            break;
        if (child < d->count && d->heap[child + 1]->at_ms < d->heap[child]->at_ms)
            child++;
        if (d->heap[child]->at_ms >= deadline->at_ms)
            break;
        place(d, at, d->heap[child]);
        at = child;
    }
    place(d, at, deadline);
}

static void timer_fired(uv_timer_t *timer);

/* An earlier deadline re-arms the timer at once; a later one lets it fire early, which costs one
 * idle look at most. */
static void timer_arm(struct deadlines *d)
{
    if (d->stopped || d->count == 0 || (d->armed_ms != 0 && d->armed_ms <= d->heap[1]->at_ms))
        return;
    int64_t wait = d->heap[1]->at_ms - deadlines_now(d);
    d->armed_ms = d->heap[1]->at_ms;
    uv_timer_start(&d->timer, timer_fired, wait > 0 ? (uint64_t)wait : 0, 0);
}

static void timer_fired(uv_timer_t *timer)
{
    struct deadlines *d = container_of(timer, struct deadlines, timer);
    int64_t now = deadlines_now(d);
    /* Not zero, so that what the callbacks set does not arm the timer each time; it is armed once,
     * below. */
    d->armed_ms = now;
    for (int turn = 0; turn < TURN_MAX && d->count > 0 && d->heap[1]->at_ms <= now; turn++) {
        struct deadline *first = d->heap[1];
        deadline_clear(d, first);
        first->expired(first);
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
    free(d->heap);
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
    if (count < d->capacity)
        return 0;
    size_t capacity = count + count / 2 + 1;
    struct deadline **heap = realloc(d->heap, capacity * sizeof *heap);
    if (!heap)
        return ERR_MEMORY;
    d->heap = heap;
    d->capacity = capacity;
    return 0;
}

size_t deadlines_count(const struct deadlines *d)
{
    return d->count;
}

void deadline_set(struct deadlines *d, struct deadline *deadline, int64_t at_ms)
{
    deadline->at_ms = at_ms;
    if (deadline->place == 0) {
        assert(d->count + 1 < d->capacity);
        place(d, ++d->count, deadline);
    }
    sift_up(d, deadline);
    sift_down(d, deadline);
    timer_arm(d);
}

void deadline_clear(struct deadlines *d, struct deadline *deadline)
{
    size_t at = deadline->place;
    if (at == 0)
        return;
    deadline->place = 0;
    struct deadline *last = d->heap[d->count--];
    if (last == deadline)
        return;
    place(d, at, last);
    sift_up(d, last);
    sift_down(d, last);
}
