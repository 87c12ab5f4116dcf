#include "events_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud.h"
#include "container_of.h"
#include "json_text.h"
#include "storage_statement.h"

/* Rules that were stored before there were other buses have no bus in their name. */
const char events_schema[] =
    "CREATE TABLE IF NOT EXISTS event_buses (name TEXT PRIMARY KEY, document TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS event_rules (name TEXT PRIMARY KEY, document TEXT NOT NULL);"
    "UPDATE event_rules SET name = '" EVENTS_DEFAULT_BUS "/' || name WHERE instr(name, '/') = 0;";

static int rule_parse(struct events_content *content)
{
    const char *text = json_text_in(content->document, "EventPattern");
    return text ? event_pattern_parse(slice_of(text), &content->pattern, NULL) : ERR_INVALID;
}

static int bus_parse(struct events_content *content)
{
    const char *text = json_text_in(content->document, "Policy");
    return text ? policy_parse(POLICY_OF_BUS, text, &content->policy, NULL) : 0;
}

static const struct events_kind rules = {
    .what = "event rule",
    .put_sql = "INSERT OR REPLACE INTO event_rules (name, document) VALUES (?1, ?2)",
    .delete_sql = "DELETE FROM event_rules WHERE name = ?1",
    .load_sql = "SELECT name, document FROM event_rules",
    .parse = rule_parse,
};

static const struct events_kind buses = {
    .what = "event bus",
    .put_sql = "INSERT OR REPLACE INTO event_buses (name, document) VALUES (?1, ?2)",
    .delete_sql = "DELETE FROM event_buses WHERE name = ?1",
    .load_sql = "SELECT name, document FROM event_buses",
    .parse = bus_parse,
};

/* Opening and closing. */

/* Buses and rules that were stored before there were several regions have none in their key. */
static const char *const region_updates[] = {
    "UPDATE event_buses SET name = ? || '/' || name WHERE instr(name, '/') = 0",
    "UPDATE event_rules SET name = ? || '/' || name "
    "WHERE length(name) - length(replace(name, '/', '')) = 1",
    NULL};

/* Those that were stored before there were several accounts have only a region. */
#define WITH_ACCOUNT                                                                               \
    " SET name = substr(name, 1, instr(name, '/') - 1) || ':' || ? || "                            \
    "substr(name, instr(name, '/')) WHERE instr(name, ':') = 0"
static const char *const account_updates[] = {"UPDATE event_buses" WITH_ACCOUNT,
                                              "UPDATE event_rules" WITH_ACCOUNT, NULL};

static int keys_settle(struct storage *storage, const char *const *updates, const char *value,
                       struct error *error)
{
    int code = 0;
    for (; *updates && !code; updates++) {
        struct statement update = statement_prepare(storage, *updates);
        bind_text(&update, value);
        code = statement_execute(&update, error);
    }
    return code;
}

int events_open(struct cloud *cloud, struct events_state **out, struct error *error)
{
    struct events_state *state = *out = calloc(1, sizeof *state);
    if (!state)
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = keys_settle(cloud->storage, region_updates, cloud->region, error);
    if (code)
        return code;
    code = keys_settle(cloud->storage, account_updates, cloud->account, error);
    if (code)
        return code;
    code = events_items_open(&state->buses, cloud, &buses, error);
    return code ? code : events_items_open(&state->rules, cloud, &rules, error);
}

void events_close(struct events_state *state)
{
    events_items_close(&state->rules);
    events_items_close(&state->buses);
    free(state);
}

/* Finding. */

static struct events_item *bus_find(const struct events_state *state, const char *key)
{
    struct events_item *bus = events_items_find(&state->buses, key);
    return bus && bus->stored ? bus : NULL;
}

/* NULL: memory is short. */
static struct events_item *default_add(struct events_state *state, const char *key)
{
    struct events_item *bus = NULL;
    json_t *empty = json_object();
    int code = empty ? events_items_add(&state->buses, key, empty, &bus) : ERR_MEMORY;
    json_decref(empty);
    if (code)
        return NULL;
    bus->stored = true;
    return bus;
}

static const char service[] = "arn:aws:events:", bus_resource[] = ":event-bus/";

enum { ACCOUNT_DIGITS = 12 };

bool events_is_bus_arn(const char *arn)
{
    const struct slice of = arn_account(arn);
    return strncmp(arn, service, sizeof service - 1) == 0 && of.size == ACCOUNT_DIGITS &&
           strncmp(of.data + of.size, bus_resource, sizeof bus_resource - 1) == 0;
}

struct events_item *events_bus_of_arn(const struct cloud *cloud, const char *arn)
{
    char region[EVENTS_REGION_MAX + 1], account[ACCOUNT_DIGITS + 1];
    const struct slice in = arn_region(arn), of = arn_account(arn);
    if (!events_is_bus_arn(arn) || in.size >= sizeof region)
        return NULL;
    snprintf(region, sizeof region, "%.*s", (int)in.size, in.data);
    snprintf(account, sizeof account, "%.*s", (int)of.size, of.data);
    return events_bus_named(cloud, (struct arn_home){region, account},
                            of.data + of.size + sizeof bus_resource - 1);
}

struct events_item *events_bus_named(const struct cloud *cloud, struct arn_home home,
                                     const char *name)
{
    char key[EVENTS_KEY_SIZE];
    if (name && events_is_bus_arn(name))
        return arn_is_in(name, home.region) ? events_bus_of_arn(cloud, name) : NULL;
    if (!name)
        name = EVENTS_DEFAULT_BUS;
    if (strpbrk(name, "/:") || strlen(name) > EVENTS_BUS_NAME_MAX)
        return NULL;
    events_bus_key(home, name, key);
    if (strcmp(name, EVENTS_DEFAULT_BUS) == 0 && !events_items_has(&cloud->events->buses, key))
        return default_add(cloud->events, key);
    return bus_find(cloud->events, key);
}

void events_home(struct arn_home home, char out[EVENTS_HOME_SIZE])
{
    snprintf(out, EVENTS_HOME_SIZE, "%.64s:%.12s", home.region, home.account);
}

void events_bus_key(struct arn_home home, const char *name, char out[EVENTS_KEY_SIZE])
{
    char outer[EVENTS_HOME_SIZE];
    events_home(home, outer);
    events_key(outer, name, out);
}

void events_key(const char *outer, const char *name, char out[EVENTS_KEY_SIZE])
{
    snprintf(out, EVENTS_KEY_SIZE, "%s/%s", outer, name);
}

struct events_item *events_rule_find(const struct events_state *state, const char *bus,
                                     const char *name)
{
    char key[EVENTS_KEY_SIZE];
    events_key(bus, name, key);
    return events_items_find(&state->rules, key);
}

const char *events_rule_name(const struct events_item *rule)
{
    return strrchr(rule->named.name, '/') + 1;
}

const char *events_bus_name(const struct events_item *bus)
{
    return strchr(bus->named.name, '/') + 1;
}

bool events_bus_is_default(const struct events_item *bus)
{
    return strcmp(events_bus_name(bus), EVENTS_DEFAULT_BUS) == 0;
}

bool events_rule_enabled(const struct events_item *rule)
{
    const char *state = json_text_in(rule->content.document, "State");
    return !state || strcmp(state, "ENABLED") == 0;
}

void events_rule_range(const struct events_state *state, const char *bus, size_t *first,
                       size_t *end)
{
    char prefix[EVENTS_KEY_SIZE];
    events_key(bus, "", prefix);
    *first = name_index_from(&state->rules.index, prefix);
    *end = name_index_beyond(&state->rules.index, prefix);
}

size_t events_rule_count(const struct events_state *state, const char *bus)
{
    size_t first, end;
    events_rule_range(state, bus, &first, &end);
    return end - first;
}

size_t events_bus_count(const struct events_state *state, struct arn_home home)
{
    char prefix[EVENTS_KEY_SIZE];
    events_bus_key(home, "", prefix);
    return name_index_beyond(&state->buses.index, prefix) -
           name_index_from(&state->buses.index, prefix);
}

/* Pages. */

static bool has_target(const struct events_item *rule, const char *arn)
{
    const json_t *targets = json_object_get(rule->content.document, "Targets");
    for (size_t i = 0; i < json_array_size(targets); i++) {
        if (strcmp(json_text_in(json_array_get(targets, i), "Arn"), arn) == 0)
            return true;
    }
    return false;
}

static bool shows_rule(const struct named *named, const void *target_arn)
{
    const struct events_item *rule = container_of(named, const struct events_item, named);
    return events_item_shown(rule) && (!target_arn || has_target(rule, target_arn));
}

static bool shows_bus(const struct named *named, const void *user)
{
    const struct events_item *bus = container_of(named, const struct events_item, named);
    (void)user;
    return events_item_shown(bus) && bus->stored;
}

void events_rules_page_start(const struct events_state *state, const char *target_arn,
                             struct name_page *page)
{
    page->shows = shows_rule;
    page->user = target_arn;
    name_page_start(page, &state->rules.index);
}

void events_buses_page_start(const struct events_state *state, struct name_page *page)
{
    page->shows = shows_bus;
    name_page_start(page, &state->buses.index);
}

struct events_item *events_page_next(struct name_page *page)
{
    struct named *named = name_page_next(page);
    return named ? container_of(named, struct events_item, named) : NULL;
}

/* ARNs. */

/* Before the first slash of a key is what an ARN has between the service and the resource. of: the
 * key without its home */
static void arn_write(const char *key, const char *what, const char *of, char out[EVENTS_ARN_SIZE])
{
    snprintf(out, EVENTS_ARN_SIZE, "%s%.*s:%s/%s", service, (int)strcspn(key, "/"), key, what, of);
}

static const char *without_home(const char *key)
{
    return strchr(key, '/') + 1;
}

void events_bus_arn(const char *bus, char out[EVENTS_ARN_SIZE])
{
    arn_write(bus, "event-bus", without_home(bus), out);
}

/* A rule of the default bus has no bus in its ARN. */
static void rule_arn(const char *key, char out[EVENTS_ARN_SIZE])
{
    static const char prefix[] = EVENTS_DEFAULT_BUS "/";
    const char *of = without_home(key);
    if (strncmp(of, prefix, sizeof prefix - 1) == 0)
        of += sizeof prefix - 1;
    arn_write(key, "rule", of, out);
}

void events_rule_arn(const char *bus, const char *name, char out[EVENTS_ARN_SIZE])
{
    char key[EVENTS_KEY_SIZE];
    events_key(bus, name, key);
    rule_arn(key, out);
}

void events_item_arn(const struct events_item *rule, char out[EVENTS_ARN_SIZE])
{
    rule_arn(rule->named.name, out);
}
