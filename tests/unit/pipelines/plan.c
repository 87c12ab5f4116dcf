/* Sizes, the order in which pictures are derived from each other, and the decoder's shrink. */
#include "pipeline_support.h"

#include "plan.h"

static const struct {
    struct plan_size source;
    struct plan_wish wish;
    struct plan_size whole, final;
} places[] = {
    /* inside */
    {{4000, 3000}, {.width = 1280, .height = 1280}, {1280, 960}, {1280, 960}},
    {{3000, 4000}, {.width = 1280, .height = 1280}, {960, 1280}, {960, 1280}},
    {{4000, 3000}, {.width = 100}, {100, 75}, {100, 75}},
    {{4000, 3000}, {.height = 300}, {400, 300}, {400, 300}},
    {{4000, 3000}, {0}, {4000, 3000}, {4000, 3000}},
    {{100, 50}, {.width = 200, .height = 200}, {100, 50}, {100, 50}},
    {{100, 50}, {.width = 200, .height = 200, .enlarge = true}, {200, 100}, {200, 100}},
    {{10000, 10}, {.width = 100, .height = 100}, {100, 1}, {100, 1}}, /* never no pixel at all */
    {{3, 2}, {.width = 2}, {2, 1}, {2, 1}},
    /* scale */
    {{1001, 501}, {.scale = 0.5}, {501, 251}, {501, 251}},
    {{100, 50}, {.scale = 2, .enlarge = true}, {200, 100}, {200, 100}},
    /* cover: the whole picture covers the box, then is cut to it */
    {{4000, 3000}, {.width = 64, .height = 64, .fit = FIT_COVER}, {85, 64}, {64, 64}},
    {{3000, 4000}, {.width = 64, .height = 64, .fit = FIT_COVER}, {64, 85}, {64, 64}},
    {{4000, 3000}, {.width = 400, .height = 100, .fit = FIT_COVER}, {400, 300}, {400, 100}},
    {{100, 50}, {.width = 200, .height = 200, .fit = FIT_COVER}, {100, 50}, {50, 50}},
    {{100, 50}, {.width = 60, .height = 60, .fit = FIT_COVER}, {100, 50}, {50, 50}},
    {{100, 50},
     {.width = 200, .height = 200, .fit = FIT_COVER, .enlarge = true},
     {400, 200},
     {200, 200}},
    /* contain: the box always has its size */
    {{4000, 3000}, {.width = 100, .height = 100, .fit = FIT_CONTAIN}, {100, 75}, {100, 100}},
    {{40, 30}, {.width = 100, .height = 100, .fit = FIT_CONTAIN}, {40, 30}, {100, 100}},
    {{40, 30},
     {.width = 100, .height = 100, .fit = FIT_CONTAIN, .enlarge = true},
     {100, 75},
     {100, 100}},
    /* fill */
    {{4000, 3000}, {.width = 100, .height = 100, .fit = FIT_FILL}, {100, 100}, {100, 100}},
    {{4000, 3000}, {.width = 100, .fit = FIT_FILL}, {100, 3000}, {100, 3000}},
    {{40, 300}, {.width = 100, .height = 100, .fit = FIT_FILL}, {40, 100}, {40, 100}},
    {{40, 30},
     {.width = 100, .height = 100, .fit = FIT_FILL, .enlarge = true},
     {100, 100},
     {100, 100}},
};

static void every_fit_has_its_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct plan_placement p = plan_place(places[i].source, &places[i].wish);
        if (memcmp(&p.whole, &places[i].whole, sizeof p.whole) != 0 ||
            memcmp(&p.final, &places[i].final, sizeof p.final) != 0)
            fail_msg("case %zu: whole %u × %u, final %u × %u", i, p.whole.width, p.whole.height,
                     p.final.width, p.final.height);
    }
}

/* For all sizes: nothing is empty, a crop is within the picture, a margin around it, and nothing is
 * enlarged unless requested. */
static void no_placement_is_impossible(void **state)
{
    (void)state;
    static const unsigned sides[] = {1, 2, 3, 17, 100, 999, 1280, 6000};
    enum { N = sizeof sides / sizeof sides[0] };
    for (unsigned i = 0; i < N * N * N * N * 8; i++) {
        struct plan_size source = {sides[i % N], sides[i / N % N]};
        struct plan_wish wish = {.width = sides[i / N / N % N],
                                 .height = sides[i / N / N / N % N],
                                 .fit = (enum plan_fit)(i / N / N / N / N % 4),
                                 .enlarge = i / N / N / N / N / 4};
        struct plan_placement p = plan_place(source, &wish);
        assert_true(p.whole.width && p.whole.height && p.final.width && p.final.height);
        if (wish.fit == FIT_COVER)
            assert_true(p.final.width <= p.whole.width && p.final.height <= p.whole.height);
        if (wish.fit == FIT_CONTAIN)
            assert_true(p.final.width >= p.whole.width && p.final.height >= p.whole.height);
        if (!wish.enlarge)
            assert_true(p.whole.width <= source.width && p.whole.height <= source.height);
        assert_true(p.final.width <= wish.width && p.final.height <= wish.height);
    }
}

static const struct plan_kind plain = {0}, native = {.native = true};

static void add(struct plan *plan, unsigned width, unsigned height)
{
    assert_true(plan_add(plan, (struct plan_size){width, height}, plain));
}

static void smaller_pictures_come_from_larger_ones(void **state)
{
    (void)state;
    struct plan plan = {0};
    add(&plan, 128, 85);
    add(&plan, 1280, 853);
    add(&plan, 480, 320);
    plan_order(&plan, &(struct plan_size){8000, 8000});
    assert_int_equal(plan.count, 3);
    assert_int_equal(plan.stages[0].size.width, 1280);
    assert_int_equal(plan.stages[1].size.width, 480);
    assert_int_equal(plan.stages[2].size.width, 128);
    assert_int_equal(plan.stages[0].parent, PLAN_FROM_SOURCE);
    assert_int_equal(plan.stages[1].parent, 0);
    assert_int_equal(plan.stages[2].parent, 1);
    assert_int_equal(plan_roots(&plan), 1);
    plan_use(&plan, (struct plan_size){1280, 853}, plain);
    assert_int_equal(plan.stages[0].users, 2); /* its output, and the 480 */
    assert_int_equal(plan.stages[2].users, 0);
}

static void a_picture_too_near_in_size_is_no_parent(void **state)
{
    (void)state;
    struct plan plan = {0};
    add(&plan, 1000, 1000);
    add(&plan, 501, 500); /* one pixel too many for half */
    add(&plan, 250, 250);
    add(&plan, 500, 20);
    plan_order(&plan, &(struct plan_size){8000, 8000});
    assert_int_equal(plan.stages[1].size.width, 501);
    assert_int_equal(plan.stages[1].parent, PLAN_FROM_SOURCE);
    assert_int_equal(plan.stages[2].parent, 1);
    assert_int_equal(plan.stages[3].parent, 0);
    assert_int_equal(plan_roots(&plan), 2);
}

static void outputs_of_one_size_share_a_stage(void **state)
{
    (void)state;
    struct plan plan = {0};
    add(&plan, 100, 100);
    add(&plan, 100, 100);
    assert_true(plan_add(&plan, (struct plan_size){100, 100}, native));
    plan_order(&plan, &(struct plan_size){8000, 8000});
    assert_int_equal(plan.count, 2);
    plan_use(&plan, (struct plan_size){100, 100}, plain);
    plan_use(&plan, (struct plan_size){100, 100}, plain);
    assert_int_equal(plan.stages[plan_find(&plan, (struct plan_size){100, 100}, plain)].users, 2);
    assert_int_equal(plan_find(&plan, (struct plan_size){1, 1}, plain), plan.count);
}

static void other_colours_have_no_parent(void **state)
{
    (void)state;
    struct plan plan = {0};
    assert_true(plan_add(&plan, (struct plan_size){1000, 1000}, native));
    add(&plan, 100, 100);
    plan_order(&plan, &(struct plan_size){8000, 8000});
    assert_int_equal(plan.stages[1].parent, PLAN_FROM_SOURCE);
}

static void a_full_plan_refuses_more(void **state)
{
    (void)state;
    struct plan plan = {0};
    for (unsigned i = 1; i <= PLAN_STAGES_MAX; i++)
        add(&plan, i, 1);
    assert_false(plan_add(&plan, (struct plan_size){PLAN_STAGES_MAX + 1, 1}, plain));
    add(&plan, 7, 1); /* one that is there needs no room */
}

static void the_decoder_shrinks_as_far_as_the_largest_allows(void **state)
{
    (void)state;
    static const struct {
        struct plan_size source;
        unsigned width, height, shrink;
    } cases[] = {
        {{10000, 7500}, 1280, 960, 4}, {{6000, 4000}, 1280, 853, 2},
        {{4128, 3096}, 1280, 960, 2},  {{4000, 3000}, 1280, 960, 1}, /* 1.56 would be left */
        {{4001, 3001}, 640, 480, 2},   {{2560, 1707}, 1280, 854, 1},
        {{2559, 1706}, 1280, 853, 1},  {{2558, 1706}, 1280, 853, 1},
        {{1280, 960}, 1280, 960, 1},   {{8000, 8000}, 100, 100, 8},
        {{8000, 100}, 100, 100, 1},    {{1, 1}, 1, 1, 1},
        {{31, 32}, 1, 1, 1},           {{32, 32}, 1, 1, 2},
        {{127, 200}, 1, 1, 4},         {{128, 200}, 1, 1, 8},
        {{1023, 767}, 512, 384, 1},    {{1024, 768}, 512, 384, 1},
        {{1024, 768}, 310, 240, 2},    {{1024, 768}, 330, 240, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct plan plan = {0};
        add(&plan, cases[i].width, cases[i].height);
        plan_order(&plan, &(struct plan_size){8000, 8000});
        assert_int_equal(plan_shrink(&plan, cases[i].source), cases[i].shrink);
    }
}

static void the_largest_of_all_items_decides_the_shrink(void **state)
{
    (void)state;
    struct plan plan = {0};
    add(&plan, 128, 96);
    add(&plan, 2000, 10);
    add(&plan, 10, 1500);
    plan_order(&plan, &(struct plan_size){8000, 8000});
    assert_int_equal(plan_shrink(&plan, (struct plan_size){6400, 4800}), 2);
    assert_int_equal(plan_shrink(&plan, (struct plan_size){6400, 4799}), 1);
}

/* They are not the same picture, and a decoder's division would be inexact for them. */
static void parts_and_light_are_other_pictures(void **state)
{
    (void)state;
    static const struct plan_size sources[] = {{8000, 8000}, {4000, 4000}};
    static const struct plan_kind part = {.region = 1}, light = {.curve = 2.2};
    const struct plan_size large = {1000, 1000}, small = {100, 100};
    struct plan plan = {0};
    add(&plan, 100, 100);
    assert_int_equal(plan_shrink(&plan, sources[0]), 8);
    assert_true(plan_add(&plan, large, part));
    assert_true(plan_add(&plan, small, part));
    assert_true(plan_add(&plan, small, light));
    plan_order(&plan, sources);
    assert_int_equal(plan.count, 4);
    assert_int_equal(plan_roots(&plan), 3);
    assert_int_equal(plan.stages[plan_find(&plan, small, part)].parent,
                     (int)plan_find(&plan, large, part));
    assert_int_equal(plan_shrink(&plan, sources[0]), 1);
    plan = (struct plan){0};
    assert_true(plan_add(&plan, small, light));
    assert_int_equal(plan_shrink(&plan, sources[0]), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_and_light_are_other_pictures),
        cmocka_unit_test(every_fit_has_its_size),
        cmocka_unit_test(no_placement_is_impossible),
        cmocka_unit_test(smaller_pictures_come_from_larger_ones),
        cmocka_unit_test(a_picture_too_near_in_size_is_no_parent),
        cmocka_unit_test(outputs_of_one_size_share_a_stage),
        cmocka_unit_test(other_colours_have_no_parent),
        cmocka_unit_test(a_full_plan_refuses_more),
        cmocka_unit_test(the_decoder_shrinks_as_far_as_the_largest_allows),
        cmocka_unit_test(the_largest_of_all_items_decides_the_shrink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
