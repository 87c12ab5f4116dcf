/*
 * The child's own limits are in decoder_sandbox.c. The parent enforces two more: every LOOK_MS it
 * checks the elapsed time and the memory that the child uses, and ends the wait with an error if it
 * exceeds a limit; the owner then kills the child. So a decoder that uses too much memory is
 * distinguished from one that crashes, and one that hangs is noticed too.
 */
#include "decoder_private.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "decoder_threads.h"

enum { LOOK_MS = 20 };

uint64_t decoder_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool all_cancelled(struct render_item *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!items[i]->cancelled || !atomic_load(items[i]->cancelled))
            return false;
    }
    return count > 0;
}

int decoder_wait(struct decoder *d, unsigned timeout_ms, struct render_item *const *items,
                 size_t count, struct error *error)
{
    struct pollfd ends[] = {{.fd = d->ends.socket, .events = POLLIN},
                            {.fd = d->threads, .events = POLLIN}};
    uint64_t due = decoder_now_ms() + timeout_ms;
    for (;;) {
        if (poll(ends, 2, LOOK_MS) < 0)
            ends[0].revents = ends[1].revents = 0;
        if (ends[0].revents)
            return 0;
        struct decoder_usage usage = decoder_usage(d);
        if (usage.all > d->limits.memory)
            return decoder_fail_memory(d, error);
        if (usage.threads > 2 * DECODER_THREADS_MAX)
            return decoder_fail_threads(error);
        if (ends[1].revents & POLLIN)
            decoder_threads_decide(d->threads, usage.threads);
        if (all_cancelled(items, count))
            return error_set(error, ERR_CANCELLED, "cancelled");
        if (decoder_now_ms() >= due)
            return decoder_fail_timeout(d, error);
    }
}

int decoder_receive(struct decoder *d, void *out, size_t size, struct error *error)
{
    ssize_t got = recv(d->ends.socket, out, size, MSG_DONTWAIT | MSG_TRUNC);
    if (got == 0 || (got < 0 && errno == ECONNRESET))
        return decoder_fail_dead(d, error);
    return got == (ssize_t)size ? 0 : decoder_fail_invalid(error);
}
