#include "bucket_region.h"

#include <stdlib.h>
#include <string.h>

#include "aws_request.h"
#include "bucket_endpoint.h"
#include "log.h"

enum { URL_MAX = 16 * 1024 };

/* ---- what is remembered ---- */

/* Its index; BUCKET_REGIONS_MAX: none. */
static size_t row_find(const struct bucket_regions *regions, const char *bucket)
{
    size_t i = 0;
    while (i < BUCKET_REGIONS_MAX &&
           (!regions->rows[i].bucket || strcmp(regions->rows[i].bucket, bucket) != 0))
        i++;
    return i;
}

static void row_clear(struct bucket_region *row)
{
    free(row->bucket);
    row->bucket = NULL;
}

/* Without memory it is learned again. */
static void remember(struct bucket_regions *regions, const char *bucket, const char *region)
{
    size_t i = row_find(regions, bucket);
    if (i == BUCKET_REGIONS_MAX) {
        i = regions->next;
        regions->next = (regions->next + 1) % BUCKET_REGIONS_MAX;
        row_clear(&regions->rows[i]);
        regions->rows[i].bucket = strdup(bucket);
    }
    memcpy(regions->rows[i].region, region, strlen(region) + 1);
    log_info("bucket is in another region", LOG_TEXT("bucket", bucket), LOG_TEXT("region", region));
}

static void forget(struct bucket_regions *regions, const char *bucket)
{
    const size_t i = row_find(regions, bucket);
    if (i < BUCKET_REGIONS_MAX)
        row_clear(&regions->rows[i]);
}

void bucket_regions_free(struct bucket_regions *regions)
{
    for (size_t i = 0; i < BUCKET_REGIONS_MAX; i++)
        row_clear(&regions->rows[i]);
}

/* ---- the region of a request ---- */

static int region_copy(struct slice region, char out[REGION_SIZE_MAX])
{
    if (!region_is_plain(region))
        return ERR_INVALID;
    memcpy(out, region.data, region.size);
    out[region.size] = '\0';
    return 0;
}

int bucket_region_of(const struct aws *aws, const char *bucket, char out[REGION_SIZE_MAX])
{
    struct access_point point;
    if (bucket_is_arn(bucket)) {
        const int code = access_point_read(bucket, &point);
        return code ? code : region_copy(point.region, out);
    }
    const size_t i = row_find(&aws->bucket_regions, bucket);
    const char *region = i < BUCKET_REGIONS_MAX
                             ? aws->bucket_regions.rows[i].region
                             : endpoint_region(&aws->endpoints, AWS_S3, aws->region);
    return region_copy(slice_of(region), out);
}

bool bucket_region_told(const struct http_response *response, char out[REGION_SIZE_MAX])
{
    const int status = response->status;
    if (response->error || (status != 301 && status != 307 && status != 400))
        return false;
    return region_copy(slice_of(http_response_header(response, "x-amz-bucket-region")), out) == 0;
}

/* ---- following ---- */

/* Credentials are of one partition; other services may use any names. */
static bool is_reachable(const struct aws *aws, const char *region)
{
    return aws->endpoints.urls[AWS_S3] ||
           partition_of(slice_of(region)) == partition_of(slice_of(aws->region));
}

/* The same URL with the host of another region. */
static char *url_move(const struct aws_request *request, const char *region)
{
    const struct endpoints *endpoints = &request->aws->endpoints;
    const struct aws_call *call = &request->call;
    struct buffer from, to;
    bool in_path = false;
    char *url = NULL;
    buffer_init(&from, URL_MAX);
    buffer_init(&to, URL_MAX);
    if (bucket_endpoint_append(endpoints, call->bucket, call->region, &in_path, &from) == 0 &&
        bucket_endpoint_append(endpoints, call->bucket, region, &in_path, &to) == 0 &&
        slice_starts_with(slice_of(call->url), from.data)) {
        buffer_text(&to, call->url + from.size);
        url = buffer_take_text(&to);
    }
    buffer_free(&from);
    buffer_free(&to);
    return url;
}

bool bucket_region_follow(struct aws_request *request, const struct http_response *response)
{
    const char *bucket = request->call.bucket;
    char region[REGION_SIZE_MAX];
    if (!bucket || bucket_is_arn(bucket) || !bucket_region_told(response, region))
        return false;
    if (request->moved_url) { /* a loop; the next request starts where this one did */
        forget(&request->aws->bucket_regions, bucket);
        return false;
    }
    if (strcmp(region, request->call.region) == 0 || !is_reachable(request->aws, region))
        return false;
    request->moved_url = url_move(request, region);
    if (!request->moved_url)
        return false;
    memcpy(request->moved_region, region, sizeof region);
    request->call.url = request->moved_url;
    request->call.region = request->moved_region;
    return true;
}

void bucket_region_confirm(const struct aws_request *request, int code)
{
    const bool is_there = code == 0 || code == ERR_NOT_FOUND || code == ERR_DENIED ||
                          code == ERR_CONFLICT || code == ERR_LIMIT;
    if (request->moved_url && is_there)
        remember(&request->aws->bucket_regions, request->call.bucket, request->moved_region);
}
