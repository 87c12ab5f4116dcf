/* The index structures of the embedded cloud, compared with simple models: deadlines, ids,
 * names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "container_of.h"
#include "deadlines.h"
#include "id_table.h"
#include "name_index.h"

enum { COUNT = 5000 };

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Ids: additions, removals and look-ups in any order agree with an array of flags. */
static void ids_are_found_until_removed(void **state)
{
    (void)state;
    struct id_table table;
    static struct id_entry entries[COUNT];
    static bool present[COUNT];
    uint32_t seed = 7;
    assert_int_equal(id_table_init(&table), 0);
    for (int i = 0; i < COUNT * 10; i++) {
        size_t at = next_random(&seed) % COUNT;
        uint64_t id = at * 1000003u + 1;
        assert_ptr_equal(id_table_find(&table, id), present[at] ? &entries[at] : NULL);
        if (present[at]) {
            id_table_remove(&table, &entries[at]);
        } else {
            entries[at].id = id;
            id_table_add(&table, &entries[at]);
        }
        present[at] = !present[at];
    }
    for (size_t at = 0; at < COUNT; at++)
        assert_ptr_equal(id_table_find(&table, at * 1000003u + 1),
                         present[at] ? &entries[at] : NULL);
    id_table_free(&table);
}

static void names_stay_in_order(void **state)
{
    (void)state;
    struct name_index index = {0};
    static struct named items[1000];
    static char names[1000][16];
    uint32_t seed = 3;
    for (size_t i = 0; i < 1000; i++) {
        snprintf(names[i], sizeof names[i], "%06u", next_random(&seed) % 1000000 * 2);
        items[i].name = names[i];
        if (!name_index_find(&index, names[i]))
            assert_int_equal(name_index_add(&index, &items[i]), 0);
    }
    for (size_t i = 1; i < index.count; i++)
        assert_true(strcmp(index.items[i - 1]->name, index.items[i]->name) < 0);
    assert_null(name_index_find(&index, "000001"));
    size_t count = index.count;
    name_index_remove(&index, index.items[count / 2]);
    assert_int_equal(index.count, count - 1);
    assert_int_equal(name_index_from(&index, ""), 0);
    assert_int_equal(name_index_from(&index, "z"), count - 1);
    name_index_free(&index);
}

struct alarm {
    struct deadline deadline;
    bool set, fired;
};

static struct {
    uv_loop_t loop;
    struct deadlines *deadlines;
    struct alarm alarms[2500];
    int64_t last_ms;
    size_t fired;
    bool closed;
} clock_world;

static void alarm_fired(struct deadline *deadline)
{
    struct alarm *alarm = container_of(deadline, struct alarm, deadline);
    assert_true(alarm->set && !alarm->fired);
    assert_true(deadline->entry.at_ms >= clock_world.last_ms);
    assert_true(deadline->entry.at_ms <= deadlines_now(clock_world.deadlines));
    alarm->fired = true;
    clock_world.last_ms = deadline->entry.at_ms;
    clock_world.fired++;
}

static void mark_closed(void *user)
{
    *(bool *)user = true;
}

/* Set, moved and cleared in a random order: what is left fires in the order of time, more of it
 * than one turn takes. */
static void deadlines_expire_in_order(void **state)
{
    (void)state;
    uint32_t seed = 11;
    size_t left = 0;
    struct error error;
    uv_loop_init(&clock_world.loop);
    assert_int_equal(deadlines_create(&clock_world.loop, &clock_world.deadlines, &error), 0);
    assert_int_equal(deadlines_reserve(clock_world.deadlines, 2500), 0);
    int64_t now = deadlines_now(clock_world.deadlines);
    for (int i = 0; i < 20000; i++) {
        struct alarm *alarm = &clock_world.alarms[next_random(&seed) % 2500];
        alarm->deadline.expired = alarm_fired;
        alarm->set = next_random(&seed) % 4 != 0;
        if (alarm->set)
            deadline_set(clock_world.deadlines, &alarm->deadline, now + next_random(&seed) % 50);
        else
            deadline_clear(clock_world.deadlines, &alarm->deadline);
    }
    for (size_t i = 0; i < 2500; i++)
        left += clock_world.alarms[i].set;
    assert_int_equal(deadlines_count(clock_world.deadlines), left);
    uv_run(&clock_world.loop, UV_RUN_DEFAULT); /* ends by itself: nothing set, no timer */
    assert_int_equal(clock_world.fired, left);
    assert_int_equal(deadlines_count(clock_world.deadlines), 0);
    deadlines_close(clock_world.deadlines, mark_closed, &clock_world.closed);
    uv_run(&clock_world.loop, UV_RUN_DEFAULT);
    assert_true(clock_world.closed);
    assert_int_equal(uv_loop_close(&clock_world.loop), 0);
}

static void texts_are_found_by_a_hash_with_a_seed(void **state)
{
    (void)state;
    struct id_table table = {0};
    struct id_entry same[2] = {{.id = id_of_text(id_seed(), "key")},
                               {.id = id_of_bytes(id_seed(), "key", 3)}};
    assert_null(id_table_find(&table, same[0].id));
    assert_int_not_equal(id_seed(), 0);
    assert_int_equal(same[0].id, same[1].id);
    assert_int_not_equal(same[0].id, id_of_text(id_seed() + 2, "key"));
    assert_int_equal(id_table_prepare(&table), 0);
    id_table_add(&table, &same[0]);
    id_table_add(&table, &same[1]);
    assert_ptr_equal(id_table_find(&table, same[0].id), &same[1]);
    assert_ptr_equal(id_table_next(&same[1]), &same[0]);
    assert_null(id_table_next(&same[0]));
    id_table_free(&table);
    assert_null(id_table_find(&table, same[0].id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_found_by_a_hash_with_a_seed),
        cmocka_unit_test(ids_are_found_until_removed),
        cmocka_unit_test(names_stay_in_order),
        cmocka_unit_test(deadlines_expire_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
