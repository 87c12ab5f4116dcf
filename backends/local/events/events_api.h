/* EventBridge: shared by its action files. Loop thread. */
#ifndef THUMBWHEEL_EVENTS_API_H
#define THUMBWHEEL_EVENTS_API_H

#include "cloud_service.h"
#include "events_errors.h"
#include "events_state.h"
#include "service_call.h"

service_run events_put_rule, events_describe_rule, events_list_rules, events_enable_rule,
    events_disable_rule, events_delete_rule;
service_run events_put_targets, events_remove_targets, events_list_targets,
    events_list_rule_names_by_target;
service_run events_put_events, events_test_event_pattern;
service_run events_create_event_bus, events_delete_event_bus, events_update_event_bus,
    events_describe_event_bus, events_list_event_buses;
service_run events_put_permission, events_remove_permission;
service_run events_tag_resource, events_untag_resource, events_list_tags;

/* Parameters: events_parameters.c. */
/* A string of min to max characters; *out is NULL if it is absent and not required. */
int events_input_text(struct service_call *call, const char *name, bool required, size_t min,
                      size_t max, const char **out);
/* Fails because of the error of event_pattern_parse. */
int events_pattern_refuse(struct service_call *call, const char *pattern,
                          const struct error *error);
/* Leaves *out unchanged if absent. */
int events_input_int(struct service_call *call, const char *name, int min, int max, int *out);
/* A list of min to max items; NULL if it is absent and min is 0. */
int events_input_list(struct service_call *call, const char *name, size_t min, size_t max,
                      json_t **out);
bool events_name_valid(const char *name); /* of a rule or a target */
/* A rule's name. */
int events_input_name(struct service_call *call, const char *parameter, bool required,
                      const char **out);
/* The name of a bus that may not exist. */
int events_input_bus_name(struct service_call *call, const char *parameter, bool required,
                          const char **out);
/* EVENTS_ACCESS_DENIED: the policy of the bus denies the call's action on the ARN. */
int events_permit(struct service_call *call, const struct events_item *bus, const char *arn);
/* The existing bus that EventBusName (or a similar parameter) names, by its name or ARN; absent: the
 * default bus. */
int events_input_bus(struct service_call *call, const char *parameter, struct events_item **out);
/* The bus of EventBusName, and the name of a rule on it that may not exist. Checks the permission.
 */
int events_input_rule_name(struct service_call *call, const char *parameter,
                           struct events_item **bus, const char **name);
/* The existing rule that EventBusName and a parameter name. Checks the permission. */
int events_input_rule(struct service_call *call, const char *parameter, struct events_item **out);
/* Limit and NextToken; *after is the last name of the page before, or NULL. */
int events_input_page(struct service_call *call, size_t *limit, const char **after);
/* NextToken; NULL: none. */
int events_output_token(struct service_call *call, const char *token);

/* A page of the rules of a bus. */
struct events_rule_page {
    struct name_page page;
    char prefix[EVENTS_KEY_SIZE], after[EVENTS_KEY_SIZE]; /* to which page points */
};
/* EventBusName, Limit and NextToken. prefix: of the names; NULL: all */
int events_input_rule_page(struct service_call *call, const char *prefix,
                           struct events_rule_page *out);
int events_output_rule_token(struct service_call *call, const struct events_rule_page *page);

/* Sets a member if there is a value; ERR_MEMORY. */
int events_member_set(json_t *object, const char *name, const char *value);
/* Copies the members that exist; ERR_MEMORY. */
int events_members_copy(const json_t *from, json_t *to, const char *const *names, size_t count);
/* Stores an item's changed document (taken, NULL: no memory); the call waits for it. */
int events_change(struct service_call *call, struct events_items *items, const char *name,
                  json_t *document);
enum { EVENTS_TAGS_MAX = 50 };
/* Checks tags and sets them in an object; ERR_MEMORY. */
int events_tags_add(struct service_call *call, json_t *list, json_t *tags);

extern const struct cloud_service cloud_events;

#endif
