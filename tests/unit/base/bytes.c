/* Slices, owned bytes and growable buffers. */
#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"

static void slices_compare_by_content(void **state)
{
    (void)state;
    assert_true(slice_equal(slice_of("abc"), (struct slice){"abcd", 3}));
    assert_false(slice_equal(slice_of("abc"), slice_of("abd")));
    assert_false(slice_equal(slice_of("abc"), slice_of("ab")));
    assert_true(slice_equal(slice_of(NULL), slice_of("")));
    assert_true(slice_equal(SLICE_LITERAL("a\0b"), (struct slice){"a\0b", 3}));
    assert_true(slice_equal_text((struct slice){"x=1", 1}, "x"));
    assert_false(slice_equal_text(SLICE_LITERAL("x\0"), "x"));
}

static void slice_prefix(void **state)
{
    (void)state;
    assert_true(slice_starts_with(slice_of("ingest/a.jpg"), "ingest/"));
    assert_true(slice_starts_with(slice_of("ingest/"), "ingest/"));
    assert_false(slice_starts_with((struct slice){"ingest/", 6}, "ingest/"));
    assert_true(slice_starts_with(slice_of(NULL), ""));
    assert_false(slice_starts_with(slice_of(NULL), "a"));
    assert_true(slice_ends_with(slice_of("host:443"), ":443"));
    assert_true(slice_ends_with((struct slice){"host:4430", 8}, ":443"));
    assert_false(slice_ends_with(slice_of("443"), ":443"));
    assert_true(slice_ends_with(slice_of(NULL), ""));
    assert_false(slice_ends_with(slice_of(NULL), "a"));
}

static void slice_dup_ends_with_nul(void **state)
{
    (void)state;
    char *text = slice_dup((struct slice){"abcdef", 3});
    assert_string_equal(text, "abc");
    free(text);
    text = slice_dup(slice_of(NULL));
    assert_string_equal(text, "");
    free(text);
}

static int releases;

static void count_release(void *data)
{
    (void)data;
    releases++;
}

static void bytes_have_one_owner(void **state)
{
    (void)state;
    char memory[4] = "abc";
    releases = 0;
    struct bytes a = {memory, 3, count_release};
    struct bytes b = bytes_take(&a);
    assert_null(a.data);
    assert_int_equal(a.size, 0);
    bytes_free(&a);
    assert_int_equal(releases, 0);
    assert_ptr_equal(b.data, memory);
    bytes_free(&b);
    bytes_free(&b);
    assert_int_equal(releases, 1);
}

static void borrowed_bytes_are_not_released(void **state)
{
    (void)state;
    struct bytes b = bytes_borrow("literal", 7);
    assert_int_equal(b.size, 7);
    bytes_free(&b);
    assert_null(b.data);
}

static void buffer_keeps_what_was_appended(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b, 1 << 20);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(buffer_format(&b, "%05d", i), 0);
        assert_int_equal(buffer_byte(&b, ','), 0);
    }
    assert_int_equal(b.size, 60000);
    assert_int_equal(strlen(b.data), b.size);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(strtol(b.data + 6 * i, NULL, 10), i);
    buffer_free(&b);
}

static void buffer_takes_any_byte(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b, 100);
    buffer_append(&b, "a\0b", 3);
    assert_int_equal(buffer_append(&b, NULL, 0), 0);
    assert_int_equal(buffer_text(&b, "c"), 0);
    assert_true(slice_equal(buffer_slice(&b), SLICE_LITERAL("a\0bc")));
    buffer_free(&b);
}

static void buffer_stops_at_its_maximum(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b, 10);
    assert_int_equal(buffer_text(&b, "0123456789"), 0);
    assert_int_equal(buffer_byte(&b, '!'), ERR_LIMIT);
    assert_int_equal(b.size, 10);
    assert_string_equal(b.data, "0123456789");
    buffer_clear(&b);
    assert_int_equal(buffer_text(&b, "again"), 0);
    buffer_free(&b);
    assert_int_equal(buffer_text(&b, "0123456789a"), ERR_LIMIT); /* free keeps the maximum */
    buffer_free(&b);
}

static void first_error_sticks(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b, 4);
    buffer_text(&b, "ab");
    assert_int_equal(buffer_format(&b, "%s", "cdef"), ERR_LIMIT);
    assert_int_equal(buffer_byte(&b, 'c'), ERR_LIMIT); /* it would fit, but a piece is missing */
    assert_int_equal(b.size, 2);
    assert_null(buffer_take_text(&b));
    assert_int_equal(b.error, 0);
    buffer_free(&b);
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b, SIZE_MAX);
    assert_int_equal(buffer_text(&b, "ab"), 0);
    assert_int_equal(buffer_reserve(&b, SIZE_MAX), ERR_LIMIT);
    buffer_clear(&b);
    assert_int_equal(buffer_text(&b, "ab"), 0);
    assert_int_equal(buffer_reserve(&b, SIZE_MAX - 2), ERR_LIMIT);
    buffer_free(&b);
}

static void reserve_is_exact_and_lasts(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b, 1 << 20);
    assert_int_equal(buffer_reserve(&b, 100000), 0);
    assert_in_range(b.capacity, 100001, 100001);
    char *data = b.data;
    for (int i = 0; i < 100; i++) {
        char piece[1000] = {0};
        assert_int_equal(buffer_append(&b, piece, sizeof piece), 0);
    }
    assert_ptr_equal(b.data, data);
    buffer_free(&b);
}

static void take_moves_the_content(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b, 100);
    buffer_text(&b, "abc");
    struct bytes taken = buffer_take(&b);
    assert_int_equal(taken.size, 3);
    assert_memory_equal(taken.data, "abc", 4);
    assert_int_equal(b.size, 0);
    assert_int_equal(buffer_text(&b, "def"), 0);
    assert_memory_equal(taken.data, "abc", 4);
    char *text = buffer_take_text(&b);
    assert_string_equal(text, "def");
    free(text);
    bytes_free(&taken);
    text = buffer_take_text(&b); /* nothing was appended: an empty string, not NULL */
    assert_string_equal(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare_by_content),
        cmocka_unit_test(slice_prefix),
        cmocka_unit_test(slice_dup_ends_with_nul),
        cmocka_unit_test(bytes_have_one_owner),
        cmocka_unit_test(borrowed_bytes_are_not_released),
        cmocka_unit_test(buffer_keeps_what_was_appended),
        cmocka_unit_test(buffer_takes_any_byte),
        cmocka_unit_test(buffer_stops_at_its_maximum),
        cmocka_unit_test(first_error_sticks),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(reserve_is_exact_and_lasts),
        cmocka_unit_test(take_moves_the_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
