/*
 * The state of SNS: topics and subscriptions, independent of the protocol.
 *
 * Both are sorted by ARN: a subscription's ARN begins with its topic's, so the subscriptions of a
 * topic are contiguous. As with queues, the state in memory is authoritative and the response is
 * sent when the row is committed; a change that cannot be stored is rolled back. Loop thread.
 */
#ifndef THUMBWHEEL_TOPICS_H
#define THUMBWHEEL_TOPICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"
#include "error.h"
#include "filter_policy.h"
#include "list.h"
#include "log.h"
#include "name_index.h"
#include "policy.h"
#include "resource_name.h"
#include "storage.h"

struct cloud;
struct topics;

struct record_rules { /* parsed attributes; NULL: not set */
    /* of a topic; a reference. NULL: the default of SNS: only the owner has access */
    struct policy *policy;
    struct filter_policy *filter; /* for a subscription */
};

struct topic_record {   /* the common part of topics and subscriptions */
    struct named named; /* the ARN */
    json_t *attributes; /* the ones that were set: an object of strings */
    /* other data; an object. Topic: "tags". Subscription: "protocol" and the members of
     * sns_confirmation.h */
    json_t *details;
    struct record_rules rules;
    /* private */
    struct topics *topics;
    struct name_index *index;
    unsigned refs;       /* held by the index and by each pending storage task */
    struct list changes; /* changes of attributes and details being stored, oldest first */
    bool deleting, gone;
    bool filtered; /* counted among those with a filter policy */
};

struct topic {
    struct topic_record record;
    char *
        subscription_prefix; /* its ARN and a colon: what the ARNs of its subscriptions begin with */
    bool fifo, content_dedup;
    bool group_scope;         /* FifoThroughputScope MessageGroup */
    int signature_version;    /* 1 or 2 */
    struct topic_fifo *dedup; /* topic_fifo.h; NULL: nothing published yet */
    struct log_gate refusals; /* logs refusals by the policy */
};

struct subscription {
    struct topic_record record;
    char *topic_arn;
    char *endpoint;           /* a queue's ARN, a URL, an address */
    const char *protocol;     /* in details */
    bool raw;                 /* RawMessageDelivery */
    bool body_scope;          /* FilterPolicyScope MessageBody */
    bool pending;             /* not confirmed yet */
    bool ended;               /* ended by a link; only visible for restoring it */
    struct log_gate refusals; /* logs deliveries that the queue's policy refuses */
    int64_t next_us;          /* Unix time of the next delivery that the throttle policy allows */
};

enum { TOPIC_NAME_MAX = 256 };

extern const char topics_schema[];

/* Reads all state; blocking, before the loop runs. Even after an error, *out must be closed unless
 * it is NULL. */
int topics_open(struct cloud *cloud, struct topics **out, struct error *error);
void topics_close(struct topics *topics); /* call it after storage has closed */

struct topic *topics_find(struct topics *topics, const char *arn); /* or NULL */
struct subscription *topics_find_subscription(struct topics *topics, const char *arn);
struct subscription *topics_find_ended(struct topics *topics, const char *arn);
/* fifo: the name of a FIFO topic, which ends with .fifo. */
bool topic_name_valid(const char *name, bool fifo);
bool topic_name_is_fifo(const char *name);
int topic_arn(struct arn_home home, const char *name, struct buffer *out);
/* The account that subscribed; the topic's, if nothing says it. */
struct slice subscription_owner(const struct subscription *subscription);

/* Called when a change is on the disk or was rolled back. */
typedef void topic_written(int code, void *user);

/* All return 0 and call done later, or return ERR_MEMORY; topics_create also ERR_CONFLICT while the
 * topic is being deleted. The caller must have validated attributes and details (borrowed; NULL:
 * none, or unchanged). */
int topics_create(struct topics *topics, const char *arn, json_t *attributes, json_t *details,
                  topic_written *done, void *user);
/* If the topic exists already: calls done after all earlier changes. */
int topic_confirm(struct topic *topic, topic_written *done, void *user);
int topic_delete(struct topic *topic, topic_written *done, void *user);
/* value NULL: unset it. */
int topic_set(struct topic *topic, const char *name, const char *value, topic_written *done,
              void *user);
int topic_set_details(struct topic *topic, json_t *details, topic_written *done, void *user);
/* The subscription of an endpoint, or NULL. */
struct subscription *topic_subscription_of(struct topic *topic, const char *protocol,
                                           const char *endpoint);
struct subscription_draft { /* borrowed */
    const char *endpoint;
    json_t *attributes, *details; /* details must contain the protocol */
};
int topic_subscribe(struct topic *topic, const struct subscription_draft *draft,
                    topic_written *done, void *user, struct subscription **out);
int subscription_confirm(struct subscription *subscription, topic_written *done, void *user);
int subscription_delete(struct subscription *subscription, topic_written *done, void *user);
int subscription_set(struct subscription *subscription, const char *name, const char *value,
                     topic_written *done, void *user);
int subscription_set_details(struct subscription *subscription, json_t *details,
                             topic_written *done, void *user);

/* Listings: up to max from the first after `after` (NULL: the beginning), whose ARNs begin with
 * prefix. */
size_t topics_list(struct topics *topics, const char *prefix, const char *after, struct topic **out,
                   size_t max, bool *more);
size_t topics_list_subscriptions(struct topics *topics, const char *prefix, const char *after,
                                 struct subscription **out, size_t max, bool *more);
/* Of an account in its region, to topics of any account. */
size_t topics_list_owned_subscriptions(struct topics *topics, struct arn_home home,
                                       const char *after, struct subscription **out, size_t max,
                                       bool *more);
/* Of a topic, including ended ones; topic NULL: of all topics. */
size_t topics_list_all_subscriptions(struct topics *topics, const struct topic *topic,
                                     const char *after, struct subscription **out, size_t max,
                                     bool *more);
/* pending: count unconfirmed ones, else the others. */
size_t topic_subscription_count(const struct topic *topic, bool pending);
/* Number of subscriptions with a filter policy: of a topic, and in total. */
size_t topic_filter_count(const struct topic *topic);
size_t topics_filter_count(const struct topics *topics);

#endif
