/* Small blocks of memory that stay with their thread. */
#include "spare_blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <pthread.h>

enum { KEPT = 8 * 1024, SMALL = 1024, LARGE = 1024 * 1024 };

static void a_freed_block_is_used_again(void **state)
{
    (void)state;
    void *first = block_new(SMALL);
    uintptr_t where = (uintptr_t)first;
    block_free(first);
    char *again = block_new(SMALL - 20); /* a block that is a little larger serves as well */
    assert_int_equal((uintptr_t)again, where);
    memset(again, 'x', SMALL - 20);
    block_free(again);
}

static void a_block_never_serves_a_larger_size(void **state)
{
    (void)state;
    void *small = block_new(100);
    uintptr_t where = (uintptr_t)small;
    block_free(small);
    char *larger = block_new(200);
    assert_int_not_equal((uintptr_t)larger, where);
    memset(larger, 'x', 200); /* AddressSanitizer checks the size */
    block_free(larger);
}

static void every_size_has_its_room(void **state)
{
    (void)state;
    for (size_t size = 0; size < 5000; size += 7) {
        char *block = block_new(size);
        assert_non_null(block);
        memset(block, 'x', size);
        block_free(block);
    }
    block_free(NULL);
}

static void blocks_of_malloc_and_these_are_the_same(void **state)
{
    (void)state;
    free(block_new(SMALL));
    free(block_new(LARGE));
    block_free(malloc(SMALL));
    block_free(strdup("a text"));
    block_free(malloc(LARGE));
}

static void a_new_block_is_zeroed_on_request(void **state)
{
    (void)state;
    char *block = block_new(64);
    memset(block, 'x', 64);
    block_free(block);
    block = block_new_zeroed(64);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(block[i], 0);
    block_free(block);
}

static void a_block_grows_with_its_content(void **state)
{
    (void)state;
    char *block = block_grow(NULL, 0, 4);
    memcpy(block, "abc", 4);
    block = block_grow(block, 4, SMALL);
    assert_string_equal(block, "abc");
    block = block_grow(block, 4, LARGE);
    assert_string_equal(block, "abc");
    block_free(block);
}

/* At most KEPT bytes: of more blocks, the rest goes back to the heap. */
static void what_is_kept_is_bounded(void **state)
{
    enum { COUNT = 2 * KEPT / SMALL };
    (void)state;
    void *blocks[COUNT];
    uintptr_t where[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = block_new(SMALL);
        where[i] = (uintptr_t)blocks[i];
    }
    for (size_t i = 0; i < COUNT; i++)
        block_free(blocks[i]);
    size_t same = 0;
    for (size_t i = KEPT / SMALL; i < COUNT; i++) {
        blocks[i] = block_new(SMALL);
        for (size_t j = 0; j < KEPT / SMALL; j++)
            same += (uintptr_t)blocks[i] == where[j];
    }
    assert_in_range(same, 1, KEPT / SMALL);
    for (size_t i = KEPT / SMALL; i < COUNT; i++)
        free(blocks[i]);
}

static void *free_elsewhere(void *block)
{
    block_free(block);
    return NULL;
}

/* AddressSanitizer would report what a thread that ended still kept. */
static void another_thread_keeps_nothing(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, free_elsewhere, block_new(SMALL)), 0);
    pthread_join(thread, NULL);
}

static void json_values_use_them(void **state)
{
    (void)state;
    json_t *value = json_string("a text of more than thirty-two bytes, so that it is kept");
    uintptr_t where = (uintptr_t)json_string_value(value);
    json_decref(value);
    void *block = block_new(sizeof "a text of more than thirty-two bytes, so that it is kept");
    assert_int_equal((uintptr_t)block, where);
    block_free(block);
}

static int keep(void **state)
{
    (void)state;
    spare_blocks_keep(KEPT);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_freed_block_is_used_again),
        cmocka_unit_test(a_block_never_serves_a_larger_size),
        cmocka_unit_test(every_size_has_its_room),
        cmocka_unit_test(blocks_of_malloc_and_these_are_the_same),
        cmocka_unit_test(a_new_block_is_zeroed_on_request),
        cmocka_unit_test(a_block_grows_with_its_content),
        cmocka_unit_test(what_is_kept_is_bounded),
        cmocka_unit_test(another_thread_keeps_nothing),
        cmocka_unit_test(json_values_use_them),
    };
    return cmocka_run_group_tests(tests, keep, NULL);
}
