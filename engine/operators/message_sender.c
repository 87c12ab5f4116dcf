#include "message_sender.h"

#include <stdlib.h>
#include <string.h>

#include "jitter.h"

enum {
    GATHER_MS = 20,
    CALLS_MAX = 4,
    ATTEMPTS_MAX = 8,
    RETRY_BASE_MS = 200,
    RETRY_CAP_MS = 10000,
    MESSAGE_MAX = 256 * 1024, /* of a queue whose limit is not known */
};

struct send_call {
    struct message_sender *sender;
    struct outgoing *messages[QUEUE_BATCH_MAX];
    size_t count;
};

/* ---- targets ---- */

const char *send_target_name(const struct send_target *target)
{
    const char *colon = target->queue ? NULL : strrchr(target->topic, ':');
    if (target->queue)
        return target->queues->ops->facts(target->queue)->name;
    return colon ? colon + 1 : target->topic;
}

void send_target_region(const struct send_target *target, char out[SEND_REGION_SIZE])
{
    enum { REGION_PART = 3 };
    const char *part =
        target->queue ? target->queues->ops->facts(target->queue)->arn : target->topic;
    for (int i = 0; part && i < REGION_PART; i++) {
        part = strchr(part, ':');
        part = part ? part + 1 : NULL;
    }
    size_t size = part ? strcspn(part, ":") : 0;
    size = size < SEND_REGION_SIZE ? size : 0;
    memcpy(out, part ? part : "", size);
    out[size] = '\0';
}

size_t send_target_max(const struct send_target *target)
{
    if (!target->queue)
        return TOPIC_MESSAGE_MAX;
    size_t max = target->queues->ops->facts(target->queue)->message_max;
    return max ? max : MESSAGE_MAX;
}

bool send_target_is_fifo(const struct send_target *target)
{
    static const char suffix[] = ".fifo";
    const char *name = send_target_name(target);
    size_t size = strlen(name), end = sizeof suffix - 1;
    return size > end && strcmp(name + size - end, suffix) == 0;
}

/* ---- messages ---- */

void outgoing_free(struct outgoing *message)
{
    if (message)
        free(message->body);
    free(message);
}

size_t message_size(size_t body_size, const struct queue_attribute *attributes, size_t count)
{
    size_t size = body_size;
    for (size_t i = 0; i < count; i++)
        size +=
            strlen(attributes[i].name) + strlen(attributes[i].type) + strlen(attributes[i].value);
    return size;
}

bool send_is_unknown(int code)
{
    return code == ERR_NETWORK || code == ERR_TIMEOUT || code == ERR_SERVER ||
           code == ERR_PROTOCOL || code == ERR_MEMORY;
}

static bool is_transient(int code)
{
    return send_is_unknown(code) || code == ERR_THROTTLED;
}

static void settle(struct message_sender *sender, struct outgoing *message, const char *id,
                   const struct error *error)
{
    sender->settled(message, id, error, sender->user);
}

static void wait_again(struct message_sender *sender, struct outgoing *message)
{
    /* In front of the others: those of a FIFO queue keep their order. */
    struct list *first = sender->waiting.next;
    message->due_ms =
        uv_now(sender->loop) + jitter_full(RETRY_BASE_MS, RETRY_CAP_MS, message->attempts);
    message->link.next = first;
    message->link.prev = &sender->waiting;
    first->prev = &message->link;
    sender->waiting.next = &message->link;
    sender->waiting_count++;
}

/* ---- batches ---- */

static void on_timer(uv_timer_t *timer);

/* When the first message may be sent: in order, nothing goes before the head of the list. */
static uint64_t first_due(const struct message_sender *sender, bool ordered)
{
    uint64_t first = UINT64_MAX;
    for (struct list *l = sender->waiting.next; l != &sender->waiting; l = l->next) {
        const struct outgoing *message = container_of(l, struct outgoing, link);
        if (message->due_ms < first)
            first = message->due_ms;
        if (ordered || first <= uv_now(sender->loop))
            break;
    }
    return first;
}

static void arm(struct message_sender *sender)
{
    const bool ordered = send_target_is_fifo(&sender->target);
    const uint64_t now = uv_now(sender->loop), first = first_due(sender, ordered);
    size_t most = ordered ? 1 : CALLS_MAX;
    if (first == UINT64_MAX || sender->calls >= most) {
        uv_timer_stop(&sender->timer); /* a response starts it again */
        return;
    }
    uint64_t due = first + GATHER_MS;
    bool full = sender->waiting_count >= QUEUE_BATCH_MAX && first <= now;
    uv_timer_start(&sender->timer, on_timer, full || due <= now ? 0 : due - now, 0);
}

static bool goes_again(const struct outgoing *message, const struct queue_send_result *result)
{
    return is_transient(result->code) && message->attempts < ATTEMPTS_MAX;
}

static void entry_settle(struct message_sender *sender, struct outgoing *message,
                         const struct queue_send_result *result)
{
    struct error error = {0};
    if (result->code)
        error_set(&error, result->code, "%s",
                  result->why && *result->why ? result->why : error_name(result->code));
    settle(sender, message, result->code ? NULL : result->id, &error);
}

static void batch_settle(struct send_call *batch, const struct queue_send_result *results)
{
    struct message_sender *sender = batch->sender;
    sender->calls--;
    /* Backwards, so that they keep their order in front of the others. */
    for (size_t i = batch->count; i-- > 0;) {
        if (goes_again(batch->messages[i], &results[i])) {
            wait_again(sender, batch->messages[i]);
            batch->messages[i] = NULL;
        }
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->messages[i])
            entry_settle(sender, batch->messages[i], &results[i]);
    }
    free(batch);
    arm(sender);
}

static void on_batch_sent(const struct queue_send_result *results, size_t count,
                          const struct error *error, void *user)
{
    (void)count;
    (void)error;
    batch_settle(user, results);
}

static int batch_start(struct send_call *batch)
{
    const struct send_target *target = &batch->sender->target;
    struct queue_send sends[QUEUE_BATCH_MAX];
    for (size_t i = 0; i < batch->count; i++) {
        struct outgoing *message = batch->messages[i];
        message->attempts++;
        sends[i] = (struct queue_send){.body = message->body,
                                       .body_size = message->body_size,
                                       .attributes = message->attributes,
                                       .attribute_count = message->attribute_count,
                                       .group = message->group,
                                       .deduplication = message->deduplication};
    }
    if (target->queue)
        return target->queues->ops->send_batch(target->queue, sends, batch->count, on_batch_sent,
                                               batch);
    return target->topics->ops->publish_batch(target->topics, target->topic, sends, batch->count,
                                              on_batch_sent, batch);
}

static void batch_send(struct send_call *batch)
{
    struct queue_send_result results[QUEUE_BATCH_MAX];
    batch->sender->calls++;
    int code = batch_start(batch);
    for (size_t i = 0; code && i < batch->count; i++)
        results[i] = (struct queue_send_result){.code = code, .why = "the request is not possible"};
    if (code)
        batch_settle(batch, results);
}

/* The due messages, up to ten and up to the limit of a batch, which is that of a message. */
static void batch_fill(struct send_call *batch, uint64_t now)
{
    struct message_sender *sender = batch->sender;
    const size_t max = send_target_max(&sender->target);
    const bool ordered = send_target_is_fifo(&sender->target);
    size_t size = 0;
    struct list *next;
    for (struct list *l = sender->waiting.next;
         l != &sender->waiting && batch->count < QUEUE_BATCH_MAX; l = next) {
        struct outgoing *message = container_of(l, struct outgoing, link);
        next = l->next;
        if (message->due_ms > now && !ordered)
            continue;
        size += message_size(message->body_size, message->attributes, message->attribute_count);
        if (message->due_ms > now || (batch->count && size > max))
            break;
        list_remove(l);
        sender->waiting_count--;
        batch->messages[batch->count++] = message;
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct message_sender *sender = container_of(timer, struct message_sender, timer);
    const size_t most = send_target_is_fifo(&sender->target) ? 1 : CALLS_MAX;
    while (sender->calls < most) {
        struct send_call *batch = calloc(1, sizeof *batch);
        if (!batch) { /* later */
            uv_timer_start(&sender->timer, on_timer, RETRY_BASE_MS, 0);
            return;
        }
        batch->sender = sender;
        batch_fill(batch, uv_now(sender->loop));
        if (batch->count == 0) {
            free(batch);
            break;
        }
        batch_send(batch);
    }
    arm(sender);
}

/* ---- interface ---- */

void message_sender_init(struct message_sender *sender, uv_loop_t *loop,
                         const struct send_target *target, outgoing_settled *settled, void *user)
{
    *sender =
        (struct message_sender){.loop = loop, .target = *target, .settled = settled, .user = user};
    list_init(&sender->waiting);
    uv_timer_init(loop, &sender->timer);
}

void message_sender_add(struct message_sender *sender, struct outgoing *message)
{
    message->due_ms = uv_now(sender->loop);
    message->attempts = 0;
    list_push(&sender->waiting, &message->link);
    sender->waiting_count++;
    arm(sender);
}

void message_sender_close(struct message_sender *sender, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&sender->timer, closed);
}
