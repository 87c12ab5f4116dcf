/* Pages and counts of topics and subscriptions. */
#include <string.h>

#include "topics_internal.h"

/* From "ARN:" up to "ARN;", where ';' is the character after ':'. */
int topic_subscriptions_range(const struct topic *topic, size_t *first, size_t *end)
{
    const struct name_index *index = &topic->record.topics->subscriptions;
    struct buffer bound;
    buffer_init(&bound, 1024);
    *first = *end = 0;
    if (!buffer_format(&bound, "%s:", topic->record.named.name)) {
        *first = name_index_from(index, bound.data);
        bound.data[bound.size - 1] = ';';
        *end = name_index_from(index, bound.data);
    }
    int status = bound.error;
    buffer_free(&bound);
    return status;
}

struct subscription *topic_subscription_of(struct topic *topic, const char *protocol,
                                           const char *endpoint)
{
    const struct name_index *index = &topic->record.topics->subscriptions;
    size_t first, end;
    if (topic_subscriptions_range(topic, &first, &end))
        return NULL;
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

static size_t place_after(const struct name_index *index, const char *after)
{
    if (!after)
        return 0;
    size_t at = name_index_from(index, after);
    return at < index->count && strcmp(index->items[at]->name, after) == 0 ? at + 1 : at;
}

size_t topics_list(struct topics *topics, const char *after, struct topic **out, size_t max,
                   bool *more)
{
    const struct name_index *index = &topics->topics;
    size_t count = 0, at = place_after(index, after);
    for (; at < index->count && count < max; at++) {
        struct topic_record *r = record_at(index, at);
        if (!r->deleting)
            out[count++] = topic_of(r);
    }
    *more = at < index->count;
    return count;
}

static size_t subscriptions_page(struct topics *topics, const struct topic *topic,
                                 const char *after, bool all, struct subscription **out, size_t max,
                                 bool *more)
{
    const struct name_index *index = &topics->subscriptions;
    size_t count = 0, first = 0, end = index->count, at = place_after(index, after);
    if (topic && topic_subscriptions_range(topic, &first, &end))
        end = first;
    for (at = at > first ? at : first; at < end && count < max; at++) {
        struct topic_record *r = record_at(index, at);
        if (!r->deleting && (all || !subscription_of(r)->ended))
            out[count++] = subscription_of(r);
    }
    *more = at < end;
    return count;
}

size_t topics_list_subscriptions(struct topics *topics, const struct topic *topic,
                                 const char *after, struct subscription **out, size_t max,
                                 bool *more)
{
    return subscriptions_page(topics, topic, after, false, out, max, more);
}

size_t topics_list_all_subscriptions(struct topics *topics, const struct topic *topic,
                                     const char *after, struct subscription **out, size_t max,
                                     bool *more)
{
    return subscriptions_page(topics, topic, after, true, out, max, more);
}

size_t topic_subscription_count(const struct topic *topic, bool pending)
{
    const struct name_index *index = &topic->record.topics->subscriptions;
    size_t first, end, count = 0;
    if (topic_subscriptions_range(topic, &first, &end))
        return 0;
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
    if (topic_subscriptions_range(topic, &first, &end))
        return 0;
    for (; first < end; first++)
        count += record_at(index, first)->filtered;
    return count;
}

size_t topics_filter_count(const struct topics *topics)
{
    return topics->filters;
}
