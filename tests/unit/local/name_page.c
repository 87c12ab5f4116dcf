/* Pages of an index of names: prefix, token, limit, filter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "name_page.h"

struct world {
    struct name_index index;
    char names[16][8];
    struct named items[16];
    size_t count;
};

static void add(struct world *w, const char *name)
{
    struct named *item = &w->items[w->count];
    strcpy(w->names[w->count], name);
    item->name = w->names[w->count];
    w->count++;
    assert_int_equal(name_index_add(&w->index, item), 0);
}

static int set_up(void **state)
{
    static const char *const names[] = {"b-3", "a", "b-1", "c", "b-2", "b", "b.1"};
    struct world *w = calloc(1, sizeof *w);
    *state = w;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add(w, names[i]);
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    name_index_free(&w->index);
    free(w);
    return 0;
}

/* The names of the page, each with a space after it, and then the token, if there is one. */
static void expect_page(struct world *w, struct name_page page, const char *expected)
{
    char text[128] = "";
    const struct named *item;
    name_page_start(&page, &w->index);
    while ((item = name_page_next(&page))) {
        strcat(text, item->name);
        strcat(text, " ");
    }
    assert_null(name_page_next(&page));
    if (page.part.next) {
        strcat(text, "> ");
        strcat(text, page.part.next);
    }
    assert_string_equal(text, expected);
}

static struct name_page page_of(const char *prefix, const char *after, size_t limit)
{
    return (struct name_page){.prefix = prefix, .after = after, .part = {.limit = limit}};
}

static void without_a_prefix_all_names_are_listed_in_order(void **state)
{
    expect_page(*state, page_of(NULL, NULL, 100), "a b b-1 b-2 b-3 b.1 c ");
    expect_page(*state, page_of("", NULL, 7), "a b b-1 b-2 b-3 b.1 c ");
}

static void a_token_continues_after_its_name(void **state)
{
    expect_page(*state, page_of(NULL, NULL, 3), "a b b-1 > b-1");
    expect_page(*state, page_of(NULL, "b-1", 3), "b-2 b-3 b.1 > b.1");
    expect_page(*state, page_of(NULL, "b.1", 3), "c ");
    expect_page(*state, page_of(NULL, "c", 3), "");
}

static void a_full_page_at_the_end_has_no_token(void **state)
{
    expect_page(*state, page_of(NULL, "b-3", 2), "b.1 c ");
    expect_page(*state, page_of("b-", NULL, 3), "b-1 b-2 b-3 ");
}

static void a_prefix_limits_the_listing(void **state)
{
    expect_page(*state, page_of("b", NULL, 100), "b b-1 b-2 b-3 b.1 ");
    expect_page(*state, page_of("b-", NULL, 2), "b-1 b-2 > b-2");
    expect_page(*state, page_of("b-", "b-2", 2), "b-3 ");
    expect_page(*state, page_of("b-1x", NULL, 2), "");
    expect_page(*state, page_of("z", NULL, 2), "");
}

static void a_token_outside_the_prefix_is_only_a_position(void **state)
{
    expect_page(*state, page_of("b-", "a", 2), "b-1 b-2 > b-2");
    expect_page(*state, page_of("b-", "c", 2), "");
}

static void a_token_survives_the_deletion_of_its_name(void **state)
{
    struct world *w = *state;
    struct named *deleted = name_index_find(&w->index, "b-2");
    name_index_remove(&w->index, deleted);
    expect_page(w, page_of("b-", "b-2", 2), "b-3 ");
}

static bool is_short(const struct named *item, const void *longest)
{
    return strlen(item->name) <= *(const size_t *)longest;
}

static void what_is_hidden_takes_no_room_and_causes_no_token(void **state)
{
    size_t longest = 1;
    struct name_page page = page_of(NULL, NULL, 2);
    page.shows = is_short;
    page.user = &longest;
    expect_page(*state, page, "a b > b");
    page.after = "b";
    expect_page(*state, page, "c ");
    page.part.limit = 1;
    expect_page(*state, page, "c ");
    page.after = NULL;
    page.prefix = "b";
    expect_page(*state, page, "b "); /* the names that follow are hidden */
}

static void an_empty_index_has_an_empty_page(void **state)
{
    struct world empty = {0};
    (void)state;
    expect_page(&empty, page_of(NULL, NULL, 1), "");
    expect_page(&empty, page_of("a", "b", 1), "");
}

/* Bytes above 127 sort after ASCII, as in strcmp. */
static void names_may_contain_any_byte(void **state)
{
    struct world *w = *state;
    add(w, "b\xff");
    add(w, "b\xff\xff");
    expect_page(w, page_of("b\xff", NULL, 1), "b\xff > b\xff");
    expect_page(w, page_of("b\xff", "b\xff", 1), "b\xff\xff ");
}

/* For a list that is not sorted by name. */
static void a_part_ends_with_the_entry_beyond_its_limit(void **state)
{
    struct page_part part = {.limit = 2};
    (void)state;
    assert_true(page_part_take(&part, "z"));
    assert_true(page_part_take(&part, "a"));
    assert_null(part.next);
    assert_false(page_part_take(&part, "m"));
    assert_string_equal(part.next, "a");
    assert_false(page_part_take(&part, "n"));
    assert_string_equal(part.next, "a");
}

int main(void)
{
#define PAGE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        PAGE_TEST(without_a_prefix_all_names_are_listed_in_order),
        PAGE_TEST(a_token_continues_after_its_name),
        PAGE_TEST(a_full_page_at_the_end_has_no_token),
        PAGE_TEST(a_prefix_limits_the_listing),
        PAGE_TEST(a_token_outside_the_prefix_is_only_a_position),
        PAGE_TEST(a_token_survives_the_deletion_of_its_name),
        PAGE_TEST(what_is_hidden_takes_no_room_and_causes_no_token),
        PAGE_TEST(names_may_contain_any_byte),
        cmocka_unit_test(an_empty_index_has_an_empty_page),
        cmocka_unit_test(a_part_ends_with_the_entry_beyond_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
