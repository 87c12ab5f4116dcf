/*
 * The plan of `provision`: what a set of pipelines needs in the cloud, as a list of resources in
 * the order of their dependencies. Pure data, without calls.
 *
 * A resource refers to others by their index. Names are complete; ARNs need an account, a region
 * and a partition, which are known when the plan is applied, and are placeholders in a template
 * (struct provision_place). Each kind has its attributes, which provision_attributes gives as JSON;
 * what is found in the cloud is described in the same form, so that comparing is generic.
 *
 * Any thread.
 */
#ifndef THUMBWHEEL_PROVISION_PLAN_H
#define THUMBWHEEL_PROVISION_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "pipeline.h"
#include "text_list.h"

#define PROVISION_NONE SIZE_MAX /* no such resource */

enum provision_kind {                      /* name;                       on;     to */
                      PROVISION_BUCKET,    /* the bucket's;               -;      - */
                      PROVISION_LIFECYCLE, /* the bucket's;               bucket; -      ; filters */
                      PROVISION_TOPIC,     /* the topic's;                -;      - */
                      PROVISION_TOPIC_POLICY, /* the topic's;                topic;  bucket that may publish */
                      PROVISION_QUEUE, /* the queue's;                -;      dead-letter queue, or none */
                      PROVISION_QUEUE_POLICY, /* the queue's;                queue;  topic, bucket or rule */
                      PROVISION_SUBSCRIPTION, /* the queue's;                topic;  queue */
                      PROVISION_RULE,   /* the rule's;                 bucket; -      ; filters */
                      PROVISION_TARGET, /* the target's id;            rule;   queue */
                      PROVISION_NOTIFICATION, /* the bucket's;               bucket; -      ; filters */
                      PROVISION_EVENT_BRIDGE, /* the bucket's;               bucket; - */
                      /* In a message broker: described by the backend (provision_broker.h). */
                      PROVISION_EXCHANGE,      /* the exchange's;             -;      - */
                      PROVISION_BROKER_QUEUE,  /* the queue's;                -;      - */
                      PROVISION_BINDING,       /* the queue's;                exchange; queue */
                      PROVISION_BROKER_POLICY, /* the policy's;               exchange; - */
                      PROVISION_KINDS
};

enum provision_via { PROVISION_SNS, PROVISION_SQS, PROVISION_EVENTBRIDGE, PROVISION_RABBITMQ };

/* Who publishes the events of new photos to a broker's exchange. */
enum provision_store {
    PROVISION_STORE_OTHER, /* it is set up by hand */
    PROVISION_STORE_CEPH,  /* a topic and a notification of the bucket make it do so */
    PROVISION_STORE_MINIO, /* it is set up by commands, which the plan lists */
};

enum {
    PROVISION_DEAD_RETENTION_S =
        14 * 24 * 3600, /* of dead-letter queues: the most that SQS keeps */
    PROVISION_SID_SIZE = 32
};

/* A part of a notification, a rule or a lifecycle. */
struct provision_filter {
    const char *id;     /* in the bucket's configuration; NULL in a rule */
    const char *prefix; /* "": any */
    const char *suffix; /* "": any */
    size_t to;          /* of a notification: the topic or queue */
};

/* Where the resources are: real values, or a template's placeholders ("${AWS::Region}"). */
struct provision_place {
    const char *partition, *region, *account;
};

struct provision_resource {
    enum provision_kind kind;
    const char *name;
    size_t on, to; /* indices of resources, or PROVISION_NONE; see the kinds */

    /* Of a queue. 0: not set, the queue keeps what it has. */
    unsigned visibility_s, retention_s, max_receives;
    bool fifo;
    bool dead_letters; /* it is a dead-letter queue */
    bool output;       /* a bucket that only receives outputs */
    bool raw_delivery; /* of a subscription */
    bool notify;       /* a topic or queue that only receives notifications */
    bool push;         /* a topic that publishes to the plan's exchange (Ceph) */
    unsigned days;     /* of a lifecycle: objects expire after so many */

    /* Where a topic or queue must be, if the place of the plan is not known: a template makes it
     * only there. NULL: where the plan is applied. */
    const char *home_region, *home_account;

    size_t filter, filter_count; /* in the plan's filters */

    struct json_t *attributes; /* of what is in a broker; owned by the plan; NULL: none */
};

struct provision_settings {
    const char *bucket;          /* of the sources; NULL: the one that the pipelines' match names */
    const char *prefix;          /* of their keys; NULL: those that the pipelines' match names */
    const char *suffix;          /* of their keys, which S3 compares with their case; NULL: any */
    const char *name;            /* of the topic; the rules' begin with it; NULL: "thumbwheel" */
    const char *notification_id; /* NULL: made of the name */
    enum provision_via via;
    unsigned max_receives;   /* before a message goes to the dead-letter queue */
    unsigned retention_s;    /* of the queues; 0: SQS's default */
    unsigned visibility_s;   /* of queues whose pipeline states none; 0: SQS's default */
    unsigned lifecycle_days; /* outputs expire after so many days; 0: never */
    bool any_bucket;         /* also pipelines whose match names another bucket */
    /* Where the plan is applied; NULL: not known, as for a template. Borrowed. */
    const struct provision_place *place;
    bool envelopes; /* deliver through the topic in SNS envelopes, not raw */

    /* With PROVISION_RABBITMQ. */
    enum provision_store store;
    const char
        *events_to; /* the broker as the store reaches it, amqp://USER@HOST:PORT/VHOST, without
                            * a password; NULL: as the pipelines' queues name it */
    const struct provision_broker *broker; /* borrowed */
};

struct provision_plan {                 /* everything is owned by the plan */
    struct provision_settings settings; /* completed: bucket and name are never NULL */
    struct provision_resource *resources;
    size_t count;
    struct provision_filter *filters;
    size_t filter_count;
    struct text_list notes;    /* what is left to somebody else, for people */
    struct text_list commands; /* how the store is set up: lines of shell, without passwords */
    const char *broker;        /* address of the first queue in the broker; NULL: none */
    struct text_list texts;    /* all strings */
};

/* Makes the plan for these pipelines. ERR_INVALID: the pipelines and settings do not go together;
 * the text says what to change. The caller clears the plan in any case. */
int provision_plan_make(struct provision_plan *plan, const struct pipeline_ops *ops,
                        struct pipeline *const *pipelines, size_t count,
                        const struct provision_settings *settings, struct error *error);
void provision_plan_clear(struct provision_plan *plan);

/* The index of the resource of this kind and name; PROVISION_NONE: there is none. */
size_t provision_find(const struct provision_plan *plan, enum provision_kind kind,
                      const char *name);

#endif
