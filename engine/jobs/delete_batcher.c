#include "delete_batcher.h"

#include <stdlib.h>

#include "job_trace.h"
#include "lease_private.h"
#include "log.h"

enum { IDLE_DELAY_MS = 10, BUSY_DELAY_MS = 1000, ATTEMPTS_MAX = 8 };

static struct lease *lease_of(struct delete_entry *entry)
{
    return container_of(entry, struct lease, deletion);
}

void delete_batcher_init(struct delete_batcher *batcher, struct lease_home *home)
{
    *batcher = (struct delete_batcher){.home = home, .due_ms = UINT64_MAX};
    list_init(&batcher->waiting);
}

static void due_no_later(struct delete_batcher *batcher, uint64_t when_ms)
{
    if (when_ms < batcher->due_ms)
        batcher->due_ms = when_ms;
}

/* Waiting for a full batch must not use up a short visibility timeout. */
static uint64_t batch_delay(const struct delete_batcher *batcher, const struct lease *lease)
{
    uint64_t quarter = (uint64_t)lease->visibility_s * 250;
    if (batcher->home->held == 0)
        return IDLE_DELAY_MS;
    return quarter < BUSY_DELAY_MS ? quarter : BUSY_DELAY_MS;
}

static void entry_wait(struct delete_batcher *batcher, struct delete_entry *entry)
{
    list_push(&batcher->waiting, &entry->link);
    batcher->count++;
}

void delete_batcher_add(struct delete_batcher *batcher, struct delete_entry *entry, uint64_t now_ms)
{
    entry->due_ms = now_ms;
    entry_wait(batcher, entry);
    due_no_later(batcher, batcher->count >= QUEUE_BATCH_MAX
                              ? now_ms
                              : now_ms + batch_delay(batcher, lease_of(entry)));
}

void delete_batcher_hurry(struct delete_batcher *batcher, uint64_t now_ms)
{
    if (batcher->count)
        due_no_later(batcher, now_ms + IDLE_DELAY_MS);
}

static void entry_retry(struct delete_batcher *batcher, struct delete_entry *entry, uint64_t now_ms)
{
    entry->due_ms = now_ms + lease_retry_delay(entry->attempts);
    entry_wait(batcher, entry);
    due_no_later(batcher, entry->due_ms);
    lease_beat_again(lease_of(entry));
}

/* Handles the response for an entry. Only an expired receipt or too many attempts give up an
 * undeleted message: it will be delivered again, and its outputs will be written again with the
 * same bytes. */
static void entry_settle(struct delete_batcher *batcher, struct delete_entry *entry, int code,
                         const struct lease_call *call, uint64_t now_ms)
{
    struct lease *lease = lease_of(entry);
    struct lease_stats *stats = &batcher->home->keeper->stats;
    entry->in_flight = false;
    trace_deleted(batcher->home->keeper->tracer, &lease->trace, call->sent_ns, code);
    if (code == 0) {
        stats->deleted++;
        lease->deleted = true;
    } else if (code == ERR_RECEIPT) {
        stats->lost++;
        log_warn(
            "message could not be deleted: its receipt has expired, so it will be delivered again",
            LOG_TEXT("queue", batcher->home->name));
    } else if (entry->attempts < ATTEMPTS_MAX) {
        entry_retry(batcher, entry, now_ms);
        return;
    } else {
        stats->delete_failed++;
        log_error("message could not be deleted; it will be delivered again",
                  LOG_TEXT("queue", batcher->home->name), LOG_INT("attempts", entry->attempts),
                  LOG_TEXT("error", error_name(code)));
    }
    lease_destroy(lease);
}

static void on_deleted(const int *codes, size_t count, const struct error *error, void *user)
{
    struct lease_call *call = user;
    struct lease_home *home = call->home;
    uint64_t now_ms = uv_now(home->keeper->loop);
    if (error->code)
        log_warn("delete failed and will be retried", LOG_TEXT("queue", home->name),
                 LOG_INT("messages", count), LOG_TEXT("error", error->text));
    for (size_t i = 0; i < count; i++)
        entry_settle(&home->deletes, &call->leases[i]->deletion, codes[i], call, now_ms);
    lease_call_free(call);
    lease_keeper_arm(home->keeper);
}

static void send_batch(struct delete_batcher *batcher, struct lease_call *call, uint64_t now_ms)
{
    struct lease_home *home = batcher->home;
    int code =
        home->backend->ops->delete_batch(home->queue, call->entries, call->count, on_deleted, call);
    if (code == 0)
        return;
    for (size_t i = 0; i < call->count; i++)
        entry_settle(batcher, &call->leases[i]->deletion, code, call, now_ms);
    lease_call_free(call);
}

/* Moves up to ten due entries into a call. An entry whose visibility is being changed right now
 * waits for that response. */
static struct lease_call *collect(struct delete_batcher *batcher, uint64_t now_ms)
{
    struct lease_call *call = lease_call_new(batcher->home);
    if (!call)
        return NULL;
    struct list *next;
    for (struct list *l = batcher->waiting.next;
         l != &batcher->waiting && call->count < QUEUE_BATCH_MAX; l = next) {
        next = l->next;
        struct delete_entry *entry = container_of(l, struct delete_entry, link);
        struct lease *lease = lease_of(entry);
        if (entry->due_ms > now_ms || lease->changing || lease->queued)
            continue;
        list_remove(l);
        batcher->count--;
        entry->in_flight = true;
        entry->attempts++;
        call->entries[call->count] = (struct queue_entry){.receipt = lease->receipt};
        call->leases[call->count++] = lease;
    }
    if (call->count)
        return call;
    lease_call_free(call);
    return NULL;
}

static void recompute_due(struct delete_batcher *batcher, uint64_t now_ms)
{
    batcher->due_ms = UINT64_MAX;
    for (struct list *l = batcher->waiting.next; l != &batcher->waiting; l = l->next) {
        struct delete_entry *entry = container_of(l, struct delete_entry, link);
        due_no_later(batcher, entry->due_ms > now_ms
                                  ? entry->due_ms
                                  : now_ms + batch_delay(batcher, lease_of(entry)));
    }
}

void delete_batcher_run(struct delete_batcher *batcher, uint64_t now_ms)
{
    if (now_ms < batcher->due_ms)
        return;
    batcher->due_ms = UINT64_MAX; /* retries that fail at once set it again */
    struct lease_call *call;
    while ((call = collect(batcher, now_ms)))
        send_batch(batcher, call, now_ms);
    recompute_due(batcher, now_ms);
}
