/*
 * The state of EventBridge: the rules of the default event bus with their targets and tags,
 * independent of the protocol.
 *
 * A rule is one JSON document, as PutRule and PutTargets state it: EventPattern, State,
 * Description, RoleArn (text), Targets (a list as in the API), Tags (an object of strings). A
 * change makes a new document. As with queues, memory is the truth and a client is answered when
 * the row is committed; a change that cannot be stored is rolled back. Loop thread.
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
#include "name_index.h"
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
    unsigned refs;       /* the index, and each storage task under way */
    struct list changes; /* that are being stored, oldest first */
    bool deleting, gone;
};

extern const char events_schema[];

/* Reads all state; blocking, before the loop runs. On an error too, *out (if not NULL) is to be
 * closed. */
int events_open(struct cloud *cloud, struct events_rules **out, struct error *error);
void events_close(struct events_rules *rules); /* after storage has closed */

struct events_rule *events_find(struct events_rules *rules, const char *name); /* or NULL */
size_t events_count(const struct events_rules *rules);
/* The one at a place in the order of the names, or NULL while it is being deleted. */
struct events_rule *events_at(const struct events_rules *rules, size_t place);
/* The place of the first whose name is not before `name`. */
size_t events_from(const struct events_rules *rules, const char *name);

/* A change is on the disk, or is undone. */
typedef void events_written(int status, void *user);

/* Makes or replaces a rule; document is borrowed and has been checked. ERR_MEMORY; ERR_CONFLICT
 * while it is being deleted; else done comes. */
int events_put(struct events_rules *rules, const char *name, json_t *document, events_written *done,
               void *user);
int events_delete(struct events_rule *rule, events_written *done, void *user);

void events_rule_arn(const struct cloud *cloud, const char *name, char out[EVENTS_ARN_SIZE]);

#endif
