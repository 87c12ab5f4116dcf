/*
 * The errors of SQS in its two protocols. Sources: the Errors sections of the Amazon SQS API
 * Reference, and the service model (its awsQueryError traits).
 */
#ifndef THUMBWHEEL_SQS_ERRORS_H
#define THUMBWHEEL_SQS_ERRORS_H

#include <stdbool.h>

enum sqs_code {
    SQS_OK,
    SQS_QUEUE_DOES_NOT_EXIST,
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
    SQS_INVALID_ACTION,
    SQS_MALFORMED,
    SQS_INTERNAL,
    SQS_SERVICE_UNAVAILABLE,
    SQS_CODE_COUNT
};

struct sqs_code_facts {
    const char *json_type;  /* for __type, with its namespace */
    const char *query_code; /* for <Code> and x-amzn-query-error */
    int json_status, query_status;
    const char *text; /* default message */
};

const struct sqs_code_facts *sqs_code_facts(enum sqs_code code);
bool sqs_code_is_senders(enum sqs_code code); /* reported as Sender, else as Receiver */

enum { SQS_TEXT_MAX = 400 };

struct sqs_error {
    enum sqs_code code;
    char text[SQS_TEXT_MAX]; /* empty: the default message */
};

/* Sets *error and returns code. */
enum sqs_code sqs_error_set(struct sqs_error *error, enum sqs_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const char *sqs_error_text(const struct sqs_error *error);

#endif
