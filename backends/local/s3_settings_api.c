/* Configurations of a bucket that are one document each: put, get, delete. */
#include "s3_handlers.h"

#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "bucket_policy.h"
#include "lifecycle.h"
#include "s3_body.h"
#include "s3_xml.h"

enum { BODY_MAX = 256 * 1024, ANSWER_MAX = 512 * 1024 };

/* What the operations of a kind have of their own. */
struct setting_facts {
    enum s3_error absent; /* what GET answers where there is none; S3_OK: `empty` */
    const char *empty;
    int put_status, delete_status;
};

static const struct setting_facts facts[BUCKET_SETTING_KINDS] = {
    [BUCKET_VERSIONING] = {S3_OK, "VersioningConfiguration", 200, 204},
    [BUCKET_CORS] = {S3_NO_SUCH_CORS, NULL, 200, 204},
    [BUCKET_TAGGING] = {S3_NO_SUCH_TAG_SET, NULL, 204, 204},
    [BUCKET_POLICY] = {S3_NO_SUCH_BUCKET_POLICY, NULL, 204, 204},
    [BUCKET_LIFECYCLE] = {S3_NO_SUCH_LIFECYCLE, NULL, 200, 204},
};

struct change {
    struct s3_request *request;
    enum bucket_setting_kind kind;
    int answer;
};

static void on_set(int status, const struct error *error, void *user)
{
    struct change *change = user;
    struct s3_request *request = change->request;
    if (status)
        s3_respond_failure(request, status, error);
    else
        s3_respond_empty(request, change->answer, NULL, 0);
    if (!status && change->kind == BUCKET_LIFECYCLE && request->cloud->lifecycle)
        lifecycle_worker_wake(request->cloud->lifecycle);
    s3_request_release(request);
}

/* Takes the setting. */
static void set(struct s3_request *request, enum bucket_setting_kind kind,
                struct bucket_setting *setting, int answer)
{
    struct change *change = s3_operation(request, sizeof(*change), free);
    if (change) {
        *change = (struct change){.request = request, .kind = kind, .answer = answer};
        s3_request_hold(request);
        if (!buckets_set(request->cloud->buckets, request->bucket, kind, setting, on_set, change))
            return;
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
        s3_request_release(request);
    }
    bucket_setting_clear(kind, setting);
}

static void put_document(struct s3_request *request, enum bucket_setting_kind kind,
                         struct slice body)
{
    struct bucket_setting setting;
    char message[BUCKET_SETTING_MESSAGE_MAX];
    enum s3_error error = bucket_setting_read(kind, body, &setting, message);
    if (error)
        s3_respond_error(request, error, *message ? message : NULL);
    else
        set(request, kind, &setting, facts[kind].put_status);
}

static void put(struct s3_request *request, s3_body_handler *on_document)
{
    struct bucket bucket;
    if (s3_find_bucket(request, &bucket))
        s3_collect(request, BODY_MAX, on_document);
}

static void get(struct s3_request *request, enum bucket_setting_kind kind)
{
    struct bucket bucket;
    struct buffer out;
    if (!s3_find_bucket(request, &bucket))
        return;
    const char *document = bucket.settings[kind].document;
    if (!document && facts[kind].absent) {
        s3_respond_error(request, facts[kind].absent, NULL);
        return;
    }
    buffer_init(&out, ANSWER_MAX);
    if (document) {
        buffer_text(&out, document);
    } else {
        s3_xml_begin(&out, facts[kind].empty);
        s3_xml_close(&out, facts[kind].empty);
    }
    s3_respond_xml(request, &out);
}

static void remove_setting(struct s3_request *request, enum bucket_setting_kind kind)
{
    struct bucket bucket;
    if (s3_find_bucket(request, &bucket))
        set(request, kind, &(struct bucket_setting){0}, facts[kind].delete_status);
}

/* VersioningConfiguration. */

static void on_versioning(struct s3_request *request, struct slice body)
{
    put_document(request, BUCKET_VERSIONING, body);
}

void s3_put_bucket_versioning(struct s3_request *request)
{
    put(request, on_versioning);
}

void s3_get_bucket_versioning(struct s3_request *request)
{
    get(request, BUCKET_VERSIONING);
}

/* CORSConfiguration. */

static void on_cors(struct s3_request *request, struct slice body)
{
    put_document(request, BUCKET_CORS, body);
}

void s3_put_bucket_cors(struct s3_request *request)
{
    put(request, on_cors);
}

void s3_get_bucket_cors(struct s3_request *request)
{
    get(request, BUCKET_CORS);
}

void s3_delete_bucket_cors(struct s3_request *request)
{
    remove_setting(request, BUCKET_CORS);
}

/* Tagging. */

static void on_tagging(struct s3_request *request, struct slice body)
{
    put_document(request, BUCKET_TAGGING, body);
}

void s3_put_bucket_tagging(struct s3_request *request)
{
    put(request, on_tagging);
}

void s3_get_bucket_tagging(struct s3_request *request)
{
    get(request, BUCKET_TAGGING);
}

void s3_delete_bucket_tagging(struct s3_request *request)
{
    remove_setting(request, BUCKET_TAGGING);
}

/* Policy. */

static void on_policy(struct s3_request *request, struct slice body)
{
    struct bucket_setting setting;
    char message[BUCKET_SETTING_MESSAGE_MAX];
    enum s3_error error = bucket_setting_read(BUCKET_POLICY, body, &setting, message);
    if (error) {
        s3_respond_error(request, error, *message ? message : NULL);
        return;
    }
    if (!bucket_policy_covers(setting.read, request->bucket)) {
        s3_respond_error(request, S3_MALFORMED_POLICY, "Policy has invalid resource");
        bucket_setting_clear(BUCKET_POLICY, &setting);
        return;
    }
    access_policy_note(request->bucket, setting.read);
    set(request, BUCKET_POLICY, &setting, facts[BUCKET_POLICY].put_status);
}

void s3_put_bucket_policy(struct s3_request *request)
{
    put(request, on_policy);
}

/* The document as it was sent, which is no XML. */
void s3_get_bucket_policy(struct s3_request *request)
{
    static const struct http_header type = {"Content-Type", "application/json"};
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket))
        return;
    const char *document = bucket.settings[BUCKET_POLICY].document;
    if (!document)
        s3_respond_error(request, facts[BUCKET_POLICY].absent, NULL);
    else
        s3_respond_text(request, &type, document);
}

void s3_delete_bucket_policy(struct s3_request *request)
{
    remove_setting(request, BUCKET_POLICY);
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
    buffer_init(&out, ANSWER_MAX);
    s3_xml_begin(&out, "PolicyStatus");
    s3_xml_text(&out, "IsPublic", bucket_policy_is_public(policy) ? "true" : "false");
    s3_xml_close(&out, "PolicyStatus");
    s3_respond_xml(request, &out);
}

/* LifecycleConfiguration. */

static void on_lifecycle(struct s3_request *request, struct slice body)
{
    put_document(request, BUCKET_LIFECYCLE, body);
}

void s3_put_bucket_lifecycle(struct s3_request *request)
{
    put(request, on_lifecycle);
}

void s3_get_bucket_lifecycle(struct s3_request *request)
{
    get(request, BUCKET_LIFECYCLE);
}

void s3_delete_bucket_lifecycle(struct s3_request *request)
{
    remove_setting(request, BUCKET_LIFECYCLE);
}
