/* The keys of the gate: those it makes, and those that callers name; content types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gate_key.h"

enum { NOON = 1795953600 }; /* 2026-11-29T12:00:00Z */

static void a_key_has_the_day_and_a_random_name(void **state)
{
    (void)state;
    char key[GATE_KEY_SIZE], other[GATE_KEY_SIZE], long_prefix[GATE_PREFIX_MAX + 2];
    assert_int_equal(gate_key_make("input/", "image/jpeg", NOON, key), 0);
    assert_int_equal(gate_key_make("input/", "image/jpeg", NOON, other), 0);
    assert_int_equal(strlen(key), strlen("input/2026/11/29/") + 36 + 4);
    assert_int_equal(strncmp(key, "input/2026/11/29/", 17), 0);
    assert_string_equal(key + strlen(key) - 4, ".jpg");
    assert_int_equal(key[17 + 14], '4'); /* the version */
    assert_non_null(strchr("89ab", key[17 + 19]));
    assert_string_not_equal(key, other);
    assert_int_equal(gate_key_make("", "font/woff", NOON, key), 0);
    assert_int_equal(strlen(key), 11 + 36);
    memset(long_prefix, 'p', sizeof long_prefix);
    long_prefix[GATE_PREFIX_MAX + 1] = '\0';
    assert_int_equal(gate_key_make(long_prefix, "image/jpeg", NOON, key), ERR_INVALID);
    long_prefix[GATE_PREFIX_MAX] = '\0';
    assert_int_equal(gate_key_make(long_prefix, "image/jpeg", NOON, key), 0);
}

static void a_key_is_decoded_once(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {"web/a.jpg", "web/a.jpg"},          {"web%2Fa%20b+c.jpg", "web/a b+c.jpg"},
        {"%252e%252e/a", "%2e%2e/a"},        {"a/...", "a/..."},
        {"caf%C3%A9/..a/b.", "café/..a/b."}, {"a%3Fb%23", "a?b#"},
    };
    char key[GATE_KEY_SIZE];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(gate_key_decode(slice_of(good[i][0]), key), 0);
        assert_string_equal(key, good[i][1]);
    }
}

static void tricks_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",       "/a",     "a/",        "a//b",           ".",        "..",         "../a",
        "a/..",   "a/../b", "a/./b",     "%2e%2e/a",       "a/%2E./b", "a%2f..%2fb", "a%2F%2Fb",
        "%2Fetc", "a\\b",   "a/%5C../b", "a%00b",          "%",        "a%2",        "a%zz",
        "a%0Ab",  "a%7Fb",  "%ff",       "%c0%ae%c0%ae/a",
    };
    char key[GATE_KEY_SIZE], text[3 * OBJECT_KEY_MAX + 8];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (gate_key_decode(slice_of(bad[i]), key) != ERR_INVALID)
            fail_msg("\"%s\" is a key", bad[i]);
    memset(text, 'k', sizeof text);
    text[OBJECT_KEY_MAX] = '\0';
    assert_int_equal(gate_key_decode(slice_of(text), key), 0);
    text[OBJECT_KEY_MAX] = 'k';
    text[OBJECT_KEY_MAX + 1] = '\0';
    assert_int_equal(gate_key_decode(slice_of(text), key), ERR_LIMIT);
    for (size_t i = 0; i < OBJECT_KEY_MAX; i++)
        memcpy(text + 3 * i, "%41", 4);
    assert_int_equal(gate_key_decode(slice_of(text), key), 0);
    assert_int_equal(strlen(key), OBJECT_KEY_MAX);
}

static void content_types_are_checked(void **state)
{
    (void)state;
    assert_true(gate_type_is_valid("image/jpeg"));
    assert_true(gate_type_is_valid("application/vnd.api+json"));
    static const char *const bad[] = {"",          "image",      "image/",          "/jpeg",
                                      "image/*x/", "Image/jpeg", "image/jpeg; q=1", "image/jpeg\n",
                                      "image/a/b", "image jpeg"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(gate_type_is_valid(bad[i]));
    assert_true(gate_type_is_pattern("image/*"));
    assert_false(gate_type_is_pattern("*/*"));
    assert_false(gate_type_is_pattern("*"));
    assert_false(gate_type_is_valid("image/*"));
    assert_string_equal(gate_type_extension("image/heic"), ".heic");
    assert_string_equal(gate_type_extension("font/woff"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_has_the_day_and_a_random_name),
        cmocka_unit_test(a_key_is_decoded_once),
        cmocka_unit_test(tricks_are_refused),
        cmocka_unit_test(content_types_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
