/* Shared by topics.c, which stores topics and subscriptions, topic_records.c, topic_changes.c and
 * topics_list.c. Loop thread. */
#ifndef THUMBWHEEL_TOPICS_INTERNAL_H
#define THUMBWHEEL_TOPICS_INTERNAL_H

#include "container_of.h"
#include "topics.h"

struct topics {
    struct cloud *cloud;
    struct name_index topics, subscriptions;
    size_t filters; /* subscriptions with a filter policy */
};

static inline struct topic_record *record_at(const struct name_index *index, size_t at)
{
    return container_of(index->items[at], struct topic_record, named);
}

static inline struct subscription *subscription_of(struct topic_record *r)
{
    return container_of(r, struct subscription, record);
}

static inline struct topic *topic_of(struct topic_record *r)
{
    return container_of(r, struct topic, record);
}

static inline bool record_is_subscription(const struct topic_record *r)
{
    return r->index == &r->topics->subscriptions;
}

/* topic_records.c. The new record is not in its index yet. ERR_MEMORY, or ERR_INVALID if an
 * attribute cannot be parsed; attributes and details are borrowed, NULL: none. */
int topic_new(struct topics *topics, const char *arn, json_t *attributes, json_t *details,
              struct topic **out);
int subscription_new(struct topics *topics, const char *arn, const char *topic,
                     const struct subscription_draft *draft, struct subscription **out);
/* Parses the attributes; free the result with record_rules_free. Errors as above. */
int record_rules_read(const struct topic_record *r, const json_t *attributes,
                      struct record_rules *out);
/* Call it after each change of attributes, details or rules. */
void record_applied(struct topic_record *r);
/* Removes it from the index, once. */
void record_vanish(struct topic_record *r);

/* topics_list.c. The range of a topic's subscriptions in their index. */
void topic_subscriptions_range(const struct topic *topic, size_t *first, size_t *end);

#endif
