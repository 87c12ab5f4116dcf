/* Message attributes: which are valid, and the digest that SDKs verify. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "message_attributes.h"

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

static void digest_is(const char *attributes, const char *wanted)
{
    char md5[MD5_HEX_SIZE];
    json_t *json = parse(attributes);
    assert_int_equal(message_attributes_md5(json, md5), 0);
    assert_string_equal(md5, wanted);
    json_decref(json);
}

/* The digests were computed independently, with Python's hashlib from the guide's description; the
 * first two are also what public tests of other programs recorded from SQS. */
static void digests_are_those_of_sqs(void **state)
{
    (void)state;
    digest_is("{\"timestamp\": {\"DataType\": \"Number\", \"StringValue\": \"1493147359900\"}}",
              "235c5c510d26fb653d073faed50ae77c");
    digest_is("{\"timestamp\": {\"DataType\": \"Number.java.lang.Long\","
              " \"StringValue\": \"1493147359900\"}}",
              "2e2e4876d8e0bd6b8c2c8f556831c349");
    digest_is("{\"test_attr\": {\"DataType\": \"String\", \"StringValue\": \"value\"}}",
              "9308f127fc4520ccc72b45129523927a");
    digest_is("{\"b\": {\"DataType\": \"Binary.gif\", \"BinaryValue\": \"AP9H\"},"
              " \"a\": {\"DataType\": \"String\", \"StringValue\": \"\u00e9\"},"
              " \"B\": {\"DataType\": \"Number\", \"StringValue\": \"-1.5e3\"}}",
              "15f7b59d42ee4a9bb6cc4c965a31f136");
}

static void checks(const char *attributes, int wanted, size_t size_wanted)
{
    struct service_error error = {0};
    size_t size = 0;
    json_t *json = parse(attributes);
    assert_int_equal(message_attributes_check(json, &size, &error), wanted);
    if (wanted == 0)
        assert_int_equal(size, size_wanted);
    else
        assert_string_not_equal(service_error_text(sqs_wire_errors, &error), "");
    json_decref(json);
}

#define STRING(name) "{\"" name "\": {\"DataType\": \"String\", \"StringValue\": \"v\"}}"

static void names_follow_the_rules(void **state)
{
    (void)state;
    checks(STRING("Az09_-.x"), 0, 8 + 6 + 1);
    checks(STRING(""), SQS_INVALID_PARAMETER, 0);
    checks(STRING(".a"), SQS_INVALID_PARAMETER, 0);
    checks(STRING("a."), SQS_INVALID_PARAMETER, 0);
    checks(STRING("a..b"), SQS_INVALID_PARAMETER, 0);
    checks(STRING("a b"), SQS_INVALID_PARAMETER, 0);
    checks(STRING("aws.trace"), SQS_INVALID_PARAMETER, 0);
    checks(STRING("Amazon.x"), SQS_INVALID_PARAMETER, 0);
    checks(STRING("amazonian"), 0, 9 + 6 + 1);
}

static void types_and_values_agree(void **state)
{
    (void)state;
    checks("{\"a\": {\"DataType\": \"Number\", \"StringValue\": \"-1.5e3\"}}", 0, 1 + 6 + 6);
    checks("{\"a\": {\"DataType\": \"Number\", \"StringValue\": \"ten\"}}", SQS_INVALID_PARAMETER,
           0);
    checks("{\"a\": {\"DataType\": \"Number\", \"StringValue\": \"1 2\"}}", SQS_INVALID_PARAMETER,
           0);
    /* A binary value counts as its bytes, not as its base64. */
    checks("{\"a\": {\"DataType\": \"Binary\", \"BinaryValue\": \"AP9H\"}}", 0, 1 + 6 + 3);
    checks("{\"a\": {\"DataType\": \"Binary\", \"BinaryValue\": \"*\"}}", SQS_INVALID_PARAMETER, 0);
    checks("{\"a\": {\"DataType\": \"Binary\", \"StringValue\": \"v\"}}", SQS_INVALID_PARAMETER, 0);
    checks("{\"a\": {\"DataType\": \"String\", \"StringValue\": \"\"}}", SQS_INVALID_PARAMETER, 0);
    checks("{\"a\": {\"DataType\": \"String\", \"StringValue\": \"\\u0001\"}}",
           SQS_INVALID_PARAMETER, 0);
    checks("{\"a\": {\"DataType\": \"Stringy\", \"StringValue\": \"v\"}}", SQS_INVALID_PARAMETER,
           0);
    checks("{\"a\": {\"StringValue\": \"v\"}}", SQS_INVALID_PARAMETER, 0);
    checks("{\"a\": \"v\"}", SQS_INVALID_PARAMETER, 0);
    checks("[\"a\"]", SQS_INVALID_PARAMETER, 0);
    checks("{\"a\": {\"DataType\": \"String\", \"StringValue\": \"v\", \"StringListValues\": []}}",
           SQS_UNSUPPORTED, 0);
}

static void at_most_ten(void **state)
{
    (void)state;
    struct service_error error = {0};
    size_t size = 0;
    json_t *json = json_object();
    for (int i = 0; i < 11; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%02d", i % 100);
        if (i == 10)
            assert_int_equal(message_attributes_check(json, &size, &error), 0);
        json_object_set_new(json, name,
                            json_pack("{s:s, s:s}", "DataType", "String", "StringValue", "v"));
    }
    assert_int_equal(message_attributes_check(json, &size, &error), SQS_INVALID_PARAMETER);
    json_decref(json);
}

static void bodies_have_only_characters_of_xml(void **state)
{
    (void)state;
    assert_true(message_text_valid(SLICE_LITERAL("a\t\r\n \xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd")));
    assert_false(message_text_valid(SLICE_LITERAL("a\x01")));
    assert_false(message_text_valid(SLICE_LITERAL("a\x1f")));
    assert_false(message_text_valid((struct slice){"a\0b", 3}));
    assert_false(message_text_valid(SLICE_LITERAL("\xef\xbf\xbe"))); /* U+FFFE */
    assert_false(message_text_valid(SLICE_LITERAL("\xef\xbf\xbf"))); /* U+FFFF */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_sqs),
        cmocka_unit_test(names_follow_the_rules),
        cmocka_unit_test(types_and_values_agree),
        cmocka_unit_test(at_most_ten),
        cmocka_unit_test(bodies_have_only_characters_of_xml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
