/* The SQS actions on queues. Source: the Amazon SQS API Reference, one page per action. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "authorization.h"
#include "json_text.h"
#include "sqs_call.h"

enum { LIST_PAGE = 1000 };

static int input_name(struct service_call *call, const char **out)
{
    *out = json_text_in(call->input, "QueueName");
    if (!*out)
        return service_error_set(&call->error, SQS_MISSING_PARAMETER,
                                 "The request must contain the parameter QueueName.");
    snprintf(call->request->resource, sizeof call->request->resource, "%s", *out);
    return 0;
}

static int name_check(struct service_call *call, const char *name)
{
    const char *type = json_text_in(json_object_get(call->input, "Attributes"), "FifoQueue");
    bool fifo = type && strcasecmp(type, "true") == 0;
    if (queue_name_valid(name) && fifo == queue_name_is_fifo(name))
        return 0;
    return service_error_set(
        &call->error, SQS_INVALID_PARAMETER,
        fifo ? "The name of a FIFO queue can only include alphanumeric "
               "characters, hyphens, or underscores, must end with .fifo suffix "
               "and be 1 to 80 in length"
             : "Can only include alphanumeric characters, hyphens, or "
               "underscores. 1 to 80 in length");
}

/* The JSON object `name` of the input; absent: an empty one. A new reference, or NULL. */
static json_t *input_object(struct service_call *call, const char *name)
{
    json_t *object = json_object_get(call->input, name);
    if (!object || json_is_null(object))
        return json_object();
    if (json_is_object(object))
        return json_incref(object);
    service_error_set(&call->error, SQS_INVALID_PARAMETER,
                      "%s must be pairs of a name and a value.", name);
    return NULL;
}

static int input_failed(const struct service_call *call)
{
    return call->error.code ? call->error.code : ERR_MEMORY;
}

static void policy_note(const struct local_queue *queue, const json_t *changes)
{
    if (queue && json_object_get(changes, "Policy"))
        authorization_log_policy(local_queue_name(queue), local_queue_attributes(queue)->policy);
}

/* The URL of a queue serves only actions on queues. */
static int path_check(struct service_call *call)
{
    if (http_call_path(call->request->call).size <= 1)
        return 0;
    return service_call_fail(call, SERVICE_INVALID_ACTION,
                             "The action %s is not valid for this endpoint.",
                             call->operation->name);
}

int sqs_create_queue(struct service_call *call)
{
    const char *name;
    int code = path_check(call);
    if (code)
        return code;
    code = input_name(call, &name);
    if (code)
        return code;
    code = name_check(call, name);
    if (code)
        return code;
    json_t *tags = json_object_get(call->input, "tags");
    code = queue_tags_check(tags, &call->error);
    if (code)
        return code;
    const struct arn_home home = call->request->home;
    code = service_call_output(call, "QueueUrl", sqs_queue_url(call, slice_of(home.account), name));
    if (code)
        return code;
    json_t *attributes = input_object(call, "Attributes");
    if (!attributes)
        return input_failed(call);
    code = queues_create(call->cloud->queues, home, name, attributes, tags, service_call_written,
                         call, &call->error);
    if (!code)
        policy_note(queues_find(call->cloud->queues, home, name), attributes);
    json_decref(attributes);
    return service_call_wait(call, code);
}

int sqs_delete_queue(struct service_call *call)
{
    struct local_queue *queue;
    int code = sqs_input_queue(call, &queue);
    if (code)
        return code;
    return service_call_wait(call, local_queue_delete(queue, service_call_written, call));
}

int sqs_purge_queue(struct service_call *call)
{
    struct local_queue *queue;
    int code = sqs_input_queue(call, &queue);
    if (code)
        return code;
    return service_call_wait(call, local_queue_purge(queue, service_call_written, call));
}

int sqs_get_queue_url(struct service_call *call)
{
    const char *name;
    int code = input_name(call, &name);
    if (code)
        return code;
    const char *owner = json_text_in(call->input, "QueueOwnerAWSAccountId");
    struct arn_home home = call->request->home;
    if (owner && strlen(owner) != strlen(home.account))
        return sqs_queue_absent(call);
    if (owner)
        home.account = owner;
    struct local_queue *queue = queues_find(call->cloud->queues, home, name);
    if (!queue)
        return sqs_queue_absent(call);
    code = sqs_permit(call, queue);
    if (code)
        return code;
    return service_call_output(call, "QueueUrl", sqs_queue_url(call, slice_of(home.account), name));
}

static int urls_add(struct service_call *call, const char *member,
                    struct local_queue *const *queues, size_t count)
{
    json_t *urls = json_array();
    int failed = !urls;
    for (size_t i = 0; i < count && !failed; i++)
        failed = json_array_append_new(
            urls, sqs_queue_url(call, local_queue_account(queues[i]), local_queue_name(queues[i])));
    if (!failed)
        return service_call_output(call, member, urls);
    json_decref(urls);
    return ERR_MEMORY;
}

/* The token of a page is its last name. Without MaxResults SQS returns up to 1,000 names and no
 * token. */
static int list_page(struct service_call *call, const char *prefix,
                     const struct local_queue *source_of, const char *member)
{
    const char *after = json_text_in(call->input, "NextToken");
    int max = 0;
    bool more;
    int code = sqs_input_int(call->input, "MaxResults", 1, LIST_PAGE, &max, &call->error);
    if (code)
        return code;
    struct local_queue **page = calloc(LIST_PAGE, sizeof *page);
    if (!page)
        return ERR_MEMORY;
    size_t count = queues_list(call->cloud->queues, call->request->home, prefix, after, source_of,
                               page, max ? (size_t)max : LIST_PAGE, &more);
    if (count > 0 || source_of)
        code = urls_add(call, member, page, count);
    if (!code && more && max)
        code =
            service_call_output(call, "NextToken", json_string(local_queue_name(page[count - 1])));
    free(page);
    return code;
}

int sqs_list_queues(struct service_call *call)
{
    const char *prefix = json_text_in(call->input, "QueueNamePrefix");
    int code = path_check(call);
    if (code)
        return code;
    return list_page(call, prefix ? prefix : "", NULL, "QueueUrls");
}

int sqs_list_dead_letter_source_queues(struct service_call *call)
{
    struct local_queue *queue;
    int code = sqs_input_queue(call, &queue);
    return !code ? list_page(call, "", queue, "queueUrls") : code;
}

int sqs_set_queue_attributes(struct service_call *call)
{
    struct local_queue *queue;
    int code = sqs_input_queue(call, &queue);
    if (code)
        return code;
    json_t *changes = input_object(call, "Attributes");
    if (!changes)
        return input_failed(call);
    code = json_object_size(changes)
               ? local_queue_set(queue, changes, service_call_written, call, &call->error)
               : service_error_set(&call->error, SQS_MISSING_PARAMETER,
                                   "The request must contain the parameter Attributes.");
    if (!code)
        policy_note(queue, changes);
    json_decref(changes);
    return service_call_wait(call, code);
}

/* Valid SQS attribute names that a standard queue here never returns. */
static bool attribute_known(const char *name, json_t *all)
{
    return json_object_get(all, name) || queue_attributes_known(name);
}

static int attribute_select(struct service_call *call, json_t *all, const char *name,
                            json_t *chosen)
{
    if (name && strcmp(name, "All") == 0)
        return json_object_update(chosen, all) ? ERR_MEMORY : 0;
    if (!name || !attribute_known(name, all))
        return service_error_set(&call->error, SQS_INVALID_ATTRIBUTE_NAME,
                                 "Unknown Attribute %.80s.", name ? name : "");
    json_t *value = json_object_get(all, name);
    return value && json_object_set(chosen, name, value) ? ERR_MEMORY : 0;
}

static int attributes_select(struct service_call *call, json_t *all, json_t *names)
{
    json_t *chosen = json_object();
    if (!chosen)
        return ERR_MEMORY;
    for (size_t i = 0; i < json_array_size(names); i++) {
        int code = attribute_select(call, all, json_string_value(json_array_get(names, i)), chosen);
        if (code) {
            json_decref(chosen);
            return code;
        }
    }
    if (json_object_size(chosen) > 0)
        return service_call_output(call, "Attributes", chosen);
    json_decref(chosen);
    return 0;
}

int sqs_get_queue_attributes(struct service_call *call)
{
    struct local_queue *queue;
    int code = sqs_input_queue(call, &queue);
    if (code)
        return code;
    json_t *all = local_queue_describe(queue);
    if (!all)
        return ERR_MEMORY;
    code = attributes_select(call, all, json_object_get(call->input, "AttributeNames"));
    json_decref(all);
    return code;
}
