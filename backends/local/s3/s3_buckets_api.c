/* ListBuckets, CreateBucket, HeadBucket, GetBucketLocation, DeleteBucket. */
#include "s3_handlers.h"

#include <stdio.h>
#include <string.h>

#include "s3_body.h"
#include "s3_time.h"
#include "s3_xml.h"

enum { BODY_MAX = 16 * 1024, RESPONSE_MAX = 16 * 1024 * 1024 };

/* The region that need not be named, and in which a repeated CreateBucket succeeds. */
static const char classic_region[] = "us-east-1";

void s3_list_buckets(struct s3_request *request)
{
    const struct cloud *cloud = request->cloud;
    struct buffer out;
    buffer_init(&out, RESPONSE_MAX);
    s3_xml_begin(&out, "ListAllMyBucketsResult");
    xml_open(&out, "Owner");
    xml_element(&out, "ID", cloud->account);
    xml_element(&out, "DisplayName", cloud->account);
    xml_close(&out, "Owner");
    xml_open(&out, "Buckets");
    for (size_t i = 0; i < buckets_count(cloud->buckets); i++) {
        struct bucket bucket = buckets_at(cloud->buckets, i);
        char time[S3_TIME_SIZE];
        s3_time_iso(bucket.created_ms, time);
        xml_open(&out, "Bucket");
        xml_element(&out, "Name", bucket.name);
        xml_element(&out, "CreationDate", time);
        xml_close(&out, "Bucket");
    }
    xml_close(&out, "Buckets");
    xml_close(&out, "ListAllMyBucketsResult");
    s3_respond_xml(request, &out);
}

/* Creating. */

static void respond_created(struct s3_request *request)
{
    char location[BUCKET_NAME_MAX + 2];
    struct http_header header = {"Location", location};
    snprintf(location, sizeof location, "/%s", request->bucket);
    s3_respond_empty(request, 200, &header, 1);
}

static void respond_existing(struct s3_request *request)
{
    if (strcmp(request->cloud->region, classic_region) == 0)
        respond_created(request);
    else
        s3_respond_error(request, S3_BUCKET_ALREADY_OWNED, NULL);
}

static void on_created(int code, const struct error *error, void *user)
{
    struct s3_request *request = user;
    if (!code)
        respond_created(request);
    else if (code == ERR_CONFLICT)
        respond_existing(request);
    else
        s3_respond_failure(request, code, error);
    s3_request_release(request);
}

/* Checks the CreateBucketConfiguration, which may be absent. */
static enum s3_error check_configuration(const struct s3_request *request, struct slice body)
{
    struct s3_xml_node *root = NULL;
    enum s3_error error = S3_OK;
    if (!body.size)
        return S3_OK;
    int code = s3_xml_parse(body, &root, NULL);
    if (code)
        return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML;
    const char *location = s3_xml_child_text(root, "LocationConstraint");
    if (strcmp(root->name, "CreateBucketConfiguration") != 0)
        error = S3_MALFORMED_XML;
    else if (location && *location && strcmp(location, request->cloud->region) != 0)
        error = S3_ILLEGAL_LOCATION;
    else if (s3_xml_child(root, "Bucket") || s3_xml_child(root, "Location"))
        error = S3_NOT_IMPLEMENTED; /* directory buckets */
    s3_xml_free(root);
    return error;
}

static void on_configuration(struct s3_request *request, struct slice body)
{
    struct bucket bucket;
    enum s3_error error = check_configuration(request, body);
    if (error) {
        s3_respond_error(request, error, NULL);
        return;
    }
    if (buckets_find(request->cloud->buckets, request->bucket, &bucket)) {
        respond_existing(request);
        return;
    }
    s3_request_hold(request);
    if (buckets_create(request->cloud->buckets, request->bucket, on_created, request)) {
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
        s3_request_release(request);
    }
}

void s3_create_bucket(struct s3_request *request)
{
    struct slice acl = s3_header(request, "x-amz-acl");
    struct slice lock = s3_header(request, "x-amz-bucket-object-lock-enabled");
    if (!bucket_name_valid(request->bucket))
        s3_respond_error(request, S3_INVALID_BUCKET_NAME, NULL);
    else if (acl.data && !slice_equal_text(acl, "private"))
        s3_respond_error(request, S3_NOT_IMPLEMENTED, "x-amz-acl: only private is implemented.");
    else if (lock.data && !slice_equal_text(lock, "false"))
        s3_respond_error(request, S3_NOT_IMPLEMENTED, "x-amz-bucket-object-lock-enabled");
    else
        s3_collect(request, BODY_MAX, on_configuration);
}

/* Looking. */

void s3_head_bucket(struct s3_request *request)
{
    struct bucket bucket;
    struct http_header headers[] = {{"x-amz-bucket-region", request->cloud->region},
                                    {"Content-Type", "application/xml"}};
    if (s3_find_bucket(request, &bucket))
        s3_respond_empty(request, 200, headers, 2);
}

void s3_get_bucket_location(struct s3_request *request)
{
    const char *region = request->cloud->region;
    struct bucket bucket;
    struct buffer out;
    if (!s3_find_bucket(request, &bucket))
        return;
    buffer_init(&out, RESPONSE_MAX);
    s3_xml_begin(&out, "LocationConstraint");
    xml_text(&out, slice_of(strcmp(region, classic_region) == 0 ? "" : region));
    xml_close(&out, "LocationConstraint");
    s3_respond_xml(request, &out);
}

/* Deleting. */

static void on_deleted(int code, const struct error *error, void *user)
{
    struct s3_request *request = user;
    if (!code)
        s3_respond_empty(request, 204, NULL, 0);
    else if (code == ERR_CONFLICT)
        s3_respond_error(request, S3_BUCKET_NOT_EMPTY, NULL);
    else
        s3_respond_failure(request, code, error);
    s3_request_release(request);
}

void s3_delete_bucket(struct s3_request *request)
{
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket))
        return;
    s3_request_hold(request);
    if (buckets_delete(request->cloud->buckets, request->bucket, on_deleted, request)) {
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
        s3_request_release(request);
    }
}
