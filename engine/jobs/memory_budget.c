#include "memory_budget.h"

#include "container_of.h"
#include "error.h"

enum {
    PHOTOS_PART = 4, /* a quarter */
    LOOK_MS = 50,    /* how quickly a waiting worker notices its cancellation */
    NS_PER_MS = 1000000,
};

struct wish { /* request of a waiting worker, on its stack */
    struct list link;
    uint64_t bytes;
    bool granted;
};

static uint64_t total(const struct memory_budget *budget)
{
    return budget->taken[MEMORY_PHOTOS] + budget->taken[MEMORY_WORK];
}

static void take(struct memory_budget *budget, enum memory_kind kind, uint64_t bytes)
{
    budget->taken[kind] += bytes;
    if (total(budget) > budget->peak)
        budget->peak = total(budget);
}

static bool fits(const struct memory_budget *budget, enum memory_kind kind, uint64_t bytes)
{
    uint64_t limit = budget->options.limit;
    uint64_t most = kind == MEMORY_PHOTOS ? limit / PHOTOS_PART : limit;
    return bytes <= limit && total(budget) <= limit - bytes && bytes <= most &&
           budget->taken[kind] <= most - bytes;
}

/* ---- workers ---- */

static struct wish *first_wish(struct memory_budget *budget)
{
    return list_empty(&budget->workers) ? NULL
                                        : container_of(budget->workers.next, struct wish, link);
}

/* With the lock. */
static void grant(struct memory_budget *budget, struct wish *wish)
{
    list_remove(&wish->link);
    take(budget, MEMORY_WORK, wish->bytes);
    wish->granted = true;
    uv_cond_broadcast(&budget->granted);
}

/* With the lock: grants as many as fit, in order. */
static void serve_workers(struct memory_budget *budget)
{
    struct wish *wish;
    while ((wish = first_wish(budget)) && fits(budget, MEMORY_WORK, wish->bytes))
        grant(budget, wish);
}

/* With the lock. */
static void give_back(struct memory_budget *budget, struct memory_grant *grant)
{
    if (grant->bytes == 0)
        return;
    budget->taken[MEMORY_WORK] -= grant->bytes;
    grant->bytes = 0;
    uv_async_send(&budget->async);
}

/* With the lock, which is released while it waits. */
static int stand_in_line(struct memory_budget *budget, uint64_t bytes,
                         bool (*cancelled)(void *user), void *user)
{
    struct wish wish = {.bytes = bytes};
    list_push(&budget->workers, &wish.link);
    serve_workers(budget);
    if (!wish.granted)
        uv_async_send(&budget->async);
    while (!wish.granted && !cancelled(user))
        uv_cond_timedwait(&budget->granted, &budget->lock, (uint64_t)LOOK_MS * NS_PER_MS);
    if (!wish.granted) {
        list_remove(&wish.link);
        uv_async_send(&budget->async); /* later requests may fit */
    }
    return wish.granted ? 0 : ERR_CANCELLED;
}

int memory_wait(struct memory_budget *budget, struct memory_grant *grant, uint64_t bytes,
                bool (*cancelled)(void *user), void *user)
{
    int code = 0;
    uv_mutex_lock(&budget->lock);
    if (bytes > grant->bytes) {
        give_back(budget, grant);
        code = stand_in_line(budget, bytes, cancelled, user);
        if (!code)
            grant->bytes = bytes;
    }
    uv_mutex_unlock(&budget->lock);
    return code;
}

/* ---- the loop thread ---- */

static bool shed(struct memory_budget *budget)
{
    return budget->options.shed(budget->options.user);
}

/* Tries to grant the first waiting worker's request; false: it continues to wait. */
static bool satisfy_worker(struct memory_budget *budget)
{
    bool waits;
    do {
        uv_mutex_lock(&budget->lock);
        serve_workers(budget);
        waits = first_wish(budget) != NULL;
        uv_mutex_unlock(&budget->lock);
    } while (waits && shed(budget));
    uv_mutex_lock(&budget->lock);
    struct wish *wish = first_wish(budget);
    bool alone = wish && budget->taken[MEMORY_WORK] == 0;
    if (alone)
        grant(budget, wish);
    waits = first_wish(budget) != NULL;
    uv_mutex_unlock(&budget->lock);
    return !waits;
}

static bool take_photo(struct memory_budget *budget, uint64_t bytes)
{
    uv_mutex_lock(&budget->lock);
    bool may = fits(budget, MEMORY_PHOTOS, bytes) || budget->taken[MEMORY_PHOTOS] == 0;
    if (may)
        take(budget, MEMORY_PHOTOS, bytes);
    uv_mutex_unlock(&budget->lock);
    return may;
}

static bool satisfy_photo(struct memory_budget *budget, uint64_t bytes)
{
    bool taken;
    do {
        taken = take_photo(budget, bytes);
    } while (!taken && shed(budget));
    return taken;
}

/* `granted` may make new requests or cancel others. */
static void serve_tickets(struct memory_budget *budget)
{
    while (!list_empty(&budget->tickets)) {
        struct memory_ticket *ticket =
            container_of(budget->tickets.next, struct memory_ticket, link);
        if (!satisfy_photo(budget, ticket->bytes))
            return;
        list_remove(&ticket->link);
        ticket->granted(ticket);
    }
}

static void on_async(uv_async_t *async)
{
    struct memory_budget *budget = container_of(async, struct memory_budget, async);
    bool served = satisfy_worker(budget);
    serve_tickets(budget);
    bool was_tight = budget->tight;
    budget->tight = !served || !list_empty(&budget->tickets);
    if (was_tight && !budget->tight)
        budget->options.relaxed(budget->options.user);
}

void memory_ticket_init(struct memory_ticket *ticket, void (*granted)(struct memory_ticket *ticket))
{
    *ticket = (struct memory_ticket){.granted = granted};
    list_init(&ticket->link);
}

bool memory_ask(struct memory_budget *budget, struct memory_ticket *ticket, uint64_t bytes)
{
    ticket->bytes = bytes;
    if (list_empty(&budget->tickets) && satisfy_photo(budget, bytes))
        return true;
    list_push(&budget->tickets, &ticket->link);
    budget->tight = true;
    return false;
}

void memory_withdraw(struct memory_budget *budget, struct memory_ticket *ticket)
{
    if (list_empty(&ticket->link))
        return;
    list_remove(&ticket->link);
    uv_async_send(&budget->async); /* later requests may fit */
}

void memory_change(struct memory_budget *budget, enum memory_kind kind, uint64_t from, uint64_t to)
{
    uv_mutex_lock(&budget->lock);
    budget->taken[kind] -= from;
    take(budget, kind, to);
    bool waited_for = to < from && (first_wish(budget) || !list_empty(&budget->tickets));
    uv_mutex_unlock(&budget->lock);
    if (waited_for)
        uv_async_send(&budget->async);
}

void memory_settle(struct memory_budget *budget, struct memory_grant *grant, uint64_t made)
{
    memory_change(budget, MEMORY_WORK, grant->bytes, made);
    grant->bytes = 0;
}

bool memory_is_tight(struct memory_budget *budget)
{
    uv_mutex_lock(&budget->lock);
    budget->tight = first_wish(budget) || !list_empty(&budget->tickets);
    uv_mutex_unlock(&budget->lock);
    return budget->tight;
}

void memory_figures(struct memory_budget *budget, struct memory_figures *out)
{
    uv_mutex_lock(&budget->lock);
    *out = (struct memory_figures){budget->options.limit, total(budget), budget->peak};
    uv_mutex_unlock(&budget->lock);
}

/* ---- creating and closing ---- */

int memory_budget_init(struct memory_budget *budget, uv_loop_t *loop,
                       const struct memory_budget_options *options)
{
    *budget = (struct memory_budget){.options = *options};
    list_init(&budget->workers);
    list_init(&budget->tickets);
    if (uv_mutex_init(&budget->lock))
        return ERR_MEMORY;
    if (uv_cond_init(&budget->granted))
        goto no_cond;
    if (uv_async_init(loop, &budget->async, on_async))
        goto no_async;
    return 0;

no_async:
    uv_cond_destroy(&budget->granted);
no_cond:
    uv_mutex_destroy(&budget->lock);
    return ERR_MEMORY;
}

void memory_budget_close(struct memory_budget *budget, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&budget->async, closed);
    uv_cond_destroy(&budget->granted);
    uv_mutex_destroy(&budget->lock);
}
