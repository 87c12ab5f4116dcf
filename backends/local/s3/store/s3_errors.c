/*
 * What S3 answers, word for word: most texts end without a full stop, and each error has elements of
 * its own. Sources, by row:
 * - texts and elements that localstack/localstack recorded of the service
 *   (tests/aws/services/s3/test_s3*.snapshot.json): all rows of `shows`, and BadDigest,
 *   EntityTooSmall, InvalidArgument, InvalidDigest, InvalidPart, InvalidPartOrder, InvalidRange,
 *   InvalidStorageClass, InvalidTag, KeyTooLongError, MalformedXML, MethodNotAllowed,
 *   NotImplemented, PreconditionFailed, ConditionalRequestConflict, XAmzContentSHA256Mismatch;
 * - getmoto/moto, moto/s3/exceptions.py: MetadataTooLarge, MissingContentLength, InvalidPartNumber;
 * - "Error responses" in the S3 API Reference: the others.
 */
#include "s3_errors.h"

static const struct s3_error_facts table[S3_ERRORS] = {
    [S3_OK] = {200, "OK", ""},
    [S3_ACCESS_DENIED] = {403, "AccessDenied", "Access Denied"},
    [S3_ACCESS_CONTROL_LISTS] = {400, "AccessControlListNotSupported",
                                 "The bucket does not allow ACLs"},
    [S3_ACCESS_FORBIDDEN] = {403, "AccessForbidden", "Access Forbidden"},
    [S3_AUTHORIZATION_MALFORMED] = {400, "AuthorizationHeaderMalformed",
                                    "The authorization header is malformed"},
    [S3_BAD_REQUEST] = {400, "BadRequest", "Bad Request"},
    [S3_BAD_DIGEST] = {400, "BadDigest",
                       "The Content-MD5 you specified did not match what we received."},
    [S3_BUCKET_ALREADY_OWNED] =
        {409, "BucketAlreadyOwnedByYou",
         "Your previous request to create the named bucket succeeded and you already own it."},
    [S3_BUCKET_ALREADY_EXISTS] =
        {409, "BucketAlreadyExists",
         "The requested bucket name is not available. The bucket namespace is shared by all users "
         "of the system. Please select a different name and try again."},
    [S3_BUCKET_NOT_EMPTY] = {409, "BucketNotEmpty", "The bucket you tried to delete is not empty"},
    [S3_CONDITIONAL_CONFLICT] = {409, "ConditionalRequestConflict",
                                 "The conditional request cannot succeed due to a conflicting "
                                 "operation against this resource."},
    [S3_ENTITY_TOO_LARGE] = {400, "EntityTooLarge",
                             "Your proposed upload exceeds the maximum allowed size"},
    [S3_ENTITY_TOO_SMALL] = {400, "EntityTooSmall",
                             "Your proposed upload is smaller than the minimum allowed size"},
    [S3_ILLEGAL_LOCATION] = {400, "IllegalLocationConstraintException",
                             "The specified location constraint is incompatible with the region "
                             "that this request was sent to."},
    [S3_ILLEGAL_VERSIONING] = {400, "IllegalVersioningConfigurationException",
                               "The Versioning element must be specified"},
    [S3_INCOMPLETE_BODY] =
        {400, "IncompleteBody",
         "You did not provide the number of bytes specified by the Content-Length HTTP header"},
    [S3_BODY_TERMINATED] = {400, "IncompleteBody", "The request body terminated unexpectedly"},
    [S3_INTERNAL_ERROR] = {500, "InternalError",
                           "We encountered an internal error. Please try again."},
    [S3_INVALID_ACCESS_KEY] = {403, "InvalidAccessKeyId",
                               "The AWS Access Key Id you provided does not exist in our records."},
    [S3_INVALID_TOKEN] = {400, "InvalidToken",
                          "The provided token is malformed or otherwise invalid."},
    [S3_EXPIRED_TOKEN] = {400, "ExpiredToken", "The provided token has expired."},
    [S3_INVALID_POLICY_DOCUMENT] = {400, "InvalidPolicyDocument",
                                    "The content of the form does not meet the conditions "
                                    "specified in the policy document."},
    [S3_MALFORMED_POST] = {400, "MalformedPOSTRequest",
                           "The body of your POST request is not well-formed "
                           "multipart/form-data."},
    [S3_PERMANENT_REDIRECT] = {301, "PermanentRedirect",
                               "The bucket you are attempting to access must be addressed using "
                               "the specified endpoint. Please send all future requests to this "
                               "endpoint."},
    [S3_POST_FIELDS_TOO_LARGE] = {400, "MaxPostPreDataLengthExceededError",
                                  "Your POST request fields preceding the upload file were too "
                                  "large."},
    [S3_INVALID_ARGUMENT] = {400, "InvalidArgument", "Invalid Argument"},
    [S3_INVALID_BUCKET_ACL] = {400, "InvalidBucketAclWithObjectOwnership",
                               "Bucket cannot have ACLs set with ObjectOwnership's "
                               "BucketOwnerEnforced setting"},
    [S3_INVALID_BUCKET_OWNER] = {400, "InvalidBucketOwnerAWSAccountID",
                                 "The value of the expected bucket owner parameter must be an AWS "
                                 "account id"},
    [S3_INVALID_BUCKET_NAME] = {400, "InvalidBucketName", "The specified bucket is not valid."},
    [S3_INVALID_DIGEST] = {400, "InvalidDigest", "The Content-MD5 you specified was invalid."},
    [S3_INVALID_LOCATION] = {400, "InvalidLocationConstraint",
                             "The specified location-constraint is not valid"},
    [S3_INVALID_OBJECT_STATE] = {403, "InvalidObjectState",
                                 "The operation is not valid for the object's storage class"},
    [S3_INVALID_PART] =
        {400, "InvalidPart",
         "One or more of the specified parts could not be found.  The part may not have been "
         "uploaded, or the specified entity tag may not match the part's entity tag."},
    [S3_INVALID_PART_NUMBER] = {416, "InvalidPartNumber",
                                "The requested partnumber is not satisfiable"},
    [S3_INVALID_PART_ORDER] =
        {400, "InvalidPartOrder",
         "The list of parts was not in ascending order. Parts must be ordered by part number."},
    [S3_INVALID_RANGE] = {416, "InvalidRange", "The requested range is not satisfiable"},
    [S3_INVALID_REQUEST] = {400, "InvalidRequest", "Invalid Request"},
    [S3_INVALID_STORAGE_CLASS] = {400, "InvalidStorageClass",
                                  "The storage class you specified is not valid"},
    [S3_INVALID_TAG] = {400, "InvalidTag", "The tag provided was not a valid tag."},
    [S3_INVALID_TARGET_BUCKET] = {400, "InvalidTargetBucketForLogging",
                                  "The target bucket for logging does not exist"},
    [S3_INVALID_URI] = {400, "InvalidURI", "Couldn't parse the specified URI."},
    [S3_KEY_TOO_LONG] = {400, "KeyTooLongError", "Your key is too long"},
    [S3_MALFORMED_ACL] = {400, "MalformedACLError",
                          "The XML you provided was not well-formed or did not validate against "
                          "our published schema"},
    [S3_MALFORMED_POLICY] = {400, "MalformedPolicy", "This policy contains invalid Json"},
    [S3_MALFORMED_TRAILER] = {400, "MalformedTrailerError",
                              "The request contained trailing data that was not well-formed or "
                              "did not conform to our published schema."},
    [S3_MALFORMED_XML] = {400, "MalformedXML",
                          "The XML you provided was not well-formed or did not validate against "
                          "our published schema"},
    [S3_METADATA_TOO_LARGE] = {400, "MetadataTooLarge",
                               "Your metadata headers exceed the maximum allowed metadata size"},
    [S3_METHOD_NOT_ALLOWED] = {405, "MethodNotAllowed",
                               "The specified method is not allowed against this resource."},
    [S3_MISSING_CONTENT_LENGTH] = {411, "MissingContentLength",
                                   "You must provide the Content-Length HTTP header."},
    [S3_MISSING_SECURITY_HEADER] = {400, "MissingSecurityHeader",
                                    "Your request was missing a required header"},
    [S3_NO_OBJECT_LOCK] = {404, "ObjectLockConfigurationNotFoundError",
                           "Object Lock configuration does not exist for this bucket"},
    [S3_NO_OWNERSHIP_CONTROLS] = {404, "OwnershipControlsNotFoundError",
                                  "The bucket ownership controls were not found"},
    [S3_NO_PUBLIC_ACCESS_BLOCK] = {404, "NoSuchPublicAccessBlockConfiguration",
                                   "The public access block configuration was not found"},
    [S3_NO_REPLICATION] = {404, "ReplicationConfigurationNotFoundError",
                           "The replication configuration was not found"},
    [S3_NO_SUCH_BUCKET_POLICY] = {404, "NoSuchBucketPolicy", "The bucket policy does not exist"},
    [S3_NO_SUCH_CORS] = {404, "NoSuchCORSConfiguration", "The CORS configuration does not exist"},
    [S3_NO_SUCH_LIFECYCLE] = {404, "NoSuchLifecycleConfiguration",
                              "The lifecycle configuration does not exist"},
    [S3_NO_SUCH_TAG_SET] = {404, "NoSuchTagSet", "The TagSet does not exist"},
    [S3_NO_WEBSITE] = {404, "NoSuchWebsiteConfiguration",
                       "The specified bucket does not have a website configuration"},
    [S3_NO_SUCH_BUCKET] = {404, "NoSuchBucket", "The specified bucket does not exist"},
    [S3_NO_SUCH_KEY] = {404, "NoSuchKey", "The specified key does not exist."},
    [S3_NO_SUCH_UPLOAD] = {404, "NoSuchUpload",
                           "The specified upload does not exist. The upload ID may be invalid, or "
                           "the upload may have been aborted or completed."},
    [S3_NO_SUCH_VERSION] = {404, "NoSuchVersion", "The specified version does not exist."},
    [S3_NOT_IMPLEMENTED] = {501, "NotImplemented",
                            "A header you provided implies functionality that is not implemented"},
    [S3_NOT_MODIFIED] = {304, "NotModified", "Not Modified"},
    [S3_PRECONDITION_FAILED] = {412, "PreconditionFailed",
                                "At least one of the pre-conditions you specified did not hold"},
    [S3_QUERY_MALFORMED] = {400, "AuthorizationQueryParametersError",
                            "Error parsing the X-Amz-Credential parameter"},
    [S3_SIGNATURE_MISMATCH] = {403, "SignatureDoesNotMatch",
                               "The request signature we calculated does not match the signature "
                               "you provided. Check your key and signing method."},
    [S3_UNEXPECTED_CONTENT] = {400, "UnexpectedContent", "This request does not support content"},
    [S3_CONTENT_SHA256_MISMATCH] = {400, "XAmzContentSHA256Mismatch",
                                    "The provided 'x-amz-content-sha256' header does not match "
                                    "what was computed."},
};

static const unsigned char shows[S3_ERRORS] = {
    [S3_BUCKET_ALREADY_OWNED] = S3_SHOWS_BUCKET,
    [S3_BUCKET_ALREADY_EXISTS] = S3_SHOWS_BUCKET,
    [S3_BUCKET_NOT_EMPTY] = S3_SHOWS_BUCKET,
    [S3_CONDITIONAL_CONFLICT] = S3_SHOWS_KEY,
    [S3_INVALID_BUCKET_NAME] = S3_SHOWS_BUCKET,
    [S3_INVALID_PART] = S3_SHOWS_UPLOAD,
    [S3_INVALID_PART_ORDER] = S3_SHOWS_UPLOAD,
    [S3_NO_OBJECT_LOCK] = S3_SHOWS_BUCKET,
    [S3_NO_OWNERSHIP_CONTROLS] = S3_SHOWS_BUCKET,
    [S3_NO_PUBLIC_ACCESS_BLOCK] = S3_SHOWS_BUCKET,
    [S3_NO_REPLICATION] = S3_SHOWS_BUCKET,
    [S3_NO_SUCH_BUCKET_POLICY] = S3_SHOWS_BUCKET,
    [S3_NO_SUCH_CORS] = S3_SHOWS_BUCKET,
    [S3_NO_SUCH_LIFECYCLE] = S3_SHOWS_BUCKET,
    [S3_NO_SUCH_TAG_SET] = S3_SHOWS_BUCKET,
    [S3_NO_WEBSITE] = S3_SHOWS_BUCKET,
    [S3_NO_SUCH_BUCKET] = S3_SHOWS_BUCKET,
    [S3_NO_SUCH_KEY] = S3_SHOWS_KEY,
    [S3_NO_SUCH_UPLOAD] = S3_SHOWS_UPLOAD,
    [S3_NO_SUCH_VERSION] = S3_SHOWS_KEY | S3_SHOWS_VERSION,
};

const struct s3_error_facts *s3_error_facts(enum s3_error error)
{
    return &table[error];
}

unsigned s3_error_shows(enum s3_error error)
{
    return shows[error];
}
