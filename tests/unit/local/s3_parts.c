/* The parts of S3 that do not need a cloud: XML, ranges, addresses, tags, notifications, events,
 * times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "buckets.h"
#include "notification.h"
#include "s3_address.h"
#include "s3_events.h"
#include "s3_notification_xml.h"
#include "s3_range.h"
#include "s3_tags.h"
#include "s3_time.h"
#include "s3_xml.h"
#include "utf8.h"

/* XML. */

static void xml_text_is_escaped(void **state)
{
    struct buffer out;
    (void)state;
    buffer_init(&out, 1024);
    xml_element(&out, "Key", "a<b>&\"c\r\x01");
    assert_string_equal(out.data, "<Key>a&lt;b&gt;&amp;&quot;c&#xd;&#x1;</Key>");
    buffer_free(&out);
}

static void bytes_that_are_no_text_do_not_spoil_xml(void **state)
{
    struct buffer out;
    (void)state;
    buffer_init(&out, 1000);
    xml_element(&out, "Key",
                "\xff\xfe"
                "a\xc3\xa9<\xc3");
    assert_string_equal(out.data, "<Key>??a\xc3\xa9&lt;?</Key>");
    buffer_free(&out);
}

static void xml_becomes_a_tree(void **state)
{
    struct s3_xml_node *root = NULL;
    struct error error = {0};
    (void)state;
    struct slice text =
        SLICE_LITERAL("<?xml version=\"1.0\"?><a:Delete xmlns:a=\"urn:x\"><Quiet>true"
                      "</Quiet><Object><Key>x &amp; y</Key></Object>"
                      "<Object><Key/></Object></a:Delete>");
    assert_int_equal(s3_xml_parse(text, &root, &error), 0);
    assert_string_equal(root->name, "Delete");
    assert_string_equal(s3_xml_child_text(root, "Quiet"), "true");
    const struct s3_xml_node *object = s3_xml_child(root, "Object");
    assert_string_equal(s3_xml_child_text(object, "Key"), "x & y");
    assert_string_equal(s3_xml_child_text(object->next, "Key"), "");
    assert_null(s3_xml_child_text(root, "Absent"));
    s3_xml_free(root);
}

static void assert_xml_refused(const char *text)
{
    struct s3_xml_node *root = NULL;
    struct error error = {0};
    assert_int_equal(s3_xml_parse(slice_of(text), &root, &error), ERR_INVALID);
    assert_null(root);
}

static void bad_xml_is_refused(void **state)
{
    struct buffer deep;
    (void)state;
    assert_xml_refused("");
    assert_xml_refused("<a>");
    assert_xml_refused("<a></b>");
    assert_xml_refused("<!DOCTYPE a [<!ENTITY e \"eeee\">]><a>&e;&e;</a>");
    buffer_init(&deep, 4096);
    for (int i = 0; i < 100; i++)
        buffer_text(&deep, "<d>");
    for (int i = 0; i < 100; i++)
        buffer_text(&deep, "</d>");
    assert_xml_refused(deep.data);
    buffer_free(&deep);
}

/* Ranges and conditions. */

static void assert_range(const char *header, uint64_t size, bool partial, uint64_t first,
                         uint64_t length)
{
    struct s3_range range;
    assert_int_equal(s3_range_parse(slice_of(header), size, &range), S3_OK);
    assert_int_equal(range.partial, partial);
    assert_int_equal(range.first, first);
    assert_int_equal(range.size, length);
}

static void ranges_are_cut_to_the_object(void **state)
{
    struct s3_range range;
    (void)state;
    assert_range("bytes=0-4", 10, true, 0, 5);
    assert_range("bytes=5-", 10, true, 5, 5);
    assert_range("bytes=-3", 10, true, 7, 3);
    assert_range("bytes=-30", 10, true, 0, 10);
    assert_range("bytes=8-99", 10, true, 8, 2);
    assert_range("", 10, false, 0, 10);
    assert_range("bytes=0-1,4-5", 10, false, 0, 10); /* several: the whole object, as in S3 */
    assert_range("lines=1-2", 10, false, 0, 10);
    assert_range("bytes=5-2", 10, false, 0, 10);
    assert_range("bytes=99999999999999999999-", 10, false, 0, 10);
    assert_int_equal(s3_range_parse(slice_of("bytes=10-"), 10, &range), S3_INVALID_RANGE);
    assert_int_equal(s3_range_parse(slice_of("bytes=-0"), 10, &range), S3_INVALID_RANGE);
    assert_int_equal(s3_range_parse(slice_of("bytes=0-0"), 0, &range), S3_INVALID_RANGE);
}

/* RFC 9110, 13.2.2: the order in which conditions count. */
static void conditions_follow_the_rfc(void **state)
{
    const int64_t modified = INT64_C(784111777) * 1000; /* Sun, 06 Nov 1994 08:49:37 GMT */
    struct slice same = SLICE_LITERAL("Sun, 06 Nov 1994 08:49:37 GMT");
    struct slice before = SLICE_LITERAL("Sunday, 06-Nov-94 08:49:36 GMT");
    struct slice tag = SLICE_LITERAL("\"x\", \"abc\""), other = SLICE_LITERAL("\"x\"");
    struct s3_preconditions c = {0};
    const char *failed;
    (void)state;
    assert_int_equal(s3_preconditions_check(&c, "abc", modified, &failed), S3_OK);
    c.match = tag;
    assert_int_equal(s3_preconditions_check(&c, "abc", modified, &failed), S3_OK);
    c.unmodified_since = before; /* ignored beside If-Match */
    assert_int_equal(s3_preconditions_check(&c, "abc", modified, &failed), S3_OK);
    c.match = other;
    assert_int_equal(s3_preconditions_check(&c, "abc", modified, &failed), S3_PRECONDITION_FAILED);
    c = (struct s3_preconditions){.unmodified_since = before};
    assert_int_equal(s3_preconditions_check(&c, "abc", modified, &failed), S3_PRECONDITION_FAILED);
    c = (struct s3_preconditions){.none_match = tag};
    assert_int_equal(s3_preconditions_check(&c, "abc", modified, &failed), S3_NOT_MODIFIED);
    c = (struct s3_preconditions){.none_match = other, .modified_since = same};
    assert_int_equal(s3_preconditions_check(&c, "abc", modified, &failed), S3_OK);
    c = (struct s3_preconditions){.modified_since = same};
    assert_int_equal(s3_preconditions_check(&c, "abc", modified + 999, &failed), S3_NOT_MODIFIED);
    c = (struct s3_preconditions){.modified_since = before};
    assert_int_equal(s3_preconditions_check(&c, "abc", modified, &failed), S3_OK);
}

/* RFC 9110, 5.6.7, has these three forms of one moment. */
static void times_are_read_and_written(void **state)
{
    const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                 "Sun Nov  6 08:49:37 1994"};
    char text[S3_TIME_SIZE];
    int64_t time;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(s3_time_parse_http(slice_of(forms[i]), &time), 0);
        assert_int_equal(time, INT64_C(784111777000));
    }
    assert_int_equal(s3_time_parse_http(slice_of("tomorrow"), &time), ERR_INVALID);
    assert_int_equal(s3_time_parse_http(slice_of("Sun, 06 Nov -994 08:49:37 GMT"), &time),
                     ERR_INVALID);
    assert_int_equal(s3_time_parse_http(slice_of("Fri, 32 Dec 9999 08:49:37 GMT"), &time),
                     ERR_INVALID);
    s3_time_http(INT64_C(784111777000), text);
    assert_string_equal(text, forms[0]);
    s3_time_iso(INT64_C(784111777042), text);
    assert_string_equal(text, "1994-11-06T08:49:37.042Z");
}

/* Addresses. */

static bool is_photos(const char *name, void *user)
{
    (void)user;
    return strcmp(name, "photos") == 0 || strcmp(name, "my.bucket") == 0;
}

static void assert_address(const char *host, const char *path, const char *bucket, const char *key)
{
    struct s3_address address = {0};
    assert_int_equal(s3_address_parse(slice_of(host), slice_of(path), is_photos, NULL, &address),
                     0);
    assert_string_equal(address.bucket, bucket);
    assert_string_equal(address.key, key);
    free(address.bucket);
    free(address.key);
}

static void addresses_name_bucket_and_key(void **state)
{
    struct s3_address address = {0};
    (void)state;
    assert_address("127.0.0.1:9000", "/photos/a/b%20c+d", "photos", "a/b c+d");
    assert_address("localhost", "/photos", "photos", "");
    assert_address("[::1]:80", "/photos//x", "photos", "/x");
    assert_address("localhost", "/", "", "");
    assert_address("photos.localhost:9000", "/a/b", "photos", "a/b");
    assert_address("new.localhost", "/", "new", "");
    assert_address("a.b.s3.us-east-1.amazonaws.com", "/k", "a.b", "k");
    assert_address("s3.localhost", "/photos/k", "photos", "k");
    assert_address("photos.cloud.internal", "/k", "photos", "k");
    assert_address("my.bucket.cloud.internal", "/k", "my.bucket", "k");
    assert_address("cloud.internal", "/photos/k", "photos", "k");
    assert_address(".s3.localhost", "/photos/k", "photos", "k");
    assert_int_equal(
        s3_address_parse(slice_of("localhost"), slice_of("//photos/k"), is_photos, NULL, &address),
        ERR_INVALID);
    free(address.bucket);
    free(address.key);
    address = (struct s3_address){0};
    assert_int_equal(
        s3_address_parse(slice_of("localhost"), slice_of("/b/%zz"), is_photos, NULL, &address),
        ERR_INVALID);
    free(address.bucket);
    free(address.key);
}

static void bucket_names_follow_the_rules(void **state)
{
    (void)state;
    assert_true(bucket_name_valid("abc"));
    assert_true(bucket_name_valid("my.bucket-1"));
    assert_false(bucket_name_valid("ab"));
    assert_false(bucket_name_valid("Abc"));
    assert_false(bucket_name_valid("a_b"));
    assert_false(bucket_name_valid("-abc"));
    assert_false(bucket_name_valid("abc-"));
    assert_false(bucket_name_valid("a..b"));
    assert_false(bucket_name_valid("192.168.5.4"));
    assert_false(bucket_name_valid("xn--abc"));
    assert_false(bucket_name_valid(
        "a123456789a123456789a123456789a123456789a123456789a123456789abcd")); /* 64 */
}

/* Tags. */

static void tags_are_kept_in_one_form(void **state)
{
    struct error error = {0};
    struct buffer out;
    char *tags = NULL;
    (void)state;
    assert_int_equal(s3_tags_from_query(slice_of("a=1&b+c=x%20y%3D&d"), &tags, &error), 0);
    assert_string_equal(tags, "a=1&b%20c=x%20y%3D&d=");
    assert_int_equal(s3_tags_count(tags), 3);
    buffer_init(&out, 1024);
    assert_int_equal(s3_tags_to_xml(tags, &out), 0);
    assert_string_equal(out.data, "<Tag><Key>a</Key><Value>1</Value></Tag>"
                                  "<Tag><Key>b c</Key><Value>x y=</Value></Tag>"
                                  "<Tag><Key>d</Key><Value></Value></Tag>");
    buffer_free(&out);
    free(tags);
    assert_int_equal(
        s3_tags_from_xml(slice_of("<Tagging><TagSet/></Tagging>"), 10, &tags, NULL, &error), 0);
    assert_string_equal(tags, "");
    assert_int_equal(s3_tags_count(tags), 0);
    free(tags);
}

static void assert_tags(const char *key, int key_times, const char *value, int value_times,
                        int expected)
{
    struct error error = {0};
    struct buffer xml;
    char *tags = NULL;
    buffer_init(&xml, 8192);
    buffer_text(&xml, "<Tagging><TagSet><Tag><Key>");
    for (int i = 0; i < key_times; i++)
        buffer_text(&xml, key);
    buffer_text(&xml, "</Key><Value>");
    for (int i = 0; i < value_times; i++)
        buffer_text(&xml, value);
    buffer_text(&xml, "</Value></Tag></TagSet></Tagging>");
    assert_int_equal(s3_tags_from_xml(buffer_slice(&xml), 10, &tags, NULL, &error), expected);
    free(tags);
    buffer_free(&xml);
}

static void tags_have_limits(void **state)
{
    struct error error = {0};
    char *tags = NULL;
    (void)state;
    assert_tags("ü", 128, "ß", 256, 0); /* characters, not bytes */
    assert_tags("ü", 129, "v", 1, ERR_INVALID);
    assert_tags("k", 1, "v", 257, ERR_INVALID);
    assert_tags("", 1, "v", 1, ERR_INVALID);
    assert_tags("k*", 1, "v", 1, ERR_INVALID);
    assert_tags("aws:k", 1, "v", 1, ERR_INVALID);
    assert_int_equal(s3_tags_from_query(slice_of("a=1&a=2"), &tags, &error), ERR_INVALID);
    assert_int_equal(s3_tags_from_query(slice_of("a&b&c&d&e&f&g&h&i&j&k"), &tags, &error),
                     ERR_INVALID);
    assert_int_equal(s3_tags_from_query(slice_of("a=%zz"), &tags, &error), ERR_INVALID);
    assert_int_equal(s3_tags_from_xml(slice_of("<Tagging/>"), 10, &tags, NULL, &error),
                     ERR_PROTOCOL);
    assert_int_equal(s3_tags_from_xml(slice_of("no"), 10, &tags, NULL, &error), ERR_PROTOCOL);
}

static void utf8_is_distinguished_from_other_bytes(void **state)
{
    (void)state;
    assert_int_equal(utf8_length(""), 0);
    assert_int_equal(utf8_length("aü€𝄞"), 4);
    assert_int_equal(utf8_length("\xff"), -1);
    assert_int_equal(utf8_length("a\xc3"), -1);            /* cut short */
    assert_int_equal(utf8_length("\xc0\xaf"), -1);         /* overlong */
    assert_int_equal(utf8_length("\xed\xa0\x80"), -1);     /* a surrogate */
    assert_int_equal(utf8_length("\xf4\x90\x80\x80"), -1); /* beyond U+10FFFF */
}

/* Notifications. */

#define RULE(id, filter, event)                                                                    \
    "<QueueConfiguration><Id>" id "</Id><Queue>arn:aws:sqs:r:a:" id "</Queue>" filter              \
    "<Event>" event "</Event></QueueConfiguration>"
#define PREFIX(p)                                                                                  \
    "<Filter><S3Key><FilterRule><Name>prefix</Name><Value>" p                                      \
    "</Value></FilterRule></S3Key></Filter>"
#define SUFFIX(p)                                                                                  \
    "<Filter><S3Key><FilterRule><Name>Suffix</Name><Value>" p                                      \
    "</Value></FilterRule></S3Key></Filter>"
#define CONFIGURATION(content) "<NotificationConfiguration>" content "</NotificationConfiguration>"

static enum s3_error parse(const char *text, struct notification *notification)
{
    const char *message = NULL;
    return s3_notification_parse(slice_of(text), notification, &message);
}

static void rules_match_events_and_keys(void **state)
{
    struct notification n;
    (void)state;
    assert_int_equal(parse(CONFIGURATION(RULE("q1", PREFIX("in/"), "s3:ObjectCreated:*")
                                             RULE("q2", SUFFIX(".jpg"), "s3:ObjectRemoved:Delete")),
                           &n),
                     S3_OK);
    assert_int_equal(n.count, 2);
    assert_true(notification_rule_matches(&n.rules[0], "s3:ObjectCreated:Put", "in/a.png"));
    assert_false(notification_rule_matches(&n.rules[0], "s3:ObjectCreated:Put", "out/a.png"));
    assert_false(notification_rule_matches(&n.rules[0], "s3:ObjectRemoved:Delete", "in/a.png"));
    assert_true(notification_rule_matches(&n.rules[1], "s3:ObjectRemoved:Delete", "x.jpg"));
    assert_false(notification_rule_matches(&n.rules[1], "s3:ObjectRemoved:Delete", "x.jpg2"));
    assert_false(notification_rule_matches(&n.rules[1], "s3:ObjectRemoved:Delete", "jpg"));
    notification_clear(&n);
}

static void overlapping_rules_are_refused(void **state)
{
    struct notification n;
    (void)state;
    assert_int_equal(parse(CONFIGURATION(RULE("q1", PREFIX("in/"), "s3:ObjectCreated:*")
                                             RULE("q2", PREFIX("in/a"), "s3:ObjectCreated:Put")),
                           &n),
                     S3_INVALID_ARGUMENT);
    assert_int_equal(parse(CONFIGURATION(RULE("q1", PREFIX("in/"), "s3:ObjectCreated:*")
                                             RULE("q2", SUFFIX(".jpg"), "s3:ObjectCreated:Put")),
                           &n),
                     S3_INVALID_ARGUMENT);
    assert_int_equal(n.count, 0);
    assert_int_equal(parse(CONFIGURATION(RULE("q1", PREFIX("in/"), "s3:ObjectCreated:*")
                                             RULE("q2", PREFIX("out/"), "s3:ObjectCreated:*")
                                                 RULE("q3", "", "s3:ObjectRemoved:*")),
                           &n),
                     S3_OK);
    notification_clear(&n);
}

static void wrong_configurations_are_refused(void **state)
{
    struct notification n;
    (void)state;
    assert_int_equal(parse(CONFIGURATION(RULE("q", "", "s3:ObjectCreated:Putt")), &n),
                     S3_INVALID_ARGUMENT);
    assert_int_equal(parse(CONFIGURATION("<CloudFunctionConfiguration/>"), &n), S3_NOT_IMPLEMENTED);
    assert_int_equal(parse(CONFIGURATION("<Else/>"), &n), S3_MALFORMED_XML);
    assert_int_equal(parse("<Other/>", &n), S3_MALFORMED_XML);
    assert_int_equal(parse(CONFIGURATION("<QueueConfiguration><Event>s3:ObjectCreated:*</Event>"
                                         "</QueueConfiguration>"),
                           &n),
                     S3_MALFORMED_XML);
    assert_int_equal(parse(CONFIGURATION(), &n), S3_OK); /* empty: no notifications any more */
    assert_int_equal(n.count, 0);
}

static void a_configuration_survives_writing(void **state)
{
    struct notification n, again;
    struct buffer out;
    (void)state;
    assert_int_equal(parse(CONFIGURATION(RULE("q1", PREFIX("a&amp;b/"), "s3:ObjectCreated:*")), &n),
                     S3_OK);
    buffer_init(&out, 4096);
    s3_notification_write(&n, &out);
    assert_int_equal(parse(out.data, &again), S3_OK);
    assert_string_equal(again.rules[0].id, "q1");
    assert_string_equal(again.rules[0].prefix, "a&b/");
    assert_string_equal(again.rules[0].target, n.rules[0].target);
    buffer_free(&out);
    notification_clear(&n);
    notification_clear(&again);
}

/* Events. */

/* java.net.URLEncoder's documentation gives the characters that stay; S3 leaves '/' too. */
static void event_keys_are_form_encoded(void **state)
{
    struct buffer out;
    (void)state;
    buffer_init(&out, 256);
    s3_event_encode_key(&out, "in/a b+c%.-*_~(ü).jpg");
    assert_string_equal(out.data, "in/a+b%2Bc%25.-*_%7E%28%C3%BC%29.jpg");
    buffer_free(&out);
}

static const char *text_at(json_t *record, const char *a, const char *b, const char *c)
{
    json_t *value = json_object_get(record, a);
    value = b ? json_object_get(value, b) : value;
    return json_string_value(c ? json_object_get(value, c) : value);
}

/* Field by field as in "Event message structure", S3 User Guide. */
static void an_event_has_the_documented_shape(void **state)
{
    struct s3_event event = {.name = "ObjectCreated:Put",
                             .key = "in/x y.jpg",
                             .size = 1024,
                             .etag = "d41d8cd98f00b204e9800998ecf8427e",
                             .sequencer = 0xABC,
                             .time_ms = INT64_C(784111777042),
                             .bucket = "photos",
                             .request_id = "RID",
                             .region = "eu-west-1",
                             .owner = "000000000000",
                             .user = "000000000000"};
    (void)state;
    char *text = s3_event_message(&event, "rule");
    json_t *message = json_loads(text, 0, NULL);
    json_t *record = json_array_get(json_object_get(message, "Records"), 0);
    json_t *s3 = json_object_get(record, "s3");
    assert_string_equal(text_at(record, "eventVersion", NULL, NULL), "2.1");
    assert_string_equal(text_at(record, "eventSource", NULL, NULL), "aws:s3");
    assert_string_equal(text_at(record, "awsRegion", NULL, NULL), "eu-west-1");
    assert_string_equal(text_at(record, "eventTime", NULL, NULL), "1994-11-06T08:49:37.042Z");
    assert_string_equal(text_at(record, "eventName", NULL, NULL), "ObjectCreated:Put");
    assert_non_null(text_at(record, "userIdentity", "principalId", NULL));
    assert_non_null(text_at(record, "requestParameters", "sourceIPAddress", NULL));
    assert_string_equal(text_at(record, "responseElements", "x-amz-request-id", NULL), "RID");
    assert_string_equal(text_at(s3, "s3SchemaVersion", NULL, NULL), "1.0");
    assert_string_equal(text_at(s3, "configurationId", NULL, NULL), "rule");
    assert_string_equal(text_at(s3, "bucket", "name", NULL), "photos");
    assert_string_equal(text_at(s3, "bucket", "arn", NULL), "arn:aws:s3:::photos");
    assert_string_equal(text_at(s3, "object", "key", NULL), "in/x+y.jpg");
    assert_string_equal(text_at(s3, "object", "eTag", NULL), event.etag);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(s3, "object"), "size")),
                     1024);
    json_decref(message);
    free(text);
}

static char *sequencer_of(uint64_t number)
{
    struct s3_event event = {.name = "ObjectRemoved:Delete",
                             .key = "k",
                             .sequencer = number,
                             .bucket = "b",
                             .request_id = "r",
                             .region = "g",
                             .owner = "p",
                             .user = "p"};
    char *text = s3_event_message(&event, "rule");
    json_t *message = json_loads(text, 0, NULL);
    json_t *record = json_array_get(json_object_get(message, "Records"), 0);
    json_t *object = json_object_get(json_object_get(record, "s3"), "object");
    assert_null(json_object_get(object, "size")); /* a removal has neither */
    assert_null(json_object_get(object, "eTag"));
    char *sequencer = strdup(json_string_value(json_object_get(object, "sequencer")));
    json_decref(message);
    free(text);
    return sequencer;
}

/* Consumers compare them as text, as the guide says. */
static void sequencers_order_as_text(void **state)
{
    const uint64_t numbers[] = {1, 9, 10, 0xFFF, 0x1000, UINT64_C(1) << 40, UINT64_MAX};
    (void)state;
    for (size_t i = 1; i < sizeof(numbers) / sizeof(*numbers); i++) {
        char *before = sequencer_of(numbers[i - 1]), *after = sequencer_of(numbers[i]);
        assert_true(strcmp(before, after) < 0);
        free(before);
        free(after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xml_text_is_escaped),
        cmocka_unit_test(bytes_that_are_no_text_do_not_spoil_xml),
        cmocka_unit_test(xml_becomes_a_tree),
        cmocka_unit_test(bad_xml_is_refused),
        cmocka_unit_test(ranges_are_cut_to_the_object),
        cmocka_unit_test(conditions_follow_the_rfc),
        cmocka_unit_test(times_are_read_and_written),
        cmocka_unit_test(addresses_name_bucket_and_key),
        cmocka_unit_test(bucket_names_follow_the_rules),
        cmocka_unit_test(tags_are_kept_in_one_form),
        cmocka_unit_test(tags_have_limits),
        cmocka_unit_test(utf8_is_distinguished_from_other_bytes),
        cmocka_unit_test(rules_match_events_and_keys),
        cmocka_unit_test(overlapping_rules_are_refused),
        cmocka_unit_test(wrong_configurations_are_refused),
        cmocka_unit_test(a_configuration_survives_writing),
        cmocka_unit_test(event_keys_are_form_encoded),
        cmocka_unit_test(an_event_has_the_documented_shape),
        cmocka_unit_test(sequencers_order_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
