/*
 * Maps the services' error codes and statuses to the codes of error.h: the first of the two steps
 * described in engine/jobs/outcome.h, for services.
 *
 * Sources: the lists "Error responses" of the S3, SQS and SNS API references, "Common errors" of
 * each, the exceptions of their service models, and the throttling codes that the AWS SDKs agree on
 * ("Retry behavior", AWS SDKs and Tools Reference Guide).
 */
#include <string.h>

#include "aws_errors.h"

#define ANY AWS_SERVICE_COUNT

static const struct {
    const char *code;
    int kind;
    enum aws_service service; /* for codes that have a different meaning in other services */
} codes[] = {
    /* A policy, an account or a KMS key is misconfigured; its owner can change that. */
    {"AccessDenied", ERR_DENIED, ANY},
    {"AccessDeniedException", ERR_DENIED, ANY},
    {"AccountProblem", ERR_DENIED, ANY},
    {"AllAccessDisabled", ERR_DENIED, ANY},
    {"AuthFailure", ERR_DENIED, ANY},
    {"AuthorizationError", ERR_DENIED, ANY},
    {"AuthorizationErrorException", ERR_DENIED, ANY},
    {"NotAuthorizedForSourceException", ERR_DENIED, AWS_EVENTS},
    {"NotAuthorizedForDetailTypeException", ERR_DENIED, AWS_EVENTS},
    {"IncompleteSignature", ERR_DENIED, ANY},
    {"KMS.AccessDeniedException", ERR_DENIED, ANY},
    {"KMS.DisabledException", ERR_DENIED, ANY},
    {"KMS.InvalidStateException", ERR_DENIED, ANY},
    {"KMS.KMSInvalidStateException", ERR_DENIED, ANY},
    {"KMS.NotFoundException", ERR_DENIED, ANY},
    {"KMSAccessDenied", ERR_DENIED, ANY},
    {"KMSDisabled", ERR_DENIED, ANY},
    {"KMSInvalidState", ERR_DENIED, ANY},
    {"KMSNotFound", ERR_DENIED, ANY},
    {"KMSOptInRequired", ERR_DENIED, ANY},
    {"KmsAccessDenied", ERR_DENIED, ANY},
    {"KmsDisabled", ERR_DENIED, ANY},
    {"KmsInvalidKeyUsage", ERR_DENIED, ANY},
    {"KmsInvalidState", ERR_DENIED, ANY},
    {"KmsNotFound", ERR_DENIED, ANY},
    {"KmsOptInRequired", ERR_DENIED, ANY},
    {"MissingAuthenticationToken", ERR_DENIED, ANY},
    {"MissingAuthenticationTokenException", ERR_DENIED, ANY},
    {"NotSignedUp", ERR_DENIED, ANY},
    {"OptInRequired", ERR_DENIED, ANY},
    {"RequestTimeTooSkewed", ERR_DENIED, ANY},
    {"UnauthorizedAccess", ERR_DENIED, ANY},

    /* The credentials are wrong; the operator must replace them. */
    {"InvalidAccessKeyId", ERR_CREDENTIALS, ANY},
    {"InvalidClientTokenId", ERR_CREDENTIALS, ANY},
    {"InvalidSecurity", ERR_CREDENTIALS, ANY},
    {"InvalidSignatureException", ERR_CREDENTIALS, ANY},
    {"InvalidToken", ERR_CREDENTIALS, ANY},
    {"SignatureDoesNotMatch", ERR_CREDENTIALS, ANY},
    {"UnrecognizedClientException", ERR_CREDENTIALS, ANY},

    /* The credentials have expired. */
    {"ExpiredToken", ERR_EXPIRED, ANY},
    {"ExpiredTokenException", ERR_EXPIRED, ANY},
    {"RequestExpired", ERR_EXPIRED, ANY},
    {"TokenRefreshRequired", ERR_EXPIRED, ANY},
    /* The message was received again or deleted. */
    {"ReceiptHandleIsInvalid", ERR_RECEIPT, AWS_SQS},
    {"MessageNotInflight", ERR_RECEIPT, AWS_SQS},

    /* The resource does not exist (any more). */
    {"NoSuchKey", ERR_NOT_FOUND, AWS_S3},
    {"NoSuchVersion", ERR_NOT_FOUND, AWS_S3},
    {"NoSuchTagSet", ERR_NOT_FOUND, AWS_S3},
    /* The bucket, queue or topic does not exist; its owner can create it. */
    {"NoSuchBucket", ERR_NO_CONTAINER, AWS_S3},
    {"QueueDoesNotExist", ERR_NO_CONTAINER, AWS_SQS},
    {"NonExistentQueue", ERR_NO_CONTAINER, AWS_SQS},
    {"NotFound", ERR_NO_CONTAINER, AWS_SNS},
    {"NotFoundException", ERR_NO_CONTAINER, AWS_SNS},
    {"ResourceNotFound", ERR_NO_CONTAINER, AWS_SNS},
    {"ResourceNotFoundException", ERR_NO_CONTAINER, AWS_EVENTS},

    /* Throttling. */
    {"BandwidthLimitExceeded", ERR_THROTTLED, ANY},
    {"KMS.ThrottlingException", ERR_THROTTLED, ANY},
    {"KMSThrottling", ERR_THROTTLED, ANY},
    {"KmsThrottled", ERR_THROTTLED, ANY},
    {"LimitExceededException", ERR_THROTTLED, ANY},
    {"OverLimit", ERR_THROTTLED, AWS_SQS}, /* too many messages in flight: transient */
    {"PriorRequestNotComplete", ERR_THROTTLED, ANY},
    {"ProvisionedThroughputExceededException", ERR_THROTTLED, ANY},
    {"RequestLimitExceeded", ERR_THROTTLED, ANY},
    {"RequestThrottled", ERR_THROTTLED, ANY},
    {"RequestThrottledException", ERR_THROTTLED, ANY},
    {"SlowDown", ERR_THROTTLED, ANY},
    {"Throttled", ERR_THROTTLED, ANY},
    {"ThrottledException", ERR_THROTTLED, ANY},
    {"Throttling", ERR_THROTTLED, ANY},
    {"ThrottlingException", ERR_THROTTLED, ANY},
    {"TooManyRequestsException", ERR_THROTTLED, ANY},

    /* The service failed. */
    {"InternalError", ERR_SERVER, ANY},
    {"InternalFailure", ERR_SERVER, ANY},
    {"InternalServerError", ERR_SERVER, ANY},
    {"ServiceUnavailable", ERR_SERVER, ANY},

    /* The data was damaged or truncated in transit. */
    {"BadDigest", ERR_NETWORK, ANY},
    {"IncompleteBody", ERR_NETWORK, ANY},
    {"XAmzContentSHA256Mismatch", ERR_NETWORK, ANY},
    /* The client was too slow. */
    {"RequestTimeout", ERR_TIMEOUT, ANY},
    {"RequestTimeoutException", ERR_TIMEOUT, ANY},

    /* A concurrent request won. */
    {"BucketAlreadyExists", ERR_CONFLICT, ANY},
    {"BucketAlreadyOwnedByYou", ERR_CONFLICT, ANY},
    {"ConcurrentAccess", ERR_CONFLICT, ANY},
    {"ConditionalRequestConflict", ERR_CONFLICT, ANY},
    {"OperationAborted", ERR_CONFLICT, ANY},
    {"PreconditionFailed", ERR_CONFLICT, ANY},
    {"QueueDeletedRecently", ERR_CONFLICT, ANY},
    {"QueueNameExists", ERR_CONFLICT, ANY},

    /* A fixed limit of the service is exceeded. */
    {"BatchRequestTooLong", ERR_LIMIT, ANY},
    {"EntityTooLarge", ERR_LIMIT, ANY},
    {"MaxMessageLengthExceeded", ERR_LIMIT, ANY},
    {"MetadataTooLarge", ERR_LIMIT, ANY},
    {"RequestHeaderSectionTooLarge", ERR_LIMIT, ANY},
    {"KeyTooLongError", ERR_NAME_TOO_LONG, ANY},

    /* The request can never succeed: one of its names or values is invalid. */
    {"InvalidArgument", ERR_INVALID, ANY}, /* on a GET: a malformed version id */
    {"InvalidURI", ERR_INVALID, AWS_S3},
    {"InvalidTag", ERR_INVALID, AWS_S3},
    {"BadRequest", ERR_INVALID, AWS_S3}, /* more than ten tags */
    {"MalformedXML", ERR_INVALID, AWS_S3},
    {"InvalidMessageContents", ERR_INVALID, AWS_SQS},
    {"InvalidParameter", ERR_INVALID, AWS_SNS},
    {"InvalidParameterException", ERR_INVALID, AWS_SNS},
    {"ParameterValueInvalid", ERR_INVALID, AWS_SNS},
    {"ValidationException", ERR_INVALID, AWS_SNS},
    {"InvalidParameterValue", ERR_INVALID, ANY},
    {"InvalidParameterException", ERR_INVALID, AWS_REKOGNITION}, /* smaller than 80 pixels */

    /* Rekognition: the image is not a JPEG or PNG, or too large; the caller may not read it. */
    {"InvalidImageFormatException", ERR_UNSUPPORTED, AWS_REKOGNITION},
    {"ImageTooLargeException", ERR_LIMIT, AWS_REKOGNITION},
    {"InvalidS3ObjectException", ERR_DENIED, AWS_REKOGNITION},

    /* A GET without the SSE-C key, or a PUT without a header that the bucket requires. */
    {"InvalidRequest", ERR_UNACCEPTABLE, AWS_S3},

    /* The object is archived, or the service does not support the operation. */
    {"InvalidObjectState", ERR_UNSUPPORTED, AWS_S3},
    {"NotImplemented", ERR_UNSUPPORTED, ANY},
    {"UnsupportedOperation", ERR_UNSUPPORTED, ANY},

    /* Sent to the wrong region or endpoint: the operator must set AWS_REGION and the endpoint. */
    {"AuthorizationHeaderMalformed", ERR_REFUSED, ANY},
    {"IllegalLocationConstraintException", ERR_REFUSED, ANY},
    {"InvalidAddress", ERR_REFUSED, ANY},
    {"InvalidBucketName", ERR_REFUSED, ANY},
    {"MethodNotAllowed", ERR_REFUSED, ANY},
    {"PermanentRedirect", ERR_REFUSED, ANY},
    {"Redirect", ERR_REFUSED, ANY},
    {"TemporaryRedirect", ERR_REFUSED, ANY},
};

/* For responses with an unknown code: from a gateway, a compatible service or a newer API. */
static const struct {
    int status;
    int kind;
} statuses[] = {
    {401, ERR_DENIED},      /* RFC 9110 */
    {403, ERR_DENIED},      /* also for HEAD, whose responses have no code */
    {404, ERR_NOT_FOUND},   /* HEAD as well */
    {408, ERR_TIMEOUT},     /* RFC 9110: the client was too slow */
    {409, ERR_CONFLICT},    /* RFC 9110 */
    {412, ERR_CONFLICT},    /* RFC 9110: a precondition */
    {413, ERR_LIMIT},       /* RFC 9110: content too large */
    {429, ERR_THROTTLED},   /* RFC 6585 */
    {501, ERR_UNSUPPORTED}, /* RFC 9110: not implemented */
    {509, ERR_THROTTLED},   /* bandwidth limit exceeded, in some compatible services */
};

int aws_kind_of_code(enum aws_service service, const char *code)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(codes[i].code, code) == 0 &&
            (codes[i].service == ANY || codes[i].service == service))
            return codes[i].kind;
    }
    return 0;
}

/* 5xx is a failure of the service. An unknown 3xx or 4xx needs the operator's attention and must
 * not cause a message to be dropped. */
int aws_kind_of_status(enum aws_service service, int status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].status == status)
            return status == 404 && service != AWS_S3 ? ERR_NO_CONTAINER : statuses[i].kind;
    }
    return status >= 500 ? ERR_SERVER : ERR_REFUSED;
}
