#include "credential_waiters.h"

#include "container_of.h"

void credential_waiters_init(struct credential_waiters *waiters)
{
    list_init(&waiters->list);
    waiters->count = 0;
}

int credential_waiters_add(struct credential_waiters *waiters, struct credential_wait *wait,
                           uint64_t now_ms)
{
    if (waiters->count == CREDENTIAL_WAITERS_MAX)
        return ERR_LIMIT;
    waiters->count++;
    wait->waiters = waiters;
    wait->deadline_ms = now_ms + CREDENTIAL_WAIT_MS;
    list_push(&waiters->list, &wait->link);
    return 0;
}

/* They wait equally long, so the first is due first. */
const struct credential_wait *credential_waiters_first(const struct credential_waiters *waiters)
{
    return list_empty(&waiters->list)
               ? NULL
               : container_of(waiters->list.next, struct credential_wait, link);
}

void credential_waiters_take(struct credential_waiters *waiters, uint64_t now_ms, struct list *late)
{
    list_init(late);
    for (struct list *link; (link = waiters->list.next) != &waiters->list;) {
        if (container_of(link, struct credential_wait, link)->deadline_ms > now_ms)
            return;
        list_remove(link);
        list_push(late, link);
    }
}

static void leave(struct credential_wait *wait)
{
    wait->waiters->count--;
    wait->waiters = NULL;
}

void credential_waits_end(struct list *taken, const struct error *error)
{
    for (struct list *link; (link = list_shift(taken));) {
        struct credential_wait *wait = container_of(link, struct credential_wait, link);
        leave(wait);
        wait->done(error, wait->user);
    }
}

void credential_wait_cancel(struct credential_wait *wait)
{
    if (!wait->waiters)
        return;
    leave(wait);
    list_remove(&wait->link);
}
