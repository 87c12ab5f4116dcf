/* The object store against a scripted S3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "aws_private.h"
#include "scripted_http.h"
#include "sigv4.h"

static struct {
    bool done;
    struct error error;
    char body[256];
    size_t size;
    char etag[64], type[64], version[64];
    char names[OBJECT_TAGS_MAX][64], values[OBJECT_TAGS_MAX][64];
    uint64_t sizes[OBJECT_TAGS_MAX];
    size_t count;
    bool more;
} seen;

static const struct object_store_ops *ops(void)
{
    return aws_object_store(script.aws)->ops;
}

static void keep(char *field, size_t size, const char *text)
{
    snprintf(field, size, "%s", text ? text : "(none)");
}

static void finished(const struct error *error)
{
    assert_false(seen.done);
    seen.done = true;
    seen.error = *error;
}

static void keep_facts(const struct object_facts *facts)
{
    keep(seen.etag, sizeof seen.etag, facts->etag);
    keep(seen.type, sizeof seen.type, facts->content_type);
    keep(seen.version, sizeof seen.version, facts->version);
    seen.size = facts->size;
    seen.count = facts->metadata_count;
    for (size_t i = 0; i < facts->metadata_count; i++) {
        keep(seen.names[i], 64, facts->metadata[i].name);
        keep(seen.values[i], 64, facts->metadata[i].value);
    }
}

static void on_got(struct bytes *body, const struct object_facts *facts, const struct error *error,
                   void *user)
{
    (void)user;
    finished(error);
    keep_facts(facts);
    snprintf(seen.body, sizeof seen.body, "%.*s", (int)body->size, (const char *)body->data);
}

static void on_head(const struct object_facts *facts, const struct error *error, void *user)
{
    (void)user;
    finished(error);
    keep_facts(facts);
}

static void on_done(const struct error *error, void *user)
{
    (void)user;
    finished(error);
}

static void on_tags(const struct object_pair *tags, size_t count, const struct error *error,
                    void *user)
{
    (void)user;
    finished(error);
    seen.count = count;
    for (size_t i = 0; i < count; i++) {
        keep(seen.names[i], 64, tags[i].name);
        keep(seen.values[i], 64, tags[i].value);
    }
}

static void on_listed(const struct object_entry *entries, size_t count, bool more,
                      const struct error *error, void *user)
{
    (void)user;
    finished(error);
    seen.count = count;
    seen.more = more;
    for (size_t i = 0; i < count && i < OBJECT_TAGS_MAX; i++) {
        keep(seen.names[i], 64, entries[i].key);
        seen.sizes[i] = entries[i].size;
    }
}

static void begin_done(void)
{
    memset(&seen, 0, sizeof seen);
}

static void get(const char *bucket, const char *key, const char *version, size_t max)
{
    begin_done();
    const struct object_name name = {bucket, key, version, NULL};
    assert_int_equal(ops()->get(aws_object_store(script.aws), &name, max, on_got, NULL, NULL), 0);
    script_run(&seen.done);
}

/* --- get and head --- */

#define MARK "response-content-disposition=thumbwheel-"

/* The URL of the first request, without the mark of a get, which differs each time. */
static void assert_url(const char *url)
{
    char *seen_url = strdup(script.requests[0].url);
    char *mark = strstr(seen_url, MARK);
    assert_non_null(mark);
    size_t size = strcspn(mark, "&") + (mark[strcspn(mark, "&")] == '&');
    memmove(mark, mark + size, strlen(mark + size) + 1);
    if (mark[0] == '\0')
        mark[-1] = '\0';
    assert_string_equal(seen_url, url);
    free(seen_url);
}

static void an_object_is_fetched(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 200,
                             .body = "bytes",
                             .headers = {{"etag", "\"abc\""},
                                         {"content-type", "image/jpeg"},
                                         {"x-amz-version-id", "v1"},
                                         {"x-amz-meta-from", "caf%C3%A9 100%25"},
                                         {"x-amz-meta-odd", "100% sure"}}});
    get("photos", "ingest/a b+c\xC3\xA9.jpg", NULL, 1000);
    assert_int_equal(seen.error.code, 0);
    assert_string_equal(seen.body, "bytes");
    assert_string_equal(seen.etag, "abc");
    assert_string_equal(seen.type, "image/jpeg");
    assert_string_equal(seen.version, "v1");
    assert_int_equal(seen.size, 5);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.names[0], "from");
    assert_string_equal(seen.values[0], "caf\xC3\xA9 100%");
    assert_string_equal(seen.values[1], "100% sure");
    assert_url("https://photos.s3.eu-central-1.amazonaws.com/ingest/a%20b%2Bc%C3%A9.jpg");
    assert_string_equal(script_header(0, "host"), "photos.s3.eu-central-1.amazonaws.com");
    assert_string_equal(script_header(0, "x-amz-content-sha256"), SIGV4_EMPTY_SHA256);
    script_assert_signed(0, "s3");
    script_end();
}

/* printf bytes | md5sum */
#define MD5_OF_BYTES "4b3a6218bb3e3a7303e8a171a60fcf92"

static int get_code(const char *endpoint, const char *body, const char *etag, const char *header)
{
    struct backend_settings options = script_options;
    options.endpoint = endpoint;
    SCRIPT(&options, {.status = 200,
                      .body = body,
                      .headers = {{"etag", etag}, {header ? header : "x-amz-id-2", "aws:kms"}}});
    get("photos", "a.jpg", NULL, 1000);
    int code = seen.error.code;
    assert_string_equal(seen.body, code ? "" : body);
    script_end();
    return code;
}

/* Over plain HTTP a body is checked against its ETag, if that is an MD5. */
static void get_finds_a_damaged_body(void **state)
{
    (void)state;
    const char *plain = "http://127.0.0.1:4566", *kms = "x-amz-server-side-encryption";
    assert_int_equal(get_code(plain, "bytes", "\"" MD5_OF_BYTES "\"", NULL), 0);
    assert_int_equal(get_code(plain, "Bytes", "\"" MD5_OF_BYTES "\"", NULL), ERR_NETWORK);
    assert_int_equal(get_code(plain, "byte", "\"" MD5_OF_BYTES "\"", NULL), ERR_NETWORK);
    assert_int_equal(get_code(plain, "Bytes", "\"" MD5_OF_BYTES "-2\"", NULL), 0);
    assert_int_equal(get_code(plain, "Bytes", "\"" MD5_OF_BYTES "\"", kms), 0);
    assert_int_equal(get_code(NULL, "Bytes", "\"" MD5_OF_BYTES "\"", NULL), 0);
}

/* The published check values of the CRCs, of the text "123456789", as base64. */
#define CHECK_TEXT      "123456789"
#define CHECK_CRC32     "y/Q5Jg=="
#define CHECK_CRC32C    "4waSgw=="
#define CHECK_CRC64NVME "rosUhgp5mIg="

static int crc_code(const char *body, const char *name, const char *value, const char *type)
{
    struct backend_settings options = script_options;
    options.endpoint = "http://127.0.0.1:4566";
    SCRIPT(&options,
           {.status = 200,
            .body = body,
            .headers = {
                {"etag", "\"" MD5_OF_BYTES "\""}, {name, value}, {"x-amz-checksum-type", type}}});
    get("photos", "a.jpg", NULL, 1000);
    int code = seen.error.code;
    assert_string_equal(script_header(0, "x-amz-checksum-mode"), "ENABLED");
    script_end();
    return code;
}

/* A CRC counts more than the ETag, which is that of another text here. */
static void get_finds_a_damaged_body_by_its_checksum(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } crcs[] = {{"x-amz-checksum-crc32", CHECK_CRC32},
                {"x-amz-checksum-crc32c", CHECK_CRC32C},
                {"x-amz-checksum-crc64nvme", CHECK_CRC64NVME}};
    for (size_t i = 0; i < sizeof crcs / sizeof crcs[0]; i++) {
        const char *name = crcs[i].name, *value = crcs[i].value;
        assert_int_equal(crc_code(CHECK_TEXT, name, value, "FULL_OBJECT"), 0);
        assert_int_equal(crc_code("123456780", name, value, "FULL_OBJECT"), ERR_NETWORK);
        assert_int_equal(crc_code("12345678", name, value, "FULL_OBJECT"), ERR_NETWORK);
        /* it says nothing about this body, but the ETag does */
        assert_int_equal(crc_code("bytes", name, value, "COMPOSITE"), 0);
        assert_int_equal(crc_code(CHECK_TEXT, name, value, "COMPOSITE"), ERR_NETWORK);
    }
    assert_int_equal(crc_code("bytes", "x-amz-checksum-crc32", CHECK_CRC32 "-2", "FULL_OBJECT"), 0);
    assert_int_equal(crc_code("bytes", "x-amz-checksum-crc32", "", "FULL_OBJECT"), 0);
}

static void addresses(void **state)
{
    (void)state;
    static const struct {
        const char *endpoint, *bucket, *key, *version, *url;
    } cases[] = {
        {NULL, "my.bucket", "a", NULL, "https://s3.eu-central-1.amazonaws.com/my.bucket/a"},
        {"http://127.0.0.1:4566", "photos", "a//b/../c", NULL,
         "http://127.0.0.1:4566/photos/a//b/../c"},
        {"http://127.0.0.1:4566", "photos", "/a", "v/1",
         "http://127.0.0.1:4566/photos//a?versionId=v%2F1"},
        {NULL, "photos", "100%.jpg", NULL,
         "https://photos.s3.eu-central-1.amazonaws.com/100%25.jpg"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct backend_settings options = script_options;
        options.endpoint = cases[i].endpoint;
        SCRIPT(&options, {.status = 200, .body = "x"});
        get(cases[i].bucket, cases[i].key, cases[i].version, 10);
        assert_url(cases[i].url);
        script_assert_signed(0, "s3");
        script_end();
    }
}

static void path_style_by_option(void **state)
{
    (void)state;
    struct backend_settings options = script_options;
    options.path_style = true;
    SCRIPT(&options, {.status = 200, .body = "x"});
    get("photos", "a", NULL, 10);
    assert_url("https://s3.eu-central-1.amazonaws.com/photos/a");
    script_end();
}

static void longest_key(void **state)
{
    (void)state;
    char key[OBJECT_KEY_MAX + 2];
    memset(key, '%', sizeof key);
    key[OBJECT_KEY_MAX] = '\0';
    SCRIPT(&script_options, {.status = 200, .body = "x"});
    get("photos", key, NULL, 10);
    assert_int_equal(strcspn(script.requests[0].url, "?"),
                     strlen("https://photos.s3.eu-central-1.amazonaws.com/") + 3 * OBJECT_KEY_MAX);
    key[OBJECT_KEY_MAX] = 'x';
    key[OBJECT_KEY_MAX + 1] = '\0';
    const struct object_name longer = {"photos", key, NULL, NULL};
    const struct object_name empty = {"photos", "", NULL, NULL};
    struct object_store *store = aws_object_store(script.aws);
    assert_int_equal(ops()->get(store, &longer, 10, on_got, NULL, NULL), ERR_INVALID);
    assert_int_equal(ops()->get(store, &empty, 10, on_got, NULL, NULL), ERR_INVALID);
    script_end();
}

/* A copy of an earlier response on the same connection is ignored in all cases, and the request is
 * repeated. */
static void get_of_another_request(void **state)
{
    (void)state;
    static const char mine[] = "<Error><Code>NoSuchKey</Code><Key>a/b.jpg</Key></Error>",
                      other[] = "<Error><Code>NoSuchKey</Code><Key>b.jpg</Key></Error>",
                      with_bucket[] =
                          "<Error><Code>NoSuchKey</Code><Key>/photos/a/b.jpg</Key></Error>";
    SCRIPT(&script_options,
           {.status = 200,
            .body = "other",
            .headers = {{"content-disposition", "thumbwheel-123456789abcdef"}}},
           {.error = ERR_LIMIT, .headers = {{"content-disposition", "thumbwheel-123456789abcdef"}}},
           {.status = 404, .body = other}, {.status = 200, .body = "mine"},
           {.status = 404, .body = mine}, {.status = 404, .body = with_bucket},
           {.status = 200,
            .body = "kept",
            .headers = {{"content-disposition", "attachment; filename=\"b.jpg\""}}}, );
    get("photos", "a/b.jpg", NULL, 9);
    assert_int_equal(seen.error.code, ERR_PROTOCOL); /* after three attempts */
    get("photos", "a/b.jpg", NULL, 9);
    assert_string_equal(seen.body, "mine");
    for (size_t i = 0; i < 2; i++) {
        get("photos", "a/b.jpg", NULL, 9);
        assert_int_equal(seen.error.code, ERR_NOT_FOUND);
    }
    get("photos", "a/b.jpg", NULL, 9); /* a store that marks nothing keeps the object's own */
    assert_string_equal(seen.body, "kept");
    for (size_t i = 0; i < script.sent; i++) {
        assert_non_null(strstr(script.requests[i].url, MARK));
        script_assert_signed(i, "s3");
    }
    assert_string_not_equal(script.requests[0].url, script.requests[3].url);
    script_end();
}

static void get_larger_than_asked_for(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 200, .body = "0123456789"}, {.error = ERR_LIMIT});
    get("photos", "a", NULL, 9);
    assert_int_equal(seen.error.code, ERR_LIMIT);
    assert_string_equal(seen.body, "");
    get("photos", "a", NULL, 1000000);
    assert_int_equal(seen.error.code, ERR_LIMIT);
    assert_int_equal(script.requests[1].response_max, 1000000);
    script_end();
}

#define S3_ERROR(code, message)                                                                    \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" code "</Code><Message>" message    \
    "</Message><Key>a</Key></Error>"

static void get_errors(void **state)
{
    (void)state;
    static const struct {
        struct scripted_response response;
        int code;
        const char *text;
    } cases[] = {
        {{.status = 404, .body = S3_ERROR("NoSuchKey", "The specified key does not exist.")},
         ERR_NOT_FOUND,
         "S3 GetObject s3://photos/a: NoSuchKey: The specified key does not exist."},
        {{.status = 404, .body = S3_ERROR("NoSuchBucket", "The bucket does not exist")},
         ERR_NO_CONTAINER,
         "check the name, the region and the endpoint"},
        {{.status = 403, .body = S3_ERROR("AccessDenied", "Access Denied")},
         ERR_DENIED,
         "s3:ListBucket"},
        {{.status = 400, .body = S3_ERROR("ExpiredToken", "The provided token has expired.")},
         ERR_EXPIRED,
         "get new ones"},
        {{.status = 301,
          .body = S3_ERROR("PermanentRedirect", "Use the right endpoint."),
          .headers = {{"x-amz-bucket-region", "eu-central-1"}}},
         ERR_REFUSED,
         "the bucket is said to be in eu-central-1"},
        {{.status = 403, .body = S3_ERROR("InvalidObjectState", "archived")},
         ERR_UNSUPPORTED,
         "archived"},
        {{.status = 418, .body = "not XML"}, ERR_REFUSED, "(HTTP 418)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        script_begin(&cases[i].response, 1, &script_options);
        get("photos", "a", NULL, 10);
        assert_int_equal(seen.error.code, cases[i].code);
        assert_non_null(strstr(seen.error.text, cases[i].text));
        assert_string_equal(seen.body, "");
        script_end();
    }
}

/* --- buckets in other regions --- */

#define TOLD(number, where)                                                                        \
    {                                                                                              \
        .status = (number), .body = S3_ERROR("Redirect", "elsewhere"), .headers = {                \
            {"x-amz-bucket-region", where},                                                        \
            {"location", "https://photos.example.org/a"}                                           \
        }                                                                                          \
    }
#define OURS(start)   (strncmp(script.requests[start].url, HERE, sizeof HERE - 1) == 0)
#define THEIRS(start) (strncmp(script.requests[start].url, THERE, sizeof THERE - 1) == 0)

static const char HERE[] = "https://photos.s3.eu-central-1.amazonaws.com/a?",
                  THERE[] = "https://photos.s3.us-west-2.amazonaws.com/a?";

static char *presigned(const struct object_presign *what)
{
    struct error error = {0};
    struct object_validity valid;
    char *url;
    assert_int_equal(ops()->presign(aws_object_store(script.aws), what, &url, &valid, &error), 0);
    assert_int_equal(valid.credentials_expire_s, 0);
    return url;
}

/* It is learned once, and then used for every call and every presigned URL. */
static void the_region_of_a_bucket_is_learned(void **state)
{
    (void)state;
    static const int statuses[] = {301, 307, 400};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        SCRIPT(&script_options, TOLD(statuses[i], "us-west-2"), {.status = 200, .body = "x"},
               {.status = 200, .body = "y"}, {.status = 200, .body = "z"});
        get("photos", "a", NULL, 10);
        assert_string_equal(seen.body, "x");
        assert_true(OURS(0) && THEIRS(1));
        script_assert_signed(0, "s3");
        script_assert_signed_for(1, "s3", "us-west-2");
        assert_string_equal(script_header(1, "host"), "photos.s3.us-west-2.amazonaws.com");
        get("photos", "a", NULL, 10);
        assert_string_equal(seen.body, "y");
        assert_true(THEIRS(2));
        get("other", "a", NULL, 10);
        assert_string_equal(script_header(3, "host"), "other.s3.eu-central-1.amazonaws.com");
        char *url = presigned(&(struct object_presign){
            .method = "GET", .name = {"photos", "a", NULL, NULL}, .expires_s = 60});
        assert_int_equal(strncmp(url, THERE, sizeof THERE - 1), 0);
        assert_non_null(strstr(url, "%2Fus-west-2%2Fs3%2F"));
        free(url);
        script_end();
    }
}

/* HEAD has no body: its responses say nothing else. */
static void a_head_and_a_put_follow_a_bucket(void **state)
{
    (void)state;
    const struct object_name name = {"photos", "a", NULL, NULL};
    const struct object_put put = {
        .bucket = "wide.name", .key = "a", .body = "bytes", .body_size = 5};
    SCRIPT(&script_options,
           {.status = 400, .headers = {{"x-amz-bucket-region", "us-west-2"}}, .bare = true},
           {.status = 404, .bare = true}, TOLD(301, "us-west-2"), {.status = 200});
    begin_done();
    assert_int_equal(ops()->head(aws_object_store(script.aws), &name, on_head, NULL, NULL), 0);
    script_run(&seen.done);
    assert_int_equal(seen.error.code, ERR_NOT_FOUND);
    assert_string_equal(script.requests[1].method, "HEAD");
    script_assert_signed_for(1, "s3", "us-west-2");
    begin_done();
    assert_int_equal(ops()->put(aws_object_store(script.aws), &put, on_done, NULL, NULL), 0);
    script_run(&seen.done);
    assert_int_equal(seen.error.code, 0);
    assert_string_equal(script.requests[3].url, "https://s3.us-west-2.amazonaws.com/wide.name/a");
    assert_string_equal(script.requests[3].body, "bytes");
    script_assert_signed_for(3, "s3", "us-west-2");
    script_end();
}

/* Another service stays where it is, and only the signature changes. */
static void the_region_of_a_bucket_of_another_service_is_learned(void **state)
{
    (void)state;
    struct backend_settings options = script_options;
    options.endpoint = "http://127.0.0.1:4566";
    SCRIPT(&options, TOLD(400, "garage"), {.status = 200, .body = "x"});
    get("photos", "a", NULL, 10);
    assert_int_equal(seen.error.code, 0);
    assert_string_equal(script_header(1, "host"), "127.0.0.1:4566");
    script_assert_signed_for(1, "s3", "garage");
    script_end();
}

/* No name of a region, the region that was asked, and one that these credentials can't be for. */
static void false_regions_are_not_followed(void **state)
{
    (void)state;
    static const char *const regions[] = {
        "",
        "example.org/",
        "us-west-2.example.org",
        "us_west_2",
        "-us-west-2",
        "us-west-2-",
        "US-WEST-2",
        "us-west-2:443",
        "us-west 2",
        "a@example.org",
        "eu-central-1",
        "cn-north-1",
        "us-gov-west-1",
        "a-region-that-has-sixty-four-characters-and-thus-no-dns-label-xx"};
    for (size_t i = 0; i < sizeof regions / sizeof *regions; i++) {
        SCRIPT(&script_options, TOLD(301, regions[i]));
        get("photos", "a", NULL, 10);
        assert_int_equal(seen.error.code, ERR_REFUSED);
        script_end();
    }
    SCRIPT(&script_options, {.status = 307,
                             .body = S3_ERROR("TemporaryRedirect", "elsewhere"),
                             .headers = {{"location", "https://photos.example.org/a"}}});
    get("photos", "a", NULL, 10);
    assert_int_equal(seen.error.code, ERR_REFUSED);
    script_end();
}

/* A request moves once. After a loop, the next one starts anew; a region that could not be
 * confirmed is not remembered. */
static void a_bucket_that_keeps_moving_is_not_followed_again(void **state)
{
    (void)state;
    SCRIPT(&script_options, TOLD(301, "us-west-2"), {.status = 200, .body = "x"},
           TOLD(301, "us-east-1"), TOLD(307, "us-west-2"), TOLD(301, "us-east-1"),
           {.status = 404, .body = S3_ERROR("NoSuchBucket", "not here")},
           {.status = 200, .body = "y"});
    get("photos", "a", NULL, 10);
    assert_int_equal(seen.error.code, 0);
    get("photos", "a", NULL, 10);
    assert_int_equal(seen.error.code, ERR_REFUSED);
    assert_non_null(strstr(seen.error.text, "said to be in us-west-2"));
    assert_true(THEIRS(2));
    script_assert_signed_for(3, "s3", "us-east-1");
    get("photos", "a", NULL, 10);
    assert_int_equal(seen.error.code, ERR_NO_CONTAINER);
    assert_true(OURS(4));
    script_assert_signed_for(5, "s3", "us-east-1");
    get("photos", "a", NULL, 10);
    assert_string_equal(seen.body, "y");
    assert_true(OURS(6));
    script_end();
}

/* More buckets than are remembered: the oldest is learned again. */
static void few_regions_are_remembered(void **state)
{
    (void)state;
    SCRIPT(&script_options, TOLD(301, "us-west-2"), {.status = 200, .body = "x"});
    struct bucket_regions *regions = &script.aws->bucket_regions;
    for (int i = 0; i < BUCKET_REGIONS_MAX; i++) {
        struct bucket_region *row = &regions->rows[i];
        row->bucket = strdup("another");
        strcpy(row->region, "us-east-1");
    }
    get("photos", "a", NULL, 10);
    assert_int_equal(seen.error.code, 0);
    assert_string_equal(regions->rows[0].bucket, "photos");
    assert_string_equal(regions->rows[0].region, "us-west-2");
    assert_int_equal(regions->next, 1);
    script_end();
}

/* --- access points --- */

#define POINT "arn:aws:s3:us-west-2:123456789012:accesspoint/cats"

/* In its own region, and an error about the same key is not mistaken for one about another. */
static void an_object_is_fetched_through_an_access_point(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 200, .body = "x"},
           {.status = 404, .body = "<Error><Code>NoSuchKey</Code><Key>a</Key></Error>"},
           TOLD(301, "eu-west-1"));
    get(POINT, "a", NULL, 10);
    assert_string_equal(seen.body, "x");
    assert_url("https://cats-123456789012.s3-accesspoint.us-west-2.amazonaws.com/a");
    script_assert_signed_for(0, "s3", "us-west-2");
    get(POINT, "a", NULL, 10);
    assert_int_equal(seen.error.code, ERR_NOT_FOUND);
    get(POINT, "a", NULL, 10); /* it cannot be elsewhere */
    assert_int_equal(seen.error.code, ERR_REFUSED);
    const struct object_name other = {"arn:aws:s3:::photos", "a", NULL, NULL};
    assert_int_equal(ops()->get(aws_object_store(script.aws), &other, 10, on_got, NULL, NULL),
                     ERR_INVALID);
    script_end();
}

static void slow_down_then_success(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 503, .body = S3_ERROR("SlowDown", "Reduce your rate")},
           {.status = 200, .body = "x"});
    get("photos", "a", NULL, 10);
    assert_int_equal(seen.error.code, 0);
    script_end();
}

static void a_head_is_read(void **state)
{
    (void)state;
    SCRIPT(&script_options,
           {.status = 200, .headers = {{"content-length", "123456"}, {"etag", "\"e\""}}},
           {.status = 404});
    const struct object_name name = {"photos", "a", NULL, NULL};
    begin_done();
    assert_int_equal(ops()->head(aws_object_store(script.aws), &name, on_head, NULL, NULL), 0);
    script_run(&seen.done);
    assert_int_equal(seen.error.code, 0);
    assert_int_equal(seen.size, 123456);
    assert_string_equal(script.requests[0].method, "HEAD");
    begin_done();
    assert_int_equal(ops()->head(aws_object_store(script.aws), &name, on_head, NULL, NULL), 0);
    script_run(&seen.done);
    assert_int_equal(seen.error.code, ERR_NOT_FOUND);
    script_end();
}

/* --- put --- */

static struct object_put a_put(void)
{
    static const struct object_pair metadata[] = {{"pipeline", "web"},
                                                  {"source", " caf\xC3\xA9  100%\r\n"}};
    static const struct object_settings settings = {.cache_control = "max-age=60"};
    return (struct object_put){.bucket = "photos",
                               .key = "web/WebImage-a.jpg",
                               .body = "Welcome to Amazon S3.",
                               .body_size = 21,
                               .content_type = "image/jpeg",
                               .settings = &settings,
                               .metadata = metadata,
                               .metadata_count = 2};
}

static void put(void)
{
    begin_done();
    struct object_put what = a_put();
    assert_int_equal(ops()->put(aws_object_store(script.aws), &what, on_done, NULL, NULL), 0);
    script_run(&seen.done);
}

static void an_object_is_stored(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 500}, {.status = 200});
    put();
    assert_int_equal(seen.error.code, 0);
    assert_string_equal(script.requests[1].body, "Welcome to Amazon S3.");
    assert_string_equal(script_header(1, "content-type"), "image/jpeg");
    assert_string_equal(script_header(1, "cache-control"), "max-age=60");
    assert_string_equal(script_header(1, "x-amz-meta-pipeline"), "web");
    assert_string_equal(script_header(1, "x-amz-meta-source"), "%20caf%C3%A9 %20100%25%0D%0A");
    assert_string_equal(script_header(1, "x-amz-content-sha256"),
                        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
    script_assert_signed(1, "s3");
    script_end();
}

#define STORED_CRC "tPfi9Kicx+M="             /* CRC-64/NVME of the text, computed bit by bit */
#define STORED_MD5 "1EfQ6PKJ8WoS/2AnznfCWA==" /* md5sum(1) */
#define NOT_IMPLEMENTED                                                                            \
    "<Error><Code>NotImplemented</Code><Message>a header is not implemented</Message></Error>"
#define STATES_CRC                                                                                 \
    {                                                                                              \
        .status = 200, .headers = { {"x-amz-checksum-crc64nvme", STORED_CRC} }                     \
    }

static void assert_sent_md5(size_t request)
{
    assert_string_equal(script_header(request, "content-md5"), STORED_MD5);
    assert_null(script_header(request, "x-amz-checksum-crc64nvme"));
    assert_null(script_header(request, "x-amz-sdk-checksum-algorithm"));
}

static void assert_sent_crc(size_t request)
{
    assert_string_equal(script_header(request, "x-amz-checksum-crc64nvme"), STORED_CRC);
    assert_string_equal(script_header(request, "x-amz-sdk-checksum-algorithm"), "CRC64NVME");
    assert_null(script_header(request, "content-md5"));
    assert_non_null(strstr(script_header(request, "authorization"), ";x-amz-checksum-crc64nvme;"));
}

/* Other stores may ignore or refuse the header, so a store must have stated such a checksum first. */
static void a_store_that_states_a_crc_is_sent_one(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 200}, STATES_CRC, STATES_CRC, STATES_CRC);
    for (size_t i = 0; i < 4; i++) {
        put();
        assert_int_equal(seen.error.code, 0);
        if (i < 2)
            assert_sent_md5(i);
        else
            assert_sent_crc(i);
    }
    script_end();
}

/* An upload whose CRC is not confirmed is not stored; the next one has an MD5. */
static void a_crc_must_be_confirmed(void **state)
{
    (void)state;
    static const struct http_header unconfirmed[] = {{NULL, NULL},
                                                     {"x-amz-checksum-crc64nvme", CHECK_CRC64NVME}};
    for (size_t i = 0; i < 2; i++) {
        const struct scripted_response other = {.status = 200, .headers = {unconfirmed[i]}};
        SCRIPT(&script_options, STATES_CRC, other, other, other, {.status = 200});
        put();
        put();
        assert_sent_crc(1);
        assert_int_equal(seen.error.code, ERR_PROTOCOL);
        put();
        assert_int_equal(seen.error.code, 0);
        assert_sent_md5(4);
        script_end();
    }
}

/* Such as a cluster of servers of several versions. */
static void a_store_that_often_fails_to_confirm_a_crc_is_sent_no_more(void **state)
{
    (void)state;
    const struct scripted_response ignores = {.status = 200};
    SCRIPT(&script_options, STATES_CRC, ignores, ignores, ignores, STATES_CRC, ignores, ignores,
           ignores, STATES_CRC, ignores, ignores, ignores, STATES_CRC, STATES_CRC);
    for (size_t i = 0; i < 8; i++)
        put();
    assert_sent_crc(9);
    assert_sent_md5(12);
    assert_sent_md5(13);
    assert_int_equal(seen.error.code, 0);
    script_end();
}

static void a_refused_crc_is_followed_by_an_md5(void **state)
{
    (void)state;
    SCRIPT(&script_options, STATES_CRC, {.status = 501, .body = NOT_IMPLEMENTED}, {.status = 200});
    put();
    put();
    assert_sent_crc(1);
    assert_int_not_equal(seen.error.code, 0);
    put();
    assert_int_equal(seen.error.code, 0);
    assert_sent_md5(2);
    script_end();
}

static int put_with(const struct object_settings *settings)
{
    struct object_put what = a_put();
    what.settings = settings;
    begin_done();
    assert_int_equal(ops()->put(aws_object_store(script.aws), &what, on_done, NULL, NULL), 0);
    script_run(&seen.done);
    return seen.error.code;
}

static void the_settings_of_an_output_are_sent_and_signed(void **state)
{
    (void)state;
    static const struct object_pair tags[] = {{"cost centre", "a/b+c=d"}, {"caf\xC3\xA9", ""}};
    static const struct object_pair metadata[] = {{"licence", "100% free"}};
    static const struct object_settings settings = {.content_disposition = "attachment",
                                                    .sse = "aws:kms",
                                                    .kms_key = "alias/photos",
                                                    .storage_class = "STANDARD_IA",
                                                    .acl = "bucket-owner-full-control",
                                                    .metadata = metadata,
                                                    .metadata_count = 1,
                                                    .tags = tags,
                                                    .tag_count = 2};
    /* the ETag of an object that is encrypted with KMS looks like an MD5, but is none */
    SCRIPT(&script_options, {.status = 200,
                             .headers = {{"etag", "\"" MD5_OF_BYTES "\""},
                                         {"x-amz-server-side-encryption", "aws:kms"}}});
    assert_int_equal(put_with(&settings), 0);
    assert_string_equal(script_header(0, "content-disposition"), "attachment");
    assert_string_equal(script_header(0, "x-amz-server-side-encryption"), "aws:kms");
    assert_string_equal(script_header(0, "x-amz-server-side-encryption-aws-kms-key-id"),
                        "alias/photos");
    assert_string_equal(script_header(0, "x-amz-storage-class"), "STANDARD_IA");
    assert_string_equal(script_header(0, "x-amz-acl"), "bucket-owner-full-control");
    assert_string_equal(script_header(0, "x-amz-tagging"),
                        "cost%20centre=a%2Fb%2Bc%3Dd&caf%C3%A9=");
    assert_string_equal(script_header(0, "x-amz-meta-licence"), "100% free");
    assert_string_equal(script_header(0, "x-amz-meta-pipeline"), "web");
    const char *authorization = script_header(0, "authorization");
    assert_non_null(strstr(authorization,
                           "content-disposition;content-md5;content-type;host;x-amz-acl;"
                           "x-amz-content-sha256;x-amz-date;x-amz-meta-licence;x-amz-meta-pipeline;"
                           "x-amz-meta-source;x-amz-server-side-encryption;"
                           "x-amz-server-side-encryption-aws-kms-key-id;x-amz-storage-class;"
                           "x-amz-tagging"));
    script_end();
}

/* An object that is not encrypted as requested is not stored. */
static void an_encryption_must_be_confirmed(void **state)
{
    (void)state;
    static const struct object_settings settings = {.sse = "AES256"};
    SCRIPT(&script_options, {.status = 200});
    assert_int_equal(put_with(&settings), ERR_REFUSED);
    assert_non_null(strstr(seen.error.text, "did not confirm its encryption (AES256)"));
    script_end();
    SCRIPT(&script_options,
           {.status = 200, .headers = {{"x-amz-server-side-encryption", "AES256"}}});
    assert_int_equal(put_with(&settings), 0);
    script_end();
}

/* Bodies are unsigned only if TLS protects them. */
static void a_payload_may_be_unsigned(void **state)
{
    (void)state;
    struct backend_settings options = script_options;
    options.unsigned_payload = true;
    SCRIPT(&options, {.status = 200});
    put();
    assert_string_equal(script_header(0, "x-amz-content-sha256"), SIGV4_UNSIGNED_PAYLOAD);
    script_end();
    options.endpoint = "http://127.0.0.1:4566";
    SCRIPT(&options, {.status = 200});
    put();
    assert_string_equal(script_header(0, "x-amz-content-sha256"), SIGV4_UNSIGNED_PAYLOAD);
    script_end();
    options.endpoint = "http://storage.example:9000"; /* anybody on the way could change it */
    SCRIPT(&options, {.status = 200});
    put();
    assert_string_not_equal(script_header(0, "x-amz-content-sha256"), SIGV4_UNSIGNED_PAYLOAD);
    script_end();
}

static void calls_are_cancelled(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.never = true});
    begin_done();
    struct object_put what = a_put();
    struct object_request *request = NULL;
    assert_int_equal(ops()->put(aws_object_store(script.aws), &what, on_done, NULL, &request), 0);
    ops()->cancel(request);
    script_end();
    assert_int_equal(script.cancelled, 1);
    assert_false(seen.done);
}

/* --- tags --- */

static void tags_are_put(void **state)
{
    (void)state;
    static const struct object_pair tags[] = {{"colour", "red & <blue>"}, {"sharp", "yes"}};
    SCRIPT(&script_options, {.status = 200});
    const struct object_name name = {"photos", "a.jpg", NULL, NULL};
    begin_done();
    assert_int_equal(
        ops()->put_tags(aws_object_store(script.aws), &name, tags, 2, on_done, NULL, NULL), 0);
    script_run(&seen.done);
    assert_int_equal(seen.error.code, 0);
    assert_string_equal(script.requests[0].url,
                        "https://photos.s3.eu-central-1.amazonaws.com/a.jpg?tagging=");
    assert_string_equal(script.requests[0].body,
                        "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>"
                        "<Tag><Key>colour</Key><Value>red &amp; &lt;blue&gt;</Value></Tag>"
                        "<Tag><Key>sharp</Key><Value>yes</Value></Tag></TagSet></Tagging>");
    assert_int_equal(strlen(script_header(0, "content-md5")), 24);
    script_assert_signed(0, "s3");
    script_end();
}

static void tags_are_read(void **state)
{
    (void)state;
    SCRIPT(
        &script_options,
        {.status = 200,
         .body = "<?xml version=\"1.0\"?><Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/"
                 "\"><TagSet><Tag><Key>colour</Key><Value>red &amp; blue</Value></Tag>"
                 "<Tag><Value/><Key>empty</Key></Tag></TagSet></Tagging>"},
        {.status = 200, .body = "<Tagging><TagSet/></Tagging>"},
        {.status = 200, .body = "<Tagging><TagSet>"}, {.status = 200, .body = "<Tagging><TagSet>"},
        {.status = 200, .body = "<Tagging><TagSet>"});
    const struct object_name name = {"photos", "a.jpg", "v1", NULL};
    static const struct {
        int code;
        size_t count;
    } expected[] = {{0, 2}, {0, 0}, {ERR_PROTOCOL, 0}};
    for (size_t i = 0; i < 3; i++) {
        begin_done();
        assert_int_equal(ops()->get_tags(aws_object_store(script.aws), &name, on_tags, NULL, NULL),
                         0);
        script_run(&seen.done);
        assert_int_equal(seen.error.code, expected[i].code);
        assert_int_equal(seen.count, expected[i].count);
        if (i == 0) {
            assert_string_equal(seen.values[0], "red & blue");
            assert_string_equal(seen.names[1], "empty");
            assert_string_equal(seen.values[1], "");
        }
    }
    script_end();
}

/* --- list --- */

static void a_bucket_is_listed(void **state)
{
    (void)state;
    SCRIPT(&script_options,
           {.status = 200,
            .body = "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                    "<Name>photos</Name><Prefix>web%2F</Prefix><KeyCount>2</KeyCount>"
                    "<IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>"
                    "<Contents><Key>web/a+b%2Bc.jpg</Key><Size>17</Size></Contents>"
                    "<Contents><Key>web/%C3%A9.jpg</Key><Size>5368709120</Size></Contents>"
                    "</ListBucketResult>"});
    begin_done();
    assert_int_equal(ops()->list(aws_object_store(script.aws), "photos", "web/", "web/a a",
                                 on_listed, NULL, NULL),
                     0);
    script_run(&seen.done);
    assert_int_equal(seen.error.code, 0);
    assert_int_equal(seen.count, 2);
    assert_true(seen.more);
    assert_string_equal(seen.names[0], "web/a b+c.jpg");
    assert_string_equal(seen.names[1], "web/\xC3\xA9.jpg");
    assert_int_equal(seen.sizes[1], 5368709120);
    assert_string_equal(
        script.requests[0].url,
        "https://photos.s3.eu-central-1.amazonaws.com/?list-type=2&encoding-type=url"
        "&max-keys=1000&prefix=web%2F&start-after=web%2Fa%20a");
    script_assert_signed(0, "s3");
    script_end();
}

/* --- presign --- */

static void a_url_is_presigned(void **state)
{
    (void)state;
    struct backend_settings options = script_options;
    options.session_token = "to/ken";
    SCRIPT(&options, {.status = 200, .body = "x"});
    char *url = presigned(&(struct object_presign){
        .method = "GET", .name = {"photos", "ingest/a b.jpg", NULL, NULL}, .expires_s = 3600});
    assert_non_null(url);
    char *query = strchr(url, '?');
    *query++ = '\0';
    assert_string_equal(url, "https://photos.s3.eu-central-1.amazonaws.com/ingest/a%20b.jpg");
    assert_non_null(strstr(query, "X-Amz-Expires=3600"));
    assert_non_null(strstr(query, "X-Amz-Security-Token=to%2Fken"));
    assert_null(strstr(query, options.secret_key));

    /* As S3 checks it. */
    const struct sigv4_header host = {SLICE_LITERAL("host"),
                                      SLICE_LITERAL("photos.s3.eu-central-1.amazonaws.com")};
    struct sigv4_request request = {.method = SLICE_LITERAL("GET"),
                                    .path = SLICE_LITERAL("/ingest/a%20b.jpg"),
                                    .query = slice_of(query),
                                    .headers = &host,
                                    .header_count = 1,
                                    .payload_hash = SIGV4_UNSIGNED_PAYLOAD};
    struct sigv4_scope scope = {.region = "eu-central-1", .service = "s3"};
    memcpy(scope.date, strstr(query, "X-Amz-Date=") + 11, 16);
    uint8_t key[SIGV4_KEY_SIZE];
    char signature[SIGV4_HEX_SIZE];
    sigv4_signing_key(options.secret_key, &scope, key);
    assert_int_equal(sigv4_signature(&request, &scope, key, signature), 0);
    assert_string_equal(strstr(query, "X-Amz-Signature=") + 16, signature);
    free(url);
    get("photos", "a", NULL, 10);
    script_end();
}

/* Its parameters and headers are signed; the client sends the headers. */
static void a_part_and_a_new_object_are_presigned(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 200, .body = "x"});
    const struct object_name name = {.bucket = "photos", .key = "a"};
    char *url = presigned(&(struct object_presign){
        .method = "PUT", .name = name, .expires_s = 60, .upload = "id/1", .part = 7});
    assert_non_null(strstr(url, "partNumber=7&uploadId=id%2F1&"));
    assert_non_null(strstr(url, "X-Amz-SignedHeaders=host&"));
    free(url);
    url = presigned(&(struct object_presign){.method = "PUT",
                                             .name = name,
                                             .expires_s = 60,
                                             .content_type = "image/png",
                                             .sized = true,
                                             .size = 5,
                                             .only_new = true});
    assert_non_null(
        strstr(url, "X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bif-none-match&"));
    free(url);
    get("photos", "a", NULL, 10);
    script_end();
}

/* A browser keeps what it fetched with it. */
static void a_stable_url_is_the_same_for_a_while(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 200, .body = "x"});
    struct object_presign what = {.method = "GET",
                                  .name = {.bucket = "photos", .key = "a"},
                                  .expires_s = 3600,
                                  .stable_s = 1800};
    struct object_validity valid = {0};
    struct error error = {0};
    char *url;
    assert_int_equal(ops()->presign(aws_object_store(script.aws), &what, &url, &valid, &error), 0);
    const char *date = strstr(url, "X-Amz-Date=") + 11; /* 20261130T040000Z */
    assert_true(strncmp(date + 11, "0000Z", 5) == 0 || strncmp(date + 11, "3000Z", 5) == 0);
    assert_int_equal(valid.expires_s % 1800, 0);
    assert_true(valid.expires_s - (int64_t)time(NULL) > 1790 &&
                valid.expires_s - (int64_t)time(NULL) <= 3600);
    free(url);
    get("photos", "a", NULL, 10);
    script_end();
}

/* Every request about objects says so: reads and writes are refused alike. */
static void the_requester_pays(void **state)
{
    (void)state;
    struct backend_settings options = script_options;
    options.requester_pays = true;
    const struct object_name name = {.bucket = "photos", .key = "a"};
    const struct object_put put = {.bucket = "photos", .key = "a", .body = "x", .body_size = 1};
    SCRIPT(&options, {.status = 200, .body = "x"}, {.status = 200}, {.status = 200},
           {.status = 200, .body = "<ListBucketResult></ListBucketResult>"},
           {.status = 200, .body = "<Tagging><TagSet></TagSet></Tagging>"}, {.status = 200});
    struct object_store *store = aws_object_store(script.aws);
    get("photos", "a", NULL, 10);
    begin_done();
    assert_int_equal(ops()->head(store, &name, on_head, NULL, NULL), 0);
    script_run(&seen.done);
    begin_done();
    assert_int_equal(ops()->put(store, &put, on_done, NULL, NULL), 0);
    script_run(&seen.done);
    begin_done();
    assert_int_equal(ops()->list(store, "photos", NULL, NULL, on_listed, NULL, NULL), 0);
    script_run(&seen.done);
    begin_done();
    assert_int_equal(ops()->get_tags(store, &name, on_tags, NULL, NULL), 0);
    script_run(&seen.done);
    begin_done();
    assert_int_equal(ops()->put_tags(store, &name, NULL, 0, on_done, NULL, NULL), 0);
    script_run(&seen.done);
    for (size_t i = 0; i < script.sent; i++) {
        assert_string_equal(script_header(i, "x-amz-request-payer"), "requester");
        script_assert_signed(i, "s3");
    }
    char *url = presigned(&(struct object_presign){.method = "GET", .name = name, .expires_s = 60});
    assert_non_null(strstr(url, "?x-amz-request-payer=requester&"));
    free(url);
    script_end();
    SCRIPT(&script_options, {.status = 200, .body = "x"});
    get("photos", "a", NULL, 10);
    assert_null(script_header(0, "x-amz-request-payer"));
    script_end();
}

static void presign_bounds(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 200, .body = "x"});
    struct object_store *store = aws_object_store(script.aws);
    struct object_presign what = {.method = "GET", .name = {"photos", "a", NULL, NULL}};
    struct object_form form = {.bucket = "photos", .key = "a", .expires_s = 604801};
    struct object_form_made made;
    for (int i = 0; i < 2; i++, what.expires_s = 604801) {
        struct error error = {0};
        char *url;
        assert_int_equal(ops()->presign(store, &what, &url, NULL, &error), ERR_INVALID);
        assert_null(url);
        assert_non_null(strstr(error.text, "7 days"));
    }
    struct error error = {0};
    assert_int_equal(ops()->presign_form(store, &form, &made, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "7 days"));
    form = (struct object_form){.bucket = "photos", .key = "", .expires_s = 1};
    assert_int_equal(ops()->presign_form(store, &form, &made, &error), ERR_INVALID);
    get("photos", "a", NULL, 10);
    script_end();
}

static void a_url_to_put_requires_type_and_size(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 200, .body = "x"});
    char *url = presigned(&(struct object_presign){.method = "PUT",
                                                   .name = {"photos", "a", NULL, NULL},
                                                   .expires_s = 60,
                                                   .content_type = "image/jpeg",
                                                   .disposition = "not of a PUT",
                                                   .sized = true,
                                                   .size = 12});
    assert_non_null(strstr(url, "X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost&"));
    assert_null(strstr(url, "response-content"));
    free(url);
    url = presigned(&(struct object_presign){.method = "GET",
                                             .name = {"photos", "a", "v 1", NULL},
                                             .expires_s = 60,
                                             .content_type = "image/jpeg",
                                             .disposition = "attachment; filename=\"a&b\""});
    assert_non_null(strstr(url, "?versionId=v%201&response-content-type=image%2Fjpeg"
                                "&response-content-disposition=attachment%3B%20filename%3D%22a%26b"
                                "%22&X-Amz-Algorithm="));
    assert_non_null(strstr(url, "X-Amz-SignedHeaders=host&"));
    free(url);
    get("photos", "a", NULL, 10);
    script_end();
}

static void locate(const char *bucket)
{
    begin_done();
    assert_int_equal(ops()->locate(aws_object_store(script.aws), bucket, on_done, NULL, NULL), 0);
    script_run(&seen.done);
}

/* Also by a response to those who may not look at the bucket. */
static void a_bucket_is_located_before_presigning(void **state)
{
    (void)state;
    SCRIPT(&script_options,
           {.status = 301, .headers = {{"x-amz-bucket-region", "us-west-2"}}, .bare = true},
           {.status = 403, .bare = true}, {.status = 404, .bare = true});
    locate("photos");
    assert_int_equal(seen.error.code, 0);
    assert_string_equal(script.requests[0].method, "HEAD");
    char *url = presigned(&(struct object_presign){
        .method = "GET", .name = {"photos", "a", NULL, NULL}, .expires_s = 60});
    assert_int_equal(strncmp(url, THERE, sizeof THERE - 1), 0);
    free(url);
    locate("nowhere");
    assert_int_equal(seen.error.code, ERR_NO_CONTAINER);
    script_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_fetched),
        cmocka_unit_test(addresses),
        cmocka_unit_test(path_style_by_option),
        cmocka_unit_test(longest_key),
        cmocka_unit_test(get_of_another_request),
        cmocka_unit_test(get_larger_than_asked_for),
        cmocka_unit_test(get_finds_a_damaged_body),
        cmocka_unit_test(get_finds_a_damaged_body_by_its_checksum),
        cmocka_unit_test(get_errors),
        cmocka_unit_test(slow_down_then_success),
        cmocka_unit_test(a_head_is_read),
        cmocka_unit_test(an_object_is_stored),
        cmocka_unit_test(a_store_that_states_a_crc_is_sent_one),
        cmocka_unit_test(a_crc_must_be_confirmed),
        cmocka_unit_test(a_store_that_often_fails_to_confirm_a_crc_is_sent_no_more),
        cmocka_unit_test(a_refused_crc_is_followed_by_an_md5),
        cmocka_unit_test(the_settings_of_an_output_are_sent_and_signed),
        cmocka_unit_test(an_encryption_must_be_confirmed),
        cmocka_unit_test(a_payload_may_be_unsigned),
        cmocka_unit_test(calls_are_cancelled),
        cmocka_unit_test(tags_are_put),
        cmocka_unit_test(tags_are_read),
        cmocka_unit_test(a_bucket_is_listed),
        cmocka_unit_test(the_region_of_a_bucket_is_learned),
        cmocka_unit_test(a_head_and_a_put_follow_a_bucket),
        cmocka_unit_test(the_region_of_a_bucket_of_another_service_is_learned),
        cmocka_unit_test(false_regions_are_not_followed),
        cmocka_unit_test(a_bucket_that_keeps_moving_is_not_followed_again),
        cmocka_unit_test(few_regions_are_remembered),
        cmocka_unit_test(an_object_is_fetched_through_an_access_point),
        cmocka_unit_test(a_url_is_presigned),
        cmocka_unit_test(a_part_and_a_new_object_are_presigned),
        cmocka_unit_test(a_stable_url_is_the_same_for_a_while),
        cmocka_unit_test(the_requester_pays),
        cmocka_unit_test(presign_bounds),
        cmocka_unit_test(a_url_to_put_requires_type_and_size),
        cmocka_unit_test(a_bucket_is_located_before_presigning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
