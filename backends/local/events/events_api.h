/* EventBridge: shared by its action files. Loop thread. */
#ifndef THUMBWHEEL_EVENTS_API_H
#define THUMBWHEEL_EVENTS_API_H

#include "cloud_service.h"
#include "events_rules.h"
#include "json_call.h"

json_call_run events_put_rule, events_describe_rule, events_list_rules, events_enable_rule,
    events_disable_rule, events_delete_rule;
json_call_run events_put_targets, events_remove_targets, events_list_targets,
    events_list_rule_names_by_target;
json_call_run events_put_events, events_test_event_pattern;
json_call_run events_describe_event_bus, events_list_event_buses;
json_call_run events_tag_resource, events_untag_resource, events_list_tags;

/* Checks EventBusName (or a similar parameter): absent, or the default bus by name or ARN. */
int events_input_bus(struct json_call *call, const char *parameter);
/* A rule's name; min 0: optional. */
int events_input_name(struct json_call *call, const char *parameter, bool required,
                      const char **out);
/* The existing rule of the default bus that a parameter names. */
int events_input_rule(struct json_call *call, const char *parameter, struct events_rule **out);
/* Limit and NextToken; *after is the last name of the page before, or NULL. */
int events_input_page(struct json_call *call, int *limit, const char **after);
bool events_name_valid(const char *name);

/* Stores a rule's changed document (taken); the call waits for it. */
int events_change(struct json_call *call, const char *name, json_t *document);
/* Checks tags and sets them in an object; ERR_MEMORY. */
int events_tags_add(struct json_call *call, json_t *list, json_t *tags);

extern const struct cloud_service cloud_events;

#endif
