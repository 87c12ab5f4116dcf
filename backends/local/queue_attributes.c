#include "queue_attributes.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

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

/* Kept as text. Encryption at rest by the service's own key is a statement about the service's
 * disks: the setting is kept, and like there it changes nothing that a client can see. */
static const char *const texts[] = {"Policy", "RedrivePolicy", "RedriveAllowPolicy",
                                    "SqsManagedSseEnabled"};
enum { TEXT_COUNT = sizeof texts / sizeof texts[0] };

/* Known to SQS, not served here: refused by name rather than kept without effect. */
static const char *const refused[] = {"FifoQueue",          "ContentBasedDeduplication",
                                      "DeduplicationScope", "FifoThroughputLimit",
                                      "KmsMasterKeyId",     "KmsDataKeyReusePeriodSeconds"};
enum { REFUSED_COUNT = sizeof refused / sizeof refused[0] };

static const struct number_rule *number_find(const char *name)
{
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        if (strcmp(numbers[i].name, name) == 0)
            return &numbers[i];
    }
    return NULL;
}

static bool name_in(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

bool queue_attributes_known(const char *name)
{
    return number_find(name) || name_in(texts, TEXT_COUNT, name) ||
           name_in(refused, REFUSED_COUNT, name);
}

static int *number_in(struct queue_attributes *a, const struct number_rule *rule)
{
    return (int *)((char *)a + rule->offset);
}

static int number_of(const struct queue_attributes *a, const struct number_rule *rule)
{
    return *(const int *)((const char *)a + rule->offset);
}

int queue_attributes_init(struct queue_attributes *a)
{
    *a = (struct queue_attributes){.texts = json_object()};
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        *number_in(a, &numbers[i]) = numbers[i].initial;
    return a->texts ? 0 : ERR_MEMORY;
}

void queue_attributes_free(struct queue_attributes *a)
{
    json_decref(a->texts);
    free(a->dead_letter_arn);
    policy_release(a->policy);
    *a = (struct queue_attributes){0};
}

static enum sqs_code value_invalid(const char *name, struct sqs_error *error)
{
    return sqs_error_set(error, SQS_INVALID_ATTRIBUTE_VALUE, "Invalid value for the parameter %s.",
                         name);
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

/* maxReceiveCount comes as a number or, from CloudFormation's habits, as a string. */
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

static enum sqs_code redrive_parse(struct queue_attributes *a, const char *text,
                                   struct sqs_error *error)
{
    free(a->dead_letter_arn);
    a->dead_letter_arn = NULL;
    a->max_receives = 0;
    if (!text)
        return SQS_OK;
    json_t *policy = json_loads(text, 0, NULL);
    const char *arn = json_string_value(json_object_get(policy, "deadLetterTargetArn"));
    bool valid =
        arn && receives_parse(json_object_get(policy, "maxReceiveCount"), &a->max_receives);
    if (valid)
        a->dead_letter_arn = strdup(arn);
    json_decref(policy);
    if (!valid)
        return sqs_error_set(
            error, SQS_INVALID_PARAMETER,
            "Value %.200s for parameter RedrivePolicy is invalid. Reason: it needs "
            "deadLetterTargetArn and a maxReceiveCount from 1 to 1000.",
            text);
    return a->dead_letter_arn ? SQS_OK : SQS_SERVICE_UNAVAILABLE;
}

static enum sqs_code policy_read(struct queue_attributes *a, const char *text,
                                 struct sqs_error *error)
{
    struct error why = {0};
    policy_release(a->policy);
    a->policy = NULL;
    int status = text ? policy_parse(POLICY_OF_QUEUE, text, &a->policy, &why) : 0;
    if (status == ERR_MEMORY)
        return SQS_SERVICE_UNAVAILABLE;
    if (status == ERR_LIMIT)
        return sqs_error_set(error, SQS_OVER_LIMIT, "%s", why.text);
    if (status)
        return sqs_error_set(error, SQS_INVALID_ATTRIBUTE_VALUE,
                             "Invalid value for the parameter Policy. Reason: %s.", why.text);
    return SQS_OK;
}

static bool text_valid(const char *name, const char *text)
{
    if (strcmp(name, "SqsManagedSseEnabled") == 0)
        return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
    json_t *document = json_loads(text, 0, NULL);
    bool valid = json_is_object(document);
    json_decref(document);
    return valid;
}

static enum sqs_code text_change(struct queue_attributes *a, const char *name, const char *text,
                                 struct sqs_error *error)
{
    if (text[0] == '\0') {
        json_object_del(a->texts, name);
        text = NULL;
    } else if (!text_valid(name, text)) {
        return value_invalid(name, error);
    } else if (json_object_set_new(a->texts, name, json_string(text))) {
        return SQS_SERVICE_UNAVAILABLE;
    }
    if (strcmp(name, "Policy") == 0)
        return policy_read(a, text, error);
    return strcmp(name, "RedrivePolicy") == 0 ? redrive_parse(a, text, error) : SQS_OK;
}

static enum sqs_code attribute_change(struct queue_attributes *a, const char *name,
                                      const json_t *value, struct sqs_error *error)
{
    const char *text = json_string_value(value);
    const struct number_rule *rule = number_find(name);
    if (name_in(refused, REFUSED_COUNT, name))
        return sqs_error_set(error, SQS_UNSUPPORTED,
                             "The embedded cloud does not support the queue attribute %s.", name);
    if (!rule && !name_in(texts, TEXT_COUNT, name))
        return sqs_error_set(error, SQS_INVALID_ATTRIBUTE_NAME, "Unknown Attribute %.80s.", name);
    if (!text)
        return value_invalid(name, error);
    if (!rule)
        return text_change(a, name, text, error);
    if (!parse_int(text, rule->min, rule->max, number_in(a, rule)))
        return value_invalid(name, error);
    return SQS_OK;
}

enum sqs_code queue_attributes_change(const struct queue_attributes *from, json_t *changes,
                                      struct queue_attributes *out, struct sqs_error *error)
{
    *out = *from;
    out->texts = json_copy(from->texts);
    out->dead_letter_arn = from->dead_letter_arn ? strdup(from->dead_letter_arn) : NULL;
    policy_retain(out->policy);
    enum sqs_code code = SQS_OK;
    if (!out->texts || (from->dead_letter_arn && !out->dead_letter_arn))
        code = SQS_SERVICE_UNAVAILABLE;
    const char *name;
    json_t *value;
    json_object_foreach(changes, name, value)
    {
        if (code == SQS_OK)
            code = attribute_change(out, name, value, error);
    }
    error->code = code;
    if (code != SQS_OK)
        queue_attributes_free(out);
    return code;
}

/* Policies are compared as documents: spaces and the order of members say nothing. */
static bool text_same(const char *a, const char *b)
{
    json_t *left = json_loads(a, JSON_DECODE_ANY, NULL);
    json_t *right = json_loads(b, JSON_DECODE_ANY, NULL);
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
    return text_same(text ? text : "", wanted);
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
