/*
 * Publish ("Publish", SNS API Reference). People who are subscribed by mail get the text; queues,
 * functions and HTTP endpoints get the JSON document, by MessageStructure json. A FIFO topic gets a
 * group for each key, and the notification's identifier for deduplication.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "notify_private.h"
#include "sns.h"

enum { MESSAGE_MAX = 256 * 1024 }; /* bytes */

static void on_published(const struct aws_reply *reply, void *user)
{
    aws_notice_finish(user, &reply->error);
}

/* NULL: memory is short, or together they are too long. */
static char *message_of_all(const struct notify_message *what)
{
    const char *document = what->document.data;
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "default", what->text, "sqs", document,
                  "lambda", document, "http", document, "https", document, "firehose", document);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (text && strlen(text) > MESSAGE_MAX) {
        free(text);
        text = NULL;
    }
    return text;
}

int topic_notify(struct notifier *notifier, const struct notify_message *what, notified *done,
                 void *user, struct notify_request **out)
{
    struct aws *aws = container_of(notifier, struct aws, topics);
    const bool fifo = slice_ends_with(slice_of(what->target), ".fifo");
    struct aws_notice *request = aws_notice_new(done, user);
    if (!request)
        return ERR_MEMORY;
    char *all = message_of_all(what);
    const struct sns_parameter parameters[] = {
        {"TopicArn", what->target},
        {"Subject", what->subject},
        {"Message", all ? all : what->text},
        {"MessageStructure", all ? "json" : NULL},
        {"MessageGroupId", fifo ? what->group : NULL},
        {"MessageDeduplicationId", fifo ? what->id : NULL},
        {"MessageAttributes.entry.1.Name", "event"},
        {"MessageAttributes.entry.1.Value.DataType", "String"},
        {"MessageAttributes.entry.1.Value.StringValue", what->type},
        {"MessageAttributes.entry.2.Name", "pipeline"},
        {"MessageAttributes.entry.2.Value.DataType", "String"},
        {"MessageAttributes.entry.2.Value.StringValue", what->pipeline},
    };
    const struct sns_client_call call = {.action = "Publish",
                                         .resource = what->target,
                                         .topic_arn = what->target,
                                         .parameters = parameters,
                                         .parameter_count = sizeof parameters / sizeof *parameters,
                                         .trace = what->trace,
                                         .done = on_published,
                                         .release = aws_notice_release,
                                         .user = request,
                                         .out = &request->request};
    int code = sns_start(aws, &call);
    free(all);
    if (code)
        free(request);
    else
        *out = &request->seam;
    return code;
}
