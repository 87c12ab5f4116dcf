/* The texts with which SNS refuses a message attribute. Source: responses of the service, recorded in
 * localstack/localstack, tests/aws/services/sns/test_sns.snapshot.json
 * (test_empty_or_wrong_message_attributes). Any thread. */
#ifndef THUMBWHEEL_LOCAL_SNS_MESSAGE_ATTRIBUTE_H
#define THUMBWHEEL_LOCAL_SNS_MESSAGE_ATTRIBUTE_H

#include <jansson.h>

#include "service_error.h"

/* 0, also for faults that SQS words in the same way: message_attributes.h finds these. */
int sns_message_attribute_check(const char *name, const json_t *attribute,
                                struct service_error *error);

#endif
