/* Filter policies: the examples of the SNS Developer Guide, and the error messages of SNS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "filter_policy.h"

static struct filter_policy *parse(const char *text)
{
    struct filter_policy *policy;
    char why[FILTER_POLICY_TEXT_MAX] = "";
    if (filter_policy_parse(text, &policy, why))
        fail_msg("%s: %s", text, why);
    assert_non_null(policy);
    return policy;
}

static int body_matches(const char *rules, const char *body)
{
    struct filter_policy *policy = parse(rules);
    int matches = filter_policy_match_body(policy, slice_of(body));
    filter_policy_free(policy);
    return matches;
}

/* attributes: {"name": ["Type", "value"], …} */
static int attributes_match(const char *rules, const char *attributes)
{
    struct filter_policy *policy = parse(rules);
    json_t *given = json_loads(attributes, 0, NULL), *message = json_object(), *pair;
    const char *name;
    json_object_foreach(given, name, pair)
    {
        bool binary = strcmp(json_string_value(json_array_get(pair, 0)), "Binary") == 0;
        json_object_set_new(message, name,
                            json_pack("{s:O, s:O}", "DataType", json_array_get(pair, 0),
                                      binary ? "BinaryValue" : "StringValue",
                                      json_array_get(pair, 1)));
    }
    int matches = filter_policy_match_attributes(policy, message);
    json_decref(given);
    json_decref(message);
    filter_policy_free(policy);
    return matches;
}

struct example {
    const char *rules, *message;
    int matches;
};

static void check_bodies(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (body_matches(examples[i].rules, examples[i].message) != examples[i].matches)
            fail_msg("%s on %s", examples[i].rules, examples[i].message);
    }
}

static void check_attributes(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (attributes_match(examples[i].rules, examples[i].message) != examples[i].matches)
            fail_msg("%s on %s", examples[i].rules, examples[i].message);
    }
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* "String value matching" */
static void strings_match(void **state)
{
    static const struct example examples[] = {
        {"{\"i\": [\"rugby\", \"tennis\"]}", "{\"i\": [\"String\", \"rugby\"]}", 1},
        {"{\"i\": [\"rugby\", \"tennis\"]}", "{\"i\": [\"String\", \"Rugby\"]}", 0},
        {"{\"i\": [\"rugby\", \"tennis\"]}", "{\"i\": [\"String\", \"baseball\"]}", 0},
        {"{\"i\": [\"rugby\", \"tennis\"]}",
         "{\"i\": [\"String.Array\", \"[\\\"rugby\\\", \\\"golf\\\"]\"]}", 1},
        {"{\"i\": [\"rugby\", \"tennis\"]}", "{\"i\": [\"String.Array\", \"[\\\"baseball\\\"]\"]}",
         0},
        {"{\"i\": [{\"anything-but\": [\"rugby\", \"tennis\"]}]}",
         "{\"i\": [\"String\", \"golf\"]}", 1},
        {"{\"i\": [{\"anything-but\": [\"rugby\", \"tennis\"]}]}",
         "{\"i\": [\"String\", \"rugby\"]}", 0},
        {"{\"i\": [{\"anything-but\": [\"rugby\", \"tennis\"]}]}",
         "{\"i\": [\"String.Array\", \"[\\\"rugby\\\", \\\"baseball\\\"]\"]}", 1},
        {"{\"i\": [{\"anything-but\": [\"rugby\", \"tennis\"]}]}",
         "{\"i\": [\"String.Array\", \"[\\\"rugby\\\"]\"]}", 0},
        {"{\"i\": [{\"anything-but\": \"rugby\"}]}", "{}", 0},
        {"{\"e\": [{\"anything-but\": {\"prefix\": \"order-\"}}]}",
         "{\"e\": [\"String\", \"data-entry\"]}", 1},
        {"{\"e\": [{\"anything-but\": {\"prefix\": \"order-\"}}]}",
         "{\"e\": [\"String\", \"order-cancelled\"]}", 0},
        {"{\"e\": [{\"anything-but\": {\"suffix\": \".png\"}}]}",
         "{\"e\": [\"String\", \"a.png\"]}", 0},
        {"{\"e\": [{\"anything-but\": {\"wildcard\": \"*ball\"}}]}",
         "{\"e\": [\"String\", \"football\"]}", 0},
        {"{\"e\": [{\"anything-but\": {\"wildcard\": \"*ball\"}}]}",
         "{\"e\": [\"String\", \"golf\"]}", 1},
        {"{\"i\": [{\"equals-ignore-case\": \"tennis\"}]}", "{\"i\": [\"String\", \"TENNIS\"]}", 1},
        {"{\"i\": [{\"equals-ignore-case\": \"tennis\"}]}", "{\"i\": [\"String\", \"tenniss\"]}",
         0},
        {"{\"i\": [{\"prefix\": \"bas\"}]}", "{\"i\": [\"String\", \"baseball\"]}", 1},
        {"{\"i\": [{\"prefix\": \"bas\"}]}", "{\"i\": [\"String\", \"rugby\"]}", 0},
        {"{\"i\": [{\"suffix\": \"ball\"}]}", "{\"i\": [\"String\", \"baseball\"]}", 1},
        {"{\"i\": [{\"suffix\": \"ball\"}]}", "{\"i\": [\"String\", \"rugby\"]}", 0},
        {"{\"ip\": [{\"cidr\": \"10.0.0.0/24\"}]}", "{\"ip\": [\"String\", \"10.0.0.255\"]}", 1},
        {"{\"ip\": [{\"cidr\": \"10.0.0.0/24\"}]}", "{\"ip\": [\"String\", \"10.1.1.0\"]}", 0},
        {"{\"ip\": [{\"cidr\": \"10.0.0.0/0\"}]}", "{\"ip\": [\"String\", \"192.0.2.1\"]}", 1},
        {"{\"ip\": [{\"cidr\": \"10.0.0.0/30\"}]}", "{\"ip\": [\"String\", \"10.0.0.4\"]}", 0},
        {"{\"ip\": [{\"cidr\": \"2001:db8::/32\"}]}", "{\"ip\": [\"String\", \"2001:db8:1::\"]}",
         1},
        {"{\"ip\": [{\"cidr\": \"2001:db8::/32\"}]}", "{\"ip\": [\"String\", \"10.0.0.1\"]}", 0},
        {"{\"ip\": [{\"cidr\": \"10.0.0.0/24\"}]}", "{\"ip\": [\"String\", \"no address\"]}", 0},
        /* a text is itself alone here, where EventBridge takes it for the address */
        {"{\"ip\": [\"2001:db8::1\"]}", "{\"ip\": [\"String\", \"2001:0db8:0:0::1\"]}", 0},
    };
    (void)state;
    check_attributes(examples, COUNT(examples));
}

static void wildcards_match(void **state)
{
    static const struct example examples[] = {
        {"{\"k\": [{\"wildcard\": \"*\"}]}", "{\"k\": \"\"}", 1},
        {"{\"k\": [{\"wildcard\": \"a*c\"}]}", "{\"k\": \"abc\"}", 1},
        {"{\"k\": [{\"wildcard\": \"a*c\"}]}", "{\"k\": \"ac\"}", 1},
        {"{\"k\": [{\"wildcard\": \"a*c\"}]}", "{\"k\": \"abcd\"}", 0},
        {"{\"k\": [{\"wildcard\": \"*b*\"}]}", "{\"k\": \"abc\"}", 1},
        {"{\"k\": [{\"wildcard\": \"ab*ba\"}]}", "{\"k\": \"aba\"}", 0},
        {"{\"k\": [{\"wildcard\": \"*ab*ab\"}]}", "{\"k\": \"ab\"}", 0},
        {"{\"k\": [{\"wildcard\": \"*ab*ab\"}]}", "{\"k\": \"abab\"}", 1},
        {"{\"k\": [{\"wildcard\": \"plain\"}]}", "{\"k\": \"plain\"}", 1},
        {"{\"k\": [{\"wildcard\": \"plain\"}]}", "{\"k\": \"plainer\"}", 0},
        {"{\"k\": [{\"wildcard\": \"a\\\\*b\"}]}", "{\"k\": \"a*b\"}", 1},
        {"{\"k\": [{\"wildcard\": \"a\\\\*b\"}]}", "{\"k\": \"axb\"}", 0},
        {"{\"k\": [{\"wildcard\": \"a\\\\\\\\*\"}]}", "{\"k\": \"a\\\\x\"}", 1},
    };
    (void)state;
    check_bodies(examples, COUNT(examples));
}

static void long_wildcards_match(void **state)
{
    enum { SIZE = 10000 };
    static char letters[SIZE + 1], rules[SIZE + 100], body[SIZE + 100];
    (void)state;
    memset(letters, 'a', SIZE);
    snprintf(rules, sizeof rules, "{\"k\": [{\"wildcard\": \"*%s\\\\*b\"}]}", letters);
    snprintf(body, sizeof body, "{\"k\": \"aa%s*b\"}", letters);
    assert_int_equal(body_matches(rules, body), 1);
    snprintf(body, sizeof body, "{\"k\": \"%s*b\"}", letters + 1);
    assert_int_equal(body_matches(rules, body), 0);
}

/* "Numeric value matching" */
static void numbers_match(void **state)
{
    static const struct example examples[] = {
        {"{\"p\": [100]}", "{\"p\": [\"Number\", \"100\"]}", 1},
        {"{\"p\": [301.5]}", "{\"p\": [\"Number\", \"3.015e2\"]}", 1},
        {"{\"p\": [100]}", "{\"p\": [\"Number\", \"100.000001\"]}", 1},
        {"{\"p\": [100]}", "{\"p\": [\"Number\", \"100.0001\"]}", 0},
        {"{\"p\": [100]}", "{\"p\": [\"String\", \"100\"]}", 0},
        {"{\"p\": [\"100\"]}", "{\"p\": [\"Number\", \"100\"]}", 0},
        {"{\"p\": [{\"numeric\": [\"=\", 301.5]}]}", "{\"p\": [\"Number\", \"301.5\"]}", 1},
        {"{\"p\": [{\"numeric\": [\"=\", 301.5]}]}", "{\"p\": [\"Number\", \"301\"]}", 0},
        {"{\"p\": [{\"numeric\": [\"=\", 100]}]}", "{\"p\": [\"Number\", \"100.000001\"]}", 1},
        {"{\"p\": [{\"numeric\": [\"=\", 100]}]}", "{\"p\": [\"Number\", \"100.0001\"]}", 0},
        {"{\"p\": [{\"numeric\": [\"<\", 0]}]}", "{\"p\": [\"Number\", \"-10\"]}", 1},
        {"{\"p\": [{\"numeric\": [\"<\", 0]}]}", "{\"p\": [\"Number\", \"0\"]}", 0},
        {"{\"p\": [{\"numeric\": [\">\", 0, \"<=\", 150]}]}", "{\"p\": [\"Number\", \"150\"]}", 1},
        {"{\"p\": [{\"numeric\": [\">\", 0, \"<=\", 150]}]}", "{\"p\": [\"Number\", \"0\"]}", 0},
        {"{\"p\": [{\"numeric\": [\">\", 0, \"<=\", 150]}]}", "{\"p\": [\"Number\", \"150.5\"]}",
         0},
        {"{\"p\": [{\"anything-but\": [100, 500]}]}", "{\"p\": [\"Number\", \"101\"]}", 1},
        {"{\"p\": [{\"anything-but\": [100, 500]}]}", "{\"p\": [\"Number\", \"100.0\"]}", 0},
        {"{\"p\": [{\"anything-but\": [100, 500]}]}", "{\"p\": [\"String.Array\", \"[100, 50]\"]}",
         1},
        {"{\"p\": [{\"anything-but\": [100, 500]}]}", "{\"p\": [\"String.Array\", \"[100]\"]}", 0},
    };
    (void)state;
    check_attributes(examples, COUNT(examples));
}

/* "Attribute key matching", "AND/OR logic", and what is no string and no number */
static void keys_and_logic(void **state)
{
    static const struct example examples[] = {
        {"{\"s\": [{\"exists\": true}]}", "{\"s\": [\"String\", \"x\"]}", 1},
        {"{\"s\": [{\"exists\": true}]}", "{\"t\": [\"String\", \"x\"]}", 0},
        {"{\"s\": [{\"exists\": false}]}", "{\"t\": [\"String\", \"x\"]}", 1},
        {"{\"s\": [{\"exists\": false}]}", "{\"s\": [\"String\", \"x\"]}", 0},
        {"{\"s\": [{\"exists\": true}]}", "{\"s\": [\"Binary\", \"eA==\"]}", 0},
        {"{\"a\": [\"1\"], \"b\": [\"2\"]}",
         "{\"a\": [\"String\", \"1\"], \"b\": [\"String\", \"2\"], \"c\": [\"String\", \"3\"]}", 1},
        {"{\"a\": [\"1\"], \"b\": [\"2\"]}", "{\"a\": [\"String\", \"1\"]}", 0},
        {"{\"s\": [\"x\"], \"$or\": [{\"m\": [1]}, {\"n\": [{\"prefix\": \"AWS/\"}]}]}",
         "{\"s\": [\"String\", \"x\"], \"n\": [\"String\", \"AWS/EC2\"]}", 1},
        {"{\"s\": [\"x\"], \"$or\": [{\"m\": [1]}, {\"n\": [{\"prefix\": \"AWS/\"}]}]}",
         "{\"s\": [\"String\", \"x\"], \"m\": [\"Number\", \"1\"]}", 1},
        {"{\"s\": [\"x\"], \"$or\": [{\"m\": [1]}, {\"n\": [{\"prefix\": \"AWS/\"}]}]}",
         "{\"s\": [\"String\", \"x\"], \"m\": [\"Number\", \"2\"]}", 0},
        {"{\"s\": [\"x\"], \"$or\": [{\"m\": [1]}, {\"n\": [2]}]}", "{\"m\": [\"Number\", \"1\"]}",
         0},
        {"{\"f\": [true, null]}", "{\"f\": [\"String.Array\", \"[true]\"]}", 1},
        {"{\"f\": [true, null]}", "{\"f\": [\"String.Array\", \"[null]\"]}", 1},
        {"{\"f\": [true]}", "{\"f\": [\"String\", \"true\"]}", 0},
        {"{\"f\": [null, {\"anything-but\": \"x\"}]}", "{}", 1}, /* as recorded of SNS */
        {"{\"a.b\": [\"x\"]}", "{\"a.b\": [\"String\", \"x\"]}", 1},
        {"{\"a\": [{\"prefix\": \"x\"}]}", "{\"a\": [\"String.Array\", \"not JSON\"]}", 0},
    };
    (void)state;
    check_attributes(examples, COUNT(examples));
}

static const char s3_rules[] =
    "{\"Records\": {\"s3\": {\"object\": {\"key\": [{\"prefix\": \"auto-\"}]}},"
    " \"eventName\": [{\"prefix\": \"ObjectCreated:\"}]}}";

/* "Payload-based filtering" */
static void bodies_match_by_nested_keys(void **state)
{
    static const struct example examples[] = {
        {s3_rules,
         "{\"Records\": [{\"eventName\": \"ObjectCreated:Put\","
         " \"s3\": {\"object\": {\"key\": \"auto-1.xml\"}}}]}",
         1},
        {s3_rules, /* each half is somewhere, but not in one record */
         "{\"Records\": [{\"eventName\": \"ObjectCreated:Put\","
         " \"s3\": {\"object\": {\"key\": \"home-1.xml\"}}}, {\"eventName\": "
         "\"ObjectRemoved:Delete\","
         " \"s3\": {\"object\": {\"key\": \"auto-1.xml\"}}}]}",
         0},
        {s3_rules, /* lists in lists */
         "{\"Records\": [{\"eventName\": \"ObjectCreated:Put\","
         " \"s3\": {\"object\": [[{\"key\": \"auto-1.xml\"}]]}}]}",
         1},
        {"{\"h\": {\"to\": [\"q1\"]}}", "{\"h\": {\"to\": [\"q1\", \"q2\"]}}", 1},
        {"{\"h\": {\"to\": [\"q1\"]}}", "{\"h\": {\"to\": \"q2\"}}", 0},
        {"{\"o\": {\"n\": [\"v\"]}}", "{\"o.n\": \"v\"}", 1},
        {"{\"o\": {\"n\": {\"t\": [\"v\"]}}}", "{\"o.n\": {\"t\": \"v\"}}", 1},
        {"{\"o\": {\"n\": {\"t\": [\"v\"]}}}", "{\"o\": {\"n.t\": \"v\"}}", 1},
        {"{\"o.n\": [\"v\"]}", "{\"o\": {\"n\": \"v\"}}", 1},
        {"{\"a\": {\"b\": [{\"exists\": false}]}}", "{\"a\": 1}", 1},
        {"{\"a\": {\"b\": [{\"exists\": false}]}}", "{\"a\": {\"b\": null}}", 0},
        {"{\"a\": [{\"exists\": true}]}", "{\"a\": {\"b\": 1}}", 0}, /* only leaves exist */
        {"{\"a\": [true]}", "{\"a\": true}", 1},
        {"{\"a\": [null]}", "{\"a\": null}", 1},
        {"{\"a\": [null]}", "{}", 0},
        {"{\"a\": {\"$or\": [{\"b\": [1]}, {\"c\": [2]}]}}", "{\"a\": {\"c\": 2.0}}", 1},
        {"{\"a\": {\"$or\": [{\"b\": [1]}, {\"c\": [2]}]}}", "{\"a\": {\"c\": 1}}", 0},
        {"{\"a\": [\"x\"]}", "not JSON", 0},
        {"{\"a\": [\"x\"]}", "[{\"a\": \"x\"}]", 0},
        {"{\"a\": [{\"exists\": false}]}", "", 0},
    };
    (void)state;
    check_bodies(examples, COUNT(examples));
}

static void check_error(const char *rules, const char *text)
{
    struct filter_policy *policy;
    char why[FILTER_POLICY_TEXT_MAX] = "";
    assert_int_equal(filter_policy_parse(rules, &policy, why), ERR_INVALID);
    assert_null(policy);
    assert_string_equal(why, text);
}

/* Recorded from SNS; the source is the text itself. */
static void check_place(const char *rules, const char *text, int column)
{
    char expected[FILTER_POLICY_TEXT_MAX];
    snprintf(expected, sizeof expected, "%s\n at [Source: (String)\"%s\"; line: 1, column: %d]",
             text, rules, column);
    check_error(rules, expected);
}

static void errors_are_worded_and_placed_as_SNS_does(void **state)
{
    (void)state;
    check_place("{\"key\":[[\"value\"]]}",
                "Match value must be String, number, true, false, or null", 10);
    check_place("{\"key\":[{\"wrong-operator\":true}]}", "Unrecognized match type wrong-operator",
                31);
    check_place("{\"key\":[{\"suffix\":\"value\",\"prefix\":\"value2\"}]}",
                "Only one key allowed in match expression", 37);
    check_place("{\"key\":[{\"suffix\":100}]}", "suffix match pattern must be a string", 22);
    check_place("{\"key\":[{\"suffix\":null}]}", "suffix match pattern must be a string", 23);
    check_place("{\"key\":[{\"suffix\":[]}]}", "suffix match pattern must be a string", 20);
    check_place("{\"key\":{\"suffix\":\"value\"}}", "\"suffix\" must be an object or an array", 19);
    check_place("{\"key_a\":\"value_one\"}", "\"key_a\" must be an object or an array", 11);
    check_place("{\"key\":[{\"exists\":null}]}",
                "exists match pattern must be either true or false.", 23);
    check_place("{\"key\":[{\"exists\":\"no\"}]}",
                "exists match pattern must be either true or false.", 20);
    check_place("{\"key\":[{\"anything-but\":{\"wrong-operator\":null}}]}",
                "Unsupported anything-but pattern: wrong-operator", 47);
    check_place("{\"key\":[{\"anything-but\":{\"exists\":false}}]}",
                "Unsupported anything-but pattern: exists", 40);
    check_place("{\"key\":[{\"anything-but\":{\"prefix\":false}}]}",
                "prefix match pattern must be a string", 40);
}

static void numeric_errors_are_worded_and_placed_as_SNS_does(void **state)
{
    (void)state;
    check_place("{\"key\":[{\"numeric\":[]}]}", "Invalid member in numeric match: ]", 22);
    check_place("{\"key\":[{\"numeric\":[\"operator\"]}]}",
                "Unrecognized numeric range operator: operator", 32);
    check_place("{\"key\":[{\"numeric\":[1,\"<=\"]}]}", "Invalid member in numeric match: 1", 22);
    check_place("{\"key\":[{\"numeric\":[\"=\",\"000\"]}]}", "Value of equals must be numeric", 26);
    check_place("{\"key\":[{\"numeric\":[\">=\"]}]}", "Value of >= must be numeric", 26);
    check_place("{\"key\":[{\"numeric\":[\"<\",100,\">\",10]}]}",
                "Too many elements in numeric expression", 30);
    check_place("{\"key\":[{\"numeric\":[\">=\",1,\">\",2]}]}", "Bad numeric range operator: >",
                31);
    check_place("{\"key\":[{\"numeric\":[\">\",3,\"<\",1]}]}", "Bottom must be less than top", 33);
    check_place("{\"key\":[{\"numeric\":[\">\",20,\"<=\"]}]}", "Value of <= must be numeric", 33);
    check_place("{\"key\":[{\"numeric\":[\">\",20,30]}]}", "Bad value in numeric range: 30", 30);
    check_place("{\"key\":[{\"numeric\":[\">\",20,\"test\"]}]}", "Bad numeric range operator: test",
                34);
    check_place("{\"key\":[{\"numeric\":[\">\",20,\"<\",30,\"<\",50]}]}",
                "Too many terms in numeric range expression", 36);
}

static void limits_are_those_of_the_guide(void **state)
{
    char text[4096] = "{\"k\": [0";
    (void)state;
    for (int i = 1; i < 150; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), ",%d", i);
    size_t size = strlen(text);
    strcpy(text + size, "]}");
    filter_policy_free(parse(text));
    strcpy(text + size, ",150]}");
    check_error(text, "Filter policy is too complex");
    /* "4 x 3 x 3 x 2 = 72": values times depth, of the guide's example */
    filter_policy_free(parse("{\"a\":{\"b\":{\"c\":[1,2,3,4]}},\"d\":{\"e\":[1,2,3]}}"));
    check_error("{\"a\":{\"b\":{\"c\":[1,2,3,4]}},\"d\":{\"e\":[1,2,3]},\"f\":[1,2,3]}",
                "Filter policy is too complex");
    filter_policy_free(parse("{\"a\":[1],\"b\":[1],\"c\":[1],\"d\":[1],\"e\":[1]}"));
    check_error("{\"a\":[1],\"b\":[1],\"c\":[1],\"d\":[1],\"e\":[1],\"f\":[1]}",
                "Filter policy can not have more than 5 keys");
}

static void invalid_policies_are_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "x",
        "[]",
        "[\"a\"]",
        "\"a\"",
        "3",
        "{\"a\": []}",
        "{\"a\": {}}",
        "{\"a\": [1], \"a\": [2]}",
        "{\"a\": [1000000001]}",
        "{\"a\": [{}]}",
        "{\"a\": [{\"numeric\": 3}]}",
        "{\"a\": [{\"numeric\": [\"<\", -2e9]}]}",
        "{\"a\": [{\"cidr\": \"10.0.0.0\"}]}",
        "{\"a\": [{\"cidr\": \"10.0.0.0/33\"}]}",
        "{\"a\": [{\"cidr\": \"10.0.0/8\"}]}",
        "{\"a\": [{\"cidr\": \"::/x\"}]}",
        "{\"a\": [{\"wildcard\": \"a**b\"}]}",
        "{\"a\": [{\"wildcard\": \"*a*b*c*\"}]}",
        "{\"a\": [{\"anything-but\": []}]}",
        "{\"a\": [{\"anything-but\": [1, \"a\"]}]}",
        "{\"a\": [{\"anything-but\": [null]}]}",
        "{\"a\": [{\"anything-but\": true}]}",
        "{\"a\": [{\"anything-but\": {}}]}",
        "{\"a\": [{\"anything-but\": {\"prefix\": \"\"}}]}",
        "{\"$or\": [{\"a\": \"x\"}, {\"b\": [1]}]}",
        "{\"$or\": \"x\"}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct filter_policy *policy;
        char why[FILTER_POLICY_TEXT_MAX] = "";
        if (filter_policy_parse(wrong[i], &policy, why) != ERR_INVALID || !why[0])
            fail_msg("%s is taken", wrong[i]);
    }
}

static void a_policy_without_keys_filters_nothing(void **state)
{
    struct filter_policy *policy;
    char why[FILTER_POLICY_TEXT_MAX];
    (void)state;
    assert_int_equal(filter_policy_parse("{}", &policy, why), 0);
    assert_null(policy);
}

static void nesting_is_detected(void **state)
{
    static const struct example examples[] = {
        {"{\"a\": [1]}", NULL, 0},
        {"{\"a\": {\"b\": [1]}}", NULL, 1},
        {"{\"$or\": [{\"a\": [1]}, {\"b\": [2]}]}", NULL, 0},
        {"{\"$or\": [{\"a\": [1]}, {\"b\": {\"c\": [2]}}]}", NULL, 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(examples); i++) {
        struct filter_policy *policy = parse(examples[i].rules);
        assert_int_equal(filter_policy_is_nested(policy), examples[i].matches);
        filter_policy_free(policy);
    }
}

static void depth_and_dots_of_a_body_are_harmless(void **state)
{
    struct buffer body;
    (void)state;
    buffer_init(&body, 1 << 20);
    buffer_text(&body, "{\"a");
    for (int i = 0; i < 100000; i++)
        buffer_text(&body, ".a");
    buffer_text(&body, "\": ");
    for (int i = 0; i < 1500; i++)
        buffer_text(&body, "[");
    for (int i = 0; i < 1500; i++)
        buffer_text(&body, "]");
    buffer_text(&body, "}");
    assert_int_equal(body.error, 0);
    assert_int_equal(body_matches("{\"a\": {\"a\": [1]}}", body.data), 0);
    buffer_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_match),
        cmocka_unit_test(wildcards_match),
        cmocka_unit_test(long_wildcards_match),
        cmocka_unit_test(numbers_match),
        cmocka_unit_test(keys_and_logic),
        cmocka_unit_test(bodies_match_by_nested_keys),
        cmocka_unit_test(errors_are_worded_and_placed_as_SNS_does),
        cmocka_unit_test(numeric_errors_are_worded_and_placed_as_SNS_does),
        cmocka_unit_test(limits_are_those_of_the_guide),
        cmocka_unit_test(invalid_policies_are_refused),
        cmocka_unit_test(a_policy_without_keys_filters_nothing),
        cmocka_unit_test(nesting_is_detected),
        cmocka_unit_test(depth_and_dots_of_a_body_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
