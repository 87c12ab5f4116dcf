#include "delivery_policy.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "error.h"
#include "json_text.h"

enum { RETRIES_MAX = 100, DELAY_MAX_S = 3600, TOTAL_MAX_S = 3600, PER_SECOND_MAX = 1000000 };

static const char *const backoffs[] = {"linear", "arithmetic", "geometric", "exponential"};

struct member {
    const char *name;
    size_t offset;
    int min, max;
};

#define AT(field) offsetof(struct delivery_policy, field)
static const struct member members[] = {
    {"minDelayTarget", AT(min_delay_s), 1, DELAY_MAX_S},
    {"maxDelayTarget", AT(max_delay_s), 1, DELAY_MAX_S},
    {"numRetries", AT(retries), 0, RETRIES_MAX},
    {"numNoDelayRetries", AT(no_delay), 0, RETRIES_MAX},
    {"numMinDelayRetries", AT(min_delay), 0, RETRIES_MAX},
    {"numMaxDelayRetries", AT(max_delay), 0, RETRIES_MAX},
};
enum { MEMBER_COUNT = sizeof members / sizeof members[0] };

static int wrong(char *why, const char *name)
{
    snprintf(why, DELIVERY_POLICY_TEXT_MAX, "DeliveryPolicy: %.60s", name);
    return ERR_INVALID;
}

static int *member_of(struct delivery_policy *policy, const struct member *member)
{
    return (int *)(void *)((char *)policy + member->offset);
}

static int backoff_read(const json_t *value, struct delivery_policy *out, char *why)
{
    const char *name = json_string_value(value);
    for (size_t i = 0; name && i < sizeof backoffs / sizeof backoffs[0]; i++) {
        if (strcmp(name, backoffs[i]) == 0) {
            out->backoff = (enum delivery_backoff)i;
            return 0;
        }
    }
    return wrong(why, "backoffFunction must be linear, arithmetic, geometric or exponential");
}

static int retry_member_read(const char *name, const json_t *value, struct delivery_policy *out,
                             char *why)
{
    if (strcmp(name, "backoffFunction") == 0)
        return json_is_null(value) ? 0 : backoff_read(value, out, why);
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        if (strcmp(name, members[i].name) != 0)
            continue;
        if (json_is_null(value))
            return 0;
        json_int_t number = json_integer_value(value);
        if (!json_is_integer(value) || number < members[i].min || number > members[i].max)
            return wrong(why, name);
        *member_of(out, &members[i]) = (int)number;
        return 0;
    }
    return wrong(why, name);
}

static int64_t total_ms(const struct delivery_policy *policy)
{
    int64_t total = 0;
    for (int retry = 1; retry <= policy->retries; retry++)
        total += delivery_policy_delay(policy, retry);
    return total;
}

static int retries_read(json_t *object, struct delivery_policy *out, char *why)
{
    const char *name;
    json_t *value;
    int code = json_is_object(object) ? 0 : wrong(why, "a retry policy must be an object");
    json_object_foreach(object, name, value)
    {
        if (!code)
            code = retry_member_read(name, value, out, why);
    }
    if (code)
        return code;
    if (out->min_delay_s > out->max_delay_s)
        return wrong(why, "minDelayTarget must be at most maxDelayTarget");
    if (out->no_delay + out->min_delay + out->max_delay > out->retries)
        return wrong(why, "numRetries must be at least the retries of all phases");
    if (total_ms(out) > (int64_t)TOTAL_MAX_S * 1000)
        return wrong(why, "all retries together must take at most 3600 seconds");
    return 0;
}

static int request_read(json_t *object, struct delivery_policy *out, char *why)
{
    const json_t *type = json_object_get(object, "headerContentType");
    const char *text = json_string_value(type);
    size_t size = json_string_length(type);
    if (!text || size >= sizeof out->content_type || json_object_size(object) != 1)
        return wrong(why, "a request policy must have a headerContentType");
    for (size_t i = 0; i < size; i++) {
        if (text[i] < ' ' || text[i] > '~')
            return wrong(why, "headerContentType");
    }
    snprintf(out->content_type, sizeof out->content_type, "%s", text);
    return 0;
}

static int throttle_read(json_t *object, struct delivery_policy *out, char *why)
{
    const json_t *most = json_object_get(object, "maxReceivesPerSecond");
    if (!json_is_object(object) || json_object_size(object) != (most ? 1 : 0))
        return wrong(why, "a throttle policy must have a maxReceivesPerSecond");
    if (!most || json_is_null(most))
        return 0;
    json_int_t number = json_integer_value(most);
    if (!json_is_integer(most) || number < 1 || number > PER_SECOND_MAX)
        return wrong(why, "maxReceivesPerSecond");
    out->per_second = (int)number;
    return 0;
}

/* The member names in a subscription's policy; in a topic's they begin with "default" and a capital
 * letter. */
static int part_read(const char *name, json_t *value, struct delivery_policy *out, char *why)
{
    if (json_is_null(value))
        return 0;
    if (strcasecmp(name, "healthyRetryPolicy") == 0 || strcasecmp(name, "sicklyRetryPolicy") == 0)
        return name[0] == 's' ? wrong(why, "sicklyRetryPolicy is not supported")
                              : retries_read(value, out, why);
    if (strcasecmp(name, "requestPolicy") == 0)
        return request_read(value, out, why);
    if (strcasecmp(name, "throttlePolicy") == 0)
        return throttle_read(value, out, why);
    return wrong(why, name);
}

static int object_parse(const char *text, json_t **out, char *why)
{
    json_error_t error;
    *out = json_text_read(slice_of(text), JSON_LAST_DUPLICATE, &error);
    if (json_is_object(*out))
        return 0;
    if (!*out && json_error_code(&error) == json_error_out_of_memory)
        return ERR_MEMORY;
    json_decref(*out);
    *out = NULL;
    return wrong(why, "it is not a JSON object");
}

static int subscription_read(const char *text, struct delivery_policy *out, char *why)
{
    json_t *object, *value;
    const char *name;
    int code = object_parse(text, &object, why);
    json_object_foreach(object, name, value)
    {
        if (!code)
            code = part_read(name, value, out, why);
    }
    json_decref(object);
    return code;
}

static int topic_member_read(const char *name, json_t *value, struct delivery_policy *out,
                             bool *alone, char *why)
{
    if (strcmp(name, "disableSubscriptionOverrides") == 0) {
        *alone = json_is_true(value);
        return json_is_boolean(value) ? 0 : wrong(why, name);
    }
    return strncmp(name, "default", 7) == 0 ? part_read(name + 7, value, out, why)
                                            : wrong(why, name);
}

static int topic_members_read(json_t *object, struct delivery_policy *out, bool *alone, char *why)
{
    json_t *value, *http = json_object_get(object, "http");
    const char *name;
    if (json_object_size(object) == 0)
        return 0;
    if (!json_is_object(http) || json_object_size(object) != 1)
        return wrong(why, "a topic's delivery policy must have http as its only member");
    json_object_foreach(http, name, value)
    {
        int code = topic_member_read(name, value, out, alone, why);
        if (code)
            return code;
    }
    return 0;
}

static int topic_read(const char *text, struct delivery_policy *out, bool *alone, char *why)
{
    json_t *object;
    int code = object_parse(text, &object, why);
    if (code)
        return code;
    code = topic_members_read(object, out, alone, why);
    json_decref(object);
    return code;
}

int delivery_policy_read(const char *topic, const char *subscription, struct delivery_policy *out,
                         char why[DELIVERY_POLICY_TEXT_MAX])
{
    bool alone = false;
    int code = 0;
    *out = (struct delivery_policy){.min_delay_s = 20, .max_delay_s = 20, .retries = 3};
    if (topic && topic[0])
        code = topic_read(topic, out, &alone, why);
    if (code)
        return code;
    return subscription && subscription[0] && !alone ? subscription_read(subscription, out, why)
                                                     : 0;
}

/* The position between the first and last retry of the backoff phase, 0 to 1, according to the
 * function. */
static double share(enum delivery_backoff backoff, double at)
{
    switch (backoff) {
    case BACKOFF_LINEAR:
        return at;
    case BACKOFF_ARITHMETIC:
        return at * at;
    case BACKOFF_GEOMETRIC:
        return (pow(4, at) - 1) / 3;
    case BACKOFF_EXPONENTIAL:
        break;
    }
    return (pow(16, at) - 1) / 15;
}

int64_t delivery_policy_delay(const struct delivery_policy *p, int retry)
{
    int middle = p->retries - p->no_delay - p->min_delay - p->max_delay;
    int in_middle = retry - p->no_delay - p->min_delay;
    if (retry < 1 || retry > p->retries)
        return -1;
    if (retry <= p->no_delay)
        return 0;
    if (in_middle <= 0)
        return (int64_t)p->min_delay_s * 1000;
    if (in_middle > middle)
        return (int64_t)p->max_delay_s * 1000;
    double at = middle > 1 ? (double)(in_middle - 1) / (middle - 1) : 0;
    double span = (p->max_delay_s - p->min_delay_s) * 1000.0;
    return p->min_delay_s * INT64_C(1000) + (int64_t)(span * share(p->backoff, at));
}

int64_t delivery_policy_slot(const struct delivery_policy *p, int64_t now, int64_t *next)
{
    int64_t slot = *next > now ? *next : now;
    if (p->per_second == 0)
        return now;
    *next = slot + 1000000 / p->per_second;
    return slot;
}

static json_t *retries_json(const struct delivery_policy *p)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:s}", "minDelayTarget", p->min_delay_s,
                     "maxDelayTarget", p->max_delay_s, "numRetries", p->retries,
                     "numMaxDelayRetries", p->max_delay, "numNoDelayRetries", p->no_delay,
                     "numMinDelayRetries", p->min_delay, "backoffFunction", backoffs[p->backoff]);
}

json_t *delivery_policy_effective(const struct delivery_policy *p, bool of_topic)
{
    json_t *request = json_pack("{s:s}", "headerContentType",
                                p->content_type[0] ? p->content_type : "text/plain; charset=UTF-8");
    json_t *throttle =
        p->per_second ? json_pack("{s:i}", "maxReceivesPerSecond", p->per_second) : NULL;
    json_t *all =
        of_topic ? json_pack("{s:{s:o, s:b, s:o, s:o*}}", "http", "defaultHealthyRetryPolicy",
                             retries_json(p), "disableSubscriptionOverrides", 0,
                             "defaultRequestPolicy", request, "defaultThrottlePolicy", throttle)
                 : json_pack("{s:o, s:o, s:o*}", "healthyRetryPolicy", retries_json(p),
                             "requestPolicy", request, "throttlePolicy", throttle);
    char *text = all ? json_dumps(all, JSON_COMPACT) : NULL;
    json_t *out = text ? json_string(text) : NULL;
    free(text);
    json_decref(all);
    return out;
}
