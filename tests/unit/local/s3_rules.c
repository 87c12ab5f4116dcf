/* The rules of S3 without a server: lifecycle expiration and form parsing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bucket_lifecycle.h"
#include "error.h"
#include "s3_address.h"
#include "s3_form.h"
#include "s3_time.h"

/* Lifecycles. */

static struct bucket_setting lifecycle_of(const char *rules)
{
    char document[4096], message[BUCKET_SETTING_MESSAGE_MAX];
    struct bucket_setting setting;
    snprintf(document, sizeof(document), "<LifecycleConfiguration>%s</LifecycleConfiguration>",
             rules);
    assert_int_equal(bucket_setting_read(BUCKET_LIFECYCLE, slice_of(document), &setting, message),
                     S3_OK);
    return setting;
}

#define RULE(id, filter, action)                                                                   \
    "<Rule><ID>" id "</ID><Status>Enabled</Status><Filter>" filter "</Filter>" action "</Rule>"
#define DAYS(n) "<Expiration><Days>" #n "</Days></Expiration>"

static int64_t at(const char *iso)
{
    int64_t time;
    assert_int_equal(s3_time_parse_iso(iso, &time), 0);
    return time;
}

/* The example of "Lifecycle rules: based on an object's age", S3 User Guide: made on 1/15/2014 at
 * 10:30 UTC, three days: 1/19/2014 00:00 UTC. */
static void days_are_rounded_to_the_next_midnight(void **state)
{
    struct bucket_setting setting = lifecycle_of(RULE("r", "<Prefix>in/</Prefix>", DAYS(3)));
    const struct lifecycle_rule *rule = NULL;
    struct lifecycle_object object = {
        .key = "in/x", .tags = "", .modified_ms = at("2014-01-15T10:30:00Z")};
    (void)state;
    assert_int_equal(lifecycle_expiry(setting.read, &object, &rule), at("2014-01-19"));
    assert_string_equal(rule->id, "r");
    object.modified_ms = at("2014-01-15T23:59:59.999Z");
    assert_int_equal(lifecycle_expiry(setting.read, &object, &rule), at("2014-01-19"));
    object.key = "out/x";
    assert_int_equal(lifecycle_expiry(setting.read, &object, &rule), LIFECYCLE_NEVER);
    bucket_setting_clear(BUCKET_LIFECYCLE, &setting);
}

static void the_earliest_rule_counts(void **state)
{
    struct bucket_setting setting =
        lifecycle_of(RULE("late", "", DAYS(9))
                         RULE("soon", "<ObjectSizeGreaterThan>10</ObjectSizeGreaterThan>", DAYS(2))
                             RULE("date", "<Tag><Key>a b</Key><Value>c+d</Value></Tag>",
                                  "<Expiration><Date>2014-01-16T00:00:00Z</Date></Expiration>"));
    const struct lifecycle_rule *rule = NULL;
    struct lifecycle_object object = {
        .key = "k", .tags = "", .size = 10, .modified_ms = at("2014-01-15T10:30:00Z")};
    (void)state;
    assert_int_equal(lifecycle_expiry(setting.read, &object, &rule), at("2014-01-25"));
    object.size = 11;
    assert_int_equal(lifecycle_expiry(setting.read, &object, &rule), at("2014-01-18"));
    object.tags = "x=y&a%20b=c%2Bd";
    assert_int_equal(lifecycle_expiry(setting.read, &object, &rule), at("2014-01-16"));
    assert_string_equal(rule->id, "date");
    bucket_setting_clear(BUCKET_LIFECYCLE, &setting);
}

static void newer_versions_keep_older_ones(void **state)
{
    struct bucket_setting setting =
        lifecycle_of(RULE("r", "",
                          "<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>"
                          "<NewerNoncurrentVersions>2</NewerNoncurrentVersions>"
                          "</NoncurrentVersionExpiration>"));
    const struct lifecycle_object object = {.key = "k", .tags = ""};
    int64_t retired = at("2014-01-15T10:30:00Z");
    (void)state;
    assert_false(lifecycle_noncurrent_expired(setting.read, &object, retired, 1, at("2020-01-01")));
    assert_true(lifecycle_noncurrent_expired(setting.read, &object, retired, 2, at("2014-01-17")));
    assert_false(lifecycle_noncurrent_expired(setting.read, &object, retired, 2,
                                              at("2014-01-16T23:59:59Z")));
    bucket_setting_clear(BUCKET_LIFECYCLE, &setting);
}

static void times_are_read_as_they_are_written(void **state)
{
    char text[S3_TIME_SIZE];
    int64_t time;
    (void)state;
    s3_time_iso(at("2024-02-29T12:34:56.789Z"), text);
    assert_string_equal(text, "2024-02-29T12:34:56.000Z");
    assert_int_equal(at("1970-01-01"), 0);
    static const char *const wrong[] = {"",
                                        "2024",
                                        "2024-13-01",
                                        "2024-01-32",
                                        "2024-01-01T25:00:00Z",
                                        "2024-01-01 00:00",
                                        "yesterday",
                                        "2024-01-01T00:00:00+02:00"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_int_equal(s3_time_parse_iso(wrong[i], &time), ERR_INVALID);
}

/* Forms. */

static const char body[] = "preamble\r\n--B\r\n"
                           "Content-Disposition: form-data; name=\"Key\"\r\n\r\na\r\n--\r\nb\r\n"
                           "--B\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n"
                           "--B  \r\nContent-Type: image/png\r\n"
                           "content-disposition: form-data; filename=\"C:\\d\\x y.png\"; "
                           "name=\"file\"\r\n\r\n"
                           "\r\r\n-\r\n--\r\n--b\r\n--B--\r\nepilogue\r\n--B\r\n";

/* Fed in pieces of a size. */
static int feed(struct s3_form *form, const char *text, size_t size, size_t piece,
                struct buffer *file)
{
    int code = 0;
    for (size_t i = 0; i < size && code >= 0; i += piece) {
        struct slice in = {text + i, size - i < piece ? size - i : piece}, data;
        while ((code = s3_form_next(form, &in, &data)) == 1)
            buffer_append(file, data.data, data.size);
    }
    return code;
}

static void a_form_is_the_same_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= sizeof(body); piece++) {
        struct s3_form form = {0};
        struct buffer file;
        buffer_init(&file, 1024);
        assert_true(s3_form_begin(&form, slice_of("multipart/form-data; boundary=B")));
        assert_int_equal(feed(&form, body, sizeof(body) - 1, piece, &file), 0);
        assert_true(form.complete);
        assert_int_equal(form.count, 2);
        assert_string_equal(s3_form_value(&form, "key"), "a\r\n--\r\nb");
        assert_string_equal(s3_form_value(&form, "empty"), "");
        assert_null(s3_form_value(&form, "file"));
        assert_string_equal(form.filename, "x y.png");
        assert_string_equal(file.data, "\r\r\n-\r\n--\r\n--b");
        buffer_free(&file);
        s3_form_end(&form);
    }
}

static void a_boundary_is_found_or_refused(void **state)
{
    static const char *const good[] = {"multipart/form-data; boundary=x",
                                       "Multipart/Form-Data; charset=utf-8; Boundary=\"x y\"; a=b"};
    static const char *const bad[] = {
        "multipart/form-data",
        "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"",
        "text/plain; boundary=x", "multipart/form-data; boundary=\"\rx\""};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        struct s3_form form = {0};
        assert_true(s3_form_begin(&form, slice_of(good[i])));
        s3_form_end(&form);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct s3_form form = {0};
        assert_false(s3_form_begin(&form, slice_of(bad[i])));
        s3_form_end(&form);
    }
}

/* Keys. */

static void a_key_may_wind_but_not_climb(void **state)
{
    static const char *const good[] = {"",    "a",    "a/../b", "a/b/../../c", "..a",
                                       "a..", "a//b", "...",    "a/.."};
    static const char *const bad[] = {"..",     "../a",  "a/../..",         "a/../../b",
                                      "./../a", "/../a", "a/b/../../../c/d"};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_false(s3_key_climbs(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_true(s3_key_climbs(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_rounded_to_the_next_midnight),
        cmocka_unit_test(the_earliest_rule_counts),
        cmocka_unit_test(newer_versions_keep_older_ones),
        cmocka_unit_test(times_are_read_as_they_are_written),
        cmocka_unit_test(a_form_is_the_same_however_it_is_cut),
        cmocka_unit_test(a_boundary_is_found_or_refused),
        cmocka_unit_test(a_key_may_wind_but_not_climb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
