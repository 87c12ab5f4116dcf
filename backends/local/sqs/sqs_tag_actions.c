/* TagQueue, UntagQueue, ListQueueTags. */
#include "sqs_call.h"

/* CreateQueue and TagQueue use different names for the tags, but the Query protocol uses one for
 * both. */
static json_t *input_tags(const struct sqs_call *call)
{
    json_t *tags = json_object_get(call->input, "Tags");
    return tags ? tags : json_object_get(call->input, "tags");
}

static enum sqs_code input_missing(struct sqs_call *call, const char *name)
{
    return sqs_error_set(&call->error, SQS_MISSING_PARAMETER,
                         "The request must contain the parameter %s.", name);
}

static enum sqs_code tags_change(struct sqs_call *call, struct local_queue *queue, json_t *add,
                                 json_t *remove)
{
    enum sqs_code code = local_queue_tag(queue, add, remove, sqs_call_written, call, &call->error);
    call->pending = code == SQS_OK;
    return code;
}

enum sqs_code sqs_tag_queue(struct sqs_call *call)
{
    struct local_queue *queue;
    enum sqs_code code = sqs_input_queue(call, &queue);
    json_t *tags = input_tags(call);
    if (code != SQS_OK)
        return code;
    if (json_is_object(tags) && json_object_size(tags) == 0)
        tags = NULL;
    code = tags ? queue_tags_check(tags, &call->error) : input_missing(call, "Tags");
    return code == SQS_OK ? tags_change(call, queue, tags, NULL) : code;
}

enum sqs_code sqs_untag_queue(struct sqs_call *call)
{
    struct local_queue *queue;
    enum sqs_code code = sqs_input_queue(call, &queue);
    json_t *keys = json_object_get(call->input, "TagKeys");
    if (code == SQS_OK && json_array_size(keys) == 0)
        code = input_missing(call, "TagKeys");
    return code == SQS_OK ? tags_change(call, queue, NULL, keys) : code;
}

enum sqs_code sqs_list_queue_tags(struct sqs_call *call)
{
    struct local_queue *queue;
    enum sqs_code code = sqs_input_queue(call, &queue);
    if (code != SQS_OK)
        return code;
    json_t *tags = json_deep_copy(local_queue_tags(queue));
    if (json_object_size(tags) > 0 || !tags)
        return json_object_set_new(call->output, "Tags", tags) ? SQS_SERVICE_UNAVAILABLE : SQS_OK;
    json_decref(tags);
    return SQS_OK;
}
