#include "s3_region.h"

#include <stdio.h>
#include <string.h>

const char *s3_region_of(const struct s3_request *request)
{
    return request->region ? request->region : request->cloud->region;
}

/* Checking. */

/* CreateBucket judges its region itself, and a form has one in its fields. The global endpoint, of
 * us-east-1, tells the location of every bucket. */
static bool is_everywhere(const struct s3_request *request, const char *operation)
{
    if (strcmp(operation, "CreateBucket") == 0 || strcmp(operation, "PostObject") == 0)
        return true;
    return strcmp(operation, "GetBucketLocation") == 0 &&
           strcmp(request->region, S3_CLASSIC_REGION) == 0;
}

/* A host with the name of the bucket leads to the region of the bucket, whatever the client signed
 * for; one without it, to the region that the client believes in. */
static void respond_wrong_region(struct s3_request *request, const char *region)
{
    char message[S3_REGION_MESSAGE_MAX], endpoint[BUCKET_NAME_MAX + 100];
    const struct http_header header = {"x-amz-bucket-region", region};
    if (!request->in_host) {
        snprintf(endpoint, sizeof endpoint, "%s.s3.%s.amazonaws.com", request->bucket, region);
        s3_detail(request, "Endpoint", endpoint);
        s3_detail(request, "Bucket", request->bucket);
        s3_respond_error_with(request, S3_PERMANENT_REDIRECT, NULL, &header, 1);
        return;
    }
    bool presigned = s3_parameter(request, "X-Amz-Signature") != NULL;
    snprintf(message, sizeof message, "%s; the region '%.64s' is wrong; expecting '%.64s'",
             presigned ? "Error parsing the X-Amz-Credential parameter"
                       : "The authorization header is malformed",
             request->region, region);
    s3_detail(request, "Region", region);
    s3_respond_error_with(request, presigned ? S3_QUERY_MALFORMED : S3_AUTHORIZATION_MALFORMED,
                          message, &header, 1);
}

bool s3_region_check(struct s3_request *request, const char *operation)
{
    struct bucket bucket;
    if (!request->region || !buckets_find(request->cloud->buckets, request->bucket, &bucket) ||
        strcmp(bucket.region, request->region) == 0 || is_everywhere(request, operation))
        return true;
    respond_wrong_region(request, bucket.region);
    return false;
}

/* Choosing. */

/* BucketLocationConstraint in the model of S3. */
static bool is_constraint(const char *name)
{
    static const char *const names[] = {"EU",
                                        "af-south-1",
                                        "ap-east-1",
                                        "ap-east-2",
                                        "ap-northeast-1",
                                        "ap-northeast-2",
                                        "ap-northeast-3",
                                        "ap-south-1",
                                        "ap-south-2",
                                        "ap-southeast-1",
                                        "ap-southeast-2",
                                        "ap-southeast-3",
                                        "ap-southeast-4",
                                        "ap-southeast-5",
                                        "ap-southeast-6",
                                        "ap-southeast-7",
                                        "ca-central-1",
                                        "ca-west-1",
                                        "cn-north-1",
                                        "cn-northwest-1",
                                        "eu-central-1",
                                        "eu-central-2",
                                        "eu-north-1",
                                        "eu-south-1",
                                        "eu-south-2",
                                        "eu-west-1",
                                        "eu-west-2",
                                        "eu-west-3",
                                        "il-central-1",
                                        "me-central-1",
                                        "me-south-1",
                                        "mx-central-1",
                                        "sa-east-1",
                                        "us-east-2",
                                        "us-gov-east-1",
                                        "us-gov-west-1",
                                        "us-west-1",
                                        "us-west-2"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

/* The embedded cloud may have a region of its own name. */
static bool is_valid(const struct s3_request *request, const char *constraint)
{
    return strcmp(constraint, S3_CLASSIC_REGION) != 0 &&
           (is_constraint(constraint) || strcmp(constraint, request->cloud->region) == 0);
}

static bool reaches(const char *from, const char *constraint)
{
    return strcmp(from, S3_CLASSIC_REGION) == 0 || strcmp(from, constraint) == 0 ||
           (strcmp(constraint, "EU") == 0 && strcmp(from, "eu-west-1") == 0);
}

enum s3_error s3_region_choose(struct s3_request *request, const char *constraint,
                               const char **region, char message[S3_REGION_MESSAGE_MAX])
{
    const char *from = s3_region_of(request);
    *message = '\0';
    *region = from;
    if (!constraint && strcmp(from, S3_CLASSIC_REGION) == 0)
        return S3_OK;
    if (constraint && !is_valid(request, constraint)) {
        s3_detail(request, "LocationConstraint", constraint);
        return S3_INVALID_LOCATION;
    }
    if (constraint && reaches(from, constraint)) {
        *region = strcmp(constraint, "EU") == 0 ? "eu-west-1" : constraint;
        return S3_OK;
    }
    snprintf(message, S3_REGION_MESSAGE_MAX,
             "The %s location constraint is incompatible for the region specific endpoint this "
             "request was sent to.",
             constraint ? constraint : "unspecified");
    return S3_ILLEGAL_LOCATION;
}
