/* Times as text. The Unix times are from date(1): date -u -d TIME +%s. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "error.h"
#include "iso_time.h"

static int64_t parsed(const char *text)
{
    int64_t ms = 0;
    assert_int_equal(iso_time_parse(text, &ms), 0);
    return ms;
}

static void times_are_read(void **state)
{
    (void)state;
    assert_int_equal(parsed("2026-01-31T11:00:00Z"), INT64_C(1769857200000));
    assert_int_equal(parsed("2026-01-31T11:00:00.5Z"), INT64_C(1769857200500));
    assert_int_equal(parsed("2026-01-31T11:00:00.123456789Z"), INT64_C(1769857200123));
    assert_int_equal(parsed("2026-01-31T12:00:00+01:00"), INT64_C(1769857200000));
    assert_int_equal(parsed("2026-01-31T05:30:00.25-0530"), INT64_C(1769857200250));
    assert_int_equal(parsed("2026-01-31T11:00:00UTC"), INT64_C(1769857200000));
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "now",
                                        "2026-01-31",
                                        "2026-01-31T11:00:00.Z",
                                        "2026-01-31T11:00:00X",
                                        "2026-01-31T11:00:00Zx",
                                        "2026-01-31T11:00:00+25:00",
                                        "0000-01-31T11:00:00Z"};
    int64_t ms = 7;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(iso_time_parse(texts[i], &ms), ERR_INVALID);
    assert_int_equal(iso_time_parse(NULL, &ms), ERR_INVALID);
    assert_int_equal(ms, 7);
}

static void times_are_written(void **state)
{
    (void)state;
    char text[ISO_TIME_SIZE];
    iso_time_format(1769857200, text);
    assert_string_equal(text, "2026-01-31T11:00:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(times_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
