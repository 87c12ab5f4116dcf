/* The actions of SNS on topics. Source: the Amazon SNS API Reference, an action a page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "sns_call.h"

enum { PAGE = 100 };

static bool is_true(const json_t *value)
{
    const char *text = json_string_value(value);
    return text && strcmp(text, "true") == 0;
}

/* Removes the attributes whose value means none. */
static int attributes_check(struct service_call *call, json_t *attributes, bool fifo)
{
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(attributes, next, name, value)
    {
        int code = sns_topic_attribute_check(call, name, json_string_value(value), fifo, true);
        if (code)
            return code;
        if (sns_topic_attribute_unsets(name, json_string_value(value)))
            json_object_del(attributes, name);
    }
    return 0;
}

/* FifoTopic=false equals the default. */
static bool is_stated(const char *name, const json_t *value)
{
    return strcmp(name, "FifoTopic") != 0 || is_true(value);
}

/* If the topic exists, the given attributes must equal the current ones. */
static int topic_same(struct service_call *call, struct topic *topic, json_t *attributes,
                      const json_t *tags)
{
    const char *name;
    json_t *value;
    json_object_foreach(attributes, name, value)
    {
        json_t *current = json_object_get(topic->record.attributes, name);
        if (is_stated(name, value) && !json_equal(current, value))
            return service_call_fail(
                call, SNS_INVALID_PARAMETER,
                "Invalid parameter: Attributes Reason: Topic already exists with "
                "different attributes");
    }
    const json_t *known = json_object_get(topic->record.details, "tags");
    if (tags && !json_equal(tags, known))
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: Tags Reason: Topic already exists with different tags");
    return sns_waiting(call, topic_confirm(topic, service_call_written, call));
}

static int topic_new(struct service_call *call, const char *arn, json_t *attributes, json_t *tags)
{
    json_t *details = tags ? json_pack("{s:O}", "tags", tags) : json_object();
    if (!details)
        return ERR_MEMORY;
    if (attributes && !is_true(json_object_get(attributes, "FifoTopic")))
        json_object_del(attributes, "FifoTopic");
    int code =
        topics_create(call->cloud->topics, arn, attributes, details, service_call_written, call);
    json_decref(details);
    return sns_waiting(call, code);
}

static int topic_make(struct service_call *call, const char *arn)
{
    json_t *attributes = json_object_get(call->input, "Attributes"), *tags = NULL;
    bool fifo = is_true(json_object_get(attributes, "FifoTopic"));
    int code = attributes_check(call, attributes, fifo);
    if (code)
        return code;
    code = sns_tags(call, &tags);
    if (code)
        return code;
    code = service_call_output(call, "TopicArn", json_string(arn));
    if (code)
        return code;
    struct topic *topic = topics_find(call->cloud->topics, arn);
    return topic ? topic_same(call, topic, attributes, tags)
                 : topic_new(call, arn, attributes, tags);
}

static int name_check(struct service_call *call, const char *name)
{
    json_t *attributes = json_object_get(call->input, "Attributes");
    bool fifo = is_true(json_object_get(attributes, "FifoTopic"));
    if (topic_name_valid(name, fifo))
        return 0;
    return service_call_fail(
        call, SNS_INVALID_PARAMETER,
        fifo || topic_name_is_fifo(name)
            ? "Invalid parameter: Topic Name: Fifo Topic names must end with .fifo after 1 to 251 "
              "letters, digits, hyphens and underscores, and the attribute FifoTopic must be true"
            : "Invalid parameter: Topic Name");
}

int sns_create_topic(struct service_call *call)
{
    const char *name;
    int code = sns_required(call, "Name", &name);
    if (code)
        return code;
    snprintf(call->request->resource, sizeof call->request->resource, "%s", name);
    code = name_check(call, name);
    if (code)
        return code;
    struct buffer arn;
    buffer_init(&arn, 512);
    code = topic_arn(call->request->home, name, &arn) ? ERR_MEMORY : topic_make(call, arn.data);
    buffer_free(&arn);
    return code;
}

/* Deleting a missing topic succeeds, according to the API reference. */
int sns_delete_topic(struct service_call *call)
{
    struct topic *topic;
    int code = sns_topic(call, &topic);
    if (code == SNS_NOT_FOUND)
        return 0;
    return !code ? sns_waiting(call, topic_delete(topic, service_call_written, call)) : code;
}

static int list_page(struct service_call *call, const char *prefix)
{
    struct topic *page[PAGE];
    bool more;
    size_t count = topics_list(call->cloud->topics, prefix, json_text_in(call->input, "NextToken"),
                               page, PAGE, &more);
    json_t *list = json_array();
    int failed = !list;
    for (size_t i = 0; i < count && !failed; i++)
        failed =
            json_array_append_new(list, json_pack("{s:s}", "TopicArn", page[i]->record.named.name));
    if (failed) {
        json_decref(list);
        return ERR_MEMORY;
    }
    int code = service_call_output(call, "Topics", list);
    if (code)
        return code;
    return more ? service_call_output(call, "NextToken",
                                      json_string(page[count - 1]->record.named.name))
                : 0;
}

int sns_list_topics(struct service_call *call)
{
    struct buffer prefix;
    buffer_init(&prefix, 512);
    const int code =
        topic_arn(call->request->home, "", &prefix) ? ERR_MEMORY : list_page(call, prefix.data);
    buffer_free(&prefix);
    return code;
}

int sns_get_topic_attributes(struct service_call *call)
{
    struct topic *topic;
    int code = sns_topic(call, &topic);
    return !code ? service_call_output(call, "Attributes", sns_topic_describe(topic)) : code;
}

int sns_set_topic_attributes(struct service_call *call)
{
    struct topic *topic;
    const char *name;
    int code = sns_topic(call, &topic);
    if (code)
        return code;
    code = sns_required(call, "AttributeName", &name);
    if (code)
        return code;
    const char *value = json_text_in(call->input, "AttributeValue");
    code = sns_topic_attribute_check(call, name, value, topic->fifo, false);
    if (code)
        return code;
    if (sns_topic_attribute_unsets(name, value))
        value = NULL;
    return sns_waiting(call, topic_set(topic, name, value, service_call_written, call));
}
