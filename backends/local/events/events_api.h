/* EventBridge: shared by its action files. Loop thread. */
#ifndef THUMBWHEEL_EVENTS_API_H
#define THUMBWHEEL_EVENTS_API_H

#include "cloud_service.h"
#include "events_errors.h"
#include "events_rules.h"
#include "service_call.h"

service_run events_put_rule, events_describe_rule, events_list_rules, events_enable_rule,
    events_disable_rule, events_delete_rule;
service_run events_put_targets, events_remove_targets, events_list_targets,
    events_list_rule_names_by_target;
service_run events_put_events, events_test_event_pattern;
service_run events_describe_event_bus, events_list_event_buses;
service_run events_tag_resource, events_untag_resource, events_list_tags;

/* Parameters: events_parameters.c. */
/* A string of min to max characters; *out is NULL if it is absent and not required. */
int events_input_text(struct service_call *call, const char *name, bool required, size_t min,
                      size_t max, const char **out);
/* Leaves *out unchanged if absent. */
int events_input_int(struct service_call *call, const char *name, int min, int max, int *out);
/* A list of min to max items; NULL if it is absent and min is 0. */
int events_input_list(struct service_call *call, const char *name, size_t min, size_t max,
                      json_t **out);
/* Checks EventBusName (or a similar parameter): absent, or the default bus by name or ARN. */
int events_input_bus(struct service_call *call, const char *parameter);
/* A rule's name; min 0: optional. */
int events_input_name(struct service_call *call, const char *parameter, bool required,
                      const char **out);
/* The existing rule of the default bus that a parameter names. */
int events_input_rule(struct service_call *call, const char *parameter, struct events_rule **out);
/* Limit and NextToken; *after is the last name of the page before, or NULL. */
int events_input_page(struct service_call *call, size_t *limit, const char **after);
/* NextToken; NULL: none. */
int events_output_token(struct service_call *call, const char *token);
bool events_name_valid(const char *name);

/* Stores a rule's changed document (taken); the call waits for it. */
int events_change(struct service_call *call, const char *name, json_t *document);
/* Checks tags and sets them in an object; ERR_MEMORY. */
int events_tags_add(struct service_call *call, json_t *list, json_t *tags);

extern const struct cloud_service cloud_events;

#endif
