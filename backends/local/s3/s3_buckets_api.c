/* ListBuckets, CreateBucket, HeadBucket, GetBucketLocation, DeleteBucket. */
#include "s3_handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bucket_choices.h"
#include "bucket_public_access.h"
#include "bucket_tagging.h"
#include "name_page.h"
#include "s3_acl.h"
#include "s3_body.h"
#include "s3_listing.h"
#include "s3_multipart.h"
#include "s3_region.h"
#include "s3_time.h"
#include "s3_xml.h"

enum { BODY_MAX = 16 * 1024, RESPONSE_MAX = 16 * 1024 * 1024 };

/* ListBuckets. */

enum { BUCKETS_PAGE_MAX = 10000 };

struct bucket_page {    /* of which buckets a page consists */
    const char *prefix; /* "": all */
    char *after;        /* decoded token; NULL: from the first */
    const char *region; /* NULL: all */
    const char *owner;
    struct page_part part;
};

static bool page_read(struct s3_request *request, struct bucket_page *page)
{
    const char *token = s3_parameter(request, "continuation-token");
    const char *region = s3_parameter(request, "bucket-region");
    const char *prefix = s3_parameter(request, "prefix");
    unsigned most;
    if (!s3_multipart_number(request, "max-buckets", BUCKETS_PAGE_MAX, &most))
        return false;
    if (most == 0) {
        s3_respond_error(request, S3_INVALID_ARGUMENT,
                         "Argument max-buckets must be an integer between 1 and 10000");
        return false;
    }
    *page = (struct bucket_page){.prefix = prefix ? prefix : "", .part = {.limit = most}};
    page->region = region;
    page->owner = request->account;
    page->after = token ? s3_listing_read_token(token) : NULL;
    if (!token || page->after)
        return true;
    s3_detail(request, "ArgumentName", "continuation-token");
    s3_respond_error(request, S3_INVALID_ARGUMENT, "The continuation token provided is incorrect");
    return false;
}

static bool page_shows(const struct bucket_page *page, const struct bucket *bucket)
{
    return strcmp(bucket->owner, page->owner) == 0 &&
           (!page->region || strcmp(bucket->region, page->region) == 0) &&
           strncmp(bucket->name, page->prefix, strlen(page->prefix)) == 0 &&
           (!page->after || strcmp(bucket->name, page->after) > 0);
}

static void write_bucket(struct buffer *out, const struct bucket *bucket, bool with_region)
{
    char time[S3_TIME_SIZE];
    s3_time_iso_listed(bucket->created_ms, time);
    xml_open(out, "Bucket");
    xml_element(out, "Name", bucket->name);
    xml_element(out, "CreationDate", time);
    if (with_region)
        xml_element(out, "BucketRegion", bucket->region);
    xml_close(out, "Bucket");
}

/* The region is shown if the request has a parameter of pages ("ListBuckets", S3 API Reference). */
static void write_buckets(struct s3_request *request, struct bucket_page *page, struct buffer *out)
{
    const struct cloud *cloud = request->cloud;
    bool paged = s3_parameter(request, "max-buckets") || s3_parameter(request, "prefix") ||
                 s3_parameter(request, "continuation-token") ||
                 s3_parameter(request, "bucket-region");
    xml_open(out, "Buckets");
    for (size_t i = 0; i < buckets_count(cloud->buckets); i++) {
        struct bucket bucket = buckets_at(cloud->buckets, i);
        if (!page_shows(page, &bucket))
            continue;
        if (!page_part_take(&page->part, bucket.name))
            break;
        write_bucket(out, &bucket, paged);
    }
    xml_close(out, "Buckets");
}

void s3_list_buckets(struct s3_request *request)
{
    struct bucket_page page;
    struct buffer out;
    if (!page_read(request, &page))
        return;
    buffer_init(&out, RESPONSE_MAX);
    s3_xml_begin(&out, "ListAllMyBucketsResult");
    s3_listing_person(&out, "Owner", request->account);
    write_buckets(request, &page, &out);
    if (*page.prefix)
        xml_element(&out, "Prefix", page.prefix);
    if (page.part.next)
        s3_listing_write_token(&out, "ContinuationToken", page.part.next);
    xml_close(&out, "ListAllMyBucketsResult");
    free(page.after);
    s3_respond_xml(request, &out);
}

/* Creating. */

static void respond_created(struct s3_request *request, const char *region)
{
    char location[BUCKET_NAME_MAX + 40];
    struct http_header header = {"Location", location};
    snprintf(location, sizeof location,
             strcmp(region, S3_CLASSIC_REGION) == 0 ? "/%s" : "http://%s.s3.amazonaws.com/",
             request->bucket);
    s3_respond_empty(request, 200, &header, 1);
}

/* "In us-east-1, if you re-create an existing bucket that you already own, Amazon S3 returns 200
 * OK" (CreateBucket, S3 API Reference). */
static void respond_existing(struct s3_request *request)
{
    struct bucket bucket;
    bool found = buckets_find(request->cloud->buckets, request->bucket, &bucket);
    if (found && strcmp(bucket.owner, request->account) != 0)
        s3_respond_error(request, S3_BUCKET_ALREADY_EXISTS, NULL);
    else if (found && strcmp(bucket.region, S3_CLASSIC_REGION) == 0 &&
             strcmp(s3_region_of(request), S3_CLASSIC_REGION) == 0)
        respond_created(request, bucket.region);
    else
        s3_respond_error(request, S3_BUCKET_ALREADY_OWNED, NULL);
}

static void on_created(int code, const struct error *error, void *user)
{
    struct s3_request *request = user;
    struct bucket bucket;
    if (!code && buckets_find(request->cloud->buckets, request->bucket, &bucket))
        respond_created(request, bucket.region);
    else if (code == ERR_CONFLICT)
        respond_existing(request);
    else
        s3_respond_failure(request, code, error);
    s3_request_release(request);
}

static struct slice ownership_asked(const struct s3_request *request)
{
    struct slice owner = s3_header(request, "x-amz-object-ownership");
    return owner.data ? owner : slice_of("BucketOwnerEnforced");
}

/* Reads the CreateBucketConfiguration; root NULL: there is none. */
static enum s3_error read_configuration(struct s3_request *request, const struct s3_xml_node *root,
                                        struct bucket_setting *settings,
                                        char message[BUCKET_SETTING_MESSAGE_MAX])
{
    const char *region, *constraint = NULL;
    if (root && strcmp(root->name, "CreateBucketConfiguration") != 0)
        return S3_MALFORMED_XML;
    if (root && (s3_xml_child(root, "Bucket") || s3_xml_child(root, "Location")))
        return S3_NOT_IMPLEMENTED; /* directory buckets */
    if (root)
        constraint = s3_xml_child_text(root, "LocationConstraint");
    enum s3_error error =
        s3_region_choose(request, constraint && *constraint ? constraint : NULL, &region, message);
    if (error)
        return error;
    error =
        bucket_setting_read(BUCKET_LOCATION, slice_of(region), &settings[BUCKET_LOCATION], message);
    const struct s3_xml_node *tags = root ? s3_xml_child(root, "Tags") : NULL;
    if (error || !tags)
        return error;
    return bucket_tagging_read_list(tags, &settings[BUCKET_TAGGING], message);
}

static enum s3_error read_body(struct s3_request *request, struct slice body,
                               struct bucket_setting *settings,
                               char message[BUCKET_SETTING_MESSAGE_MAX])
{
    struct s3_xml_node *root = NULL;
    int code = body.size ? s3_xml_parse(body, &root, NULL) : 0;
    if (code)
        return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML;
    enum s3_error error = read_configuration(request, root, settings, message);
    s3_xml_free(root);
    return error;
}

/* "Default settings for new S3 buckets", S3 User Guide: public access is blocked, and the owner of
 * the bucket owns its objects, without ACLs. */
static enum s3_error choose_settings(struct s3_request *request, struct slice body,
                                     struct bucket_setting settings[BUCKET_SETTING_KINDS],
                                     char message[BUCKET_SETTING_MESSAGE_MAX])
{
    enum s3_error error = read_body(request, body, settings, message);
    if (error)
        return error;
    error = bucket_setting_read(BUCKET_OWNER, slice_of(request->account), &settings[BUCKET_OWNER],
                                message);
    if (error)
        return error;
    error = bucket_public_access_block(&settings[BUCKET_PUBLIC_ACCESS]);
    if (error)
        return error;
    return bucket_ownership_choose(ownership_asked(request), &settings[BUCKET_OWNERSHIP]);
}

/* Returns whether the settings were taken. */
static bool create(struct s3_request *request, struct bucket_setting *settings)
{
    struct bucket bucket;
    if (buckets_find(request->cloud->buckets, request->bucket, &bucket)) {
        respond_existing(request);
        return false;
    }
    s3_request_hold(request);
    if (!buckets_create(request->cloud->buckets, request->bucket, settings, on_created, request))
        return true;
    s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
    s3_request_release(request);
    return false;
}

static void on_configuration(struct s3_request *request, struct slice body)
{
    struct bucket_setting settings[BUCKET_SETTING_KINDS] = {0};
    char message[BUCKET_SETTING_MESSAGE_MAX] = "";
    enum s3_error error = choose_settings(request, body, settings, message);
    if (error)
        s3_respond_error(request, error, *message ? message : NULL);
    if (error || !create(request, settings))
        bucket_settings_clear(settings);
}

static bool check_owner(struct s3_request *request)
{
    char message[160];
    const char *reason = NULL;
    struct slice name = ownership_asked(request);
    struct bucket_setting setting;
    enum s3_error error = bucket_ownership_choose(name, &setting);
    if (!error) {
        error =
            s3_acl_check_headers(request, ACL_OF_NEW_BUCKET, bucket_choice(&setting, 0), &reason);
    } else if (error == S3_INVALID_ARGUMENT) {
        snprintf(message, sizeof message, "Invalid x-amz-object-ownership header: %.*s",
                 (int)(name.size < 100 ? name.size : 100), name.data);
        reason = message;
    }
    bucket_setting_clear(BUCKET_OWNERSHIP, &setting);
    if (error)
        s3_respond_error(request, error, reason);
    return !error;
}

void s3_create_bucket(struct s3_request *request)
{
    struct slice lock = s3_header(request, "x-amz-bucket-object-lock-enabled");
    if (!bucket_name_valid(request->bucket))
        s3_respond_error(request, S3_INVALID_BUCKET_NAME, NULL);
    else if (lock.data && !slice_equal_text(lock, "false"))
        s3_respond_error(request, S3_NOT_IMPLEMENTED, "x-amz-bucket-object-lock-enabled");
    else if (check_owner(request))
        s3_collect(request, BODY_MAX, on_configuration);
}

/* Looking. */

void s3_head_bucket(struct s3_request *request)
{
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket))
        return;
    const struct http_header headers[] = {{"x-amz-bucket-region", bucket.region},
                                          {"Content-Type", "application/xml"}};
    s3_respond_empty(request, 200, headers, 2);
}

void s3_get_bucket_location(struct s3_request *request)
{
    struct bucket bucket;
    struct buffer out;
    if (!s3_find_bucket(request, &bucket))
        return;
    const char *region = bucket.region;
    buffer_init(&out, RESPONSE_MAX);
    s3_xml_begin(&out, "LocationConstraint");
    xml_text(&out, slice_of(strcmp(region, S3_CLASSIC_REGION) == 0 ? "" : region));
    xml_close(&out, "LocationConstraint");
    s3_respond_xml(request, &out);
}

/* Deleting. */

static void respond_not_empty(struct s3_request *request)
{
    struct bucket bucket;
    bool versioned = buckets_find(request->cloud->buckets, request->bucket, &bucket) &&
                     bucket.versioning != VERSIONING_NONE;
    s3_respond_error(request, S3_BUCKET_NOT_EMPTY,
                     versioned ? "The bucket you tried to delete is not empty. You must delete all "
                                 "versions in the bucket."
                               : NULL);
}

static void on_deleted(int code, const struct error *error, void *user)
{
    struct s3_request *request = user;
    if (!code)
        s3_respond_empty(request, 204, NULL, 0);
    else if (code == ERR_CONFLICT)
        respond_not_empty(request);
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
