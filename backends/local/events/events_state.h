/*
 * The state of EventBridge: event buses, and their rules with targets and tags, independent of the
 * protocol.
 *
 * A bus is a JSON document with the members of CreateEventBus that DescribeEventBus returns, its
 * Policy (a string), Tags (an object of strings), CreationTime and LastModifiedTime (Unix seconds).
 * The default bus of an account in a region always exists; it has a row only once it was changed. Other buses are
 * found when their row is on the disk, so that no rule is stored without its bus.
 *
 * A rule is a document with the members of PutRule and PutTargets: EventPattern, State,
 * Description, RoleArn (strings), Targets (a list as in the API), Tags.
 *
 * Each account has buses of its own in each region. A bus is found by its key, HOME/NAME, and a rule
 * by HOME/BUS/NAME, where HOME is REGION:ACCOUNT: none of the names contains a slash or a colon here.
 * Loop thread.
 */
#ifndef THUMBWHEEL_EVENTS_STATE_H
#define THUMBWHEEL_EVENTS_STATE_H

#include "events_items.h"
#include "resource_name.h"

#define EVENTS_DEFAULT_BUS "default"

enum {
    EVENTS_BUSES_MAX = 100,
    EVENTS_RULES_MAX = 300, /* of a bus */
    EVENTS_TARGETS_MAX = 5,
    EVENTS_NAME_MAX = 64,
    EVENTS_BUS_NAME_MAX = 256,
    EVENTS_REGION_MAX = 64,
    EVENTS_HOME_SIZE = EVENTS_REGION_MAX + 1 + 12 + 1,
    EVENTS_KEY_SIZE = EVENTS_HOME_SIZE + EVENTS_BUS_NAME_MAX + 1 + EVENTS_NAME_MAX + 1,
    EVENTS_ARN_SIZE = EVENTS_KEY_SIZE + 96,
};

struct events_state {
    struct events_items buses, rules;
};

extern const char events_schema[];

/* Reads all state; blocking, before the loop runs. Even after an error, *out must be closed unless
 * it is NULL. */
int events_open(struct cloud *cloud, struct events_state **out, struct error *error);
void events_close(struct events_state *state); /* call it after storage has closed */

/* By its name, or by its ARN, which may be of another account; name NULL: the default bus. */
struct events_item *events_bus_named(const struct cloud *cloud, struct arn_home home,
                                     const char *name);
/* By its ARN in any region, which is the key of no other resource; NULL: none. */
struct events_item *events_bus_of_arn(const struct cloud *cloud, const char *arn);
bool events_is_bus_arn(const char *arn);
/* Below, `bus` is the key of a bus. */
struct events_item *events_rule_find(const struct events_state *state, const char *bus,
                                     const char *name);

void events_home(struct arn_home home, char out[EVENTS_HOME_SIZE]);
/* The key of a bus of a home, or of a rule of a bus. */
void events_key(const char *outer, const char *name, char out[EVENTS_KEY_SIZE]);
void events_bus_key(struct arn_home home, const char *name, char out[EVENTS_KEY_SIZE]);
const char *events_bus_name(const struct events_item *bus);   /* without its home */
const char *events_rule_name(const struct events_item *rule); /* without its bus */
bool events_bus_is_default(const struct events_item *bus);
bool events_rule_enabled(const struct events_item *rule);
/* How many buses a home has, and rules a bus, with those that are being deleted. */
size_t events_bus_count(const struct events_state *state, struct arn_home home);
size_t events_rule_count(const struct events_state *state, const char *bus);
/* All rules of a bus: the indexes from *first to before *end, for events_items_at. */
void events_rule_range(const struct events_state *state, const char *bus, size_t *first,
                       size_t *end);

/* target_arn: only rules that have this target; NULL: all. */
void events_rules_page_start(const struct events_state *state, const char *target_arn,
                             struct name_page *page);
void events_buses_page_start(const struct events_state *state, struct name_page *page);
struct events_item *events_page_next(struct name_page *page); /* NULL: the page has ended */

/* arn:aws:events:…:event-bus/BUS */
void events_bus_arn(const char *bus, char out[EVENTS_ARN_SIZE]);
/* arn:aws:events:…:rule/NAME on the default bus, otherwise rule/BUS/NAME. */
void events_rule_arn(const char *bus, const char *name, char out[EVENTS_ARN_SIZE]);
void events_item_arn(const struct events_item *rule, char out[EVENTS_ARN_SIZE]);

#endif
