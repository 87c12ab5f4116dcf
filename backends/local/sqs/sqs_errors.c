#include "sqs_errors.h"

#include <stdarg.h>
#include <stdio.h>

#include "utf8.h"

#define MODEL(name) "com.amazonaws.sqs#" name
#define CORAL(name) "com.amazon.coral.service#" name
#define NAMED(name) "AWS.SimpleQueueService." name

static const struct sqs_code_facts codes[SQS_CODE_COUNT] = {
    [SQS_OK] = {"", "", 200, 200, ""},
    [SQS_QUEUE_DOES_NOT_EXIST] = {MODEL("QueueDoesNotExist"), NAMED("NonExistentQueue"), 400, 400,
                                  "The specified queue does not exist."},
    [SQS_QUEUE_NAME_EXISTS] = {MODEL("QueueNameExists"), "QueueAlreadyExists", 400, 400,
                               "A queue already exists with the same name and a different value "
                               "for an attribute."},
    [SQS_QUEUE_DELETED_RECENTLY] = {MODEL("QueueDeletedRecently"), NAMED("QueueDeletedRecently"),
                                    400, 400, "The queue is being deleted. Try again in a moment."},
    [SQS_INVALID_ATTRIBUTE_NAME] = {MODEL("InvalidAttributeName"), "InvalidAttributeName", 400, 400,
                                    "Unknown Attribute."},
    [SQS_INVALID_ATTRIBUTE_VALUE] = {MODEL("InvalidAttributeValue"), "InvalidAttributeValue", 400,
                                     400, "Invalid value for an attribute."},
    [SQS_INVALID_PARAMETER] = {CORAL("InvalidParameterValueException"), "InvalidParameterValue",
                               400, 400, "The value of a parameter is invalid."},
    [SQS_MISSING_PARAMETER] = {CORAL("MissingRequiredParameterException"), "MissingParameter", 400,
                               400, "A required parameter is missing."},
    [SQS_INVALID_CONTENTS] = {MODEL("InvalidMessageContents"), "InvalidMessageContents", 400, 400,
                              "The message contains characters outside the allowed set."},
    [SQS_RECEIPT_INVALID] = {MODEL("ReceiptHandleIsInvalid"), "ReceiptHandleIsInvalid", 400, 404,
                             "The input receipt handle is invalid."},
    [SQS_NOT_IN_FLIGHT] = {MODEL("MessageNotInflight"), NAMED("MessageNotInflight"), 400, 400,
                           "The message referred to isn't in flight."},
    [SQS_RESOURCE_NOT_FOUND] = {MODEL("ResourceNotFoundException"), "ResourceNotFoundException",
                                404, 404, "The resource doesn't exist."},
    [SQS_BATCH_EMPTY] = {MODEL("EmptyBatchRequest"), NAMED("EmptyBatchRequest"), 400, 400,
                         "There should be at least one entry in the request."},
    [SQS_BATCH_TOO_MANY] = {MODEL("TooManyEntriesInBatchRequest"),
                            NAMED("TooManyEntriesInBatchRequest"), 400, 400,
                            "Maximum number of entries per request are 10."},
    [SQS_BATCH_ID_INVALID] = {MODEL("InvalidBatchEntryId"), NAMED("InvalidBatchEntryId"), 400, 400,
                              "A batch entry id can only contain alphanumeric characters, hyphens "
                              "and underscores. It can be at most 80 letters long."},
    [SQS_BATCH_IDS_NOT_DISTINCT] = {MODEL("BatchEntryIdsNotDistinct"),
                                    NAMED("BatchEntryIdsNotDistinct"), 400, 400,
                                    "Two or more batch entries have the same Id."},
    [SQS_BATCH_TOO_LONG] = {MODEL("BatchRequestTooLong"), NAMED("BatchRequestTooLong"), 400, 400,
                            "Batch requests cannot be longer than 1048576 bytes."},
    [SQS_OVER_LIMIT] = {MODEL("OverLimit"), "OverLimit", 400, 403, "Too many messages in flight."},
    [SQS_PURGE_IN_PROGRESS] = {MODEL("PurgeQueueInProgress"), NAMED("PurgeQueueInProgress"), 400,
                               403, "The queue is being purged. Try again in a moment."},
    [SQS_ACCESS_DENIED] = {CORAL("AccessDeniedException"), "AccessDenied", 403, 403,
                           "Access to the resource is denied."},
    [SQS_UNSUPPORTED] = {MODEL("UnsupportedOperation"), NAMED("UnsupportedOperation"), 400, 400,
                         "This is not supported."},
    [SQS_INVALID_ACTION] = {CORAL("UnknownOperationException"), "InvalidAction", 404, 400,
                            "The action is not valid for this endpoint."},
    [SQS_MALFORMED] = {CORAL("SerializationException"), "MalformedInput", 400, 400,
                       "The request's body cannot be read."},
    [SQS_INTERNAL] = {CORAL("InternalFailure"), "InternalFailure", 500, 500,
                      "The embedded cloud could not store the change."},
    [SQS_SERVICE_UNAVAILABLE] = {CORAL("ServiceUnavailableException"), "ServiceUnavailable", 503,
                                 503, "The embedded cloud is short of memory."},
};

const struct sqs_code_facts *sqs_code_facts(enum sqs_code code)
{
    return &codes[code];
}

bool sqs_code_is_senders(enum sqs_code code)
{
    return codes[code].query_status < 500;
}

enum sqs_code sqs_error_set(struct sqs_error *error, enum sqs_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error->code = code;
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    utf8_repair(error->text); /* it may quote the peer's input, truncated within a character */
    return code;
}

const char *sqs_error_text(const struct sqs_error *error)
{
    return error->text[0] ? error->text : codes[error->code].text;
}
