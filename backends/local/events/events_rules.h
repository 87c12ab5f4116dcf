/*
 * The state of EventBridge: the rules of the default event bus with their targets and tags,
 * independent of the protocol.
 *
 * A rule is one JSON document with the members of PutRule and PutTargets: EventPattern, State,
 * Description, RoleArn (strings), Targets (a list as in the API), Tags (an object of strings). A
 * change creates a new document. As with queues, the state in memory is authoritative and the
 * response is sent when the row is committed; a change that cannot be stored is rolled back. Loop
 * thread.
 */
#ifndef THUMBWHEEL_EVENTS_RULES_H
#define THUMBWHEEL_EVENTS_RULES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "event_pattern.h"
#include "list.h"
#include "log.h"
#include "name_page.h"
#include "storage.h"

struct cloud;
struct events_rules;

enum { EVENTS_RULES_MAX = 300, EVENTS_TARGETS_MAX = 5, EVENTS_ARN_SIZE = 160 };

struct events_rule {
    struct named named;
    json_t *document;
    struct event_pattern *pattern;
    bool enabled;
    struct log_gate refusals; /* of deliveries */
    /* private */
    struct events_rules *rules;
    unsigned refs;       /* held by the index and by each pending storage task */
    struct list changes; /* being stored, oldest first */
    bool deleting, gone;
};

extern const char events_schema[];

/* Reads all state; blocking, before the loop runs. Even after an error, *out must be closed unless
 * it is NULL. */
int events_open(struct cloud *cloud, struct events_rules **out, struct error *error);
void events_close(struct events_rules *rules); /* call it after storage has closed */

struct events_rule *events_find(struct events_rules *rules, const char *name); /* or NULL */
size_t events_count(const struct events_rules *rules);
/* The rule at an index in name order, or NULL while it is being deleted. */
struct events_rule *events_at(const struct events_rules *rules, size_t place);
/* Starts a page of the rules; after is its token. target_arn: only rules that have this target;
 * NULL: all. */
void events_page_start(const struct events_rules *rules, const char *target_arn,
                       struct name_page *page);
struct events_rule *events_page_next(struct name_page *page); /* NULL: the page has ended */

/* Called when a change is on the disk or was rolled back. */
typedef void events_written(int code, void *user);

/* Creates or replaces a rule; document is borrowed and has been checked. ERR_MEMORY; ERR_CONFLICT
 * while it is being deleted; otherwise done will be called. */
int events_put(struct events_rules *rules, const char *name, json_t *document, events_written *done,
               void *user);
int events_delete(struct events_rule *rule, events_written *done, void *user);

void events_rule_arn(const struct cloud *cloud, const char *name, char out[EVENTS_ARN_SIZE]);

#endif
