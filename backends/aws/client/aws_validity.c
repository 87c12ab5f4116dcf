#include "aws_validity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "etag.h"
#include "json_text.h"
#include "md5.h"

enum { MEMBERS_MAX = 2 };

enum form {
    FORM_EMPTY,  /* no body or only white space; JSON: also {} */
    FORM_ETAG,   /* the ETag of the object */
    FORM_STORED, /* an ETag that matches what was sent, and no body */
    FORM_XML,    /* an XML document with this root and all of these elements */
    FORM_JSON,   /* an object with at least one of these members */
    FORM_PAGE,   /* an object with no members other than these */
    FORM_EITHER, /* as FORM_EMPTY or FORM_XML: two services have an operation of this name */
};

static const struct validity_row {
    const char *operation;
    enum form form;
    const char *root;
    const char *members[MEMBERS_MAX];
} rows[] = {
    {"GetObject", FORM_ETAG, NULL, {NULL}},
    {"HeadObject", FORM_ETAG, NULL, {NULL}},
    {"PutObject", FORM_STORED, NULL, {NULL}},
    {"GetObjectTagging", FORM_XML, "Tagging", {"TagSet"}},
    {"PutObjectTagging", FORM_EMPTY, NULL, {NULL}},
    {"ListObjectsV2", FORM_XML, "ListBucketResult", {NULL}},
    {"HeadBucket", FORM_EMPTY, NULL, {NULL}},
    {"DeleteObject", FORM_EMPTY, NULL, {NULL}},
    {"CreateMultipartUpload", FORM_XML, "InitiateMultipartUploadResult", {"UploadId"}},
    {"UploadPart", FORM_STORED, NULL, {NULL}},
    {"CompleteMultipartUpload", FORM_XML, "CompleteMultipartUploadResult", {"ETag"}},
    {"AbortMultipartUpload", FORM_EMPTY, NULL, {NULL}},
    {"CreateBucket", FORM_EMPTY, NULL, {NULL}},
    {"GetBucketLocation", FORM_XML, "LocationConstraint", {NULL}},
    {"GetBucketLifecycleConfiguration", FORM_XML, "LifecycleConfiguration", {NULL}},
    {"PutBucketLifecycleConfiguration", FORM_EMPTY, NULL, {NULL}},
    {"GetBucketNotificationConfiguration", FORM_XML, "NotificationConfiguration", {NULL}},
    {"PutBucketNotificationConfiguration", FORM_EMPTY, NULL, {NULL}},
    {"DeleteBucketNotification", FORM_EMPTY, NULL, {NULL}}, /* Ceph's */
    {"PutBucketVersioning", FORM_EMPTY, NULL, {NULL}},
    {"PutBucketTagging", FORM_EMPTY, NULL, {NULL}},
    {"PutBucketCors", FORM_EMPTY, NULL, {NULL}},
    {"PutPublicAccessBlock", FORM_EMPTY, NULL, {NULL}},
    {"PutBucketPolicy", FORM_EMPTY, NULL, {NULL}},

    {"ReceiveMessage", FORM_PAGE, NULL, {"Messages"}},
    {"DeleteMessageBatch", FORM_JSON, NULL, {"Successful", "Failed"}},
    {"ChangeMessageVisibilityBatch", FORM_JSON, NULL, {"Successful", "Failed"}},
    {"SendMessage", FORM_JSON, NULL, {"MessageId"}},
    {"SendMessageBatch", FORM_JSON, NULL, {"Successful", "Failed"}},
    {"GetQueueUrl", FORM_JSON, NULL, {"QueueUrl"}},
    {"GetQueueAttributes", FORM_PAGE, NULL, {"Attributes"}},
    {"CreateQueue", FORM_JSON, NULL, {"QueueUrl"}},
    {"SetQueueAttributes", FORM_EMPTY, NULL, {NULL}},
    {"TagQueue", FORM_EMPTY, NULL, {NULL}},
    {"PurgeQueue", FORM_EMPTY, NULL, {NULL}},
    {"ListDeadLetterSourceQueues", FORM_PAGE, NULL, {"queueUrls", "NextToken"}},
    {"StartMessageMoveTask", FORM_JSON, NULL, {"TaskHandle"}},
    {"ListMessageMoveTasks", FORM_PAGE, NULL, {"Results"}},
    {"CancelMessageMoveTask", FORM_JSON, NULL, {"ApproximateNumberOfMessagesMoved"}},

    {"PutEvents", FORM_JSON, NULL, {"Entries"}},
    {"DescribeRule", FORM_JSON, NULL, {"Arn"}},
    {"PutRule", FORM_JSON, NULL, {"RuleArn"}},
    {"ListTargetsByRule", FORM_PAGE, NULL, {"Targets", "NextToken"}},
    {"PutTargets", FORM_JSON, NULL, {"FailedEntryCount"}},
    {"CreateEventBus", FORM_JSON, NULL, {"EventBusArn"}},
    {"UpdateEventBus", FORM_JSON, NULL, {"Arn"}},
    {"PutPermission", FORM_EMPTY, NULL, {NULL}},
    {"TagResource", FORM_EITHER, "TagResourceResponse", {NULL}},
    {"DetectLabels", FORM_JSON, NULL, {"Labels"}},

    {"Publish", FORM_XML, "PublishResponse", {"MessageId"}},
    {"PublishBatch", FORM_XML, "PublishBatchResponse", {"PublishBatchResult"}},
    {"CreateTopic", FORM_XML, "CreateTopicResponse", {"TopicArn"}},
    {"Subscribe", FORM_XML, "SubscribeResponse", {"SubscriptionArn"}},
    {"GetTopic", FORM_XML, "GetTopicResponse", {"Topic"}}, /* Ceph's */
    {"SetTopicAttributes", FORM_XML, "SetTopicAttributesResponse", {NULL}},
    {"GetTopicAttributes", FORM_XML, "GetTopicAttributesResponse", {"Attributes"}},
    {"ListSubscriptionsByTopic", FORM_XML, "ListSubscriptionsByTopicResponse", {"Subscriptions"}},
    {"GetSubscriptionAttributes", FORM_XML, "GetSubscriptionAttributesResponse", {"Attributes"}},
    {"SetSubscriptionAttributes", FORM_XML, "SetSubscriptionAttributesResponse", {NULL}},
};

static const struct validity_row *row_of(const char *operation)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].operation, operation) == 0)
            return &rows[i];
    }
    return NULL;
}

static bool is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

static struct slice skip_space(struct slice text)
{
    while (text.size && is_one_of(text.data[0], " \t\r\n"))
        text = (struct slice){text.data + 1, text.size - 1};
    return text;
}

static struct slice body_of(const struct http_response *response)
{
    struct slice text = {response->body.data ? response->body.data : "", response->body.size};
    while (text.size && is_one_of(text.data[text.size - 1], " \t\r\n"))
        text.size--;
    return skip_space(text);
}

/* ---- S3 ---- */

static const char *etag_flaw(const struct http_response *response)
{
    const char *etag = http_response_header(response, "etag");
    return etag && *etag ? NULL : "it has no ETag";
}

/* Whether the ETag is an MD5. Encrypted objects have other ETags, except with keys managed by S3
 * ("Common Response Headers", S3 API Reference). */
static bool states_md5(const struct http_response *response, struct slice etag)
{
    const char *encrypted = http_response_header(response, "x-amz-server-side-encryption");
    return md5_is_text(etag) && (!encrypted || strcmp(encrypted, "AES256") == 0) &&
           !http_response_header(response, "x-amz-server-side-encryption-customer-algorithm");
}

static const char *crc_flaw(const struct http_response *response, const char *sent)
{
    const char *stored = http_response_header(response, AWS_CRC_HEADER);
    if (!stored)
        return "it does not confirm the checksum of what was sent";
    return strcmp(stored, sent) ? "its checksum is not that of what was sent" : NULL;
}

static const char *stored_flaw(const struct http_response *response,
                               const struct aws_expected *expected)
{
    const char *flaw = etag_flaw(response);
    if (flaw)
        return flaw;
    if (body_of(response).size)
        return "it has a body";
    struct slice etag = etag_bare(http_response_header(response, "etag"));
    if (expected->content_md5 && states_md5(response, etag) &&
        !md5_is_header(etag, expected->content_md5))
        return "its ETag is not the MD5 of what was sent";
    return expected->crc ? crc_flaw(response, expected->crc) : NULL;
}

/* ---- documents ---- */

static bool has_element(struct slice text, const char *name, bool closing)
{
    size_t size = strlen(name);
    for (const char *p = text.data, *end = text.data + text.size;
         (p = memchr(p, '<', (size_t)(end - p))); p++) {
        const char *at = p + 1 + closing;
        if (closing && (at > end || p[1] != '/'))
            continue;
        if ((size_t)(end - at) > size && memcmp(at, name, size) == 0 &&
            is_one_of(at[size], " \t\r\n/>"))
            return true;
    }
    return false;
}

/* The text after the XML declaration. */
static struct slice root_of(struct slice text)
{
    while (text.size > 2 && text.data[0] == '<' && (text.data[1] == '?' || text.data[1] == '!')) {
        const char *end = memchr(text.data, '>', text.size);
        if (!end)
            break;
        text = skip_space((struct slice){end + 1, text.size - (size_t)(end + 1 - text.data)});
    }
    return text;
}

static const char *xml_flaw(const struct validity_row *row, struct slice text)
{
    struct slice root = root_of(text);
    const char *end = root.size ? memchr(root.data, '>', root.size) : NULL;
    if (!end ||
        !has_element((struct slice){root.data, (size_t)(end + 1 - root.data)}, row->root, false))
        return "it is not the expected XML document";
    bool is_empty = end[-1] == '/' && end + 1 == root.data + root.size;
    if (!is_empty && !has_element(root, row->root, true))
        return "its XML document is truncated";
    for (size_t i = 0; i < MEMBERS_MAX && row->members[i]; i++) {
        if (!has_element(root, row->members[i], false))
            return "a required XML element is missing";
    }
    return NULL;
}

static size_t members_found(const json_t *object, const struct validity_row *row)
{
    size_t found = 0;
    for (size_t i = 0; i < MEMBERS_MAX && row->members[i]; i++)
        found += json_object_get(object, row->members[i]) != NULL;
    return found;
}

static const char *json_flaw(const struct validity_row *row, const json_t *object)
{
    if (!object)
        return "it is not a JSON object";
    if (row->form == FORM_JSON && members_found(object, row) == 0)
        return "a required JSON member is missing";
    if (row->form == FORM_PAGE && members_found(object, row) != json_object_size(object))
        return "it has unexpected JSON members";
    return NULL;
}

/* Duplicate member names are ambiguous, so such a response is invalid. */
static json_t *object_read(struct slice text)
{
    json_t *root = json_text_read(text, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

/* Starts at the time, so that the marks of other processes differ as well. */
void aws_mark_make(uint64_t *last, char out[AWS_MARK_SIZE])
{
    const uint64_t now = uv_hrtime();
    *last = now > *last ? now : *last + 1;
    snprintf(out, AWS_MARK_SIZE, AWS_MARK_PREFIX "%" PRIx64, *last);
}

bool aws_response_is_other(const struct http_response *response, const char *mark)
{
    const char *theirs = http_response_header(response, "content-disposition");
    return mark && theirs && slice_starts_with(slice_of(theirs), AWS_MARK_PREFIX) &&
           strcmp(theirs, mark) != 0;
}

static const char *empty_flaw(struct slice text)
{
    return text.size == 0 || slice_equal_text(text, "{}") ? NULL : "it has a body";
}

const char *aws_response_flaw(const struct aws_expected *expected,
                              const struct http_response *response, json_t **object)
{
    const struct validity_row *row = row_of(expected->operation);
    struct slice text = body_of(response);
    *object = NULL;
    if (!row)
        return "no validity rule is defined for the operation";
    if (aws_response_is_other(response, expected->mark))
        return "it belongs to another request";
    switch (row->form) {
    case FORM_EMPTY:
        return empty_flaw(text);
    case FORM_EITHER:
        return empty_flaw(text) ? xml_flaw(row, text) : NULL;
    case FORM_ETAG:
        return etag_flaw(response);
    case FORM_STORED:
        return stored_flaw(response, expected);
    case FORM_XML:
        return xml_flaw(row, text);
    default:
        *object = object_read(text);
        return json_flaw(row, *object);
    }
}
