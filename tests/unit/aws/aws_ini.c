/* The files in ~/.aws. */
#include "ini.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"

static struct ini parsed(const char *text)
{
    struct ini ini = {0};
    size_t line = 0;
    assert_int_equal(ini_parse(&ini, slice_of(text), &line), 0);
    return ini;
}

static void assert_value(const struct ini *ini, const char *section, const char *key,
                         const char *expected)
{
    const char *value = ini_get(ini, section, key);
    assert_non_null(value);
    assert_string_equal(value, expected);
}

static void profiles(void **state)
{
    (void)state;
    struct ini ini = parsed("# a comment\n; another\n\n[default]\nregion=eu-central-1\n"
                            "[profile dev] # the developers\n  region = us-west-2  \n"
                            "[ profile \"two words\" ]\nRegion = x\n");
    assert_value(&ini, "default", "region", "eu-central-1");
    assert_value(&ini, "profile dev", "region", "us-west-2");
    assert_value(&ini, "profile two words", "region", "x");
    assert_null(ini_get(&ini, "dev", "region"));
    assert_null(ini_get(&ini, "default", "output"));
    assert_true(ini_has_section(&ini, "profile dev"));
    assert_false(ini_has_section(&ini, "profile"));
    ini_free(&ini);
}

/* Secrets may hold any printable character, '=', '/', '#' and ';' among them. */
static void values(void **state)
{
    (void)state;
    struct ini ini = parsed("[a]\nsecret = ab/c+d==\nodd=a#b;c\nempty =\n");
    assert_value(&ini, "a", "secret", "ab/c+d==");
    assert_value(&ini, "a", "odd", "a#b;c");
    assert_value(&ini, "a", "empty", "");
    ini_free(&ini);
}

static void nested(void **state)
{
    (void)state;
    struct ini ini = parsed("[services local]\ns3 =\n  endpoint_url = http://127.0.0.1:1\n"
                            "  addressing_style = path\nsqs =\n\tendpoint_url=http://127.0.0.1:2\n"
                            "region = x\n  max = 1\n");
    assert_value(&ini, "services local", "s3.endpoint_url", "http://127.0.0.1:1");
    assert_value(&ini, "services local", "s3.addressing_style", "path");
    assert_value(&ini, "services local", "sqs.endpoint_url", "http://127.0.0.1:2");
    assert_value(&ini, "services local", "max", "1");
    ini_free(&ini);
}

static void line_ends_and_repeats(void **state)
{
    (void)state;
    struct ini ini = parsed("\xEF\xBB\xBF[a]\r\nk = 1\r\n[b]\r\nk = 2\r\n[a]\r\nk = 3");
    assert_value(&ini, "a", "k", "3");
    assert_value(&ini, "b", "k", "2");
    ini_free(&ini);
}

static void assert_bad(const char *text, size_t expected_line)
{
    struct ini ini = {0};
    size_t line = 0;
    assert_int_equal(ini_parse(&ini, slice_of(text), &line), ERR_INVALID);
    assert_int_equal(line, expected_line);
    ini_free(&ini);
}

static void bad_lines(void **state)
{
    (void)state;
    assert_bad("[default]\nregion eu-central-1\n", 2);
    assert_bad("region = x\n", 1);
    assert_bad("[default\n", 1);
    assert_bad("[]\n", 1);
    assert_bad("[a]\n\n= value\n", 3);
    char longest[600];
    memset(longest, 'k', sizeof longest);
    memcpy(longest, "[a]\n", 4);
    memcpy(longest + 590, "=1", 3);
    assert_bad(longest, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles),  cmocka_unit_test(values),
        cmocka_unit_test(nested),    cmocka_unit_test(line_ends_and_repeats),
        cmocka_unit_test(bad_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
