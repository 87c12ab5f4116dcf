/* CreateEventBus and the other actions on event buses. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "events_api.h"
#include "json_text.h"

enum { DESCRIPTION_MAX = 512, KMS_KEY_MAX = 2048, DEAD_LETTER_ARN_MAX = 1600 };

/* The settings of a bus, which are stored and returned. */
static const char *const settings[] = {"Description", "KmsKeyIdentifier", "DeadLetterConfig",
                                       "LogConfig"};
enum { SETTINGS = sizeof settings / sizeof settings[0] };

/* Checking. */

static bool is_one_of(const char *value, const char *const *values)
{
    while (*values && strcmp(*values, value) != 0)
        values++;
    return *values != NULL;
}

/* A structure of texts with the given members. */
static int structure_check(struct service_call *call, const char *parameter,
                           const char *const *members, const json_t **out)
{
    json_t *structure = json_object_get(call->input, parameter), *value;
    const char *name;
    *out = json_is_null(structure) ? NULL : structure;
    if (!*out)
        return 0;
    if (!json_is_object(structure))
        return service_call_fail(call, SERVICE_MALFORMED, "%s is not a structure.", parameter);
    json_object_foreach(structure, name, value)
    {
        if (!is_one_of(name, members))
            return service_call_not_implemented(call, name);
        if (!json_is_string(value))
            return service_call_fail(call, SERVICE_MALFORMED, "%s is not a string.", name);
    }
    return 0;
}

static int letters_check(struct service_call *call)
{
    static const char *const members[] = {"Arn", NULL};
    const json_t *letters;
    int code = structure_check(call, "DeadLetterConfig", members, &letters);
    const char *arn = code ? NULL : json_text_in(letters, "Arn");
    if (code || !arn || (*arn && strlen(arn) <= DEAD_LETTER_ARN_MAX))
        return code;
    return service_call_fail(call, EVENTS_VALIDATION,
                             "1 validation error detected: Value at 'deadLetterConfig.arn' failed "
                             "to satisfy constraint: Member must have 1 to 1600 characters");
}

static int log_check(struct service_call *call)
{
    static const char *const members[] = {"IncludeDetail", "Level", NULL};
    static const char *const details[] = {"NONE", "FULL", NULL};
    static const char *const levels[] = {"OFF", "ERROR", "INFO", "TRACE", NULL};
    const json_t *log;
    int code = structure_check(call, "LogConfig", members, &log);
    if (code)
        return code;
    const char *detail = json_text_in(log, "IncludeDetail"), *level = json_text_in(log, "Level");
    if ((!detail || is_one_of(detail, details)) && (!level || is_one_of(level, levels)))
        return 0;
    return service_call_fail(call, EVENTS_VALIDATION,
                             "1 validation error detected: LogConfig must have an IncludeDetail of "
                             "NONE or FULL and a Level of OFF, ERROR, INFO or TRACE");
}

static int settings_check(struct service_call *call)
{
    const char *text;
    int code = events_input_text(call, "Description", false, 0, DESCRIPTION_MAX, &text);
    if (code)
        return code;
    code = events_input_text(call, "KmsKeyIdentifier", false, 0, KMS_KEY_MAX, &text);
    if (code)
        return code;
    code = letters_check(call);
    return code ? code : log_check(call);
}

/* An absent setting is kept; an empty text or structure removes it. */
static int settings_set(const json_t *input, json_t *document)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        json_t *value = json_object_get(input, settings[i]);
        bool empty = json_is_string(value) ? !*json_string_value(value) : !json_object_size(value);
        if (!value || json_is_null(value))
            continue;
        if (empty)
            json_object_del(document, settings[i]);
        else if (json_object_set(document, settings[i], value))
            return ERR_MEMORY;
    }
    return json_object_set_new(document, "LastModifiedTime", json_integer(time(NULL))) ? ERR_MEMORY
                                                                                       : 0;
}

static int settings_output(struct service_call *call, const char *arn_name, const char *bus,
                           const json_t *document)
{
    char arn[EVENTS_ARN_SIZE];
    events_bus_arn(bus, arn);
    int code = service_call_output(call, arn_name, json_string(arn));
    return code ? code : events_members_copy(document, call->output, settings, SETTINGS);
}

/* CreateEventBus. */

static int bus_document(struct service_call *call, json_t *document)
{
    json_t *list, *tags;
    int code = settings_check(call);
    if (code)
        return code;
    code = events_input_list(call, "Tags", 0, EVENTS_TAGS_MAX, &list);
    if (code)
        return code;
    tags = json_object();
    if (json_object_set_new(document, "Tags", tags) ||
        json_object_set_new(document, "CreationTime", json_integer(time(NULL))))
        return ERR_MEMORY;
    code = events_tags_add(call, list, tags);
    return code ? code : settings_set(call->input, document);
}

static int new_bus_check(struct service_call *call, const char *name)
{
    const struct events_items *buses = &call->cloud->events->buses;
    char key[EVENTS_KEY_SIZE];
    events_bus_key(call->request->home, name, key);
    if (strcmp(name, EVENTS_DEFAULT_BUS) == 0 || events_items_has(buses, key))
        return service_call_fail(call, EVENTS_EXISTS, "Event bus %s already exists.", name);
    if (events_bus_count(call->cloud->events, call->request->home) >= EVENTS_BUSES_MAX)
        return service_call_fail(
            call, EVENTS_LIMIT_EXCEEDED,
            "The requested resource exceeds the maximum number allowed: an account can have at "
            "most %d event buses.",
            EVENTS_BUSES_MAX);
    return 0;
}

int events_create_event_bus(struct service_call *call)
{
    const char *name, *source;
    int code = events_input_text(call, "EventSourceName", false, 1, 256, &source);
    if (!code && source)
        return service_call_not_implemented(call, "EventSourceName");
    if (code)
        return code;
    code = events_input_bus_name(call, "Name", true, &name);
    if (code)
        return code;
    snprintf(call->request->resource, sizeof call->request->resource, "%s", name);
    code = new_bus_check(call, name);
    if (code)
        return code;
    char key[EVENTS_KEY_SIZE];
    events_bus_key(call->request->home, name, key);
    json_t *document = json_object();
    code = document ? bus_document(call, document) : ERR_MEMORY;
    if (!code)
        code = settings_output(call, "EventBusArn", key, document);
    if (!code)
        return events_change(call, &call->cloud->events->buses, key, document);
    json_decref(document);
    return code;
}

/* The other actions. */

/* The bus that Name names, if the caller may act on it. */
static int input_named(struct service_call *call, struct events_item **out)
{
    char arn[EVENTS_ARN_SIZE];
    int code = events_input_bus(call, "Name", out);
    if (code)
        return code;
    snprintf(call->request->resource, sizeof call->request->resource, "%s", events_bus_name(*out));
    events_bus_arn((*out)->named.name, arn);
    return events_permit(call, *out, arn);
}

int events_update_event_bus(struct service_call *call)
{
    struct events_item *bus;
    int code = settings_check(call);
    if (code)
        return code;
    code = input_named(call, &bus);
    if (code)
        return code;
    json_t *document = json_copy(bus->content.document);
    code = document ? settings_set(call->input, document) : ERR_MEMORY;
    if (code)
        goto out;
    code = settings_output(call, "Arn", bus->named.name, document);
    if (code)
        goto out;
    code = service_call_output(call, "Name", json_string(events_bus_name(bus)));
    if (!code)
        return events_change(call, &call->cloud->events->buses, bus->named.name, document);
out:
    json_decref(document);
    return code;
}

/* As on AWS, deleting a missing bus succeeds. */
int events_delete_event_bus(struct service_call *call)
{
    struct events_item *bus;
    const char *name;
    int code = events_input_text(call, "Name", true, 1, EVENTS_BUS_NAME_MAX, &name);
    if (code)
        return code;
    if (!events_bus_named(call->cloud, call->request->home, name))
        return 0;
    code = input_named(call, &bus);
    if (code)
        return code;
    if (events_bus_is_default(bus))
        return service_call_fail(call, EVENTS_VALIDATION, "Cannot delete event bus default.");
    if (events_rule_count(call->cloud->events, bus->named.name))
        return service_call_fail(call, EVENTS_VALIDATION,
                                 "EventBus can't be deleted since it has rules.");
    return service_call_wait(call, events_item_delete(bus, service_call_written, call));
}

/* Reading. */

static json_t *bus_json(const struct events_item *bus)
{
    static const char *const members[] = {"Description", "Policy", "CreationTime",
                                          "LastModifiedTime"};
    char arn[EVENTS_ARN_SIZE];
    events_bus_arn(bus->named.name, arn);
    json_t *out = json_pack("{s:s, s:s}", "Name", events_bus_name(bus), "Arn", arn);
    if (out && !events_members_copy(bus->content.document, out, members, 4))
        return out;
    json_decref(out);
    return NULL;
}

int events_describe_event_bus(struct service_call *call)
{
    struct events_item *bus;
    int code = input_named(call, &bus);
    if (code)
        return code;
    json_decref(call->output);
    call->output = bus_json(bus);
    return call->output
               ? events_members_copy(bus->content.document, call->output, settings, SETTINGS)
               : ERR_MEMORY;
}

int events_list_event_buses(struct service_call *call)
{
    const struct events_item *bus;
    struct name_page page = {0};
    char first[EVENTS_KEY_SIZE], last[EVENTS_KEY_SIZE];
    const char *prefix, *after;
    const struct arn_home home = call->request->home;
    int code = events_input_bus_name(call, "NamePrefix", false, &prefix);
    if (code)
        return code;
    code = events_input_page(call, &page.part.limit, &after);
    if (code)
        return code;
    events_bus_named(call->cloud, home, EVENTS_DEFAULT_BUS);
    events_bus_key(home, prefix ? prefix : "", first);
    events_bus_key(home, after ? after : "", last);
    page.prefix = first;
    page.after = after ? last : NULL;
    json_t *list = json_array();
    code = service_call_output(call, "EventBuses", list);
    events_buses_page_start(call->cloud->events, &page);
    while (!code && (bus = events_page_next(&page)))
        code = json_array_append_new(list, bus_json(bus)) ? ERR_MEMORY : 0;
    return code
               ? code
               : events_output_token(call, page.part.next ? strchr(page.part.next, '/') + 1 : NULL);
}
