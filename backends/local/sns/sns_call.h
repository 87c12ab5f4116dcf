/*
 * An SNS request, from its parsed input to its response (Query protocol: form requests, XML
 * responses). Like an sqs_call, it is freed when its HTTP side has ended and it has no pending
 * change. Loop thread.
 */
#ifndef THUMBWHEEL_SNS_CALL_H
#define THUMBWHEEL_SNS_CALL_H

#include <jansson.h>

#include "cloud.h"
#include "sns_signer.h"
#include "sqs_errors.h"
#include "topics.h"

enum sns_code {
    SNS_OK,
    SNS_INVALID_PARAMETER,
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
    SNS_UNSIGNED,
    SNS_INVALID_ACTION,
    SNS_NOT_IMPLEMENTED,
    SNS_INTERNAL,
    SNS_UNAVAILABLE,
    SNS_CODE_COUNT
};

struct sns_code_facts {
    const char *code;
    int status;
    const char *text;
};
const struct sns_code_facts *sns_code_facts(enum sns_code code);

enum { SNS_TEXT_MAX = 1024 };

struct sns_call;
typedef enum sns_code sns_run(struct sns_call *call);

struct sns_action {
    const char *name;
    sns_run *run;   /* as in struct sqs_action; NULL: not supported */
    bool no_result; /* the response has no Result element */
};

struct sns_call {
    struct cloud_request *request; /* NULL after the HTTP side has ended */
    struct cloud *cloud;
    struct topics *topics;
    const struct sns_action *action;
    json_t *input, *output;
    enum sns_code code;
    char text[SNS_TEXT_MAX]; /* the error message; empty: the default of the code */
    bool pending;
    struct sns_signer_wish wish;       /* while it waits for the signing key */
    struct subscription *subscription; /* that it makes */
};

/* Sets the error message and returns code. */
enum sns_code sns_fail(struct sns_call *call, enum sns_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A topic_written. */
void sns_call_written(int status, void *call);
/* Called when what the call waited for is ready: runs the action again, unless code is an error. */
void sns_call_resume(struct sns_call *call);
/* Makes the call wait for a change; status is the result of starting it. */
enum sns_code sns_waiting(struct sns_call *call, int status);

bool sns_signed(const struct sns_call *call); /* false for the links in messages */
/* A required parameter. */
enum sns_code sns_required(struct sns_call *call, const char *name, const char **out);
enum sns_code sns_topic(struct sns_call *call, struct topic **out);
enum sns_code sns_output(struct sns_call *call, const char *name, json_t *value); /* takes value */

/* Checks a topic attribute for SetTopicAttributes or CreateTopic (fifo: whether the new topic is
 * FIFO); value NULL: none given. */
enum sns_code sns_topic_attribute_check(struct sns_call *call, const char *name, const char *value,
                                        bool fifo, bool creating);
/* All attributes of a topic, including the computed ones; NULL if memory is short. */
json_t *sns_topic_describe(const struct sns_call *call, const struct topic *topic);
/* The default policy of a topic; a JSON text for free(), or NULL. */
char *sns_default_policy(const char *arn, const char *account);
/* The same for subscriptions, by Subscribe (all together) and SetSubscriptionAttributes. */
enum sns_code sns_subscription_attributes_check(struct sns_call *call, json_t *attributes);
enum sns_code sns_subscription_attribute_check(struct sns_call *call, const struct subscription *s,
                                               const char *name, const char *value);
/* Whether the topic may have another subscription with this filter policy (NULL or empty: none).
 */
enum sns_code sns_filter_limit_check(struct sns_call *call, const struct topic *topic,
                                     const char *policy);
json_t *sns_subscription_describe(const struct sns_call *call, const struct subscription *s);
/* The parameter Tags, checked; NULL if absent. */
enum sns_code sns_tags(struct sns_call *call, json_t **out);

sns_run sns_create_topic, sns_delete_topic, sns_list_topics, sns_get_topic_attributes,
    sns_set_topic_attributes;
sns_run sns_add_permission, sns_remove_permission;
sns_run sns_tag_resource, sns_untag_resource, sns_list_tags;
sns_run sns_subscribe, sns_confirm_subscription, sns_unsubscribe, sns_list_subscriptions,
    sns_list_subscriptions_by_topic, sns_get_subscription_attributes,
    sns_set_subscription_attributes;
sns_run sns_publish, sns_publish_batch;

/* sns_public.c: the public links in its messages. */
bool sns_is_public(const struct cloud_request *request);
void sns_public_handle(struct cloud_request *request);
void sns_api_handle(struct cloud_request *request);

#endif
