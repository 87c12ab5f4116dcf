/* S3's errors: code, HTTP status and message ("Error responses", S3 API Reference). */
#ifndef THUMBWHEEL_LOCAL_S3_ERRORS_H
#define THUMBWHEEL_LOCAL_S3_ERRORS_H

enum s3_error {
    S3_OK,
    S3_BAD_DIGEST,
    S3_BUCKET_ALREADY_OWNED,
    S3_BUCKET_NOT_EMPTY,
    S3_ENTITY_TOO_LARGE,
    S3_ILLEGAL_LOCATION,
    S3_INCOMPLETE_BODY,
    S3_INTERNAL_ERROR,
    S3_INVALID_ARGUMENT,
    S3_INVALID_BUCKET_NAME,
    S3_INVALID_DIGEST,
    S3_INVALID_RANGE,
    S3_INVALID_REQUEST,
    S3_INVALID_STORAGE_CLASS,
    S3_INVALID_TAG,
    S3_INVALID_URI,
    S3_KEY_TOO_LONG,
    S3_MALFORMED_XML,
    S3_METADATA_TOO_LARGE,
    S3_METHOD_NOT_ALLOWED,
    S3_MISSING_CONTENT_LENGTH,
    S3_NO_SUCH_BUCKET,
    S3_NO_SUCH_KEY,
    S3_NOT_IMPLEMENTED,
    S3_NOT_MODIFIED,
    S3_PRECONDITION_FAILED,
    S3_SIGNATURE_MISMATCH,
    S3_CONTENT_SHA256_MISMATCH,
    S3_ERRORS,
};

struct s3_error_facts {
    int status;
    const char *code;
    const char *message;
};

const struct s3_error_facts *s3_error_facts(enum s3_error error);

#endif
