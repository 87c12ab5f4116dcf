#include "queue_attributes.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "error.h"
#include "json_text.h"

enum { KEY_ID_MAX = 2048 };

struct number_rule {
    const char *name;
    size_t offset;
    int min, max, initial;
};

#define NUMBER(name, field, min, max, initial)                                                     \
    {                                                                                              \
        name, offsetof(struct queue_attributes, field), min, max, initial                          \
    }

static const struct number_rule numbers[] = {
    NUMBER("VisibilityTimeout", visibility_s, 0, SQS_VISIBILITY_MAX_S, 30),
    NUMBER("DelaySeconds", delay_s, 0, 900, 0),
    NUMBER("MessageRetentionPeriod", retention_s, 60, 1209600, 345600),
    NUMBER("MaximumMessageSize", message_max, 1024, SQS_MESSAGE_MAX, SQS_MESSAGE_MAX),
    NUMBER("ReceiveMessageWaitTimeSeconds", wait_s, 0, SQS_WAIT_MAX_S, 0),
};
enum { NUMBER_COUNT = sizeof numbers / sizeof numbers[0] };

/* Stored as text. Encryption at rest concerns the disks of AWS: the settings are stored and
 * returned, but the data directory is not encrypted. initial NULL: absent until it is set.
 */
static const struct text_rule {
    const char *name, *initial;
    bool fifo;
} texts[] = {
    {"Policy", NULL, false},
    {"RedrivePolicy", NULL, false},
    {"RedriveAllowPolicy", NULL, false},
    {"SqsManagedSseEnabled", "true", false},
    {"KmsMasterKeyId", NULL, false},
    {"KmsDataKeyReusePeriodSeconds", NULL, false},
    {"FifoQueue", "true", true},
    {"ContentBasedDeduplication", "false", true},
    {"DeduplicationScope", "queue", true},
    {"FifoThroughputLimit", "perQueue", true},
};
enum { TEXT_COUNT = sizeof texts / sizeof texts[0] };

static const struct number_rule *number_find(const char *name)
{
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        if (strcmp(numbers[i].name, name) == 0)
            return &numbers[i];
    }
    return NULL;
}

static const struct text_rule *text_find(const char *name)
{
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        if (strcmp(texts[i].name, name) == 0)
            return &texts[i];
    }
    return NULL;
}

bool queue_attributes_known(const char *name)
{
    return number_find(name) || text_find(name);
}

bool queue_name_is_fifo(const char *name)
{
    size_t size = strlen(name);
    return size > 5 && strcmp(name + size - 5, ".fifo") == 0;
}

static int *number_in(struct queue_attributes *a, const struct number_rule *rule)
{
    return (int *)((char *)a + rule->offset);
}

static int number_of(const struct queue_attributes *a, const struct number_rule *rule)
{
    return *(const int *)((const char *)a + rule->offset);
}

int queue_attributes_init(struct queue_attributes *a, const char *name)
{
    *a = (struct queue_attributes){.texts = json_object(), .fifo = queue_name_is_fifo(name)};
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        *number_in(a, &numbers[i]) = numbers[i].initial;
    int failed = !a->texts;
    for (size_t i = 0; i < TEXT_COUNT && !failed; i++) {
        if (texts[i].initial && (a->fifo || !texts[i].fifo))
            failed = json_object_set_new(a->texts, texts[i].name, json_string(texts[i].initial));
    }
    return failed ? ERR_MEMORY : 0;
}

void queue_attributes_free(struct queue_attributes *a)
{
    json_decref(a->texts);
    free(a->dead_letter_arn);
    policy_release(a->policy);
    *a = (struct queue_attributes){0};
}

static int value_invalid(const char *name, struct service_error *error)
{
    return service_error_set(error, SQS_INVALID_ATTRIBUTE_VALUE,
                             "Invalid value for the parameter %s.", name);
}

static bool parse_int(const char *text, int min, int max, int *out)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || value < min || value > max)
        return false;
    *out = (int)value;
    return true;
}

/* maxReceiveCount is a number or, as CloudFormation sends it, a string. */
static bool receives_parse(const json_t *value, int *out)
{
    if (json_is_string(value))
        return parse_int(json_string_value(value), 1, 1000, out);
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        json_integer_value(value) > 1000)
        return false;
    *out = (int)json_integer_value(value);
    return true;
}

static int redrive_parse(struct queue_attributes *a, const char *text, struct service_error *error)
{
    free(a->dead_letter_arn);
    a->dead_letter_arn = NULL;
    a->max_receives = 0;
    if (!text)
        return 0;
    json_t *policy = json_text_read(slice_of(text), JSON_LAST_DUPLICATE, NULL);
    const char *arn = json_string_value(json_object_get(policy, "deadLetterTargetArn"));
    bool valid =
        arn && receives_parse(json_object_get(policy, "maxReceiveCount"), &a->max_receives);
    bool target = arn && strncmp(arn, "arn:aws:sqs:", 12) == 0;
    if (valid && target)
        a->dead_letter_arn = strdup(arn);
    json_decref(policy);
    if (valid && !target)
        return service_error_set(
            error, SQS_INVALID_PARAMETER,
            "Value %.200s for parameter RedrivePolicy is invalid. Reason: Invalid "
            "value for deadLetterTargetArn.",
            text);
    if (!valid)
        return service_error_set(
            error, SQS_INVALID_PARAMETER,
            "Value %.200s for parameter RedrivePolicy is invalid. Reason: it needs "
            "deadLetterTargetArn and a maxReceiveCount from 1 to 1000.",
            text);
    return a->dead_letter_arn ? 0 : ERR_MEMORY;
}

static int policy_read(struct queue_attributes *a, const char *text, struct service_error *error)
{
    struct error why = {0};
    policy_release(a->policy);
    a->policy = NULL;
    int code = text ? policy_parse(POLICY_OF_QUEUE, text, &a->policy, &why) : 0;
    if (code == ERR_MEMORY)
        return ERR_MEMORY;
    if (code == ERR_LIMIT)
        return service_error_set(error, SQS_OVER_LIMIT, "%s", why.text);
    if (code)
        return service_error_set(error, SQS_INVALID_ATTRIBUTE_VALUE,
                                 "Invalid value for the parameter Policy. Reason: %s.", why.text);
    return 0;
}

static bool one_of(const char *text, const char *a, const char *b)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0;
}

/* Truth values are accepted in any case and kept in lower case; any other text is unchanged. */
static const char *truth_lower(const char *text)
{
    if (strcasecmp(text, "true") == 0)
        return "true";
    return strcasecmp(text, "false") == 0 ? "false" : text;
}

/* byQueue names up to ten queues; the other permissions name none. */
static bool allow_policy_valid(const char *text)
{
    json_t *policy = json_text_read(slice_of(text), JSON_LAST_DUPLICATE, NULL);
    const char *permission = json_string_value(json_object_get(policy, "redrivePermission"));
    json_t *sources = json_object_get(policy, "sourceQueueArns");
    bool by_queue = permission && strcmp(permission, "byQueue") == 0;
    bool valid = by_queue ? json_array_size(sources) >= 1 && json_array_size(sources) <= 10
                          : permission && one_of(permission, "allowAll", "denyAll") && !sources;
    for (size_t i = 0; valid && i < json_array_size(sources); i++)
        valid = json_is_string(json_array_get(sources, i));
    json_decref(policy);
    return valid;
}

static bool text_valid(const char *name, const char *text)
{
    int seconds;
    if (strcmp(name, "DeduplicationScope") == 0)
        return one_of(text, "messageGroup", "queue");
    if (strcmp(name, "FifoThroughputLimit") == 0)
        return one_of(text, "perQueue", "perMessageGroupId");
    if (strcmp(name, "KmsDataKeyReusePeriodSeconds") == 0)
        return parse_int(text, 60, 86400, &seconds);
    if (strcmp(name, "KmsMasterKeyId") == 0)
        return strlen(text) <= KEY_ID_MAX;
    if (strcmp(name, "RedriveAllowPolicy") == 0)
        return allow_policy_valid(text);
    if (strcmp(name, "Policy") != 0 && strcmp(name, "RedrivePolicy") != 0)
        return one_of(text, "true", "false");
    json_t *document = json_text_read(slice_of(text), JSON_LAST_DUPLICATE, NULL);
    bool valid = json_is_object(document);
    json_decref(document);
    return valid;
}

/* Only one kind of encryption at a time: setting one disables the other. */
static int encryption_choose(struct queue_attributes *a, const char *name, const char *text)
{
    if (strcmp(name, "KmsMasterKeyId") == 0 && text)
        return json_object_set_new(a->texts, "SqsManagedSseEnabled", json_string("false"));
    if (strcmp(name, "SqsManagedSseEnabled") == 0 && text && strcmp(text, "true") == 0) {
        json_object_del(a->texts, "KmsMasterKeyId");
        json_object_del(a->texts, "KmsDataKeyReusePeriodSeconds");
    }
    return 0;
}

static int fifo_fixed(const struct queue_attributes *a, const char *text,
                      struct service_error *error)
{
    if (!a->fifo)
        return service_error_set(error, SQS_INVALID_ATTRIBUTE_NAME, "Unknown Attribute FifoQueue.");
    if (strcmp(text, "true") == 0)
        return 0;
    return service_error_set(
        error, SQS_INVALID_ATTRIBUTE_VALUE,
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type "
        "is not supported.");
}

/* A removed attribute has its initial value. */
static int text_store(struct queue_attributes *a, const struct text_rule *rule, const char *text)
{
    const char *stored = text ? text : rule->initial;
    if (stored)
        return json_object_set_new(a->texts, rule->name, json_string(stored));
    json_object_del(a->texts, rule->name);
    return 0;
}

static int text_change(struct queue_attributes *a, const struct text_rule *rule, const char *text,
                       struct service_error *error)
{
    text = truth_lower(text);
    if (strcmp(rule->name, "FifoQueue") == 0)
        return fifo_fixed(a, text, error);
    if (rule->fifo && !a->fifo)
        return service_error_set(error, SQS_INVALID_ATTRIBUTE_NAME, "Unknown Attribute %s.",
                                 rule->name);
    if (text[0] == '\0' && !rule->fifo)
        text = NULL;
    else if (!text_valid(rule->name, text))
        return value_invalid(rule->name, error);
    if (text_store(a, rule, text) || encryption_choose(a, rule->name, text))
        return ERR_MEMORY;
    if (strcmp(rule->name, "Policy") == 0)
        return policy_read(a, text, error);
    return strcmp(rule->name, "RedrivePolicy") == 0 ? redrive_parse(a, text, error) : 0;
}

static int attribute_change(struct queue_attributes *a, const char *name, const json_t *value,
                            struct service_error *error)
{
    const char *text = json_string_value(value);
    const struct number_rule *rule = number_find(name);
    const struct text_rule *text_rule = text_find(name);
    if (!rule && !text_rule)
        return service_error_set(error, SQS_INVALID_ATTRIBUTE_NAME, "Unknown Attribute %.80s.",
                                 name);
    if (!text)
        return value_invalid(name, error);
    if (!rule)
        return text_change(a, text_rule, text, error);
    if (!parse_int(text, rule->min, rule->max, number_in(a, rule)))
        return value_invalid(name, error);
    return 0;
}

static bool text_is(const struct queue_attributes *a, const char *name, const char *value)
{
    const char *text = json_string_value(json_object_get(a->texts, name));
    return text && strcmp(text, value) == 0;
}

/* Parses the texts that depend on each other. */
static int fifo_read(struct queue_attributes *a, struct service_error *error)
{
    a->content_dedup = text_is(a, "ContentBasedDeduplication", "true");
    a->dedup_in_group = text_is(a, "DeduplicationScope", "messageGroup");
    if (text_is(a, "FifoThroughputLimit", "perMessageGroupId") && !a->dedup_in_group)
        return service_error_set(error, SQS_INVALID_ATTRIBUTE_VALUE,
                                 "Invalid value for the parameter FifoThroughputLimit. Reason: "
                                 "perMessageGroupId is allowed only when the value for "
                                 "DeduplicationScope is messageGroup.");
    return 0;
}

static int encryption_check(const json_t *changes, struct service_error *error)
{
    const char *key = json_string_value(json_object_get(changes, "KmsMasterKeyId"));
    const char *managed = json_string_value(json_object_get(changes, "SqsManagedSseEnabled"));
    if (!key || !key[0] || !managed || strcasecmp(managed, "true") != 0)
        return 0;
    return service_error_set(
        error, SQS_INVALID_ATTRIBUTE_NAME,
        "You can use one type of server-side encryption (SSE) at one time. You "
        "can either enable KMS SSE or SQS SSE.");
}

int queue_attributes_change(const struct queue_attributes *from, json_t *changes,
                            struct queue_attributes *out, struct service_error *error)
{
    *out = *from;
    out->texts = json_copy(from->texts);
    out->dead_letter_arn = from->dead_letter_arn ? strdup(from->dead_letter_arn) : NULL;
    policy_retain(out->policy);
    int code = 0;
    if (!out->texts || (from->dead_letter_arn && !out->dead_letter_arn))
        code = ERR_MEMORY;
    const char *name;
    json_t *value;
    json_object_foreach(changes, name, value)
    {
        if (code)
            goto out;
        code = attribute_change(out, name, value, error);
    }
    if (code)
        goto out;
    code = fifo_read(out, error);
    if (code)
        goto out;
    code = encryption_check(changes, error);
out:
    error->code = code;
    if (code)
        queue_attributes_free(out);
    return code;
}

/* Policies are compared as documents: spaces and the order of members do not matter. */
static bool text_same(const char *a, const char *b)
{
    json_t *left = json_text_read(slice_of(a), JSON_DECODE_ANY, NULL);
    json_t *right = json_text_read(slice_of(b), JSON_DECODE_ANY, NULL);
    bool same = left && right ? json_equal(left, right) : strcmp(a, b) == 0;
    json_decref(left);
    json_decref(right);
    return same;
}

static bool attribute_same(const struct queue_attributes *a, const char *name, const char *wanted)
{
    const struct number_rule *rule = number_find(name);
    if (rule)
        return atol(wanted) == number_of(a, rule);
    const char *text = json_string_value(json_object_get(a->texts, name));
    return text_same(text ? text : "", truth_lower(wanted));
}

const char *queue_attributes_differ(const struct queue_attributes *a, json_t *wanted)
{
    const char *name;
    json_t *value;
    json_object_foreach(wanted, name, value)
    {
        if (!attribute_same(a, name, json_string_value(value)))
            return name;
    }
    return NULL;
}

int queue_attributes_add(const struct queue_attributes *a, json_t *object)
{
    int failed = 0;
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        failed |= json_object_set_new(object, numbers[i].name,
                                      json_sprintf("%d", number_of(a, &numbers[i])));
    failed |= json_object_update(object, a->texts);
    return failed ? ERR_MEMORY : 0;
}
