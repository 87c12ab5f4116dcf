/* EventBridge patterns: matching and invalid patterns. Cases from the User Guide are marked with
 * the section. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "event_pattern.h"
#include "json_dots.h"

struct match_case {
    const char *pattern, *event;
    bool matches;
};

static bool matches(const char *pattern_text, const char *event_text)
{
    struct event_pattern *pattern;
    struct error error = {0};
    if (event_pattern_parse(slice_of(pattern_text), &pattern, &error))
        fail_msg("%s: %s", error.text, pattern_text);
    json_t *event = json_loads(event_text, JSON_DECODE_ANY, NULL);
    assert_non_null(event);
    json_t *undotted = json_undotted(event);
    bool result = event_pattern_matches(pattern, undotted);
    json_decref(undotted);
    json_decref(event);
    event_pattern_free(pattern);
    return result;
}

static void check(const struct match_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (matches(cases[i].pattern, cases[i].event) != cases[i].matches)
            fail_msg("%s should%s match %s", cases[i].pattern, cases[i].matches ? "" : " not",
                     cases[i].event);
    }
}
#define CHECK(cases) check((cases), sizeof(cases) / sizeof((cases)[0]))

static void values_are_matched(void **state)
{
    (void)state;
    static const struct match_case cases[] = {
        {"{\"a\":[\"x\"]}", "{\"a\":\"x\"}", true},
        {"{\"a\":[\"x\"]}", "{\"a\":\"X\"}", false},
        {"{\"a\":[\"x\",\"y\"]}", "{\"a\":\"y\",\"b\":1}", true},
        {"{\"a\":[\"x\"],\"b\":[1]}", "{\"a\":\"x\"}", false},
        {"{\"a\":[\"1\"]}", "{\"a\":1}", false},
        {"{\"a\":[1]}", "{\"a\":\"1\"}", false},
        {"{\"a\":[300]}", "{\"a\":300.0}", true},
        {"{\"a\":[3.0e2]}", "{\"a\":300}", true},
        {"{\"a\":[300]}", "{\"a\":301}", false},
        {"{\"a\":[true]}", "{\"a\":true}", true},
        {"{\"a\":[true]}", "{\"a\":false}", false},
        {"{\"a\":[true]}", "{\"a\":\"true\"}", false},
        /* "Null values and empty strings" */
        {"{\"a\":[null]}", "{\"a\":null}", true},
        {"{\"a\":[null]}", "{\"a\":\"\"}", false},
        {"{\"a\":[null]}", "{}", false},
        {"{\"a\":[\"\"]}", "{\"a\":\"\"}", true},
        {"{\"a\":[\"\"]}", "{\"a\":null}", false},
        {"{\"a\":[{\"exact\":\"x\"}]}", "{\"a\":\"x\"}", true},
        {"{\"a\":[\"10.0.0.1\"]}", "{\"a\":\"10.0.0.1\"}", true},
        {"{\"a\":[\"2001:db8::1\"]}", "{\"a\":\"2001:0db8:0:0::1\"}", true},
        {"{\"a\":[\"10.0.0.1\"]}", "{\"a\":\"10.0.0.2\"}", false},
        {"{\"a\":[\"x\"]}", "[]", false},
        {"{\"a\":[\"x\"]}", "\"x\"", false},
    };
    CHECK(cases);
}

static void nesting(void **state)
{
    (void)state;
    static const struct match_case cases[] = {
        {"{\"d\":{\"s\":[\"on\"]}}", "{\"d\":{\"s\":\"on\"}}", true},
        {"{\"d\":{\"s\":[\"on\"]}}", "{\"d\":\"on\"}", false},
        {"{\"d\":{\"s\":{\"t\":[\"on\"]}}}", "{\"d\":{\"s\":{\"t\":\"on\",\"u\":1}}}", true},
        /* "Considerations when creating event patterns": dots join names */
        {"{\"d.s\":[\"on\"]}", "{\"d\":{\"s\":\"on\"}}", true},
        {"{\"d\":{\"s\":[\"on\"]}}", "{\"d.s\":\"on\"}", true},
        {"{\"d.s\":[\"on\"]}", "{\"d\":[{\"s\":\"off\"},{\"s\":\"on\"}]}", true},
        {"{\"d.s\":[\"on\"]}", "{\"d\":{\"t\":\"on\"}}", false},
        /* "Arrays": a value in common is enough */
        {"{\"r\":[\"b\",\"z\"]}", "{\"r\":[\"a\",\"b\"]}", true},
        {"{\"r\":[\"z\"]}", "{\"r\":[\"a\",\"b\"]}", false},
        {"{\"r\":[\"a\"]}", "{\"r\":[[\"a\"],\"b\"]}", true},
        {"{\"r\":[\"a\"]}", "{\"r\":[]}", false},
        /* both fields in one object */
        {"{\"r\":{\"a\":[1],\"b\":[2]}}", "{\"r\":[{\"a\":1,\"b\":2}]}", true},
        {"{\"r\":{\"a\":[1],\"b\":[2]}}", "{\"r\":[{\"a\":1},{\"b\":2}]}", false},
        {"{\"r\":{\"a\":[1],\"b\":[2]}}", "{\"r\":[{\"a\":9},[{\"a\":1,\"b\":2}]]}", true},
    };
    CHECK(cases);
}

static void text_is_matched(void **state)
{
    (void)state;
    static const struct match_case cases[] = {
        {"{\"t\":[{\"prefix\":\"2017-10\"}]}", "{\"t\":\"2017-10-02T18:43:48Z\"}", true},
        {"{\"t\":[{\"prefix\":\"2017-10\"}]}", "{\"t\":\"2017-11-02\"}", false},
        {"{\"t\":[{\"prefix\":\"2\"}]}", "{\"t\":2}", false},
        {"{\"t\":[{\"prefix\":\"\"}]}", "{\"t\":\"\"}", true},
        {"{\"s\":[{\"prefix\":{\"equals-ignore-case\":\"EventB\"}}]}", "{\"s\":\"eventbridge\"}",
         true},
        {"{\"s\":[{\"prefix\":{\"equals-ignore-case\":\"EventB\"}}]}", "{\"s\":\"event\"}", false},
        {"{\"f\":[{\"suffix\":\".png\"}]}", "{\"f\":\"a/b.png\"}", true},
        {"{\"f\":[{\"suffix\":\".png\"}]}", "{\"f\":\"a/b.PNG\"}", false},
        {"{\"f\":[{\"suffix\":\".png\"}]}", "{\"f\":\"png\"}", false},
        {"{\"f\":[{\"suffix\":{\"equals-ignore-case\":\".png\"}}]}", "{\"f\":\"a/b.PNG\"}", true},
        {"{\"n\":[{\"equals-ignore-case\":\"alice\"}]}", "{\"n\":\"ALICE\"}", true},
        {"{\"n\":[{\"equals-ignore-case\":\"alice\"}]}", "{\"n\":\"ALICES\"}", false},
        {"{\"p\":[{\"wildcard\":\"dir/*.png\"}]}", "{\"p\":\"dir/x/y.png\"}", true},
        {"{\"p\":[{\"wildcard\":\"dir/*.png\"}]}", "{\"p\":\"dir/x/y.jpg\"}", false},
        {"{\"p\":[{\"wildcard\":\"*a*b*\"}]}", "{\"p\":\"xxaxxaxb\"}", true},
        {"{\"p\":[{\"wildcard\":\"*a*b\"}]}", "{\"p\":\"abac\"}", false},
        {"{\"p\":[{\"wildcard\":\"*\"}]}", "{\"p\":\"\"}", true},
        {"{\"p\":[{\"wildcard\":\"a\\\\*b\"}]}", "{\"p\":\"a*b\"}", true},
        {"{\"p\":[{\"wildcard\":\"a\\\\*b\"}]}", "{\"p\":\"axb\"}", false},
        {"{\"p\":[{\"wildcard\":\"a\\\\\\\\*\"}]}", "{\"p\":\"a\\\\b\"}", true},
        {"{\"p\":[{\"wildcard\":\"*\"}]}", "{\"p\":1}", false},
    };
    CHECK(cases);
}

static void anything_but(void **state)
{
    (void)state;
    static const struct match_case cases[] = {
        {"{\"s\":[{\"anything-but\":\"init\"}]}", "{\"s\":\"run\"}", true},
        {"{\"s\":[{\"anything-but\":\"init\"}]}", "{\"s\":\"init\"}", false},
        {"{\"s\":[{\"anything-but\":\"init\"}]}", "{}", false},
        {"{\"s\":[{\"anything-but\":\"init\"}]}", "{\"s\":5}", true},
        {"{\"s\":[{\"anything-but\":\"a\"}]}", "{\"s\":[\"a\",\"b\"]}", true},
        {"{\"s\":[{\"anything-but\":\"a\"}]}", "{\"s\":[\"a\"]}", false},
        {"{\"s\":[{\"anything-but\":[\"stop\",\"over\"]}]}", "{\"s\":\"over\"}", false},
        {"{\"s\":[{\"anything-but\":[\"stop\",\"over\"]}]}", "{\"s\":\"run\"}", true},
        {"{\"s\":[{\"anything-but\":123}]}", "{\"s\":123.0}", false},
        {"{\"s\":[{\"anything-but\":[100,200,300]}]}", "{\"s\":200}", false},
        {"{\"s\":[{\"anything-but\":[100,200,300]}]}", "{\"s\":201}", true},
        {"{\"s\":[{\"anything-but\":{\"prefix\":\"in\"}}]}", "{\"s\":\"init\"}", false},
        {"{\"s\":[{\"anything-but\":{\"prefix\":[\"in\",\"st\"]}}]}", "{\"s\":\"stop\"}", false},
        {"{\"s\":[{\"anything-but\":{\"prefix\":[\"in\",\"st\"]}}]}", "{\"s\":\"run\"}", true},
        {"{\"s\":[{\"anything-but\":{\"suffix\":\".png\"}}]}", "{\"s\":\"a.png\"}", false},
        {"{\"s\":[{\"anything-but\":{\"suffix\":[\".png\",\".gif\"]}}]}", "{\"s\":\"a.jpg\"}",
         true},
        {"{\"s\":[{\"anything-but\":{\"equals-ignore-case\":\"Init\"}}]}", "{\"s\":\"INIT\"}",
         false},
        {"{\"s\":[{\"anything-but\":{\"equals-ignore-case\":[\"a\",\"b\"]}}]}", "{\"s\":\"B\"}",
         false},
        {"{\"s\":[{\"anything-but\":{\"wildcard\":\"*/lib/*\"}}]}", "{\"s\":\"x/lib/y\"}", false},
        {"{\"s\":[{\"anything-but\":{\"wildcard\":[\"*/lib/*\",\"*/bin/*\"]}}]}",
         "{\"s\":\"x/src/y\"}", true},
    };
    CHECK(cases);
}

static void numbers(void **state)
{
    (void)state;
    static const struct match_case cases[] = {
        {"{\"n\":[{\"numeric\":[\">\",0,\"<=\",5]}]}", "{\"n\":5}", true},
        {"{\"n\":[{\"numeric\":[\">\",0,\"<=\",5]}]}", "{\"n\":0}", false},
        {"{\"n\":[{\"numeric\":[\">=\",0,\"<\",5]}]}", "{\"n\":0}", true},
        {"{\"n\":[{\"numeric\":[\">=\",0,\"<\",5]}]}", "{\"n\":5}", false},
        {"{\"n\":[{\"numeric\":[\"<\",10]}]}", "{\"n\":-3.5}", true},
        {"{\"n\":[{\"numeric\":[\"=\",3.018e2]}]}", "{\"n\":301.8}", true},
        {"{\"n\":[{\"numeric\":[\"=\",3.018e2]}]}", "{\"n\":\"301.8\"}", false},
        /* by value, where a filter policy of SNS compares five digits */
        {"{\"n\":[{\"numeric\":[\"=\",100]}]}", "{\"n\":100.000001}", false},
        {"{\"n\":[100]}", "{\"n\":100.000001}", false},
        {"{\"n\":[{\"cidr\":\"10.0.0.0/24\"}]}", "{\"n\":\"10.0.0.255\"}", true},
        {"{\"n\":[{\"cidr\":\"10.0.0.0/24\"}]}", "{\"n\":\"10.0.1.0\"}", false},
        {"{\"n\":[{\"cidr\":\"10.0.0.0/9\"}]}", "{\"n\":\"10.127.1.1\"}", true},
        {"{\"n\":[{\"cidr\":\"10.0.0.0/9\"}]}", "{\"n\":\"10.128.1.1\"}", false},
        {"{\"n\":[{\"cidr\":\"0.0.0.0/0\"}]}", "{\"n\":\"200.1.1.1\"}", true},
        {"{\"n\":[{\"cidr\":\"2001:db8::/32\"}]}", "{\"n\":\"2001:db8:1::1\"}", true},
        {"{\"n\":[{\"cidr\":\"2001:db8::/32\"}]}", "{\"n\":\"2001:db9::1\"}", false},
        {"{\"n\":[{\"cidr\":\"10.0.0.0/24\"}]}", "{\"n\":\"::1\"}", false},
        {"{\"n\":[{\"cidr\":\"10.0.0.0/24\"}]}", "{\"n\":\"ten\"}", false},
    };
    CHECK(cases);
}

static void exists_is_matched(void **state)
{
    (void)state;
    static const struct match_case cases[] = {
        {"{\"d\":{\"c\":[{\"exists\":true}]}}", "{\"d\":{\"c\":null}}", true},
        {"{\"d\":{\"c\":[{\"exists\":true}]}}", "{\"d\":{}}", false},
        {"{\"d\":{\"c\":[{\"exists\":false}]}}", "{\"d\":{}}", true},
        {"{\"d\":{\"c\":[{\"exists\":false}]}}", "{}", true},
        {"{\"d\":{\"c\":[{\"exists\":false}]}}", "{\"d\":{\"c\":1}}", false},
        /* "Exists matching": on leaf nodes alone */
        {"{\"d\":{\"c\":[{\"exists\":true}]}}", "{\"d\":{\"c\":{\"e\":1}}}", false},
        {"{\"d\":{\"c\":[{\"exists\":false}]}}", "{\"d\":{\"c\":{\"e\":1}}}", true},
        {"{\"d\":{\"c\":[{\"exists\":false},\"x\"]}}", "{\"d\":{\"c\":\"x\"}}", true},
        {"{\"d\":{\"c\":[{\"exists\":false}]}}", "{\"d\":[{\"b\":1},{\"c\":1}]}", false},
        {"{\"d\":{\"c\":[{\"exists\":false}]}}", "{\"d\":[{\"b\":1},{\"b\":2}]}", true},
        {"{\"d\":{\"b\":[1],\"c\":[{\"exists\":false}]}}", "{\"d\":[{\"b\":1},{\"c\":1}]}", true},
    };
    CHECK(cases);
}

static void either_of_or_matches(void **state)
{
    (void)state;
    /* "Using $or": the guide's own */
    static const char guide[] =
        "{\"detail\":{\"$or\":[{\"c-count\":[{\"numeric\":[\">\",0,\"<=\",5]}]},"
        "{\"d-count\":[{\"numeric\":[\"<\",10]}]},{\"x-limit\":[{\"numeric\":[\"=\",3.018e2]}]}]}}";
    static const struct match_case cases[] = {
        {guide, "{\"detail\":{\"c-count\":3}}", true},
        {guide, "{\"detail\":{\"d-count\":3}}", true},
        {guide, "{\"detail\":{\"d-count\":13,\"x-limit\":301.8}}", true},
        {guide, "{\"detail\":{\"c-count\":6,\"d-count\":13}}", false},
        {"{\"a\":[1],\"$or\":[{\"b\":[1]},{\"c\":[1]}]}", "{\"a\":1,\"c\":1}", true},
        {"{\"a\":[1],\"$or\":[{\"b\":[1]},{\"c\":[1]}]}", "{\"c\":1}", false},
        {"{\"$or\":[{\"a\":[1]},{\"$or\":[{\"b\":[1]},{\"c\":[1]}]}]}", "{\"c\":1}", true},
    };
    CHECK(cases);
}

/* Invalid patterns and their error messages. */
static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *reason;
    } cases[] = {
        {"", "line 1"},
        {"{\"a\":[1],}", "line 1"},
        {"[]", "Filter is not an object"},
        {"\"a\"", "line 1"},
        {"{}", "Empty objects"},
        {"{\"a\":{}}", "Empty objects"},
        {"{\"a\":[]}", "Empty arrays"},
        {"{\"a\":\"x\"}", "\"a\" must be an object or an array"},
        {"{\"a\":[[1]]}", "Match value must be"},
        {"{\"a\":[{}]}", "name not found"},
        {"{\"a\":[{\"like\":\"x\"}]}", "Unrecognized match type like"},
        {"{\"a\":[{\"prefix\":\"x\",\"suffix\":\"y\"}]}", "Only one key"},
        {"{\"a\":[{\"prefix\":1}]}", "prefix match pattern must be a string"},
        {"{\"a\":[{\"prefix\":{\"wildcard\":\"x\"}}]}", "prefix match pattern must be a string"},
        {"{\"a\":[{\"suffix\":null}]}", "suffix match pattern must be a string"},
        {"{\"a\":[{\"exists\":\"yes\"}]}", "true or false"},
        {"{\"a\":[{\"wildcard\":\"a**b\"}]}", "Consecutive wildcard"},
        {"{\"a\":[{\"wildcard\":\"a\\\\b\"}]}", "Invalid escape"},
        {"{\"a\":[{\"wildcard\":\"a\\\\\"}]}", "Invalid escape"},
        {"{\"a\":[{\"cidr\":\"10.0.0.0/33\"}]}", "Malformed CIDR"},
        {"{\"a\":[{\"cidr\":\"10.0.0.0/\"}]}", "Malformed CIDR"},
        {"{\"a\":[{\"cidr\":\"ten/8\"}]}", "Malformed CIDR"},
        {"{\"a\":[{\"numeric\":5}]}", "must be an array"},
        {"{\"a\":[{\"numeric\":[]}]}", "operator"},
        {"{\"a\":[{\"numeric\":[\"!\",1]}]}", "operator: !"},
        {"{\"a\":[{\"numeric\":[\"<\",\"1\"]}]}", "Value of < must be numeric"},
        {"{\"a\":[{\"numeric\":[\"<\",1,\">\",0]}]}", "number of elements"},
        {"{\"a\":[{\"numeric\":[\">\",1,\">\",0]}]}", "Bad numeric range operator"},
        {"{\"a\":[{\"numeric\":[\">\",5,\"<\",5]}]}", "Bottom must be less than top"},
        {"{\"a\":[{\"numeric\":[\"=\",6e9]}]}", "5.0E9"},
        {"{\"a\":[{\"anything-but\":[]}]}", "Empty arrays"},
        {"{\"a\":[{\"anything-but\":[1,\"x\"]}]}", "mixed type"},
        {"{\"a\":[{\"anything-but\":[null]}]}", "not supported"},
        {"{\"a\":[{\"anything-but\":null}]}", "must be an array or single"},
        {"{\"a\":[{\"anything-but\":{\"numeric\":[\"=\",1]}}]}", "Unsupported anything-but"},
        {"{\"a\":[{\"anything-but\":{\"prefix\":\"\"}}]}", "Null prefix"},
        {"{\"a\":[{\"anything-but\":{\"prefix\":[1]}}]}", "must be a string"},
        {"{\"$or\":{\"a\":[1]}}", "must be an Array"},
        {"{\"$or\":[{\"a\":[1]}]}", "at least 2"},
        {"{\"$or\":[{\"a\":[1]},1]}", "Only JSON object"},
        {"{\"$or\":[{\"a\":[1]},{\"prefix\":[1]}]}", "reserved"},
        {"{\"$or\":[{\"a\":[1]},{}]}", "Empty objects"},
        {"{\"a\":[1],\"a\":[2]}", "line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct event_pattern *pattern;
        struct error error = {0};
        int code = event_pattern_parse(slice_of(cases[i].pattern), &pattern, &error);
        if (code != ERR_INVALID || !strstr(error.text, cases[i].reason))
            fail_msg("%s: %d \"%s\"", cases[i].pattern, code, error.text);
        assert_non_null(strstr(error.text, "Event pattern is not valid. Reason: "));
    }
}

static void too_long(void **state)
{
    (void)state;
    char text[EVENT_PATTERN_MAX + 64];
    struct event_pattern *pattern;
    struct error error = {0};
    for (size_t size = EVENT_PATTERN_MAX; size <= EVENT_PATTERN_MAX + 1; size++) {
        memset(text, 'x', sizeof text);
        memcpy(text, "{\"a\":[\"", 7);
        memcpy(text + size - 3, "\"]}", 3);
        int code = event_pattern_parse((struct slice){text, size}, &pattern, &error);
        assert_int_equal(code, size > EVENT_PATTERN_MAX ? ERR_LIMIT : 0);
        if (!code)
            event_pattern_free(pattern);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_matched),
        cmocka_unit_test(nesting),
        cmocka_unit_test(text_is_matched),
        cmocka_unit_test(anything_but),
        cmocka_unit_test(numbers),
        cmocka_unit_test(exists_is_matched),
        cmocka_unit_test(either_of_or_matches),
        cmocka_unit_test(refused),
        cmocka_unit_test(too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
