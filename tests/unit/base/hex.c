/* Hexadecimal digits, the FNV hash and the edit distance. */
#include "hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fnv.h"
#include "nearest.h"

static void bytes_survive_a_round_trip(void **state)
{
    (void)state;
    char text[2 * 256 + 1];
    uint8_t bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    hex_write(bytes, sizeof bytes, text);
    assert_int_equal(strlen(text), sizeof text - 1);
    for (int i = 0; i < 256; i++)
        assert_int_equal(hex_byte(text + 2 * i), i);
    assert_int_equal(hex_byte("fF"), 255);
}

static void only_digits_have_a_value(void **state)
{
    (void)state;
    size_t digits = 0;
    for (int c = 0; c < 256; c++)
        digits += hex_value((char)c) >= 0;
    assert_int_equal(digits, 22);
    assert_int_equal(hex_byte("g0"), -1);
    assert_int_equal(hex_byte("0g"), -1);
    assert_int_equal(hex_byte(""), -1);
}

/* Source: draft-eastlake-fnv, the test vectors of FNV-1a with 64 bits. */
static void fnv_is_the_published_one(void **state)
{
    (void)state;
    assert_true(fnv_text(FNV_START, "") == UINT64_C(0xcbf29ce484222325));
    assert_true(fnv_text(FNV_START, "a") == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(fnv_text(FNV_START, "foobar") == UINT64_C(0x85944171f73967e8));
    assert_true(fnv_bytes(FNV_START, "foobar", 6) == UINT64_C(0x85944171f73967e8));
}

static void edit_distance_counts_swaps_once(void **state)
{
    (void)state;
    char long_name[66] = {0};
    memset(long_name, 'x', sizeof long_name - 1);
    assert_int_equal(edit_distance("width", "width"), 0);
    assert_int_equal(edit_distance("widht", "width"), 1);
    assert_int_equal(edit_distance("", "abc"), 3);
    assert_int_equal(edit_distance("abc", ""), 3);
    assert_int_equal(edit_distance("kitten", "sitting"), 3);
    assert_int_equal(edit_distance(long_name, "x"), 64);
    assert_true(edit_distance("x", long_name) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_survive_a_round_trip),
        cmocka_unit_test(only_digits_have_a_value),
        cmocka_unit_test(fnv_is_the_published_one),
        cmocka_unit_test(edit_distance_counts_swaps_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
