/*
 * The errors of SQS in its two protocols. Sources: the Errors sections of the Amazon SQS API
 * Reference, and the service model (its awsQueryError traits).
 */
#ifndef THUMBWHEEL_SQS_ERRORS_H
#define THUMBWHEEL_SQS_ERRORS_H

#include "service_error.h"

enum sqs_code {
    SQS_QUEUE_DOES_NOT_EXIST = SERVICE_OWN,
    SQS_QUEUE_NAME_EXISTS,
    SQS_QUEUE_DELETED_RECENTLY,
    SQS_INVALID_ATTRIBUTE_NAME,
    SQS_INVALID_ATTRIBUTE_VALUE,
    SQS_INVALID_PARAMETER,
    SQS_MISSING_PARAMETER,
    SQS_INVALID_CONTENTS,
    SQS_RECEIPT_INVALID,
    SQS_NOT_IN_FLIGHT,
    SQS_RESOURCE_NOT_FOUND,
    SQS_BATCH_EMPTY,
    SQS_BATCH_TOO_MANY,
    SQS_BATCH_ID_INVALID,
    SQS_BATCH_IDS_NOT_DISTINCT,
    SQS_BATCH_TOO_LONG,
    SQS_OVER_LIMIT,
    SQS_PURGE_IN_PROGRESS,
    SQS_ACCESS_DENIED,
    SQS_UNSUPPORTED,
    SQS_CODE_COUNT
};

extern const struct wire_error sqs_wire_errors[SQS_CODE_COUNT];

#endif
