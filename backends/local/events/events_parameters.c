/* The parameters that EventBridge's operations share, checked. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "authorization.h"
#include "event_pattern.h"
#include "events_api.h"
#include "utf8.h"

enum { BUS_MAX = 1600, TOKEN_MAX = 2048, PAGE_MAX = 100, CONSTRAINT_MAX = 96 };

/* As the service words it, in which names begin with a small letter. value: with its quotes and a
 * space behind; "" if it is not shown. */
static int constraint_failed(struct service_call *call, const char *value, const char *name,
                             const char *constraint)
{
    return service_call_fail(call, EVENTS_VALIDATION,
                             "1 validation error detected: Value %sat '%c%s' failed to satisfy "
                             "constraint: Member must %s",
                             value, tolower((unsigned char)name[0]), name + 1, constraint);
}

static int text_failed(struct service_call *call, const char *text, const char *name,
                       const char *constraint)
{
    char value[300];
    snprintf(value, sizeof value, "'%.280s' ", text);
    return constraint_failed(call, value, name, constraint);
}

static void bound_write(char constraint[CONSTRAINT_MAX], const char *what, bool less, long bound)
{
    snprintf(constraint, CONSTRAINT_MAX, "have %s %s than or equal to %ld", what,
             less ? "less" : "greater", bound);
}

static bool is_absent(const json_t *value)
{
    return !value || json_is_null(value);
}

int events_pattern_refuse(struct service_call *call, const char *pattern, const struct error *error)
{
    char why[EVENT_PATTERN_EXPLAIN_MAX], text[SERVICE_ERROR_TEXT_MAX];
    event_pattern_explain(pattern, why);
    if (*why)
        snprintf(text, sizeof text, "Event pattern is not valid. Reason: %.*s",
                 (int)(sizeof text - 64), why);
    else
        snprintf(text, sizeof text, "%.*s", (int)sizeof text - 1, error->text);
    return service_error_set_lines(&call->error, EVENTS_INVALID_PATTERN, text);
}

int events_input_text(struct service_call *call, const char *name, bool required, size_t min,
                      size_t max, const char **out)
{
    const json_t *value = json_object_get(call->input, name);
    char constraint[CONSTRAINT_MAX];
    *out = NULL;
    if (is_absent(value))
        return required ? constraint_failed(call, "null ", name, "not be null") : 0;
    if (!json_is_string(value))
        return service_call_fail(call, SERVICE_MALFORMED, "%s is not a string.", name);
    long length = utf8_length(json_string_value(value));
    bool less = length > (long)max;
    bound_write(constraint, "length", less, less ? (long)max : (long)min);
    if (less || length < (long)min)
        return text_failed(call, json_string_value(value), name, constraint);
    *out = json_string_value(value);
    return 0;
}

int events_input_int(struct service_call *call, const char *name, int min, int max, int *out)
{
    const json_t *value = json_object_get(call->input, name);
    char constraint[CONSTRAINT_MAX], text[32];
    if (is_absent(value))
        return 0;
    if (!json_is_integer(value))
        return service_call_fail(call, SERVICE_MALFORMED, "%s is not a whole number.", name);
    json_int_t number = json_integer_value(value);
    snprintf(text, sizeof text, "%lld", (long long)number);
    bound_write(constraint, "value", number > max, number > max ? max : min);
    if (number < min || number > max)
        return text_failed(call, text, name, constraint);
    *out = (int)number;
    return 0;
}

int events_input_list(struct service_call *call, const char *name, size_t min, size_t max,
                      json_t **out)
{
    char constraint[CONSTRAINT_MAX];
    *out = json_object_get(call->input, name);
    if (is_absent(*out))
        *out = NULL;
    if (!*out && !min)
        return 0;
    if (!*out)
        return constraint_failed(call, "null ", name, "not be null");
    if (!json_is_array(*out))
        return service_call_fail(call, SERVICE_MALFORMED, "%s is not a list.", name);
    bool less = json_array_size(*out) > max;
    bound_write(constraint, "length", less, (long)(less ? max : min));
    if (less || json_array_size(*out) < min)
        return constraint_failed(call, "", name, constraint);
    return 0;
}

static bool name_valid(const char *name, size_t max)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr(".-_", name[i]))
            return false;
    }
    return size > 0 && size <= max;
}

bool events_name_valid(const char *name)
{
    return name_valid(name, EVENTS_NAME_MAX);
}

/* The pattern that the service shows allows the slashes of partners' buses. */
int events_input_bus_name(struct service_call *call, const char *parameter, bool required,
                          const char **out)
{
    int code = events_input_text(call, parameter, required, 1, EVENTS_BUS_NAME_MAX, out);
    if (code || !*out || name_valid(*out, EVENTS_BUS_NAME_MAX))
        return code;
    return text_failed(call, *out, parameter,
                       "satisfy regular expression pattern: [/\\.\\-_A-Za-z0-9]+");
}

int events_input_name(struct service_call *call, const char *parameter, bool required,
                      const char **out)
{
    int code = events_input_text(call, parameter, required, 1, EVENTS_NAME_MAX, out);
    if (code || !*out || events_name_valid(*out))
        return code;
    return text_failed(call, *out, parameter,
                       "satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+");
}

/* Buses and rules. */

int events_permit(struct service_call *call, const struct events_item *bus, const char *arn)
{
    const struct cloud_request *asked = call->request;
    const char *action = call->operation->name;
    char reason[POLICY_REASON_MAX], text[AUTHORIZATION_TEXT_MAX];
    if (authorize_request(asked, bus->content.policy, action, arn, reason))
        return 0;
    authorization_denied_text(asked, "events", action, arn, reason, text);
    return service_call_fail(call, EVENTS_ACCESS_DENIED, "%s", text);
}

int events_input_bus(struct service_call *call, const char *parameter, struct events_item **out)
{
    const char *name;
    int code = events_input_text(call, parameter, false, 1, BUS_MAX, &name);
    if (code)
        return code;
    *out = events_bus_named(call->cloud, call->request->home, name);
    if (*out)
        return 0;
    service_call_fail(call, EVENTS_NOT_FOUND, "Event bus %.300s does not exist.", name);
    return EVENTS_NOT_FOUND;
}

int events_input_rule_name(struct service_call *call, const char *parameter,
                           struct events_item **bus, const char **name)
{
    char arn[EVENTS_ARN_SIZE];
    int code = events_input_bus(call, "EventBusName", bus);
    if (code)
        return code;
    code = events_input_name(call, parameter, true, name);
    if (code)
        return code;
    snprintf(call->request->resource, sizeof call->request->resource, "%s", *name);
    events_rule_arn((*bus)->named.name, *name, arn);
    return events_permit(call, *bus, arn);
}

int events_input_rule(struct service_call *call, const char *parameter, struct events_item **out)
{
    struct events_item *bus;
    const char *name;
    int code = events_input_rule_name(call, parameter, &bus, &name);
    if (code)
        return code;
    *out = events_rule_find(call->cloud->events, bus->named.name, name);
    if (*out)
        return 0;
    return service_call_fail(call, EVENTS_NOT_FOUND, "Rule %s does not exist on EventBus %s.", name,
                             events_bus_name(bus));
}

/* Pages. */

int events_input_page(struct service_call *call, size_t *limit, const char **after)
{
    int max = PAGE_MAX;
    int code = events_input_int(call, "Limit", 1, PAGE_MAX, &max);
    if (code)
        return code;
    *limit = (size_t)max;
    code = events_input_text(call, "NextToken", false, 1, TOKEN_MAX, after);
    if (code || !*after || name_valid(*after, EVENTS_BUS_NAME_MAX))
        return code;
    return service_call_fail(call, EVENTS_VALIDATION, "NextToken is invalid.");
}

int events_input_rule_page(struct service_call *call, const char *prefix,
                           struct events_rule_page *out)
{
    struct events_item *bus;
    const char *after;
    int code = events_input_bus(call, "EventBusName", &bus);
    if (code)
        return code;
    code = events_input_page(call, &out->page.part.limit, &after);
    if (code)
        return code;
    events_key(bus->named.name, prefix ? prefix : "", out->prefix);
    events_key(bus->named.name, after ? after : "", out->after);
    out->page.prefix = out->prefix;
    out->page.after = after ? out->after : NULL;
    return 0;
}

int events_output_rule_token(struct service_call *call, const struct events_rule_page *page)
{
    const char *next = page->page.part.next;
    return events_output_token(call, next ? strrchr(next, '/') + 1 : NULL);
}

int events_output_token(struct service_call *call, const char *token)
{
    return token ? service_call_output(call, "NextToken", json_string(token)) : 0;
}
