/* The geometry of turned pictures and of what is cut out of them. */
#include "pipeline_support.h"

#include <math.h>

#include "turn.h"

static const unsigned sides[] = {1, 2, 3, 17, 100, 999, 6000};
enum { N = sizeof sides / sizeof sides[0] };
static const double angles[] = {0, 0.25, 30, 45, 89.5, 90, 135, 180, 200.5, 270, 359, -90, 450};
enum { ANGLES = sizeof angles / sizeof angles[0] };

static bool is_same(struct plan_size a, struct plan_size b)
{
    return a.width == b.width && a.height == b.height;
}

/* EXIF 2.32, tag 0x0112: 6 is turned by 90 degrees, 8 by 270, 2 and 4 are mirrored. */
static void right_angles_are_orientations(void **state)
{
    (void)state;
    static const struct {
        double rotate;
        bool flip, flop;
        unsigned orientation;
    } cases[] = {{0, false, false, 1},   {90, false, false, 6},   {180, false, false, 3},
                 {270, false, false, 8}, {-90, false, false, 8},  {360, false, false, 1},
                 {0, false, true, 2},    {0, true, false, 4},     {0, true, true, 3},
                 {180, true, true, 1},   {-360, false, false, 1}, {450, false, false, 6}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct plan_turn turn = plan_turn(cases[i].rotate, cases[i].flip, cases[i].flop);
        assert_int_equal(turn.orientation, cases[i].orientation);
        assert_true(turn.angle == 0);
    }
    assert_true(plan_turn(-30, false, false).angle == 330);
    assert_int_equal(plan_turn(30, false, true).orientation, 2);
}

/* A picture of the size that is resized to, turned, has the size that was planned: exactly for
 * right angles, and within the rounding of its sides for others. */
static void sizes_survive_a_turn_and_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N * N * ANGLES * 4; i++) {
        struct plan_size source = {sides[i % N], sides[i / N % N]};
        struct plan_turn turn =
            plan_turn(angles[i / N / N % ANGLES], i / N / N / ANGLES % 2, i / N / N / ANGLES / 2);
        struct plan_size turned = plan_turned(source, &turn);
        struct plan_size back = plan_unturned(turned, source, &turn);
        assert_true(turned.width && turned.height && back.width && back.height);
        assert_true(is_same(back, source));
        struct plan_wish wish = {.width = 50, .height = 40};
        struct plan_size whole = plan_place(turned, &wish).whole;
        struct plan_size again =
            plan_unturned(whole, source, &turn); /* no more than the source has */
        assert_true(again.width && again.height);
        assert_true(again.width <= source.width && again.height <= source.height);
    }
}

static void a_right_angle_swaps_the_sides(void **state)
{
    (void)state;
    struct plan_turn turn = plan_turn(90, false, false);
    assert_true(
        is_same(plan_turned((struct plan_size){30, 20}, &turn), (struct plan_size){20, 30}));
    turn = plan_turn(180, true, false);
    assert_true(
        is_same(plan_turned((struct plan_size){30, 20}, &turn), (struct plan_size){30, 20}));
    turn = plan_turn(45, false, false);
    /* 50 / sqrt(2) */
    assert_true(
        is_same(plan_turned((struct plan_size){30, 20}, &turn), (struct plan_size){35, 35}));
}

/* Points inside stay inside, and the middle stays the middle. */
static void points_turn_with_the_picture(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 25 * ANGLES * 4; i++) {
        struct plan_size size = {300, 200};
        struct plan_turn turn =
            plan_turn(angles[i / 25 % ANGLES], i / 25 / ANGLES % 2, i / 25 / ANGLES / 2);
        struct plan_point from = {i % 5 / 4.0, i / 5 % 5 / 4.0};
        struct plan_point to = plan_point_turn(from, size, &turn);
        assert_true(to.x > -0.01 && to.x < 1.01 && to.y > -0.01 && to.y < 1.01);
        if (from.x == 0.5 && from.y == 0.5)
            assert_true(fabs(to.x - 0.5) < 1e-9 && fabs(to.y - 0.5) < 1e-9);
    }
    struct plan_turn right = plan_turn(90, false, false);
    struct plan_point corner =
        plan_point_turn((struct plan_point){0, 0}, (struct plan_size){3, 2}, &right);
    assert_true(corner.x == 1 && corner.y == 0); /* the top left corner is at the top right now */
}

/* The turns to the left and to the right undo each other, the others themselves. */
static void a_part_turns_with_its_picture(void **state)
{
    (void)state;
    static const unsigned undone[] = {0, 1, 2, 3, 4, 5, 8, 7, 6};
    const struct plan_size size = {30, 20};
    const struct plan_box part = {{3, 5}, {7, 11}};
    for (unsigned orientation = 1; orientation <= 8; orientation++) {
        bool swaps = orientation >= 5;
        struct plan_size turned = {swaps ? 20 : 30, swaps ? 30 : 20};
        struct plan_box there = plan_box_turn(part, size, orientation);
        assert_true(there.at.left + there.size.width <= turned.width);
        assert_true(there.at.top + there.size.height <= turned.height);
        struct plan_box back = plan_box_turn(there, turned, undone[orientation]);
        assert_memory_equal(&back, &part, sizeof part);
    }
    /* what was at the left edge is at the top */
    assert_int_equal(plan_box_turn(part, size, 6).at.top, 3);
    assert_int_equal(plan_box_turn(part, size, 6).at.left, 20 - 5 - 11);
}

static void what_is_cut_out_is_inside(void **state)
{
    (void)state;
    static const double at[] = {0, 0.1, 0.5, 0.99, 1, -3, 7};
    for (unsigned i = 0; i < N * N * N * N * 9; i++) {
        struct plan_size outer = {sides[i % N], sides[i / N % N]};
        struct plan_size inner = {sides[i / N / N % N], sides[i / N / N / N % N]};
        unsigned gravity = i / N / N / N / N;
        if (inner.width > outer.width || inner.height > outer.height)
            continue;
        struct plan_spot spot = plan_spot_at(outer, inner, (enum plan_gravity)gravity);
        assert_true(spot.left + inner.width <= outer.width);
        assert_true(spot.top + inner.height <= outer.height);
        for (size_t k = 0; k < sizeof at / sizeof at[0]; k++) {
            spot = plan_spot_around(outer, inner, (struct plan_point){at[k], 1 - at[k]});
            assert_true(spot.left + inner.width <= outer.width);
            assert_true(spot.top + inner.height <= outer.height);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_angles_are_orientations),
        cmocka_unit_test(sizes_survive_a_turn_and_back),
        cmocka_unit_test(a_right_angle_swaps_the_sides),
        cmocka_unit_test(points_turn_with_the_picture),
        cmocka_unit_test(a_part_turns_with_its_picture),
        cmocka_unit_test(what_is_cut_out_is_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
