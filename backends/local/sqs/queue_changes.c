/* The changes of a queue that are stored: creating, deleting, purging it, setting its attributes. */
#include <string.h>

#include "json_text.h"
#include "queue_rows.h"
#include "resource_name.h"

/* Whether a dead-letter queue accepts messages from a queue, according to its RedriveAllowPolicy;
 * without one, from all. */
static bool redrive_allowed(const struct local_queue *target, const char *source_arn)
{
    const char *text =
        json_string_value(json_object_get(target->attributes.texts, "RedriveAllowPolicy"));
    json_t *policy = text ? json_text_read(slice_of(text), JSON_LAST_DUPLICATE, NULL) : NULL;
    const char *permission = json_string_value(json_object_get(policy, "redrivePermission"));
    json_t *sources = json_object_get(policy, "sourceQueueArns");
    json_t *arn = json_string(source_arn);
    bool allowed = !permission || strcmp(permission, "allowAll") == 0;
    for (size_t i = 0; permission && strcmp(permission, "byQueue") == 0 && !allowed &&
                       i < json_array_size(sources);
         i++)
        allowed = json_equal(json_array_get(sources, i), arn);
    json_decref(arn);
    json_decref(policy);
    return allowed;
}

/* A dead-letter queue in a policy must exist, be a different queue of the same account and region,
 * and allow the redrive. */
static int redrive_check(struct queues *queues, const char *arn, const struct queue_attributes *a,
                         struct service_error *error)
{
    if (!a->dead_letter_arn)
        return 0;
    struct local_queue *target =
        arn_same_home(arn, a->dead_letter_arn) ? queues_find_arn(queues, a->dead_letter_arn) : NULL;
    const char *reason = !target ? "Dead letter target does not exist."
                         : strcmp(target->named.name, arn) == 0
                             ? "A queue cannot be its own dead letter target."
                         : target->attributes.fifo != a->fifo
                             ? "Dead-letter queue must be same type of queue as the source."
                         : !redrive_allowed(target, arn)
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

static int queue_add(struct queues *queues, const char *arn, struct queue_attributes *attributes,
                     json_t *tags, queue_written *done, void *user)
{
    struct local_queue *q = queue_new(queues, queues->next_queue, arn);
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
int queues_create(struct queues *queues, struct arn_home home, const char *name, json_t *attributes,
                  json_t *tags, queue_written *done, void *user, struct service_error *error)
{
    struct queue_attributes initial, wanted;
    char arn[QUEUE_ARN_SIZE];
    queue_arn_write(home, name, arn);
    if (queue_attributes_init(&initial, name)) {
        queue_attributes_free(&initial);
        return ERR_MEMORY;
    }
    int code = queue_attributes_change(&initial, attributes, &wanted, error);
    queue_attributes_free(&initial);
    if (code)
        return code;
    struct named *named = name_index_find(&queues->names, arn);
    if (!named)
        code = redrive_check(queues, arn, &wanted, error);
    if (named)
        code = queue_find_same(container_of(named, struct local_queue, named), attributes, done,
                               user, error);
    else if (!code)
        return queue_add(queues, arn, &wanted, tags, done, user);
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
    q->purge_mark = task->below_id;
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
