#include "queue_poller.h"

#include <stdlib.h>

#include "engine_private.h"
#include "jitter.h"

enum {
    POLLS_MAX = 3, /* maximum pending receives on a busy queue */
    BACKOFF_BASE_MS = 500,
    BACKOFF_CAP_MS = 30000,
    /* an empty response this fast means that the service does not support long polls */
    EMPTY_TOO_SOON_MS = 200,
    GATHER_MS = 500, /* maximum wait for a batch of free slots */
    BORROWED_WAIT_S = 1,
};

struct poll {
    struct queue_poller *poller;
    struct queue_request *request;
    struct list link;
    unsigned asked;
    unsigned borrowed; /* including this many beyond the consumer's own slots */
    unsigned wait_s;
    uint64_t sent_ms;
    uint64_t sent_ns; /* uv_hrtime */
};

static void poll_free(struct poll *poll)
{
    list_remove(&poll->link);
    poll->poller->poll_count--;
    poll->poller->asked -= poll->asked;
    poll->poller->borrowed -= poll->borrowed;
    poll->poller->consumer->engine->borrowed -= poll->borrowed;
    free(poll);
}

/* The one state setter. States that end after a time use the timer. */
static void enter(struct queue_poller *poller, enum poller_state state)
{
    if (poller->state == POLLER_STOPPED)
        return;
    uv_timer_stop(&poller->timer);
    poller->state = state;
}

static void on_rested(uv_timer_t *timer)
{
    struct queue_poller *poller = container_of(timer, struct queue_poller, timer);
    enter(poller, POLLER_READY);
    queue_poller_update(poller);
}

static void rest(struct queue_poller *poller, uint64_t delay_ms)
{
    if (poller->state == POLLER_STOPPED)
        return;
    enter(poller, POLLER_RESTING);
    uv_timer_start(&poller->timer, on_rested, delay_ms, 0);
}

static void on_gathered(uv_timer_t *timer)
{
    struct queue_poller *poller = container_of(timer, struct queue_poller, timer);
    enter(poller, POLLER_GATHERED);
    queue_poller_update(poller);
}

static void gather(struct queue_poller *poller)
{
    if (poller->state == POLLER_GATHERING)
        return;
    enter(poller, POLLER_GATHERING);
    uv_timer_start(&poller->timer, on_gathered, GATHER_MS, 0);
}

static void poll_failed(struct queue_poller *poller, const struct error *error)
{
    struct consumer *consumer = poller->consumer;
    uint64_t delay =
        BACKOFF_BASE_MS / 2 + jitter_full(BACKOFF_BASE_MS, BACKOFF_CAP_MS, poller->failures);
    poller->failures++;
    if (poller->state == POLLER_STOPPED)
        return;
    if (!outage_observe(consumer, error) &&
        log_gate_open(&poller->gate, uv_now(consumer->engine->loop), 60000))
        log_warn("queue could not be polled; trying again", LOG_TEXT("queue", consumer->home.name),
                 LOG_TEXT("error", error->text), LOG_INT("failures", poller->failures),
                 LOG_SUPPRESSED(&poller->gate));
    rest(poller, delay);
}

static void on_received(struct queue_message *messages, size_t count, const struct error *error,
                        void *user)
{
    struct poll *poll = user;
    struct queue_poller *poller = poll->poller;
    struct consumer *consumer = poller->consumer;
    uint64_t took_ms = uv_now(consumer->engine->loop) - poll->sent_ms;
    bool is_long = poll->wait_s > 0;
    poller->full = count == poll->asked;
    poller->polled_ns = poll->sent_ns;
    poll_free(poll);

    if (error->code) {
        poll_failed(poller, error);
    } else {
        if (poller->failures && !poller->outage.down && !poller->outage.told)
            log_info("queue can be polled again", LOG_TEXT("queue", consumer->home.name));
        outage_observe(consumer, error);
        poller->failures = 0;
        if (count == 0 && took_ms < EMPTY_TOO_SOON_MS && is_long)
            rest(poller, EMPTY_TOO_SOON_MS);
    }
    poller->received(poller, messages, count);
    queue_poller_update(poller);
}

static int poll_start(struct queue_poller *poller, unsigned max, unsigned borrowed)
{
    struct consumer *consumer = poller->consumer;
    unsigned wait_s = consumer->engine->options.wait_s;
    struct poll *poll = calloc(1, sizeof *poll);
    if (!poll)
        return ERR_MEMORY;
    poll->poller = poller;
    poll->asked = max;
    poll->borrowed = borrowed;
    poll->wait_s = borrowed && wait_s > BORROWED_WAIT_S ? BORROWED_WAIT_S : wait_s;
    poll->sent_ms = uv_now(consumer->engine->loop);
    poll->sent_ns = uv_hrtime();
    struct queue_receive what = {
        .max = max, .wait_s = poll->wait_s, .visibility_s = consumer->visibility_s};
    int code = consumer->home.backend->ops->receive(consumer->queue, &what, on_received, poll,
                                                    &poll->request);
    if (code) {
        free(poll);
        return code;
    }
    list_push(&poller->polls, &poll->link);
    poller->poll_count++;
    poller->asked += max;
    poller->borrowed += borrowed;
    consumer->engine->borrowed += borrowed;
    return 0;
}

/* How many more receives may be started: one, or several while receives return full batches. */
static bool may_poll(const struct queue_poller *poller)
{
    return poller->state != POLLER_STOPPED && poller->state != POLLER_RESTING &&
           poller->poll_count < (poller->full ? POLLS_MAX : 1);
}

static unsigned batch_of(size_t slots)
{
    return slots < QUEUE_BATCH_MAX ? (unsigned)slots : QUEUE_BATCH_MAX;
}

static size_t used_slots(const struct queue_poller *poller)
{
    return poller->consumer->in_flight + poller->asked;
}

static size_t own_slots(const struct queue_poller *poller)
{
    size_t slots = poller->consumer->slots, used = used_slots(poller);
    return used < slots ? slots - used : 0;
}

/* How many slots a consumer may borrow. Only busy consumers may borrow. The pending receives of
 * idle consumers are not counted, because there may be more of them than slots; so the limit can be
 * exceeded by the few messages that they return. */
static size_t spare_slots(const struct queue_poller *poller)
{
    const struct engine *engine = poller->consumer->engine;
    if (!poller->full || poller->consumer->slots >= QUEUE_BATCH_MAX)
        return 0;
    size_t taken =
        engine->deliveries.in_flight + engine->borrowed + poller->asked - poller->borrowed;
    return taken < engine->options.jobs ? engine->options.jobs - taken : 0;
}

void queue_poller_update(struct queue_poller *poller)
{
    while (may_poll(poller)) {
        size_t own = own_slots(poller), spare = spare_slots(poller);
        size_t slots = own > spare ? own : spare, reach = used_slots(poller) + slots;
        unsigned max = batch_of(slots);
        if (max == 0 || memory_is_tight(&poller->consumer->engine->memory))
            return;
        if (max < batch_of((reach + 1) / 2) && poller->state != POLLER_GATHERED) {
            gather(poller);
            return;
        }
        enter(poller, POLLER_READY);
        int code = poll_start(poller, max, max > own ? max - (unsigned)own : 0);
        if (code) {
            struct error error;
            error_set(&error, code, "the receive could not be started (%s)", error_name(code));
            poll_failed(poller, &error);
        }
    }
}

int queue_poller_init(struct queue_poller *poller, struct consumer *consumer, uv_loop_t *loop,
                      queue_poller_received *received)
{
    *poller = (struct queue_poller){.consumer = consumer, .received = received};
    list_init(&poller->polls);
    return uv_timer_init(loop, &poller->timer) ? ERR_MEMORY : 0;
}

void queue_poller_stop(struct queue_poller *poller)
{
    enter(poller, POLLER_STOPPED);
    /* it must not delay the report that the service is available again */
    poller->outage.down = false;
}

void queue_poller_cancel(struct queue_poller *poller)
{
    struct list *link;
    while ((link = list_shift(&poller->polls))) {
        struct poll *poll = container_of(link, struct poll, link);
        poller->consumer->home.backend->ops->receive_cancel(poller->consumer->queue, poll->request);
        poll_free(poll);
    }
}

void queue_poller_close(struct queue_poller *poller, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&poller->timer, closed);
}
