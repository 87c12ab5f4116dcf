/* Tags of queues. Rules: "Tagging your queues" and the quotas of queues in the SQS Developer Guide.
 */
#include <string.h>

#include "queue_rows.h"
#include "utf8.h"

enum { TAGS_MAX = 50, KEY_MAX = 128, VALUE_MAX = 256 };

static int tag_check(const char *key, const json_t *value, struct service_error *error)
{
    long size = utf8_length(key);
    if (size < 1 || size > KEY_MAX || strncmp(key, "aws:", 4) == 0)
        return service_error_set(
            error, SQS_INVALID_PARAMETER,
            "Tag keys must be between 1 and 128 characters in length, and must "
            "not begin with aws:.");
    if (!json_is_string(value) || utf8_length(json_string_value(value)) > VALUE_MAX)
        return service_error_set(error, SQS_INVALID_PARAMETER,
                                 "Tag values must be between 0 and 256 characters in length.");
    return 0;
}

int queue_tags_check(json_t *tags, struct service_error *error)
{
    const char *key;
    json_t *value;
    if (tags && !json_is_object(tags))
        return service_error_set(error, SQS_INVALID_PARAMETER,
                                 "Tags must be pairs of key and value.");
    json_object_foreach(tags, key, value)
    {
        int code = tag_check(key, value, error);
        if (code)
            return code;
    }
    if (json_object_size(tags) > TAGS_MAX)
        return service_error_set(error, SQS_INVALID_PARAMETER, "A queue can have at most %d tags.",
                                 TAGS_MAX);
    return 0;
}

/* Rolled back like attributes: queues.c. */
static void tags_settled(struct queue_task *task, int code)
{
    struct local_queue *q = task->queue;
    struct list *after = list_take(&q->tag_changes, &task->change);
    if (!code || q->gone)
        return;
    json_t **goes_back =
        after ? &container_of(after, struct queue_task, change)->previous_tags : &q->tags;
    json_t *unstored = *goes_back;
    *goes_back = task->previous_tags;
    task->previous_tags = unstored;
}

static json_t *tags_changed(const json_t *tags, json_t *add, json_t *remove)
{
    json_t *changed = json_copy((json_t *)tags);
    if (changed && add && json_object_update(changed, add)) {
        json_decref(changed);
        return NULL;
    }
    for (size_t i = 0; changed && i < json_array_size(remove); i++) {
        const char *key = json_string_value(json_array_get(remove, i));
        if (key)
            json_object_del(changed, key);
    }
    return changed;
}

int local_queue_tag(struct local_queue *q, json_t *add, json_t *remove, queue_written *done,
                    void *user, struct service_error *error)
{
    json_t *previous = q->tags, *wanted = tags_changed(previous, add, remove);
    int code = wanted ? queue_tags_check(wanted, error) : ERR_MEMORY;
    if (code) {
        json_decref(wanted);
        return code;
    }
    q->tags = wanted;
    struct queue_task *task = queue_task_new(q, queue_row_tags, tags_settled);
    if (!task) {
        q->tags = previous;
        json_decref(wanted);
        return ERR_MEMORY;
    }
    task->previous_tags = previous;
    list_push(&q->tag_changes, &task->change);
    task->done = done;
    task->user = user;
    queue_task_submit(task);
    return 0;
}

json_t *local_queue_tags(const struct local_queue *q)
{
    return q->tags;
}
