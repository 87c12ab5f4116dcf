/* Queues: finding, creating, changing, listing and deleting them. */
#include "queues.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "name_page.h"
#include "queue_rows.h"
#include "secret.h"

struct local_queue *queue_new(struct queues *queues, uint64_t id, const char *name)
{
    struct local_queue *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    q->queues = queues;
    q->id = id;
    q->refs = 1;
    list_init(&q->changes);
    list_init(&q->tag_changes);
    q->named.name = strdup(name);
    for (int i = 0; i < MESSAGE_STATES; i++)
        list_init(&q->lists[i]);
    list_init(&q->open_groups);
    list_init(&q->waiters);
    list_init(&q->ready);
    q->tags = json_object();
    if (q->named.name && q->tags && !queue_attributes_init(&q->attributes, name))
        return q;
    queue_release(q);
    return NULL;
}

void queue_retain(struct local_queue *q)
{
    q->refs++;
}

void queue_release(struct local_queue *q)
{
    if (--q->refs > 0)
        return;
    list_remove(&q->ready);
    queue_attributes_free(&q->attributes);
    json_decref(q->tags);
    free(q->named.name);
    free(q);
}

static void queue_vanish(struct local_queue *q)
{
    q->gone = true;
    queue_fail_polls(q);
    queue_moves_end(q);
    queue_purge_below(q, UINT64_MAX);
    name_index_remove(&q->queues->names, &q->named);
    queue_release(q);
}

void queues_stop(struct queues *queues)
{
    queues->stopped = true;
    uv_idle_stop(&queues->idle);
    if (queues->deadlines)
        deadlines_stop(queues->deadlines);
}

static void idle_closed(uv_handle_t *handle)
{
    struct queues *queues = container_of((uv_idle_t *)handle, struct queues, idle);
    void (*closed)(void *user) = queues->closed;
    void *user = queues->user;
    free(queues);
    if (closed)
        closed(user);
}

struct local_queue *queues_find(struct queues *queues, const char *name)
{
    struct named *named = name_index_find(&queues->names, name);
    struct local_queue *q = named ? container_of(named, struct local_queue, named) : NULL;
    return q && !q->deleting ? q : NULL;
}

/* arn:aws:sqs:REGION:ACCOUNT:NAME; any region, because a signature may contain any. */
struct local_queue *queues_find_arn(struct queues *queues, const char *arn)
{
    static const char prefix[] = "arn:aws:sqs:";
    if (strncmp(arn, prefix, sizeof prefix - 1) != 0)
        return NULL;
    const char *account = strchr(arn + sizeof prefix - 1, ':');
    const char *name = account ? strchr(account + 1, ':') : NULL;
    size_t size = strlen(queues->cloud->account);
    if (!name || (size_t)(name - account - 1) != size ||
        strncmp(account + 1, queues->cloud->account, size) != 0)
        return NULL;
    return queues_find(queues, name + 1);
}

bool queue_name_valid(const char *name)
{
    size_t size = strlen(name), plain = queue_name_is_fifo(name) ? size - 5 : size;
    for (size_t i = 0; i < plain; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
            return false;
    }
    return size > 0 && size <= QUEUE_NAME_MAX;
}

const char *local_queue_name(const struct local_queue *q)
{
    return q->named.name;
}

int local_queue_arn(const struct local_queue *q, struct buffer *out)
{
    const struct cloud *cloud = q->queues->cloud;
    return buffer_format(out, "arn:aws:sqs:%s:%s:%s", cloud->region, cloud->account, q->named.name);
}

const struct queue_attributes *local_queue_attributes(const struct local_queue *q)
{
    return &q->attributes;
}

struct log_gate *local_queue_refusals(struct local_queue *q)
{
    return &q->refusals;
}

/* Whether a dead-letter queue accepts messages from a queue, according to its RedriveAllowPolicy;
 * without one, from all. */
static bool redrive_allowed(const struct local_queue *target, const char *source_name)
{
    const struct cloud *cloud = target->queues->cloud;
    const char *text =
        json_string_value(json_object_get(target->attributes.texts, "RedriveAllowPolicy"));
    json_t *policy = text ? json_text_read(slice_of(text), JSON_LAST_DUPLICATE, NULL) : NULL;
    const char *permission = json_string_value(json_object_get(policy, "redrivePermission"));
    json_t *sources = json_object_get(policy, "sourceQueueArns");
    json_t *arn = json_sprintf("arn:aws:sqs:%s:%s:%s", cloud->region, cloud->account, source_name);
    bool allowed = !permission || strcmp(permission, "allowAll") == 0;
    for (size_t i = 0; permission && strcmp(permission, "byQueue") == 0 && !allowed &&
                       i < json_array_size(sources);
         i++)
        allowed = json_equal(json_array_get(sources, i), arn);
    json_decref(arn);
    json_decref(policy);
    return allowed;
}

/* A dead-letter queue in a policy must exist, be a different queue, and allow the redrive. */
static int redrive_check(struct queues *queues, const char *name, const struct queue_attributes *a,
                         struct service_error *error)
{
    if (!a->dead_letter_arn)
        return 0;
    struct local_queue *target = queues_find_arn(queues, a->dead_letter_arn);
    const char *reason = !target ? "Dead letter target does not exist."
                         : strcmp(target->named.name, name) == 0
                             ? "A queue cannot be its own dead letter target."
                         : target->attributes.fifo != a->fifo
                             ? "Dead-letter queue must be same type of queue as the source."
                         : !redrive_allowed(target, name)
                             ? "The dead letter target's RedriveAllowPolicy does not allow it."
                             : NULL;
    if (!reason)
        return 0;
    return service_error_set(error, SQS_INVALID_PARAMETER,
                             "Value %.200s for parameter RedrivePolicy is invalid. Reason: %s",
                             json_string_value(json_object_get(a->texts, "RedrivePolicy")), reason);
}

/* Creating. */

static void create_settled(struct queue_task *task, int code)
{
    if (code && !task->queue->gone)
        queue_vanish(task->queue);
}

static int queue_submit(struct local_queue *q, storage_run *run,
                        void (*settled)(struct queue_task *task, int code), queue_written *done,
                        void *user)
{
    struct queue_task *task = queue_task_new(q, run, settled);
    if (!task)
        return ERR_MEMORY;
    task->done = done;
    task->user = user;
    queue_task_submit(task);
    return 0;
}

static int queue_add(struct queues *queues, const char *name, struct queue_attributes *attributes,
                     json_t *tags, queue_written *done, void *user)
{
    struct local_queue *q = queue_new(queues, queues->next_queue, name);
    if (!q) {
        queue_attributes_free(attributes);
        return ERR_MEMORY;
    }
    queue_attributes_free(&q->attributes);
    q->attributes = *attributes;
    if (tags)
        json_object_update(q->tags, tags);
    q->created_ms = q->modified_ms = deadlines_now(queues->deadlines);
    int code = name_index_add(&queues->names, &q->named) ? ERR_MEMORY : 0;
    if (!code)
        code = queue_submit(q, queue_row_insert, create_settled, done, user);
    if (code) {
        name_index_remove(&queues->names, &q->named);
        queue_release(q);
        return code;
    }
    queues->next_queue++;
    return 0;
}

/* The same queue again: the response waits until earlier changes, possibly its creation, are on the
 * disk. */
static int queue_find_same(struct local_queue *q, json_t *attributes, queue_written *done,
                           void *user, struct service_error *error)
{
    if (q->deleting)
        return service_error_set(error, SQS_QUEUE_DELETED_RECENTLY, "%s", "");
    const char *name = queue_attributes_differ(&q->attributes, attributes);
    if (name)
        return service_error_set(
            error, SQS_QUEUE_NAME_EXISTS,
            "A queue already exists with the same name and a different value for "
            "attribute %.80s",
            name);
    return queue_submit(q, queue_row_none, NULL, done, user);
}

/* The tags of an existing queue are not changed. A name is free as soon as the deletion of its
 * queue is stored; SQS requires a minute in between, because its own deletion takes that long. */
int queues_create(struct queues *queues, const char *name, json_t *attributes, json_t *tags,
                  queue_written *done, void *user, struct service_error *error)
{
    struct queue_attributes initial, wanted;
    if (queue_attributes_init(&initial, name)) {
        queue_attributes_free(&initial);
        return ERR_MEMORY;
    }
    int code = queue_attributes_change(&initial, attributes, &wanted, error);
    queue_attributes_free(&initial);
    if (code)
        return code;
    struct named *named = name_index_find(&queues->names, name);
    if (!named)
        code = redrive_check(queues, name, &wanted, error);
    if (named)
        code = queue_find_same(container_of(named, struct local_queue, named), attributes, done,
                               user, error);
    else if (!code)
        return queue_add(queues, name, &wanted, tags, done, user);
    queue_attributes_free(&wanted);
    return code;
}

/* Deleting, purging. */

static void delete_settled(struct queue_task *task, int code)
{
    struct local_queue *q = task->queue;
    if (!code)
        queue_vanish(q);
    else
        q->deleting = false;
}

int local_queue_delete(struct local_queue *q, queue_written *done, void *user)
{
    struct queue_task *task = queue_task_new(q, queue_row_delete, delete_settled);
    if (!task)
        return ERR_MEMORY;
    task->done = done;
    task->user = user;
    q->deleting = true;
    queue_fail_polls(q);
    queue_task_submit(task);
    return 0;
}

static void purge_settled(struct queue_task *task, int code)
{
    struct local_queue *q = task->queue;
    q->purging = false;
    if (q->gone)
        return;
    if (!code)
        queue_purge_below(q, task->below_id);
    queue_mark_ready(q);
}

/* SQS allows one purge per minute, because its own takes that long. Here a purge is complete when
 * the response is sent, so another is refused only while it is pending. */
int local_queue_purge(struct local_queue *q, queue_written *done, void *user)
{
    if (q->purging)
        return SQS_PURGE_IN_PROGRESS;
    struct queue_task *task = queue_task_new(q, queue_row_purge, purge_settled);
    if (!task)
        return ERR_MEMORY;
    task->below_id = q->queues->next_message;
    task->done = done;
    task->user = user;
    q->purging = true;
    queue_task_submit(task);
    return 0;
}

/* Changing. */

/* A new retention period affects every message, a new delay of a FIFO queue its delayed ones; no
 * other attribute requires a review of the messages. */
static void queue_apply(struct local_queue *q, struct queue_attributes *attributes)
{
    bool review = q->attributes.retention_s != attributes->retention_s ||
                  (q->attributes.fifo && q->attributes.delay_s != attributes->delay_s);
    struct queue_attributes previous = q->attributes;
    q->attributes = *attributes;
    *attributes = previous;
    if (review)
        review_start(q->queues);
}

/* A change applies immediately and is rolled back if it cannot be stored. If another change
 * followed, the state before it was never stored either, so that change inherits the state that
 * this one replaced. */
static void set_settled(struct queue_task *task, int code)
{
    struct local_queue *q = task->queue;
    struct list *after = list_take(&q->changes, &task->change);
    if (!code || q->gone)
        return;
    if (!after) {
        queue_apply(q, &task->previous);
        return;
    }
    struct queue_task *next = container_of(after, struct queue_task, change);
    struct queue_attributes unstored = next->previous;
    next->previous = task->previous;
    task->previous = unstored;
}

int local_queue_set(struct local_queue *q, json_t *changes, queue_written *done, void *user,
                    struct service_error *error)
{
    struct queue_attributes wanted;
    int code = queue_attributes_change(&q->attributes, changes, &wanted, error);
    if (code)
        return code;
    if (json_object_get(changes, "RedrivePolicy"))
        code = redrive_check(q->queues, q->named.name, &wanted, error);
    if (code) {
        queue_attributes_free(&wanted);
        return code;
    }
    queue_apply(q, &wanted); /* wanted now contains the old value */
    struct queue_task *task = queue_task_new(q, queue_row_update, set_settled);
    if (!task) {
        queue_apply(q, &wanted);
        queue_attributes_free(&wanted);
        return ERR_MEMORY;
    }
    q->modified_ms = task->modified_ms;
    task->previous = wanted;
    list_push(&q->changes, &task->change);
    task->done = done;
    task->user = user;
    queue_task_submit(task);
    return 0;
}

/* Reading. */

json_t *local_queue_arn_json(const struct local_queue *q)
{
    struct buffer arn;
    buffer_init(&arn, 512);
    local_queue_arn(q, &arn);
    json_t *json = arn.error ? NULL : json_stringn(arn.data, arn.size);
    buffer_free(&arn);
    return json;
}

json_t *local_queue_describe(const struct local_queue *q)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o}", "QueueArn", local_queue_arn_json(q),
        "ApproximateNumberOfMessages", json_sprintf("%zu", q->counts[MESSAGE_VISIBLE]),
        "ApproximateNumberOfMessagesNotVisible", json_sprintf("%zu", q->counts[MESSAGE_IN_FLIGHT]),
        "ApproximateNumberOfMessagesDelayed", json_sprintf("%zu", q->counts[MESSAGE_DELAYED]),
        "CreatedTimestamp", json_sprintf("%lld", (long long)(q->created_ms / 1000)),
        "LastModifiedTimestamp", json_sprintf("%lld", (long long)(q->modified_ms / 1000)));
    if (object && !queue_attributes_add(&q->attributes, object))
        return object;
    json_decref(object);
    return NULL;
}

static bool redrives_to(const struct local_queue *q, const struct local_queue *target)
{
    return q->attributes.dead_letter_arn &&
           queues_find_arn(q->queues, q->attributes.dead_letter_arn) == target;
}

static bool shows_queue(const struct named *item, const void *source_of)
{
    const struct local_queue *q = container_of(item, const struct local_queue, named);
    return !q->deleting && (!source_of || redrives_to(q, source_of));
}

size_t queues_list(struct queues *queues, const char *prefix, const char *after,
                   const struct local_queue *source_of, struct local_queue **out, size_t max,
                   bool *more)
{
    struct name_page page = {.prefix = prefix,
                             .after = after,
                             .shows = shows_queue,
                             .user = source_of,
                             .part = {.limit = max}};
    struct named *item;
    size_t count = 0;
    name_page_start(&page, &queues->names);
    while ((item = name_page_next(&page)))
        out[count++] = container_of(item, struct local_queue, named);
    *more = page.part.next != NULL;
    return count;
}

void queues_receipt_text(const struct queues *queues, const struct receipt *receipt,
                         char out[RECEIPT_TEXT_SIZE])
{
    receipt_write(queues->receipt_key, receipt, out);
}

int queues_open(struct cloud *cloud, struct queues **out, struct error *error)
{
    struct queues *queues = calloc(1, sizeof *queues);
    if (!queues)
        return error_set(error, ERR_MEMORY, "out of memory");
    queues->cloud = cloud;
    queues->next_queue = queues->next_message = 1;
    list_init(&queues->ready);
    list_init(&queues->moves);
    sweep_open(&queues->sweep);
    uv_idle_init(cloud->loop, &queues->idle);
    *out = queues;
    if (id_table_init(&queues->messages) || id_table_init(&queues->groups) ||
        dedup_open(&queues->history) || attempts_open(&queues->attempts))
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = deadlines_create(cloud->loop, &queues->deadlines, error);
    return code ? code : queues_load(queues, error);
}

static void deadlines_closed(void *user)
{
    struct queues *queues = user;
    uv_close((uv_handle_t *)&queues->idle, idle_closed);
}

void queues_close(struct queues *queues, void (*closed)(void *user), void *user)
{
    while (queues->names.count > 0) {
        struct named *last = queues->names.items[queues->names.count - 1];
        queue_vanish(container_of(last, struct local_queue, named));
    }
    sweep_close(queues);
    dedup_close(queues);
    attempts_close(&queues->attempts);
    name_index_free(&queues->names);
    id_table_free(&queues->messages);
    id_table_free(&queues->groups);
    secret_wipe(queues->receipt_key, sizeof queues->receipt_key);
    queues->closed = closed;
    queues->user = user;
    if (queues->deadlines)
        deadlines_close(queues->deadlines, deadlines_closed, queues);
    else
        deadlines_closed(queues);
}
