#include "redrive.h"

#include <stdlib.h>
#include <string.h>

#include "dead_letter.h"
#include "list.h"

struct redrive {
    struct redrive_options options;
    struct redrive_facts facts;
    struct queue_scan *scan;
    struct list waiting; /* transfers of a FIFO queue, in order */
    bool sending;        /* one of them */
};

struct redrive_transfer {
    struct list link;
    struct redrive *redrive;
    struct scan_item *item;
    struct queue *to;
    struct queue_message message;
};

static bool is_fifo(const struct redrive *redrive, const struct queue *queue)
{
    return queue_is_fifo(redrive->options.ops->facts(queue));
}

/* ---- where to ---- */

static struct queue *target_of_source(const struct redrive_options *options, const char *arn)
{
    for (size_t i = 0; i < options->target_count; i++) {
        const char *candidate = options->ops->facts(options->targets[i].queue)->arn;
        if (strcmp(candidate, arn) == 0)
            return options->targets[i].queue;
    }
    return NULL;
}

static struct queue *target_of_pipeline(const struct redrive_options *options, const char *name)
{
    for (size_t i = 0; name && i < options->target_count; i++) {
        const char *candidate = options->targets[i].pipeline;
        if (candidate && strcmp(candidate, name) == 0)
            return options->targets[i].queue;
    }
    return NULL;
}

/* NULL: it is not known, and is not guessed. */
static struct queue *target_of(const struct redrive_options *options,
                               const struct queue_message *message,
                               const struct dead_letter_facts *facts)
{
    if (options->to)
        return options->to;
    if (message->source_arn)
        return target_of_source(options, message->source_arn);
    struct queue *queue = target_of_pipeline(options, facts->pipeline);
    if (!queue && options->targets_known && options->target_count == 1)
        queue = options->targets[0].queue;
    return queue;
}

/* ---- sending ---- */

static void send_next(struct redrive *redrive);

static void transfer_free(struct redrive_transfer *transfer)
{
    list_remove(&transfer->link);
    queue_message_clear(&transfer->message);
    free(transfer);
}

static void drop_waiting(struct redrive *redrive)
{
    struct list *link;
    while ((link = list_shift(&redrive->waiting))) {
        struct redrive_transfer *transfer = container_of(link, struct redrive_transfer, link);
        queue_scan_release(transfer->item);
        transfer_free(transfer);
    }
}

static bool is_permanent(int code)
{
    return code == ERR_DENIED || code == ERR_NO_CONTAINER || code == ERR_CREDENTIALS ||
           code == ERR_EXPIRED;
}

static void fail(struct redrive *redrive, const struct error *error)
{
    redrive->facts.failed++;
    if (!redrive->facts.error.code)
        redrive->facts.error = *error;
    if (redrive->facts.failed < REDRIVE_FAILURES_MAX && !is_permanent(error->code) &&
        !is_fifo(redrive, redrive->options.dead_letters))
        return;
    queue_scan_stop(redrive->scan);
    drop_waiting(redrive);
}

static void on_sent(const char *message_id, const struct error *error, void *user)
{
    struct redrive_transfer *transfer = user;
    struct redrive *redrive = transfer->redrive;
    (void)message_id;
    redrive->sending = false;
    if (error->code) {
        queue_scan_release(transfer->item);
        fail(redrive, error);
    } else {
        redrive->facts.sent++;
        queue_scan_delete(transfer->item);
    }
    transfer_free(transfer);
    send_next(redrive);
}

static const char *deduplication_of(const struct redrive *redrive,
                                    const struct redrive_transfer *transfer)
{
    const struct queue_message *message = &transfer->message;
    if (!is_fifo(redrive, transfer->to))
        return NULL;
    const bool old =
        message->sent_ms && redrive->options.began_ms - message->sent_ms > REDRIVE_DEDUPLICATION_MS;
    return message->deduplication && old ? message->deduplication : message->id;
}

static int transfer_send(struct redrive_transfer *transfer)
{
    const struct redrive *redrive = transfer->redrive;
    const struct queue_message *message = &transfer->message;
    struct queue_attribute attributes[QUEUE_ATTRIBUTES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < message->attribute_count; i++) {
        if (dead_letter_adds(message->attributes[i].name))
            continue;
        if (count == QUEUE_ATTRIBUTES_MAX)
            return ERR_LIMIT;
        attributes[count++] = message->attributes[i];
    }
    const struct queue_send send = {.body = message->body,
                                    .body_size = message->body_size,
                                    .attributes = attributes,
                                    .attribute_count = count,
                                    .group = message->group,
                                    .deduplication = deduplication_of(redrive, transfer),
                                    .trace = &message->trace};
    return redrive->options.ops->send(transfer->to, &send, on_sent, transfer);
}

static void transfer_start(struct redrive_transfer *transfer)
{
    struct redrive *redrive = transfer->redrive;
    struct error error;
    redrive->sending = true;
    int code = transfer_send(transfer);
    if (!code)
        return;
    redrive->sending = false;
    error_set(&error, code, "the message %s could not be sent (%s)", transfer->message.id,
              error_name(code));
    queue_scan_release(transfer->item);
    transfer_free(transfer);
    fail(redrive, &error);
}

/* A FIFO queue's: one after the other. */
static void send_next(struct redrive *redrive)
{
    struct list *link;
    while (!redrive->sending && (link = list_shift(&redrive->waiting)))
        transfer_start(container_of(link, struct redrive_transfer, link));
}

/* ---- looking ---- */

static bool is_full(const struct redrive *redrive)
{
    return redrive->options.limit && redrive->facts.matched >= redrive->options.limit;
}

static int refuse(struct error *error, const struct redrive *redrive,
                  const struct queue_message *message)
{
    const char *name = redrive->options.ops->facts(redrive->options.dead_letters)->name;
    if (message->source_arn)
        return error_set(error, ERR_NOT_FOUND,
                         "the message %s came from %s, which does not have %s as its dead-letter "
                         "queue any more; name a queue with --to",
                         message->id, message->source_arn, name);
    return error_set(error, ERR_NOT_FOUND,
                     "the message %s does not say which queue it came from; name one with --to",
                     message->id);
}

static enum scan_verdict transfer_begin(struct redrive *redrive, struct queue *to,
                                        struct queue_message *message, struct scan_item *item)
{
    struct error error;
    struct redrive_transfer *transfer = calloc(1, sizeof *transfer);
    if (!transfer) {
        error_set(&error, ERR_MEMORY, "out of memory");
        fail(redrive, &error);
        return SCAN_HOLD;
    }
    *transfer = (struct redrive_transfer){.redrive = redrive, .item = item, .to = to};
    list_init(&transfer->link);
    transfer->message = queue_message_take(message);
    if (is_fifo(redrive, redrive->options.dead_letters)) {
        list_push(&redrive->waiting, &transfer->link);
        send_next(redrive);
    } else {
        transfer_start(transfer);
    }
    return SCAN_TAKE; /* if it could not be sent, it has been released already */
}

static enum scan_verdict judge(struct redrive *redrive, struct queue_message *message,
                               const struct dead_letter_facts *facts, struct scan_item *item)
{
    struct error error;
    const struct redrive_options *options = &redrive->options;
    if (!dead_letter_filter_passes(options->filter, message, facts, options->began_ms))
        return SCAN_HOLD;
    if (message->sent_ms > options->began_ms) {
        redrive->facts.arrived++;
        return SCAN_HOLD;
    }
    redrive->facts.matched++;
    struct queue *to = target_of(options, message, facts);
    if (to)
        return transfer_begin(redrive, to, message, item);
    refuse(&error, redrive, message);
    fail(redrive, &error);
    return SCAN_HOLD;
}

static enum scan_verdict look(struct queue_message *message, struct scan_item *item, void *user)
{
    struct redrive *redrive = user;
    struct dead_letter_facts facts;
    dead_letter_facts_read(message, redrive->options.origins, &facts);
    const enum scan_verdict verdict = judge(redrive, message, &facts, item);
    dead_letter_facts_clear(&facts);
    if (is_full(redrive))
        queue_scan_stop(redrive->scan);
    return verdict;
}

/* ---- the redrive ---- */

static void on_scanned(void *user)
{
    const struct redrive *redrive = user;
    redrive->options.done(redrive->options.user);
}

int redrive_start(const struct redrive_options *options, struct redrive **out)
{
    struct redrive *redrive = calloc(1, sizeof *redrive);
    *out = NULL;
    if (!redrive)
        return ERR_MEMORY;
    redrive->options = *options;
    list_init(&redrive->waiting);
    const struct queue_scan_options scan = {.loop = options->loop,
                                            .ops = options->ops,
                                            .queue = options->dead_letters,
                                            .visibility_s = options->visibility_s,
                                            .look = look,
                                            .done = options->done ? on_scanned : NULL,
                                            .user = redrive};
    int code = queue_scan_start(&scan, &redrive->scan);
    if (code) {
        free(redrive);
        return code;
    }
    *out = redrive;
    return 0;
}

void redrive_stop(struct redrive *redrive)
{
    queue_scan_stop(redrive->scan);
    drop_waiting(redrive);
}

bool redrive_is_done(void *redrive)
{
    return queue_scan_is_done(((struct redrive *)redrive)->scan);
}

const struct redrive_facts *redrive_facts(const struct redrive *redrive)
{
    return &redrive->facts;
}

const struct queue_scan_facts *redrive_scan_facts(const struct redrive *redrive)
{
    return queue_scan_facts(redrive->scan);
}

void redrive_free(struct redrive *redrive)
{
    if (!redrive)
        return;
    queue_scan_free(redrive->scan);
    free(redrive);
}
