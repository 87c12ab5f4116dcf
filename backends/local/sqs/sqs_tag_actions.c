/* TagQueue, UntagQueue, ListQueueTags. */
#include "sqs_call.h"

/* CreateQueue and TagQueue use different names for the tags, but the Query protocol uses one for
 * both. */
static json_t *input_tags(const struct service_call *call)
{
    json_t *tags = json_object_get(call->input, "Tags");
    return tags ? tags : json_object_get(call->input, "tags");
}

static int input_missing(struct service_call *call, const char *name)
{
    return service_error_set(&call->error, SQS_MISSING_PARAMETER,
                             "The request must contain the parameter %s.", name);
}

static int tags_change(struct service_call *call, struct local_queue *queue, json_t *add,
                       json_t *remove)
{
    int code = local_queue_tag(queue, add, remove, service_call_written, call, &call->error);
    return service_call_wait(call, code);
}

int sqs_tag_queue(struct service_call *call)
{
    struct local_queue *queue;
    int code = sqs_input_queue(call, &queue);
    json_t *tags = input_tags(call);
    if (code)
        return code;
    if (json_is_object(tags) && json_object_size(tags) == 0)
        tags = NULL;
    code = tags ? queue_tags_check(tags, &call->error) : input_missing(call, "Tags");
    return !code ? tags_change(call, queue, tags, NULL) : code;
}

int sqs_untag_queue(struct service_call *call)
{
    struct local_queue *queue;
    int code = sqs_input_queue(call, &queue);
    json_t *keys = json_object_get(call->input, "TagKeys");
    if (!code && json_array_size(keys) == 0)
        code = input_missing(call, "TagKeys");
    return !code ? tags_change(call, queue, NULL, keys) : code;
}

int sqs_list_queue_tags(struct service_call *call)
{
    struct local_queue *queue;
    int code = sqs_input_queue(call, &queue);
    if (code)
        return code;
    json_t *tags = json_deep_copy(local_queue_tags(queue));
    if (json_object_size(tags) > 0 || !tags)
        return json_object_set_new(call->output, "Tags", tags) ? ERR_MEMORY : 0;
    json_decref(tags);
    return 0;
}
