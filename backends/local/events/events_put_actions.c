/* PutEvents and TestEventPattern. PutEvents responds when the messages to the targets are on the
 * disk. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "events_api.h"
#include "events_dispatch.h"
#include "json_dots.h"
#include "json_text.h"
#include "publish.h"

enum {
    ENTRIES_MAX = 10,
    /* total size of the entries, according to "Calculating PutEvents event entry size" */
    BYTES_MAX = 256 * 1024,
    TIME_BYTES = 14,
    EVENT_MAX = 1024 * 1024, /* size of TestEventPattern's event in bytes */
};

/* Entries. */

static size_t entry_size(const json_t *entry)
{
    static const char *const texts[] = {"Source", "DetailType", "Detail"};
    const json_t *resources = json_object_get(entry, "Resources");
    size_t size = json_object_get(entry, "Time") ? TIME_BYTES : 0;
    for (size_t i = 0; i < 3; i++)
        size += json_string_length(json_object_get(entry, texts[i]));
    for (size_t i = 0; i < json_array_size(resources); i++)
        size += json_string_length(json_array_get(resources, i));
    return size;
}

struct entry_refusal { /* error of one entry; code NULL: none */
    const char *code;
    char text[160];
};

static void refuse(struct entry_refusal *refusal, const char *code, const char *format,
                   const char *name) __attribute__((format(printf, 3, 0)));

/* The format may use the name twice. */
static void refuse(struct entry_refusal *refusal, const char *code, const char *format,
                   const char *name)
{
    if (refusal->code)
        return;
    refusal->code = code;
    snprintf(refusal->text, sizeof refusal->text, format, name, name);
}

static const char *entry_text(const json_t *entry, const char *name, struct entry_refusal *refusal)
{
    const char *text = json_text_in(entry, name);
    if (!text || !*text)
        refuse(refusal, "InvalidArgument",
               "Parameter %s is not valid. Reason: %s is a required argument.", name);
    return text;
}

static int64_t entry_time(const json_t *entry, struct entry_refusal *refusal)
{
    const json_t *value = json_object_get(entry, "Time");
    double seconds = json_number_value(value);
    if (!value || json_is_null(value))
        return (int64_t)time(NULL);
    if (!json_is_number(value) || !(seconds >= 0 && seconds < 253402300800.0)) /* the year 10000 */
        refuse(refusal, "InvalidArgument",
               "Parameter %s is not valid. Reason: it must be a Unix time.", "Time");
    return refusal->code ? 0 : (int64_t)floor(seconds);
}

static json_t *entry_resources(const json_t *entry, struct entry_refusal *refusal)
{
    json_t *resources = json_object_get(entry, "Resources");
    for (size_t i = 0; i < json_array_size(resources); i++) {
        if (!json_is_string(json_array_get(resources, i)))
            refuse(refusal, "InvalidArgument",
                   "Parameter %s is not valid. Reason: it must be a list of strings.", "Resources");
    }
    return json_is_array(resources) ? resources : NULL;
}

/* NULL: none; the service accepts events to buses that don't exist. */
static const struct events_item *entry_bus(const struct service_call *call, const json_t *entry)
{
    return events_bus_named(call->cloud, call->request->home, json_text_in(entry, "EventBusName"));
}

/* The caller frees the detail. */
static void entry_read(const json_t *entry, struct events_event *event,
                       struct entry_refusal *refusal)
{
    uuid_make_text(event->id);
    event->source = entry_text(entry, "Source", refusal);
    event->detail_type = entry_text(entry, "DetailType", refusal);
    const char *detail = entry_text(entry, "Detail", refusal);
    event->time_s = entry_time(entry, refusal);
    event->resources = entry_resources(entry, refusal);
    event->trace = json_text_in(entry, "TraceHeader");
    if (event->source && strncmp(event->source, "aws.", 4) == 0)
        refuse(refusal, "NotAuthorizedForSourceException",
               "Not authorized for the source %.60s: sources that begin with aws. are reserved for "
               "AWS services.",
               event->source);
    event->detail = detail ? json_text_read(slice_of(detail), 0, NULL) : NULL;
    if (!json_is_object(event->detail))
        refuse(refusal, "MalformedDetail", "%s is malformed.", "Detail");
}

static int entry_put(struct service_call *call, const json_t *entry, json_t *results,
                     unsigned *failed, struct storage_unit *unit)
{
    struct events_event event = {.source = NULL};
    struct entry_refusal refusal = {0};
    int code = 0;
    json_t *result;
    entry_read(entry, &event, &refusal);
    if (refusal.code) {
        result = json_pack("{s:s, s:s}", "ErrorCode", refusal.code, "ErrorMessage", refusal.text);
        (*failed)++;
    } else {
        const struct events_item *bus = entry_bus(call, entry);
        event.home = call->request->home;
        event.bus = bus ? bus->named.name : NULL;
        code = bus ? events_dispatch(call->cloud, &event, unit) : 0;
        result = json_pack("{s:s}", "EventId", event.id);
    }
    json_decref(event.detail);
    return json_array_append_new(results, result) ? ERR_MEMORY : code;
}

/* One denied entry fails the call, as with an identity that may not put events. */
static int entry_permit(struct service_call *call, const json_t *entry)
{
    const struct events_item *bus = entry_bus(call, entry);
    char arn[EVENTS_ARN_SIZE];
    if (!bus)
        return 0;
    events_bus_arn(bus->named.name, arn);
    return events_permit(call, bus, arn);
}

static int entries_check(struct service_call *call, json_t **entries)
{
    const char *endpoint;
    size_t size = 0;
    int code = events_input_text(call, "EndpointId", false, 1, 50, &endpoint);
    if (!code && endpoint)
        return service_call_not_implemented(call, "EndpointId");
    if (code)
        return code;
    code = events_input_list(call, "Entries", 1, ENTRIES_MAX, entries);
    if (code)
        return code;
    for (size_t i = 0; i < json_array_size(*entries) && !code; i++) {
        const json_t *entry = json_array_get(*entries, i);
        size += entry_size(entry);
        code = entry_permit(call, entry);
    }
    if (code)
        return code;
    if (size > BYTES_MAX)
        return service_call_fail(call, EVENTS_VALIDATION,
                                 "Total size of the entries in the request is over the limit.");
    return 0;
}

int events_put_events(struct service_call *call)
{
    json_t *entries = NULL;
    struct storage_unit unit = {0};
    unsigned failed = 0;
    int code = entries_check(call, &entries);
    if (code)
        return code;
    json_t *results = json_array();
    code = service_call_output(call, "Entries", results);
    if (code)
        return code;
    for (size_t i = 0; i < json_array_size(entries); i++) {
        code = entry_put(call, json_array_get(entries, i), results, &failed, &unit);
        if (code)
            goto discard;
    }
    code = service_call_output(call, "FailedEntryCount", json_integer(failed));
    if (code)
        goto discard;
    if (!unit.first)
        return 0; /* no rule matched */
    return service_call_wait(
        call, publish_submit(call->cloud->storage, &unit, service_call_written, call));
discard:
    publish_discard(&unit);
    return code;
}

/* TestEventPattern. */

static int event_check(struct service_call *call, const json_t *event)
{
    static const char *const required[] = {"id",   "account", "source",
                                           "time", "region",  "detail-type"};
    bool valid = json_is_object(event);
    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++)
        valid = valid && json_object_get(event, required[i]);
    return valid ? 0 : service_call_fail(call, EVENTS_VALIDATION, "Parameter Event is not valid.");
}

int events_test_event_pattern(struct service_call *call)
{
    const char *pattern_text, *event_text;
    struct event_pattern *pattern = NULL;
    struct error error = {0};
    int code = events_input_text(call, "EventPattern", true, 0, EVENT_PATTERN_MAX, &pattern_text);
    if (code)
        return code;
    code = events_input_text(call, "Event", true, 1, EVENT_MAX, &event_text);
    if (code)
        return code;
    code = event_pattern_parse(slice_of(pattern_text), &pattern, &error);
    if (code && code != ERR_MEMORY)
        return events_pattern_refuse(call, pattern_text, &error);
    json_t *event = json_text_read(slice_of(event_text), 0, NULL), *undotted = NULL;
    if (code)
        goto out;
    code = event_check(call, event);
    if (code)
        goto out;
    undotted = json_undotted(event);
    code = undotted ? service_call_output(call, "Result",
                                          json_boolean(event_pattern_matches(pattern, undotted)))
                    : ERR_MEMORY;
out:
    json_decref(undotted);
    json_decref(event);
    event_pattern_free(pattern);
    return code;
}
