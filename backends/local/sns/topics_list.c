/* Pages and counts of topics and subscriptions. */
#include <stdio.h>
#include <string.h>

#include "name_page.h"
#include "topics_internal.h"

enum { PREFIX_SIZE = 96 };

void topic_subscriptions_range(const struct topic *topic, size_t *first, size_t *end)
{
    const struct name_index *index = &topic->record.topics->subscriptions;
    *first = name_index_from(index, topic->subscription_prefix);
    *end = name_index_beyond(index, topic->subscription_prefix);
}

struct subscription *topic_subscription_of(struct topic *topic, const char *protocol,
                                           const char *endpoint)
{
    const struct name_index *index = &topic->record.topics->subscriptions;
    size_t first, end;
    topic_subscriptions_range(topic, &first, &end);
    for (; first < end; first++) {
        struct topic_record *r = record_at(index, first);
        struct subscription *s = subscription_of(r);
        if (!r->deleting && !s->ended && strcmp(s->endpoint, endpoint) == 0 &&
            strcmp(s->protocol, protocol) == 0)
            return s;
    }
    return NULL;
}

/* Listings. */

static const struct topic_record *listed_record(const struct named *item)
{
    return container_of(item, const struct topic_record, named);
}

static bool shows_stored(const struct named *item, const void *user)
{
    (void)user;
    return !listed_record(item)->deleting;
}

static bool shows_active(const struct named *item, const void *user)
{
    const struct topic_record *r = listed_record(item);
    (void)user;
    return !r->deleting && !container_of(r, const struct subscription, record)->ended;
}

static bool shows_owned(const struct named *item, const void *account)
{
    const struct subscription *s =
        container_of(listed_record(item), const struct subscription, record);
    return shows_active(item, NULL) && slice_equal_text(subscription_owner(s), account);
}

size_t topics_list(struct topics *topics, const char *prefix, const char *after, struct topic **out,
                   size_t max, bool *more)
{
    struct name_page page = {
        .prefix = prefix, .after = after, .shows = shows_stored, .part = {.limit = max}};
    struct named *item;
    size_t count = 0;
    name_page_start(&page, &topics->topics);
    while ((item = name_page_next(&page)))
        out[count++] = topic_of(container_of(item, struct topic_record, named));
    *more = page.part.next != NULL;
    return count;
}

static size_t subscriptions_page(const struct topics *topics, struct name_page page,
                                 struct subscription **out, bool *more)
{
    struct named *item;
    size_t count = 0;
    name_page_start(&page, &topics->subscriptions);
    while ((item = name_page_next(&page)))
        out[count++] = subscription_of(container_of(item, struct topic_record, named));
    *more = page.part.next != NULL;
    return count;
}

size_t topics_list_subscriptions(struct topics *topics, const char *prefix, const char *after,
                                 struct subscription **out, size_t max, bool *more)
{
    struct name_page page = {
        .prefix = prefix, .after = after, .shows = shows_active, .part = {.limit = max}};
    return subscriptions_page(topics, page, out, more);
}

size_t topics_list_owned_subscriptions(struct topics *topics, struct arn_home home,
                                       const char *after, struct subscription **out, size_t max,
                                       bool *more)
{
    char prefix[PREFIX_SIZE];
    snprintf(prefix, sizeof prefix, "arn:aws:sns:%.64s:", home.region);
    struct name_page page = {.prefix = prefix,
                             .after = after,
                             .shows = shows_owned,
                             .user = home.account,
                             .part = {.limit = max}};
    return subscriptions_page(topics, page, out, more);
}

size_t topics_list_all_subscriptions(struct topics *topics, const struct topic *topic,
                                     const char *after, struct subscription **out, size_t max,
                                     bool *more)
{
    struct name_page page = {.prefix = topic ? topic->subscription_prefix : NULL,
                             .after = after,
                             .shows = shows_stored,
                             .part = {.limit = max}};
    return subscriptions_page(topics, page, out, more);
}

size_t topic_subscription_count(const struct topic *topic, bool pending)
{
    const struct name_index *index = &topic->record.topics->subscriptions;
    size_t first, end, count = 0;
    topic_subscriptions_range(topic, &first, &end);
    for (; first < end; first++) {
        const struct subscription *s = subscription_of(record_at(index, first));
        count += !s->ended && s->pending == pending;
    }
    return count;
}

size_t topic_filter_count(const struct topic *topic)
{
    const struct name_index *index = &topic->record.topics->subscriptions;
    size_t first, end, count = 0;
    topic_subscriptions_range(topic, &first, &end);
    for (; first < end; first++)
        count += record_at(index, first)->filtered;
    return count;
}

size_t topics_filter_count(const struct topics *topics)
{
    return topics->filters;
}
