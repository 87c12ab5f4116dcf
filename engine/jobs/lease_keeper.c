#include "lease_keeper.h"

#include <stdlib.h>

#include "lease_private.h"
#include "log.h"

enum {
    /* retry interval after a failed extension; shorter if little time is left */
    RETRY_BEAT_MS = 1000,
    RETRY_BEAT_LEAST_MS = 100,
    RIDE_MS = 500,         /* heartbeats within this interval share a call */
    LIFE_MARGIN_MS = 5000, /* the service's timer started before ours */
};

/* ---- heartbeats and releases ---- */

static void beat_at(struct lease *lease, uint64_t when_ms)
{
    lease_beat_clear(lease);
    time_heap_set(&lease->home->keeper->beats, &lease->beat, (int64_t)when_ms);
}

/* At half of the visibility timeout, and at least one second before its end. */
static void schedule_beat(struct lease *lease, uint64_t from_ms, unsigned visibility_s)
{
    uint64_t whole_ms = (uint64_t)visibility_s * 1000, delay = whole_ms / 2;
    if (whole_ms > 1000 + LEASE_GATHER_MS && delay > whole_ms - 1000 - LEASE_GATHER_MS)
        delay = whole_ms - 1000 - LEASE_GATHER_MS;
    lease->deadline_ms = from_ms + whole_ms;
    beat_at(lease, from_ms + delay);
}

static void lose(struct lease *lease, const char *why)
{
    struct lease_home *home = lease->home;
    home->keeper->stats.lost++;
    log_warn("lease lost: the message may be delivered again", LOG_TEXT("queue", home->name),
             LOG_TEXT("reason", why));
    lease_beat_clear(lease);
    if (lease->wish == LEASE_KEEP)
        lease->lost(lease->user); /* leads to lease_forget, now or when the work has stopped */
}

/* SQS limits a message to 12 hours from its receive, however often the visibility was changed, and
 * refuses a later end (ChangeMessageVisibility, SQS API Reference). */
static uint64_t life_left(const struct lease *lease, uint64_t now_ms)
{
    uint64_t end_ms = lease->received_ms + (uint64_t)QUEUE_VISIBILITY_MAX_S * 1000 - LIFE_MARGIN_MS;
    return end_ms > now_ms ? end_ms - now_ms : 0;
}

static unsigned within_life(const struct lease *lease, uint64_t now_ms, unsigned seconds)
{
    uint64_t left_s = life_left(lease, now_ms) / 1000;
    return left_s < seconds ? (unsigned)left_s : seconds;
}

/* No further extension is possible: the work must finish by the deadline. */
static void beat_last(struct lease *lease, uint64_t now_ms)
{
    if (now_ms >= lease->deadline_ms) {
        lose(lease, "SQS's limit of 12 hours for a message is reached");
        return;
    }
    lease->final = true;
    log_warn("message is near SQS's limit of 12 hours: its visibility is no longer extended",
             LOG_TEXT("queue", lease->home->name),
             LOG_INT("seconds_left", (lease->deadline_ms - now_ms) / 1000));
    beat_at(lease, lease->deadline_ms);
}

static void beat(struct lease *lease, uint64_t now_ms)
{
    lease_beat_clear(lease);
    if (lease->changing || lease->deletion.in_flight)
        return; /* the pending response schedules the next one */
    lease->ask_s = within_life(lease, now_ms, lease->visibility_s);
    if (lease->wish == LEASE_RELEASE || now_ms + (uint64_t)lease->ask_s * 1000 > lease->deadline_ms)
        lease_change_queue(lease);
    else if (lease->wish == LEASE_KEEP)
        beat_last(lease, now_ms);
}

static void retry_change(struct lease *lease, uint64_t now_ms)
{
    if (now_ms >= lease->deadline_ms) {
        if (lease->wish == LEASE_RELEASE)
            lease_destroy(lease); /* it is already visible again */
        else
            lose(lease, "it could not be extended in time");
        return;
    }
    uint64_t delay = (lease->deadline_ms - now_ms) / 4;
    if (delay > RETRY_BEAT_MS)
        delay = RETRY_BEAT_MS;
    beat_at(lease, now_ms + (delay < RETRY_BEAT_LEAST_MS ? RETRY_BEAT_LEAST_MS : delay));
}

/* Handles the response to a change. The owner may have requested something else meanwhile. */
static void change_settle(struct lease *lease, int code, uint64_t sent_ms)
{
    struct lease_stats *stats = &lease->home->keeper->stats;
    uint64_t now_ms = lease_now(lease);
    lease->changing = false;
    if (lease->wish == LEASE_FORGET) {
        lease_destroy(lease);
    } else if (lease->releasing && (code == 0 || code == ERR_RECEIPT)) {
        stats->released += code == 0;
        lease_destroy(lease);
    } else if (lease->wish == LEASE_RELEASE && !lease->releasing) {
        lease_change_queue(lease);
    } else if (code == 0) {
        stats->extended++;
        schedule_beat(lease, sent_ms, lease->ask_s);
    } else if (code == ERR_RECEIPT) {
        lose(lease, "its receipt has expired");
    } else {
        retry_change(lease, now_ms);
    }
}

static void on_changed(const int *codes, size_t count, const struct error *error, void *user)
{
    struct lease_call *call = user;
    struct lease_home *home = call->home;
    if (error->code)
        log_warn("visibility could not be changed; will retry", LOG_TEXT("queue", home->name),
                 LOG_INT("messages", count), LOG_TEXT("error", error->text));
    for (size_t i = 0; i < count; i++)
        change_settle(call->leases[i], codes[i], call->sent_ms);
    lease_call_free(call);
    lease_keeper_arm(home->keeper);
}

static void change_collect(struct lease_call *call, struct lease *lease)
{
    lease_change_unqueue(lease);
    lease->changing = true;
    lease->releasing = lease->wish == LEASE_RELEASE;
    call->entries[call->count] = (struct queue_entry){
        .receipt = lease->receipt,
        .visibility_s =
            lease->releasing ? within_life(lease, call->sent_ms, lease->release_s) : lease->ask_s,
        .release = lease->releasing,
    };
    call->leases[call->count++] = lease;
}

static void changes_send(struct lease_home *home)
{
    while (!list_empty(&home->changes)) {
        struct lease_call *call = lease_call_new(home);
        if (!call) {
            home->change_due_ms = uv_now(home->keeper->loop) + RETRY_BEAT_LEAST_MS;
            return;
        }
        while (call->count < QUEUE_BATCH_MAX && !list_empty(&home->changes))
            change_collect(call, container_of(home->changes.next, struct lease, change));
        int code = home->backend->ops->extend_batch(home->queue, call->entries, call->count,
                                                    on_changed, call);
        if (code == 0)
            continue;
        for (size_t i = 0; i < call->count; i++)
            change_settle(call->leases[i], code, call->sent_ms);
        lease_call_free(call);
        return;
    }
}

/* ---- the timer ---- */

static bool rides(const struct lease *lease, uint64_t now_ms)
{
    return lease_beat_ms(lease) <= (lease->final ? now_ms : now_ms + RIDE_MS);
}

/* Handles everything that is due. Heartbeats that are due soon share the same calls. */
static void turn(uv_timer_t *timer)
{
    struct lease_keeper *keeper = container_of(timer, struct lease_keeper, timer);
    uint64_t now_ms = uv_now(keeper->loop);
    struct lease *first = lease_first(keeper);
    if (first && lease_beat_ms(first) <= now_ms) {
        for (; first && rides(first, now_ms); first = lease_first(keeper))
            beat(first, now_ms);
    }
    for (struct list *l = keeper->homes.next; l != &keeper->homes; l = l->next) {
        struct lease_home *home = container_of(l, struct lease_home, link);
        if (home->change_count && home->change_due_ms <= now_ms)
            changes_send(home);
        delete_batcher_run(&home->deletes, now_ms);
    }
    lease_keeper_arm(keeper);
}

int lease_keeper_init(struct lease_keeper *keeper, uv_loop_t *loop, void (*ended)(void *user),
                      void *user)
{
    *keeper = (struct lease_keeper){.loop = loop, .on_turn = turn, .ended = ended, .user = user};
    list_init(&keeper->homes);
    return uv_timer_init(loop, &keeper->timer) ? ERR_MEMORY : 0;
}

void lease_keeper_close(struct lease_keeper *keeper, uv_close_cb closed)
{
    time_heap_free(&keeper->beats);
    uv_close((uv_handle_t *)&keeper->timer, closed);
}

void lease_home_open(struct lease_home *home, struct lease_keeper *keeper,
                     struct queue_backend *backend, struct queue *queue, const char *name)
{
    *home = (struct lease_home){.keeper = keeper, .backend = backend, .queue = queue, .name = name};
    list_init(&home->leases);
    list_init(&home->changes);
    list_init(&home->calls);
    delete_batcher_init(&home->deletes, home);
    list_push(&keeper->homes, &home->link);
}

void lease_home_close(struct lease_home *home)
{
    struct list *link;
    while ((link = list_shift(&home->leases))) {
        struct lease *lease = container_of(link, struct lease, all);
        list_remove(&lease->deletion.link);
        lease_destroy(lease);
    }
    while ((link = list_shift(&home->calls)))
        lease_call_free(container_of(link, struct lease_call, link));
    list_remove(&home->link);
    lease_keeper_arm(home->keeper);
}

/* ---- functions for the owner ---- */

static size_t total_leases(const struct lease_keeper *keeper)
{
    size_t total = 0;
    for (struct list *l = keeper->homes.next; l != &keeper->homes; l = l->next)
        total += container_of(l, struct lease_home, link)->count;
    return total;
}

struct lease *lease_take(struct lease_home *home, char *receipt, unsigned visibility_s,
                         uint64_t received_ms, lease_lost *lost, void *user)
{
    struct lease_keeper *keeper = home->keeper;
    struct lease *lease = calloc(1, sizeof *lease);
    if (!lease || time_heap_reserve(&keeper->beats, total_leases(keeper) + 1)) {
        free(lease);
        free(receipt);
        return NULL;
    }
    *lease = (struct lease){.home = home,
                            .receipt = receipt,
                            .received_ms = received_ms,
                            .visibility_s = visibility_s,
                            .lost = lost,
                            .user = user};
    list_init(&lease->change);
    list_init(&lease->deletion.link);
    list_push(&home->leases, &lease->all);
    home->count++;
    home->held++;
    schedule_beat(lease, received_ms, visibility_s);
    lease_keeper_arm(keeper);
    return lease;
}

static void work_ends(struct lease *lease, enum lease_wish wish)
{
    struct lease_home *home = lease->home;
    lease->wish = wish;
    home->held--;
    if (home->held == 0)
        delete_batcher_hurry(&home->deletes, lease_now(lease));
}

void lease_delete(struct lease *lease, const struct trace_context *trace)
{
    work_ends(lease, LEASE_DELETE);
    if (trace)
        lease->trace = *trace;
    delete_batcher_add(&lease->home->deletes, &lease->deletion, lease_now(lease));
    lease_keeper_arm(lease->home->keeper);
}

void lease_delete_then(struct lease *lease, const struct trace_context *trace, lease_gone *gone,
                       void *user)
{
    lease->gone = gone;
    lease->gone_user = user;
    lease_delete(lease, trace);
}

void lease_release(struct lease *lease, unsigned visibility_s)
{
    work_ends(lease, LEASE_RELEASE);
    lease->release_s = visibility_s;
    if (!lease->changing)
        lease_change_queue(lease); /* otherwise the pending response queues it */
    lease_keeper_arm(lease->home->keeper);
}

void lease_forget(struct lease *lease)
{
    struct lease_keeper *keeper = lease->home->keeper;
    work_ends(lease, LEASE_FORGET);
    if (!lease->changing)
        lease_destroy(lease);
    lease_keeper_arm(keeper);
}
