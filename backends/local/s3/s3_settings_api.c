/* Configurations of a bucket that are one document each: put, get, delete. The sub-resource of a
 * request selects one. */
#include "s3_handlers.h"

#include <stdlib.h>
#include <string.h>

#include "authorization.h"
#include "bucket_policy.h"
#include "lifecycle.h"
#include "s3_body.h"
#include "s3_xml.h"

enum { BODY_MAX = 256 * 1024, RESPONSE_MAX = 512 * 1024 };

/* Differences between the kinds. */
struct setting_facts {
    enum s3_error absent; /* response to GET if there is none; S3_OK: `empty` */
    const char *empty;
    int put_status;
};

static const struct setting_facts facts[BUCKET_SETTING_KINDS] = {
    [BUCKET_VERSIONING] = {S3_OK, "VersioningConfiguration", 200},
    [BUCKET_CORS] = {S3_NO_SUCH_CORS, NULL, 200},
    [BUCKET_TAGGING] = {S3_NO_SUCH_TAG_SET, NULL, 204},
    [BUCKET_POLICY] = {S3_NO_SUCH_BUCKET_POLICY, NULL, 204},
    [BUCKET_LIFECYCLE] = {S3_NO_SUCH_LIFECYCLE, NULL, 200},
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

static void on_set(int code, const struct error *error, void *user)
{
    struct setting_change *change = user;
    struct s3_request *request = change->request;
    if (code)
        s3_respond_failure(request, code, error);
    else
        s3_respond_empty(request, change->success_status, NULL, 0);
    if (!code && change->kind == BUCKET_LIFECYCLE && request->cloud->lifecycle)
        lifecycle_worker_wake(request->cloud->lifecycle);
    s3_request_release(request);
}

/* Takes the setting. */
static void set(struct s3_request *request, enum bucket_setting_kind kind,
                struct bucket_setting *setting, int success_status)
{
    struct setting_change *change = s3_operation(request, sizeof *change, free);
    if (change) {
        *change = (struct setting_change){
            .request = request, .kind = kind, .success_status = success_status};
        s3_request_hold(request);
        if (!buckets_set(request->cloud->buckets, request->bucket, kind, setting, on_set, change))
            return;
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
        s3_request_release(request);
    }
    bucket_setting_clear(kind, setting);
}

static bool policy_accepted(struct s3_request *request, const struct bucket_setting *setting)
{
    if (!bucket_policy_covers(setting->read, request->bucket)) {
        s3_respond_error(request, S3_MALFORMED_POLICY, "Policy has invalid resource");
        return false;
    }
    authorization_log_policy(request->bucket, setting->read);
    return true;
}

static void on_document(struct s3_request *request, struct slice body)
{
    enum bucket_setting_kind kind = kind_of(request);
    struct bucket_setting setting;
    char message[BUCKET_SETTING_MESSAGE_MAX];
    enum s3_error error = bucket_setting_read(kind, body, &setting, message);
    if (error)
        s3_respond_error(request, error, *message ? message : NULL);
    else if (kind == BUCKET_POLICY && !policy_accepted(request, &setting))
        bucket_setting_clear(kind, &setting);
    else
        set(request, kind, &setting, facts[kind].put_status);
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
        set(request, kind, &(struct bucket_setting){0}, 204);
}

static void respond_xml(struct s3_request *request, const char *document, const char *empty)
{
    struct buffer out;
    buffer_init(&out, RESPONSE_MAX);
    if (document) {
        buffer_text(&out, document);
    } else {
        s3_xml_begin(&out, empty);
        xml_close(&out, empty);
    }
    s3_respond_xml(request, &out);
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
        respond_xml(request, document, facts[kind].empty);
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
