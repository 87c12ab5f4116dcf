/* Functions for leases that the lease keeper and the delete batcher share. */
#include <stdlib.h>

#include "jitter.h"
#include "lease_private.h"

enum {
    RETRY_BASE_MS = 200,
    RETRY_CAP_MS = 10000,
};

struct lease_call *lease_call_new(struct lease_home *home)
{
    struct lease_call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    call->home = home;
    call->sent_ms = uv_now(home->keeper->loop);
    call->sent_ns = uv_hrtime();
    list_push(&home->calls, &call->link);
    return call;
}

void lease_call_free(struct lease_call *call)
{
    list_remove(&call->link);
    free(call);
}

uint64_t lease_retry_delay(unsigned attempts)
{
    return jitter_full(RETRY_BASE_MS, RETRY_CAP_MS, attempts);
}

uint64_t lease_now(const struct lease *lease)
{
    return uv_now(lease->home->keeper->loop);
}

void lease_beat_clear(struct lease *lease)
{
    time_heap_clear(&lease->home->keeper->beats, &lease->beat);
}

struct lease *lease_first(const struct lease_keeper *keeper)
{
    struct time_entry *first = time_heap_first(&keeper->beats);
    return first ? container_of(first, struct lease, beat) : NULL;
}

uint64_t lease_beat_ms(const struct lease *lease)
{
    return (uint64_t)lease->beat.at_ms;
}

void lease_change_unqueue(struct lease *lease)
{
    if (!lease->queued)
        return;
    list_remove(&lease->change);
    lease->queued = false;
    lease->home->change_count--;
}

void lease_change_queue(struct lease *lease)
{
    struct lease_home *home = lease->home;
    if (lease->queued)
        return;
    list_push(&home->changes, &lease->change);
    lease->queued = true;
    home->change_count++;
    uint64_t due = home->change_count >= QUEUE_BATCH_MAX ? lease_now(lease)
                                                         : lease_now(lease) + LEASE_GATHER_MS;
    if (home->change_count == 1 || due < home->change_due_ms)
        home->change_due_ms = due;
}

void lease_destroy(struct lease *lease)
{
    lease_change_unqueue(lease);
    lease_beat_clear(lease);
    list_remove(&lease->all);
    lease->home->count--;
    struct lease_keeper *keeper = lease->home->keeper;
    if (lease->gone)
        lease->gone(lease->gone_user, lease->deleted);
    free(lease->receipt);
    free(lease);
    keeper->ended(keeper->user);
}

void lease_beat_again(struct lease *lease)
{
    if (!lease->beat.place)
        time_heap_set(&lease->home->keeper->beats, &lease->beat, lease->beat.at_ms);
}

static uint64_t home_due(const struct lease_home *home)
{
    uint64_t due = home->deletes.due_ms;
    if (home->change_count && home->change_due_ms < due)
        due = home->change_due_ms;
    return due;
}

void lease_keeper_arm(struct lease_keeper *keeper)
{
    const struct lease *first = lease_first(keeper);
    uint64_t due = first ? lease_beat_ms(first) : UINT64_MAX;
    for (struct list *l = keeper->homes.next; l != &keeper->homes; l = l->next) {
        uint64_t home = home_due(container_of(l, struct lease_home, link));
        if (home < due)
            due = home;
    }
    if (due == UINT64_MAX) {
        uv_timer_stop(&keeper->timer);
        return;
    }
    uint64_t now_ms = uv_now(keeper->loop);
    uv_timer_start(&keeper->timer, keeper->on_turn, due > now_ms ? due - now_ms : 0, 0);
}
