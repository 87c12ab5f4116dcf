/*
 * What the operations of SNS share (Query protocol; service_call.h has the life of a call). Loop
 * thread.
 */
#ifndef THUMBWHEEL_SNS_CALL_H
#define THUMBWHEEL_SNS_CALL_H

#include <jansson.h>

#include "cloud.h"
#include "service_call.h"
#include "sns_signer.h"
#include "topics.h"

enum sns_code {
    SNS_INVALID_PARAMETER = SERVICE_OWN,
    SNS_INVALID_VALUE,
    SNS_NOT_FOUND,
    SNS_RESOURCE_NOT_FOUND,
    SNS_TAG_LIMIT,
    SNS_FILTER_LIMIT,
    SNS_BATCH_EMPTY,
    SNS_BATCH_TOO_MANY,
    SNS_BATCH_ID_INVALID,
    SNS_BATCH_IDS_NOT_DISTINCT,
    SNS_BATCH_TOO_LONG,
    SNS_CONCURRENT,
    SNS_AUTHORIZATION,
    SNS_CODE_COUNT
};

/* Publish and PublishBatch, which may wait for the signing key. */
struct sns_publish_call {
    struct service_call call; /* first */
    struct sns_signer_wish wish;
};

struct sns_subscribe_call {
    struct service_call call; /* first */
    struct subscription *subscription;
};

/* Makes the call wait for a change; code is the result of starting it. */
int sns_waiting(struct service_call *call, int code);

bool sns_signed(const struct service_call *call); /* false for the links in messages */
/* A required parameter. */
int sns_required(struct service_call *call, const char *name, const char **out);
/* Whether an ARN is of the region that the request is signed for. */
bool sns_is_here(const struct service_call *call, const char *arn);
int sns_topic(struct service_call *call, struct topic **out);

/* Checks a topic attribute for SetTopicAttributes or CreateTopic (fifo: whether the new topic is
 * FIFO); value NULL: none given. */
int sns_topic_attribute_check(struct service_call *call, const char *name, const char *value,
                              bool fifo, bool creating);
/* All attributes of a topic, including the computed ones; NULL if memory is short. */
json_t *sns_topic_describe(const struct topic *topic);
/* The default policy of a topic; a JSON text for free(), or NULL. */
char *sns_default_policy(const char *arn);
/* The same for subscriptions, by Subscribe (all together) and SetSubscriptionAttributes. */
/* Whether this value removes the attribute. */
bool sns_topic_attribute_unsets(const char *name, const char *value);
/* The texts of the service for a string that is no ARN. */
int sns_arn_check(struct service_call *call, const char *parameter, const char *arn);
int sns_subscription_attributes_check(struct service_call *call, json_t *attributes);
int sns_subscription_attribute_check(struct service_call *call, const struct subscription *s,
                                     const char *name, const char *value);
/* Whether the topic may have another subscription with this filter policy (NULL or empty: none).
 */
int sns_filter_limit_check(struct service_call *call, const struct topic *topic,
                           const char *policy);
json_t *sns_subscription_describe(const struct service_call *call, const struct subscription *s);
/* The parameter Tags, checked; NULL if absent. */
int sns_tags(struct service_call *call, json_t **out);

service_run sns_create_topic, sns_delete_topic, sns_list_topics, sns_get_topic_attributes,
    sns_set_topic_attributes;
service_run sns_add_permission, sns_remove_permission;
service_run sns_tag_resource, sns_untag_resource, sns_list_tags;
service_run sns_subscribe, sns_confirm_subscription, sns_unsubscribe, sns_list_subscriptions,
    sns_list_subscriptions_by_topic, sns_get_subscription_attributes,
    sns_set_subscription_attributes;
service_run sns_publish, sns_publish_batch;

/* sns_public.c: the public links in its messages. */
bool sns_is_public(const struct cloud_request *request);
void sns_public_handle(struct cloud_request *request);

#endif
