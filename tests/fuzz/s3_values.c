/* Small texts in a request for S3: one kind for each line of the input. */
#include <stdbool.h>

#include "fuzz.h"
#include "s3_address.h"
#include "s3_range.h"
#include "s3_tags.h"
#include "s3_time.h"

static bool bucket_exists(const char *name, void *user)
{
    (void)user;
    return strcmp(name, "photos") == 0;
}

static void check_address(struct slice host, struct slice path)
{
    struct s3_address address = {0};
    if (!s3_address_parse(host, path, bucket_exists, NULL, &address)) {
        require(address.bucket && address.key);
        require(*address.bucket || !*address.key);
    }
    free(address.bucket);
    free(address.key);
}

static void check_range(struct slice header, uint64_t size)
{
    struct s3_range range = {0};
    if (s3_range_parse(header, size, &range) != S3_OK)
        return;
    require(range.first <= size && range.size <= size - range.first);
    require(!range.partial || range.size);
    require(range.partial || range.size == size);
}

static void check_time(struct slice text)
{
    int64_t first, second;
    char again[S3_TIME_SIZE];
    if (s3_time_parse_http(text, &first))
        return;
    s3_time_http(first, again);
    require(!s3_time_parse_http(slice_of(again), &second));
    require(first == second);
}

static void check_conditions(struct slice etags, struct slice date)
{
    struct s3_preconditions conditions = {etags, {0}, date, {0}};
    const char *failed;
    enum s3_error error = s3_preconditions_check(&conditions, "abc", 1440938160000, &failed);
    require(error == S3_OK || error == S3_PRECONDITION_FAILED || error == S3_NOT_MODIFIED);
    conditions = (struct s3_preconditions){{0}, etags, {0}, date};
    error = s3_preconditions_check(&conditions, "abc", 1440938160000, &failed);
    require(error == S3_OK || error == S3_PRECONDITION_FAILED || error == S3_NOT_MODIFIED);
}

static void check_tags(struct slice query)
{
    char *tags = NULL, *again = NULL;
    struct error error = {0};
    if (s3_tags_from_query(query, &tags, &error)) {
        require(*error.text);
        return;
    }
    require(!s3_tags_from_query(slice_of(tags), &again, &error));
    require(strcmp(tags, again) == 0 && s3_tags_count(tags) == s3_tags_count(again));
    free(tags);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data, size};
    struct slice host = fuzz_line(&rest), path = fuzz_line(&rest), range = fuzz_line(&rest);
    struct slice date = fuzz_line(&rest), etags = fuzz_line(&rest);
    check_address(host, path);
    check_range(range, 0);
    check_range(range, 1000);
    check_range(range, UINT64_MAX / 2);
    check_time(date);
    check_conditions(etags, date);
    check_tags(rest);
    return 0;
}
