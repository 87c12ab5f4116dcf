/* Configurations of a bucket that are one document each: put, get, delete. The sub-resource of a
 * request selects one. */
#include "s3_handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authorization.h"
#include "bucket_encryption.h"
#include "bucket_logging.h"
#include "bucket_policy.h"
#include "bucket_public_access.h"
#include "lifecycle.h"
#include "s3_body.h"
#include "s3_tag_details.h"
#include "s3_xml.h"

enum { BODY_MAX = 256 * 1024, RESPONSE_MAX = 512 * 1024 };

/* Differences between the kinds. */
struct setting_facts {
    enum s3_error absent; /* response to GET if there is none; S3_OK: `empty` */
    const char *empty;
    const char *content; /* of `empty`; NULL: none */
    int put_status;
};

static const struct setting_facts facts[BUCKET_SETTING_KINDS] = {
    [BUCKET_VERSIONING] = {S3_OK, "VersioningConfiguration", NULL, 200},
    [BUCKET_CORS] = {S3_NO_SUCH_CORS, NULL, NULL, 200},
    [BUCKET_TAGGING] = {S3_NO_SUCH_TAG_SET, NULL, NULL, 204},
    [BUCKET_POLICY] = {S3_NO_SUCH_BUCKET_POLICY, NULL, NULL, 204},
    [BUCKET_LIFECYCLE] = {S3_NO_SUCH_LIFECYCLE, NULL, NULL, 200},
    [BUCKET_ENCRYPTION] = {S3_OK, "ServerSideEncryptionConfiguration", bucket_encryption_default,
                           200},
    [BUCKET_PUBLIC_ACCESS] = {S3_NO_PUBLIC_ACCESS_BLOCK, NULL, NULL, 200},
    [BUCKET_OWNERSHIP] = {S3_NO_OWNERSHIP_CONTROLS, NULL, NULL, 200},
    [BUCKET_LOGGING] = {S3_OK, "BucketLoggingStatus", NULL, 200},
    [BUCKET_ACCELERATE] = {S3_OK, "AccelerateConfiguration", NULL, 200},
    [BUCKET_PAYER] = {S3_OK, "RequestPaymentConfiguration", "<Payer>BucketOwner</Payer>", 200},
};

/* BUCKET_SETTING_KINDS: of none. */
static enum bucket_setting_kind kind_of(const struct s3_request *request)
{
    enum bucket_setting_kind kind = 0;
    while (kind < BUCKET_SETTING_KINDS && strcmp(request->resource, bucket_setting_name(kind)) != 0)
        kind++;
    return kind;
}

/* The bucket and the kind of a request; false: an error was sent. */
static bool find_setting(struct s3_request *request, struct bucket *bucket,
                         enum bucket_setting_kind *kind)
{
    *kind = kind_of(request);
    if (*kind < BUCKET_SETTING_KINDS)
        return s3_find_bucket(request, bucket);
    s3_respond_error(request, S3_NOT_IMPLEMENTED, NULL);
    return false;
}

struct setting_change {
    struct s3_request *request;
    enum bucket_setting_kind kind;
    int success_status;
};

/* "x-amz-transition-default-minimum-object-size", PutBucketLifecycleConfiguration, S3 API
 * Reference. */
static const char size_header[] = "x-amz-transition-default-minimum-object-size";
static const char size_default[] = "all_storage_classes_128K";
static const char size_varies[] = "varies_by_storage_class";

/* The header of a response about a lifecycle. False: it has none. */
static bool size_respond(const struct s3_request *request, enum bucket_setting_kind kind,
                         struct http_header *header)
{
    struct bucket bucket;
    if (kind != BUCKET_LIFECYCLE ||
        !buckets_find(request->cloud->buckets, request->bucket, &bucket) ||
        !bucket.settings[BUCKET_LIFECYCLE].document)
        return false;
    const char *varies = bucket.settings[BUCKET_TRANSITION_SIZE].document;
    *header = (struct http_header){size_header, varies ? varies : size_default};
    return true;
}

/* Sets what the header of the request says. False: an error was sent. */
static bool size_read(struct s3_request *request, struct bucket_setting *setting)
{
    char message[BUCKET_SETTING_MESSAGE_MAX];
    struct slice value = s3_header(request, size_header);
    if (!value.data || slice_equal_text(value, size_default))
        return true;
    if (!slice_equal_text(value, size_varies)) {
        snprintf(message, sizeof message, "Invalid TransitionDefaultMinimumObjectSize found: %.*s",
                 value.size < 100 ? (int)value.size : 100, value.data);
        s3_respond_error(request, S3_INVALID_REQUEST, message);
        return false;
    }
    if (!bucket_setting_read(BUCKET_TRANSITION_SIZE, value, setting, message))
        return true;
    s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
    return false;
}

static void on_set(int code, const struct error *error, void *user)
{
    struct setting_change *change = user;
    struct s3_request *request = change->request;
    struct http_header header;
    if (code)
        s3_respond_failure(request, code, error);
    else
        s3_respond_empty(request, change->success_status, &header,
                         size_respond(request, change->kind, &header));
    if (!code && change->kind == BUCKET_LIFECYCLE && request->cloud->lifecycle)
        lifecycle_worker_wake(request->cloud->lifecycle);
    s3_request_release(request);
}

/* Which settings a document of a kind determines. */
static unsigned kinds_with(enum bucket_setting_kind kind)
{
    return 1U << kind | (kind == BUCKET_LIFECYCLE ? 1U << BUCKET_TRANSITION_SIZE : 0);
}

/* Takes the settings, unless it fails. */
static void set(struct s3_request *request, enum bucket_setting_kind kind,
                struct bucket_setting settings[BUCKET_SETTING_KINDS], int success_status)
{
    struct setting_change *change = s3_operation(request, sizeof *change, free);
    if (change) {
        *change = (struct setting_change){
            .request = request, .kind = kind, .success_status = success_status};
        s3_request_hold(request);
        if (!buckets_set(request->cloud->buckets, request->bucket, kinds_with(kind), settings,
                         on_set, change))
            return;
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
        s3_request_release(request);
    }
}

static bool blocks_public_policy(struct s3_request *request)
{
    struct bucket bucket;
    if (!buckets_find(request->cloud->buckets, request->bucket, &bucket))
        return false;
    const struct bucket_public_access *access = bucket.settings[BUCKET_PUBLIC_ACCESS].read;
    return access && access->block_policy;
}

static bool policy_accepted(struct s3_request *request, const struct bucket_setting *setting)
{
    if (!bucket_policy_covers(setting->read, request->bucket)) {
        s3_respond_error(request, S3_MALFORMED_POLICY, "Policy has invalid resource");
        return false;
    }
    if (bucket_policy_is_public(setting->read) && blocks_public_policy(request)) {
        s3_respond_error(request, S3_ACCESS_DENIED, NULL);
        return false;
    }
    authorization_log_policy(request->bucket, setting->read);
    return true;
}

static bool logging_accepted(struct s3_request *request, const struct bucket_setting *setting)
{
    const struct bucket_logging *logging = setting->read;
    struct bucket target;
    if (!logging->target || buckets_find(request->cloud->buckets, logging->target, &target))
        return true;
    s3_respond_error(request, S3_INVALID_TARGET_BUCKET, NULL);
    return false;
}

/* "Configuring fast, secure file transfers using Amazon S3 Transfer Acceleration", S3 User Guide.
 */
static bool accelerate_accepted(struct s3_request *request)
{
    if (!strchr(request->bucket, '.'))
        return true;
    s3_respond_error(request, S3_INVALID_REQUEST,
                     "S3 Transfer Acceleration is not supported for buckets with periods (.) in "
                     "their names");
    return false;
}

/* Checks that need the request; false: an error was sent. */
static bool accepted(struct s3_request *request, enum bucket_setting_kind kind,
                     struct bucket_setting settings[BUCKET_SETTING_KINDS])
{
    const struct bucket_setting *setting = &settings[kind];
    if (kind == BUCKET_LIFECYCLE)
        return size_read(request, &settings[BUCKET_TRANSITION_SIZE]);
    if (kind == BUCKET_POLICY)
        return policy_accepted(request, setting);
    if (kind == BUCKET_LOGGING)
        return logging_accepted(request, setting);
    return kind != BUCKET_ACCELERATE || accelerate_accepted(request);
}

static void show_bad_tag(struct s3_request *request, struct slice document)
{
    struct s3_tag_problem problem = {0};
    struct error error;
    char *tags = NULL;
    s3_tags_from_xml(document, S3_BUCKET_TAGS_MAX, &tags, &problem, &error);
    free(tags);
    s3_tag_details(request, &problem);
}

static void on_document(struct s3_request *request, struct slice body)
{
    enum bucket_setting_kind kind = kind_of(request);
    struct bucket_setting settings[BUCKET_SETTING_KINDS] = {0};
    char message[BUCKET_SETTING_MESSAGE_MAX];
    enum s3_error error = bucket_setting_read(kind, body, &settings[kind], message);
    if (error == S3_INVALID_TAG)
        show_bad_tag(request, body);
    if (error)
        s3_respond_error(request, error, *message ? message : NULL);
    else if (accepted(request, kind, settings))
        set(request, kind, settings, facts[kind].put_status);
    bucket_settings_clear(settings);
}

void s3_put_bucket_setting(struct s3_request *request)
{
    struct bucket bucket;
    enum bucket_setting_kind kind;
    if (find_setting(request, &bucket, &kind))
        s3_collect(request, BODY_MAX, on_document);
}

void s3_delete_bucket_setting(struct s3_request *request)
{
    struct bucket bucket;
    enum bucket_setting_kind kind;
    if (find_setting(request, &bucket, &kind))
        set(request, kind, (struct bucket_setting[BUCKET_SETTING_KINDS]){0}, 204);
}

static void respond_xml(struct s3_request *request, enum bucket_setting_kind kind,
                        const char *document)
{
    const struct setting_facts *of = &facts[kind];
    struct http_header header;
    struct buffer out;
    buffer_init(&out, RESPONSE_MAX);
    if (document) {
        buffer_text(&out, document);
    } else {
        s3_xml_begin(&out, of->empty);
        buffer_text(&out, of->content ? of->content : "");
        xml_close(&out, of->empty);
    }
    s3_respond_xml_with(request, &out, &header, size_respond(request, kind, &header));
}

/* A policy is returned as it was sent, and is not XML. */
void s3_get_bucket_setting(struct s3_request *request)
{
    static const struct http_header json = {"Content-Type", "application/json"};
    struct bucket bucket;
    enum bucket_setting_kind kind;
    if (!find_setting(request, &bucket, &kind))
        return;
    const char *document = bucket.settings[kind].document;
    if (!document && facts[kind].absent)
        s3_respond_error(request, facts[kind].absent, NULL);
    else if (kind == BUCKET_POLICY)
        s3_respond_text(request, &json, document);
    else
        respond_xml(request, kind, document);
}

void s3_get_bucket_policy_status(struct s3_request *request)
{
    struct bucket bucket;
    struct buffer out;
    if (!s3_find_bucket(request, &bucket))
        return;
    const struct policy *policy = bucket.settings[BUCKET_POLICY].read;
    if (!policy) {
        s3_respond_error(request, facts[BUCKET_POLICY].absent, NULL);
        return;
    }
    buffer_init(&out, RESPONSE_MAX);
    s3_xml_begin(&out, "PolicyStatus");
    xml_element(&out, "IsPublic", bucket_policy_is_public(policy) ? "true" : "false");
    xml_close(&out, "PolicyStatus");
    s3_respond_xml(request, &out);
}
