/*
 * One SNS request, from its parsed input to its answer (Query protocol: forms in, XML out). Lives
 * like an sqs_call: until its HTTP side has ended and no change is under way for it. Loop thread.
 */
#ifndef THUMBWHEEL_SNS_CALL_H
#define THUMBWHEEL_SNS_CALL_H

#include <jansson.h>

#include "cloud.h"
#include "sqs_errors.h"
#include "topics.h"

enum sns_code {
    SNS_OK,
    SNS_INVALID_PARAMETER,
    SNS_INVALID_VALUE,
    SNS_NOT_FOUND,
    SNS_BATCH_EMPTY,
    SNS_BATCH_TOO_MANY,
    SNS_BATCH_ID_INVALID,
    SNS_BATCH_IDS_NOT_DISTINCT,
    SNS_BATCH_TOO_LONG,
    SNS_CONCURRENT,
    SNS_AUTHORIZATION,
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

struct sns_call;
typedef enum sns_code sns_run(struct sns_call *call);

struct sns_action {
    const char *name;
    sns_run *run;   /* as in struct sqs_action; NULL: not here */
    bool no_result; /* the answer has no Result element */
};

struct sns_call {
    struct cloud_request *request; /* NULL once the HTTP side has ended */
    struct topics *topics;
    const struct sns_action *action;
    json_t *input, *output;
    enum sns_code code;
    char text[SQS_TEXT_MAX]; /* of the error; empty: the code's own */
    bool pending;
};

/* Sets the error's text and returns code. */
enum sns_code sns_fail(struct sns_call *call, enum sns_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A topic_written. */
void sns_call_written(int status, void *call);
/* The call waits for the change whose start returned status. */
enum sns_code sns_waiting(struct sns_call *call, int status);

const char *sns_text(const json_t *input, const char *name); /* or NULL */
/* A parameter that must be there. */
enum sns_code sns_required(struct sns_call *call, const char *name, const char **out);
enum sns_code sns_topic(struct sns_call *call, struct topic **out);
enum sns_code sns_output(struct sns_call *call, const char *name, json_t *value); /* takes value */

sns_run sns_create_topic, sns_delete_topic, sns_list_topics, sns_get_topic_attributes,
    sns_set_topic_attributes;
sns_run sns_subscribe, sns_unsubscribe, sns_list_subscriptions, sns_list_subscriptions_by_topic,
    sns_get_subscription_attributes, sns_set_subscription_attributes;
sns_run sns_publish, sns_publish_batch;

#endif
