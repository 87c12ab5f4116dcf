#include "init_schema.h"

#include <stddef.h>

static const char *const services[] = {"s3", "sns", "events", NULL};

static const struct init_key cors_keys[] = {
    {.name = "origins", .type = INIT_TEXTS, .required = true},
    {.name = "methods", .type = INIT_TEXTS, .required = true},
    {.name = "headers", .type = INIT_TEXTS},
    {.name = "expose", .type = INIT_TEXTS},
    {.name = "max_age", .type = INIT_NUMBER},
    {.name = NULL},
};

static const struct init_key notification_keys[] = {
    {.name = "queue", .type = INIT_TEXT, .choice = "target"},
    {.name = "topic", .type = INIT_TEXT, .choice = "target"},
    {.name = "events", .type = INIT_TEXTS, .required = true},
    {.name = "prefix", .type = INIT_TEXT},
    {.name = "suffix", .type = INIT_TEXT},
    {.name = "id", .type = INIT_TEXT},
    {.name = NULL},
};

static const struct init_key bucket_keys[] = {
    {.name = "name", .type = INIT_TEXT, .required = true},
    {.name = "versioning", .type = INIT_SWITCH},
    {.name = "tags", .type = INIT_TAGS},
    {.name = "cors", .type = INIT_ITEMS, .keys = cors_keys},
    {.name = "public", .type = INIT_SWITCH},
    {.name = "policy", .type = INIT_DOCUMENT},
    {.name = "notifications", .type = INIT_ITEMS, .keys = notification_keys},
    {.name = "event_bridge", .type = INIT_SWITCH},
    {.name = NULL},
};

static const struct init_key dead_letter_keys[] = {
    {.name = "queue", .type = INIT_TEXT, .required = true},
    {.name = "receives", .type = INIT_NUMBER, .required = true},
    {.name = NULL},
};

static const struct init_key queue_keys[] = {
    {.name = "name", .type = INIT_TEXT, .required = true},
    {.name = "attributes", .type = INIT_ATTRIBUTES},
    {.name = "dead_letters", .type = INIT_ITEM, .keys = dead_letter_keys},
    {.name = "allow", .type = INIT_TEXTS, .choice = "?policy", .values = services},
    {.name = "policy", .type = INIT_DOCUMENT, .choice = "?policy"},
    {.name = "tags", .type = INIT_TAGS},
    {.name = NULL},
};

static const struct init_key topic_keys[] = {
    {.name = "name", .type = INIT_TEXT, .required = true},
    {.name = "attributes", .type = INIT_ATTRIBUTES},
    {.name = "allow", .type = INIT_TEXTS, .choice = "?policy", .values = services},
    {.name = "policy", .type = INIT_DOCUMENT, .choice = "?policy"},
    {.name = "tags", .type = INIT_TAGS},
    {.name = NULL},
};

static const struct init_key subscription_keys[] = {
    {.name = "topic", .type = INIT_TEXT, .required = true},
    {.name = "queue", .type = INIT_TEXT, .choice = "target"},
    {.name = "url", .type = INIT_TEXT, .choice = "target"},
    {.name = "email", .type = INIT_TEXT, .choice = "target"},
    {.name = "attributes", .type = INIT_ATTRIBUTES},
    {.name = NULL},
};

static const struct init_key bus_keys[] = {
    {.name = "name", .type = INIT_TEXT, .required = true},
    {.name = "description", .type = INIT_TEXT},
    {.name = "policy", .type = INIT_DOCUMENT},
    {.name = "tags", .type = INIT_TAGS},
    {.name = NULL},
};

static const struct init_key target_keys[] = {
    {.name = "queue", .type = INIT_TEXT, .choice = "target"},
    {.name = "topic", .type = INIT_TEXT, .choice = "target"},
    {.name = "id", .type = INIT_TEXT},
    {.name = "group", .type = INIT_TEXT},
    {.name = "input", .type = INIT_DOCUMENT, .choice = "?input"},
    {.name = "input_path", .type = INIT_TEXT, .choice = "?input"},
    {.name = "dead_letters", .type = INIT_TEXT},
    {.name = NULL},
};

static const struct init_key rule_keys[] = {
    {.name = "name", .type = INIT_TEXT, .required = true},
    {.name = "bus", .type = INIT_TEXT},
    {.name = "pattern", .type = INIT_DOCUMENT, .required = true},
    {.name = "description", .type = INIT_TEXT},
    {.name = "enabled", .type = INIT_SWITCH},
    {.name = "tags", .type = INIT_TAGS},
    {.name = "targets", .type = INIT_ITEMS, .keys = target_keys},
    {.name = NULL},
};

const struct init_key init_keys[] = {
    {.name = "buckets", .type = INIT_ITEMS, .keys = bucket_keys},
    {.name = "queues", .type = INIT_ITEMS, .keys = queue_keys},
    {.name = "topics", .type = INIT_ITEMS, .keys = topic_keys},
    {.name = "subscriptions", .type = INIT_ITEMS, .keys = subscription_keys},
    {.name = "event_buses", .type = INIT_ITEMS, .keys = bus_keys},
    {.name = "rules", .type = INIT_ITEMS, .keys = rule_keys},
    {.name = NULL},
};
