#include "events_dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authorization.h"
#include "cloud.h"
#include "events_input.h"
#include "events_state.h"
#include "iso_time.h"
#include "json_dots.h"
#include "json_text.h"
#include "log.h"
#include "publish.h"
#include "queue_access.h"
#include "queues.h"
#include "topic_access.h"
#include "topics.h"

enum { PAYLOAD_MAX = 256 * 1024 }; /* of a notification */

struct dispatch {
    struct cloud *cloud;
    json_t *event;    /* the event as sent to targets */
    json_t *undotted; /* for patterns */
    const char *trace;
    struct storage_unit unit;
    bool forwarded; /* it came from another bus */
    /* the current rule, its ARN and account */
    struct events_item *rule;
    char arn[EVENTS_ARN_SIZE];
    char account[ACCESS_KEY_ACCOUNT_SIZE];
};

static int bus_serve(struct dispatch *d, const char *bus);

struct failure {      /* why a target does not receive its input; code NULL: it does */
    const char *code; /* message attributes of a dead letter */
    char reason[POLICY_REASON_MAX];
};

static void failure_set(struct failure *failure, const char *code, const char *reason)
{
    failure->code = code;
    snprintf(failure->reason, sizeof failure->reason, "%s", reason);
}

/* The event. */

json_t *events_event_json(const struct events_event *event)
{
    char time[ISO_TIME_SIZE];
    json_t *resources = event->resources ? json_incref(event->resources) : json_array();
    iso_time_format(event->time_s, time);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:O}", "version", "0", "id",
                     event->id, "detail-type", event->detail_type, "source", event->source,
                     "account", event->home.account, "time", time, "region", event->home.region,
                     "resources", resources, "detail", event->detail);
}

bool events_wanted(const struct cloud *cloud, struct arn_home home)
{
    char bus[EVENTS_KEY_SIZE];
    events_bus_key(home, EVENTS_DEFAULT_BUS, bus);
    return events_rule_count(cloud->events, bus) > 0;
}

/* One target. */

/* A non-zero code fails the whole event; a failure of only this target goes to *failure. */
static int sent(int code, struct failure *failure)
{
    if (code == ERR_LIMIT)
        failure_set(failure, "RESOURCE_LIMIT_EXCEEDED", "the message memory is full");
    if (code == ERR_INVALID)
        failure_set(failure, "INVALID_PARAMETER",
                    "a FIFO queue needs SqsParameters.MessageGroupId and its own "
                    "ContentBasedDeduplication");
    return code == ERR_LIMIT || code == ERR_INVALID ? 0 : code;
}

/* What is of another account is accessed with the target's role, the rest as the service. */
static bool is_foreign(const struct dispatch *d, const char *arn)
{
    return !slice_equal_text(arn_account(arn), d->account);
}

static const char *role_of(const json_t *target)
{
    const char *role = json_text_in(target, "RoleArn");
    return role ? role : "";
}

static bool queue_allows(const struct dispatch *d, const struct local_queue *queue,
                         const json_t *target, char reason[POLICY_REASON_MAX])
{
    const struct delivery_source source = {d->arn, d->account};
    if (!is_foreign(d, local_queue_arn(queue)))
        return queue_access_delivery(queue, source, reason);
    return authorize_role(local_queue_attributes(queue)->policy, "SendMessage",
                          local_queue_arn(queue), source, role_of(target), reason);
}

static bool topic_allows(const struct dispatch *d, const struct topic *topic, const json_t *target,
                         char reason[POLICY_REASON_MAX])
{
    const struct delivery_source source = {d->arn, d->account};
    if (!is_foreign(d, topic->record.named.name))
        return topic_access_delivery(topic, source, reason);
    return authorize_role(topic->record.rules.policy, "Publish", topic->record.named.name, source,
                          role_of(target), reason);
}

static int queue_send(struct dispatch *d, struct local_queue *queue, const json_t *target,
                      struct slice input, const char *attributes, struct failure *failure)
{
    const json_t *parameters = json_object_get(target, "SqsParameters");
    struct message_draft draft = {.body = input,
                                  .attributes = attributes,
                                  .trace = d->trace,
                                  .group = attributes ? NULL
                                                      : json_text_in(parameters, "MessageGroupId"),
                                  .delay_s = -1};
    if (!queue_allows(d, queue, target, failure->reason)) {
        failure->code = "NO_PERMISSIONS";
        return 0;
    }
    if (local_queue_attributes(queue)->fifo &&
        (!draft.group || !local_queue_attributes(queue)->content_dedup)) {
        failure_set(failure, "INVALID_PARAMETER",
                    "a FIFO queue needs a MessageGroupId in the target's SqsParameters and "
                    "ContentBasedDeduplication");
        return 0;
    }
    if (input.size > (size_t)local_queue_attributes(queue)->message_max) {
        failure_set(failure, "INVALID_PARAMETER", "larger than the queue's MaximumMessageSize");
        return 0;
    }
    return sent(local_queue_send(queue, &draft, 1, NULL, &d->unit, NULL, NULL), failure);
}

static int topic_send(struct dispatch *d, struct topic *topic, const json_t *target,
                      struct slice input, struct failure *failure)
{
    struct notification_message message = {.body = input};
    if (!topic_allows(d, topic, target, failure->reason)) {
        failure->code = "NO_PERMISSIONS";
        return 0;
    }
    if (input.size > PAYLOAD_MAX) {
        failure_set(failure, "INVALID_PARAMETER", "larger than a topic's limit");
        return 0;
    }
    uuid_make_text(message.id);
    return sent(topic_publish(d->cloud, topic, &message, &d->unit), failure);
}

/* A copy with another id; NULL if memory is short. */
static json_t *with_id(json_t *event, const char *id)
{
    json_t *copy = json_copy(event);
    if (copy && !json_object_set_new(copy, "id", json_string(id)))
        return copy;
    json_decref(copy);
    return NULL;
}

/* The event has an id of its own on each bus: localstack recorded that
 * (test_events_cross_account_region.py, test_event_bus_to_event_bus_cross_region). */
static int forward(struct dispatch *d, const struct events_item *bus)
{
    char id[UUID_TEXT_SIZE];
    uuid_make_text(id);
    struct dispatch next = {.cloud = d->cloud,
                            .event = with_id(d->event, id),
                            .undotted = with_id(d->undotted, id),
                            .trace = d->trace,
                            .forwarded = true};
    int code = next.event && next.undotted ? bus_serve(&next, bus->named.name) : ERR_MEMORY;
    if (code)
        publish_discard(&next.unit);
    else
        publish_join(&d->unit, &next.unit);
    json_decref(next.event);
    json_decref(next.undotted);
    return code;
}

/* "EventBridge can't route the events received from a sender event bus to a third event bus":
 * "Sending and receiving events between event buses in the same account and Region", EventBridge
 * User Guide. So an event makes at most one such step, and rules cannot form a loop. */
static int bus_send(struct dispatch *d, const json_t *target, struct failure *failure)
{
    const char *arn = json_text_in(target, "Arn");
    const struct events_item *bus = events_bus_of_arn(d->cloud, arn);
    if (d->forwarded)
        return 0;
    if (!bus) {
        failure_set(failure, "NO_RESOURCE", "the event bus does not exist");
        return 0;
    }
    if (!authorize_role(bus->content.policy, "PutEvents", arn,
                        (struct delivery_source){d->arn, d->account}, role_of(target),
                        failure->reason)) {
        failure->code = "NO_PERMISSIONS";
        return 0;
    }
    return forward(d, bus);
}

static int input_send(struct dispatch *d, const json_t *target, struct slice input,
                      struct failure *failure)
{
    const char *arn = json_text_in(target, "Arn");
    struct topic *topic = topics_find(d->cloud->topics, arn);
    struct local_queue *queue = topic ? NULL : queues_find_arn(d->cloud->queues, arn);
    if (topic)
        return topic_send(d, topic, target, input, failure);
    if (queue)
        return queue_send(d, queue, target, input, NULL, failure);
    failure_set(failure, "NO_RESOURCE", "the queue or topic does not exist");
    return 0;
}

/* Dead letters. */

static int attribute_add(json_t *attributes, const char *name, const char *type, const char *value)
{
    return json_object_set_new(attributes, name,
                               json_pack("{s:s, s:s}", "DataType", type, "StringValue", value));
}

static char *letter_attributes(const struct dispatch *d, const json_t *target,
                               const struct failure *failure)
{
    json_t *attributes = json_object();
    int failed = !attributes;
    failed |= attribute_add(attributes, "RULE_ARN", "String", d->arn);
    failed |= attribute_add(attributes, "TARGET_ARN", "String", json_text_in(target, "Arn"));
    failed |= attribute_add(attributes, "ERROR_CODE", "String", failure->code);
    failed |= attribute_add(attributes, "ERROR_MESSAGE", "String", failure->reason);
    failed |= attribute_add(attributes, "RETRY_ATTEMPTS", "Number", "0");
    char *text = failed ? NULL : json_dumps(attributes, JSON_COMPACT);
    json_decref(attributes);
    return text;
}

static int letter_send(struct dispatch *d, const json_t *target, const struct failure *why,
                       struct failure *failure)
{
    const char *arn = json_text_in(json_object_get(target, "DeadLetterConfig"), "Arn");
    struct local_queue *queue = arn ? queues_find_arn(d->cloud->queues, arn) : NULL;
    if (!queue) {
        failure_set(failure, "NO_RESOURCE",
                    arn ? "its dead-letter queue does not exist" : "it has no dead-letter queue");
        return 0;
    }
    char *attributes = letter_attributes(d, target, why);
    char *event = attributes ? json_dumps(d->event, JSON_COMPACT) : NULL;
    int code =
        event ? queue_send(d, queue, target, slice_of(event), attributes, failure) : ERR_MEMORY;
    free(event);
    free(attributes);
    return code;
}

static void lost(struct dispatch *d, const json_t *target, const struct failure *why,
                 const struct failure *letter)
{
    if (authorization_should_log(d->cloud, &d->rule->refusals))
        log_error("event not delivered by its rule", LOG_TEXT("rule", events_rule_name(d->rule)),
                  LOG_TEXT("target", json_text_in(target, "Arn")), LOG_TEXT("reason", why->reason),
                  LOG_TEXT("dead_letter", letter->code ? letter->reason : "sent"),
                  LOG_SUPPRESSED(&d->rule->refusals));
}

static int input_serve(struct dispatch *d, const json_t *target, struct failure *failure)
{
    const struct events_input_facts facts = {
        .rule_arn = d->arn, .rule_name = events_rule_name(d->rule), .time_s = (int64_t)time(NULL)};
    struct buffer input;
    buffer_init(&input, EVENTS_INPUT_MAX);
    int code = events_input_make(target, d->event, &facts, &input);
    if (code == ERR_LIMIT) {
        failure_set(failure, "INVALID_PARAMETER", "its input would be larger than 1 MiB");
        code = 0;
    } else if (!code) {
        code = input_send(d, target, buffer_slice(&input), failure);
    }
    buffer_free(&input);
    return code;
}

static int target_serve(struct dispatch *d, const json_t *target)
{
    struct failure failure = {0}, letter = {0};
    int code = events_is_bus_arn(json_text_in(target, "Arn")) ? bus_send(d, target, &failure)
                                                              : input_serve(d, target, &failure);
    if (code || !failure.code)
        return code;
    code = letter_send(d, target, &failure, &letter);
    if (!code)
        lost(d, target, &failure, &letter);
    return code;
}

/* All rules. */

static int rule_serve(struct dispatch *d, struct events_item *rule)
{
    json_t *targets = json_object_get(rule->content.document, "Targets");
    int code = 0;
    if (!events_rule_enabled(rule) || !event_pattern_matches(rule->content.pattern, d->undotted))
        return 0;
    d->rule = rule;
    events_item_arn(rule, d->arn);
    const struct slice account = arn_account(d->arn);
    snprintf(d->account, sizeof d->account, "%.*s", (int)account.size, account.data);
    for (size_t i = 0; i < json_array_size(targets) && !code; i++)
        code = target_serve(d, json_array_get(targets, i));
    return code;
}

static int bus_serve(struct dispatch *d, const char *bus)
{
    const struct events_state *state = d->cloud->events;
    size_t at, end;
    int code = 0;
    events_rule_range(state, bus, &at, &end);
    for (; at < end && !code; at++) {
        struct events_item *rule = events_items_at(&state->rules, at);
        code = events_item_shown(rule) ? rule_serve(d, rule) : 0;
    }
    return code;
}

int events_dispatch(struct cloud *cloud, const struct events_event *event,
                    struct storage_unit *unit)
{
    struct dispatch d = {.cloud = cloud, .event = events_event_json(event), .trace = event->trace};
    d.undotted = json_undotted(d.event);
    int code = d.event && d.undotted ? bus_serve(&d, event->bus) : ERR_MEMORY;
    if (code)
        publish_discard(&d.unit);
    else
        publish_join(unit, &d.unit);
    json_decref(d.undotted);
    json_decref(d.event);
    return code;
}

int events_dispatch_default(struct cloud *cloud, struct events_event *event,
                            struct storage_unit *unit)
{
    char bus[EVENTS_KEY_SIZE];
    events_bus_key(event->home, EVENTS_DEFAULT_BUS, bus);
    event->bus = bus;
    int code = events_dispatch(cloud, event, unit);
    event->bus = NULL;
    return code;
}
