/* What operators do with queues: purge, sources of a dead-letter queue, message move tasks. */
#include <string.h>

#include "json_text.h"
#include "sqs_private.h"

enum { SOURCES_MAX = 1000 }; /* of a page of ListDeadLetterSourceQueues */

/* --- purge --- */

static void on_purged(const struct aws_reply *reply, void *user)
{
    struct queue_request *operation = user;
    queue_purged *done = operation->done.purged;
    void *their = operation->user;
    sqs_operation_free(operation);
    done(&reply->error, their);
}

static int purge(struct queue *queue, queue_purged *done, void *user)
{
    const struct sqs_client_call call = {
        .operation = "PurgeQueue",
        .body = json_object(),
        .replied = on_purged,
        .done.purged = done,
        .user = user,
    };
    return sqs_start(queue, &call, NULL);
}

/* --- sources --- */

static void on_sources(const struct aws_reply *reply, void *user)
{
    struct queue_request *operation = user;
    queue_sources_known *done = operation->done.sources;
    void *their = operation->user;
    const char *urls[SOURCES_MAX];
    size_t count = 0;
    struct error error;
    json_t *root = aws_json_response(reply, &error);
    const json_t *list = json_object_get(root, "queueUrls");
    for (size_t i = 0; i < json_array_size(list) && count < SOURCES_MAX; i++) {
        urls[count] = json_string_value(json_array_get(list, i));
        count += urls[count] != NULL;
    }
    const bool more = count < json_array_size(list) || json_text_in(root, "NextToken");
    sqs_operation_free(operation);
    done(urls, count, more, &error, their);
    json_decref(root);
}

static int sources(struct queue *dead_letters, queue_sources_known *done, void *user)
{
    const struct sqs_client_call call = {
        .operation = "ListDeadLetterSourceQueues",
        .body = json_pack("{s:i}", "MaxResults", SOURCES_MAX),
        .response_max = (size_t)1024 * 1024,
        .replied = on_sources,
        .done.sources = done,
        .user = user,
    };
    return sqs_start(dead_letters, &call, NULL);
}

/* --- message move tasks --- */

static void on_move_started(const struct aws_reply *reply, void *user)
{
    struct queue_request *operation = user;
    queue_move_started *done = operation->done.move_started;
    void *their = operation->user;
    struct error error;
    json_t *root = aws_json_response(reply, &error);
    const char *handle = json_text_in(root, "TaskHandle");
    if (root && !handle)
        aws_error_local(&error, &reply->subject, ERR_PROTOCOL, "no TaskHandle in the response");
    sqs_operation_free(operation);
    done(handle, &error, their);
    json_decref(root);
}

/* A repetition of a start that was carried out is refused, because one task is running. */
static int move_start(struct queue *dead_letters, const struct queue *to, queue_move_started *done,
                      void *user)
{
    const struct sqs_client_call call = {
        .operation = "StartMessageMoveTask",
        .no_url = true,
        .once = true,
        .body = json_pack("{s:s, s:s}", "SourceArn", dead_letters->facts.arn, "DestinationArn",
                          to->facts.arn),
        .replied = on_move_started,
        .done.move_started = done,
        .user = user,
    };
    return sqs_start(dead_letters, &call, NULL);
}

static enum queue_move_state state_of(const char *status)
{
    static const char *const names[] = {[QUEUE_MOVE_RUNNING] = "RUNNING",
                                        [QUEUE_MOVE_CANCELLING] = "CANCELLING",
                                        [QUEUE_MOVE_CANCELLED] = "CANCELLED",
                                        [QUEUE_MOVE_COMPLETED] = "COMPLETED",
                                        [QUEUE_MOVE_FAILED] = "FAILED"};
    for (size_t i = QUEUE_MOVE_RUNNING; status && i <= QUEUE_MOVE_FAILED; i++) {
        if (strcmp(names[i], status) == 0)
            return (enum queue_move_state)i;
    }
    return QUEUE_MOVE_NONE;
}

static void on_move_known(const struct aws_reply *reply, void *user)
{
    struct queue_request *operation = user;
    queue_move_known *done = operation->done.move_known;
    void *their = operation->user;
    struct error error;
    json_t *root = aws_json_response(reply, &error);
    const json_t *task = json_array_get(json_object_get(root, "Results"), 0); /* the newest */
    const struct queue_move_facts move = {
        .state = state_of(json_text_in(task, "Status")),
        .moved = aws_json_number(task, "ApproximateNumberOfMessagesMoved"),
        .to_move = aws_json_number(task, "ApproximateNumberOfMessagesToMove"),
        .handle = json_text_in(task, "TaskHandle"),
        .reason = json_text_in(task, "FailureReason"),
    };
    sqs_operation_free(operation);
    done(&move, &error, their);
    json_decref(root);
}

static int move_look(struct queue *dead_letters, queue_move_known *done, void *user)
{
    const struct sqs_client_call call = {
        .operation = "ListMessageMoveTasks",
        .no_url = true,
        .body = json_pack("{s:s, s:i}", "SourceArn", dead_letters->facts.arn, "MaxResults", 1),
        .replied = on_move_known,
        .done.move_known = done,
        .user = user,
    };
    return sqs_start(dead_letters, &call, NULL);
}

static void on_move_cancelled(const struct aws_reply *reply, void *user)
{
    struct queue_request *operation = user;
    queue_move_cancelled *done = operation->done.move_cancelled;
    void *their = operation->user;
    sqs_operation_free(operation);
    done(&reply->error, their);
}

static int move_cancel(struct queue *dead_letters, const char *handle, queue_move_cancelled *done,
                       void *user)
{
    const struct sqs_client_call call = {
        .operation = "CancelMessageMoveTask",
        .no_url = true,
        .body = json_pack("{s:s}", "TaskHandle", handle),
        .replied = on_move_cancelled,
        .done.move_cancelled = done,
        .user = user,
    };
    return sqs_start(dead_letters, &call, NULL);
}

const struct queue_admin_ops sqs_admin_ops = {
    .purge = purge,
    .sources = sources,
    .move_start = move_start,
    .move_look = move_look,
    .move_cancel = move_cancel,
};
