/* Large blocks that are used again. */
#include "large_blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { MIB = 1024 * 1024 };

static time_t present_s = 1000;

/* In place of the C library's. */
int clock_gettime(clockid_t clock, struct timespec *out)
{
    (void)clock;
    *out = (struct timespec){.tv_sec = present_s};
    return 0;
}

static void *take(size_t size)
{
    size_t capacity = 0;
    void *block = large_block_take(size, &capacity);
    assert_non_null(block);
    assert_true(capacity >= size);
    memset(block, 'x', capacity);
    return block;
}

/* Those of earlier tests go first. */
static void forget_others(void)
{
    void *blocks[LARGE_BLOCKS_MAX];
    for (size_t i = 0; i < LARGE_BLOCKS_MAX; i++)
        blocks[i] = take(LARGE_BLOCK_MIN);
    for (size_t i = 0; i < LARGE_BLOCKS_MAX; i++)
        large_block_give(blocks[i]);
}

static void a_block_serves_photos_of_different_sizes(void **state)
{
    (void)state;
    forget_others();
    void *large = take(3 * MIB), *small = take(MIB);
    large_block_give(large);
    large_block_give(small);
    void *first = take(700 * 1024), *second = take(500 * 1024);
    assert_ptr_equal(first, small); /* the smallest that is large enough */
    assert_ptr_equal(second, large);
    large_block_give(first);
    large_block_give(second);
}

static void a_small_body_takes_no_large_block(void **state)
{
    (void)state;
    forget_others();
    void *large = take(3 * MIB);
    large_block_give(large);
    void *small = take(LARGE_BLOCK_MIN), *tiny = take(1);
    assert_ptr_not_equal(small, large);
    assert_ptr_not_equal(tiny, large);
    assert_ptr_equal(take(2 * MIB), large);
    free(large);
    free(small);
    free(tiny);
}

static void a_block_is_used_once_at_a_time(void **state)
{
    (void)state;
    large_block_give(take(MIB));
    void *one = take(MIB), *other = take(MIB);
    assert_ptr_not_equal(one, other);
    free(one);
    large_block_give(other);
}

static void what_is_kept_has_a_limit(void **state)
{
    (void)state;
    void *blocks[64];
    for (size_t i = 0; i < 64; i++)
        blocks[i] = take(MIB);
    for (size_t i = 0; i < 64; i++) {
        large_block_give(blocks[i]);
        assert_in_range(large_blocks_kept(), 1, LARGE_BLOCKS_BYTES);
    }
    large_block_give(take(LARGE_BLOCK_MIN));
    assert_in_range(large_blocks_kept(), 1, LARGE_BLOCKS_BYTES);
}

/* They can be used for any photo. */
static void the_largest_are_kept(void **state)
{
    (void)state;
    void *large[LARGE_BLOCKS_BYTES / LARGE_BLOCK_MAX], *small = take(MIB);
    const size_t count = sizeof large / sizeof *large;
    for (size_t i = 0; i < count; i++)
        large[i] = take(LARGE_BLOCK_MAX);
    for (size_t i = 0; i < count; i++)
        large_block_give(large[i]);
    large_block_give(small);
    large_block_give(take(LARGE_BLOCK_MIN));
    assert_true(large_blocks_kept() >= count * LARGE_BLOCK_MAX);
    void *again = take(LARGE_BLOCK_MAX);
    bool was_kept = false;
    for (size_t i = 0; i < count; i++)
        was_kept = was_kept || again == large[i];
    assert_true(was_kept);
    large_block_give(again);
}

/* Two photos at once, and then one at a time: the second block goes. */
static void what_a_rush_needed_is_not_kept(void **state)
{
    (void)state;
    forget_others();
    void *first = take(2 * MIB), *second = take(2 * MIB);
    large_block_give(first);
    large_block_give(second);
    for (int i = 0; i < LARGE_BLOCK_UNUSED_S; i++) {
        assert_true(large_blocks_kept() >= 4 * MIB);
        present_s++;
        void *block = take(2 * MIB);
        assert_ptr_equal(block, second);
        large_block_give(block);
    }
    assert_in_range(large_blocks_kept(), 2 * MIB, 3 * MIB);
}

/* Only what was not needed at all becomes old. */
static void what_is_needed_again_is_kept(void **state)
{
    (void)state;
    forget_others();
    for (int i = 0; i < 3; i++) {
        void *first = take(2 * MIB), *second = take(2 * MIB);
        large_block_give(first);
        large_block_give(second);
        present_s += LARGE_BLOCK_UNUSED_S - 1;
    }
    void *first = take(2 * MIB);
    large_block_give(first);
    assert_true(large_blocks_kept() >= 4 * MIB);
}

static void other_sizes_are_not_kept(void **state)
{
    (void)state;
    size_t before = large_blocks_kept();
    large_block_give(NULL);
    large_block_give(malloc(LARGE_BLOCK_MIN / 2));
    large_block_give(take(2 * LARGE_BLOCK_MAX));
    assert_int_equal(large_blocks_kept(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_serves_photos_of_different_sizes),
        cmocka_unit_test(a_small_body_takes_no_large_block),
        cmocka_unit_test(a_block_is_used_once_at_a_time),
        cmocka_unit_test(what_is_kept_has_a_limit),
        cmocka_unit_test(the_largest_are_kept),
        cmocka_unit_test(what_a_rush_needed_is_not_kept),
        cmocka_unit_test(what_is_needed_again_is_kept),
        cmocka_unit_test(other_sizes_are_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
