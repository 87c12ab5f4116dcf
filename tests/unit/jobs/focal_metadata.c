/* The point that metadata name: what is accepted, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "focal_metadata.h"

static int read_as(const char *name, const char *value, struct focal_point *out)
{
    const struct object_pair pairs[] = {{"camera", "0.1,0.1"}, {name, value}};
    const struct object_facts facts = {.metadata = pairs, .metadata_count = 2};
    return focal_metadata_read(&facts, out);
}

static void two_fractions_are_a_point(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double x, y;
    } cases[] = {{"0.25,0.75", 0.25, 0.75},
                 {" 0.25 , 0.75\t", 0.25, 0.75},
                 {"0,1", 0, 1},
                 {"1.0,0.0", 1, 0},
                 {".5,1.", 0.5, 1},
                 {"0.125000000000000000,0", 0.125, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct focal_point found = {0};
        assert_int_equal(read_as("focal", cases[i].text, &found), 0);
        assert_true(found.given);
        assert_true(found.x == cases[i].x && found.y == cases[i].y);
    }
    struct focal_point found;
    assert_int_equal(read_as("Focal", "0.5,0.5", &found), 0); /* as some stores answer */
    assert_true(found.given);
}

static void anything_else_is_invalid(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",          "centre",      "0.5",
        "0.5,",      ",0.5",        "0.5 0.5",
        "0.5;0.5",   "0.5,0.5,",    "1.01,0.5",
        "0.5,2",     "-0.5,0.5",    "0.5,-0",
        "+0.5,0.5",  "nan,0.5",     "inf,0.5",
        "1e-1,0.5",  "0x0.8p0,0.5", "0..5,0.5",
        "0.5.,.5",   ".,.",         "50%,50%",
        "0.5,0.5 x", "0.5,0.5\n",   "0,5,0,5",
        "[0.5,0.5]", "0.5,\xff",    "0.12345678901234567890123456789,0.5"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct focal_point found = {.given = true, .x = 7};
        if (read_as("focal", texts[i], &found) != ERR_INVALID)
            fail_msg("\"%s\" is accepted", texts[i]);
        assert_true(!found.given && found.x == 0 && found.y == 0);
    }
}

static void without_such_metadata_there_is_no_point(void **state)
{
    (void)state;
    struct focal_point found = {.given = true};
    assert_int_equal(read_as("focal-length", "0.5,0.5", &found), 0);
    assert_false(found.given);
    const struct object_facts facts = {0};
    found.given = true;
    assert_int_equal(focal_metadata_read(&facts, &found), 0);
    assert_false(found.given);
}

static void a_tag_has_a_colon_or_a_comma(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        int code;
        bool given;
    } cases[] = {
        {"focal", "0.25:0.75", 0, true},        {"focal", "0.25,0.75", 0, true},
        {"focal", " 0.25 : 0.75 ", 0, true},    {"Focal", "0.25:0.75", 0, false},
        {"other", "0.25:0.75", 0, false},       {"focal", "0.25/0.75", ERR_INVALID, false},
        {"focal", "0.25:", ERR_INVALID, false}, {"focal", "", ERR_INVALID, false},
        {"focal", "0.25", ERR_INVALID, false},  {"focal", "0.25:1.75", ERR_INVALID, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct object_pair tags[] = {{"camera", "0.1:0.1"}, {cases[i].name, cases[i].value}};
        struct focal_point found = {.given = true, .x = 7};
        assert_int_equal(focal_tags_read(tags, 2, &found), cases[i].code);
        assert_true(found.given == cases[i].given && found.x == (cases[i].given ? 0.25 : 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_fractions_are_a_point),
        cmocka_unit_test(anything_else_is_invalid),
        cmocka_unit_test(without_such_metadata_there_is_no_point),
        cmocka_unit_test(a_tag_has_a_colon_or_a_comma),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
