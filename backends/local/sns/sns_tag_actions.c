/* Tags of topics. Source: TagResource in the Amazon SNS API Reference; "Tag naming limits and
 * requirements" in the AWS General Reference. */
#include <string.h>
#include <strings.h>

#include "sns_call.h"
#include "utf8.h"

enum { TAGS_MAX = 50, KEY_CHARACTERS_MAX = 128, VALUE_CHARACTERS_MAX = 256 };

static int tag_check(struct service_call *call, const char *key, const json_t *value)
{
    const char *text = json_string_value(value);
    if (!text || !key[0] || utf8_length(key) > KEY_CHARACTERS_MAX ||
        utf8_length(text) > VALUE_CHARACTERS_MAX || strncasecmp(key, "aws:", 4) == 0)
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: Tags Reason: a key must have 1 to 128 characters and "
            "not begin with aws:, a value at most 256");
    return 0;
}

/* A list of pairs of a key and a value. */
static bool is_pairs(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *tag = json_array_get(list, i);
        if (!json_is_string(json_object_get(tag, "Key")) ||
            !json_is_string(json_object_get(tag, "Value")))
            return false;
    }
    return json_is_array(list);
}

/* The form reader converts pairs to an object; a remaining list has a key twice, or lacks keys or
 * values. */
int sns_tags(struct service_call *call, json_t **out)
{
    json_t *tags = json_object_get(call->input, "Tags"), *value;
    const char *key;
    *out = NULL;
    if (!tags || json_is_null(tags) || (json_is_string(tags) && json_string_length(tags) == 0))
        return 0;
    if (is_pairs(tags))
        return service_call_fail(call, SNS_INVALID_PARAMETER,
                                 "Invalid parameter: Duplicated keys are not allowed.");
    if (!json_is_object(tags))
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: Tags Reason: each must have a Key and a Value");
    json_object_foreach(tags, key, value)
    {
        int code = tag_check(call, key, value);
        if (code)
            return code;
    }
    *out = tags;
    return json_object_size(tags) <= TAGS_MAX ? 0 : SNS_TAG_LIMIT;
}

static int input_topic(struct service_call *call, struct topic **out)
{
    const char *arn;
    int code = sns_required(call, "ResourceArn", &arn);
    if (code)
        return code;
    if (json_object_set_new(call->input, "TopicArn", json_string(arn)))
        return ERR_MEMORY;
    code = sns_topic(call, out);
    return code == SNS_NOT_FOUND ? SNS_RESOURCE_NOT_FOUND : code;
}

/* Takes tags. */
static int tags_store(struct service_call *call, struct topic *topic, json_t *tags)
{
    json_t *details = json_copy(topic->record.details);
    int failed = json_object_set_new(details, "tags", tags);
    int code =
        failed ? ERR_MEMORY
               : sns_waiting(call, topic_set_details(topic, details, service_call_written, call));
    json_decref(details);
    return code;
}

static json_t *tags_copy(const struct topic *topic)
{
    json_t *tags = json_object_get(topic->record.details, "tags");
    return tags ? json_copy(tags) : json_object();
}

int sns_tag_resource(struct service_call *call)
{
    struct topic *topic;
    json_t *given;
    int code = input_topic(call, &topic);
    if (code)
        return code;
    code = sns_tags(call, &given);
    if (code)
        return code;
    if (!given)
        return service_call_fail(call, SNS_INVALID_PARAMETER,
                                 "Invalid parameter: Tags Reason: no value for required parameter");
    json_t *tags = tags_copy(topic);
    if (json_object_update(tags, given)) {
        json_decref(tags);
        return ERR_MEMORY;
    }
    if (json_object_size(tags) > TAGS_MAX) {
        json_decref(tags);
        return SNS_TAG_LIMIT;
    }
    return tags_store(call, topic, tags);
}

int sns_untag_resource(struct service_call *call)
{
    struct topic *topic;
    const json_t *keys = json_object_get(call->input, "TagKeys");
    int code = input_topic(call, &topic);
    if (code)
        return code;
    if (!json_is_array(keys))
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: TagKeys Reason: no value for required parameter");
    json_t *tags = tags_copy(topic);
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *key = json_string_value(json_array_get(keys, i));
        if (key)
            json_object_del(tags, key);
    }
    return tags_store(call, topic, tags);
}

int sns_list_tags(struct service_call *call)
{
    struct topic *topic;
    int code = input_topic(call, &topic);
    if (code)
        return code;
    json_t *list = json_array(), *value;
    const char *key;
    int failed = !list;
    json_object_foreach(json_object_get(topic->record.details, "tags"), key, value)
    {
        failed = failed ||
                 json_array_append_new(list, json_pack("{s:s, s:O}", "Key", key, "Value", value));
    }
    if (!failed)
        return service_call_output(call, "Tags", list);
    json_decref(list);
    return ERR_MEMORY;
}
