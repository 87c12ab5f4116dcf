/* Settings as a user gives them: flags, environment, units, mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "log.h"
#include "nearest.h"
#include "units.h"

struct fixture {
    struct config config;
    struct error error;
};

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    config_clear(&f->config);
    free(f);
    return 0;
}

#define READ(f, command, ...)                                                                      \
    read_args(f, command, (char *[]){__VA_ARGS__}, sizeof((char *[]){__VA_ARGS__}) / sizeof(char *))

static int read_args(struct fixture *f, enum config_command command, char **args, size_t count)
{
    config_clear(&f->config);
    f->error = (struct error){0};
    return config_read(&f->config, command, args, count, &f->error);
}

static void assert_refused(struct fixture *f, int result, const char *a, const char *b,
                           const char *c)
{
    assert_int_equal(result, ERR_INVALID);
    const char *parts[] = {a, b, c};
    for (size_t i = 0; i < 3; i++)
        if (!strstr(f->error.text, parts[i]))
            fail_msg("\"%s\" does not say \"%s\"", f->error.text, parts[i]);
}

static void defaults_are_those_of_the_manual(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(config_read(&f->config, CONFIG_LOCAL, NULL, 0, &f->error), 0);
    assert_int_equal(f->config.wait, 20000);
    assert_int_equal(f->config.grace, 25000);
    assert_int_equal(f->config.port, 4566);
    assert_int_equal(f->config.cache, 64 << 20);
    assert_string_equal(f->config.host, "127.0.0.1");
    assert_string_equal(f->config.out, "out");
    assert_null(f->config.endpoint);
    assert_false(f->config.once);
    assert_false(config_given(&f->config, "port"));
}

static void flags_take_their_value_either_way(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(READ(f, CONFIG_LOCAL, "--port=0", "--out", "results", "--once", "a.jpg"), 0);
    assert_int_equal(f->config.port, 0);
    assert_true(config_given(&f->config, "port"));
    assert_string_equal(f->config.out, "results");
    assert_true(f->config.once);
    assert_int_equal(f->config.paths.count, 1);
    assert_string_equal(f->config.paths.items[0], "a.jpg");

    assert_int_equal(READ(f, CONFIG_LOCAL, "--once", "--no-once", "--", "--port"), 0);
    assert_false(f->config.once);
    assert_string_equal(f->config.paths.items[0], "--port"); /* a file may be called so */
}

static void units_are_understood(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(READ(f, CONFIG_RUN, "--cache", "1.5G", "--max-pixels", "24M", "--linger",
                          "500ms", "--wait", "5"),
                     0);
    assert_int_equal(f->config.cache, 1610612736);
    assert_int_equal(f->config.max_pixels, 24000000);
    assert_int_equal(f->config.linger, 500);
    assert_int_equal(f->config.wait, 5000);
}

static void a_flag_wins_over_the_environment(void **state)
{
    struct fixture *f = *state;
    setenv("THUMBWHEEL_MAX_PIXELS", "5M", 1);
    setenv("THUMBWHEEL_PIPELINES", "one.yaml:two.yaml", 1);
    setenv("THUMBWHEEL_REGION", "", 1);
    int result = READ(f, CONFIG_RUN, "--pipelines", "three.yaml", "--pipelines", "four.yaml");
    assert_int_equal(result, 0);
    assert_int_equal(f->config.max_pixels, 5000000);
    assert_null(f->config.region); /* set but empty is unset */
    assert_int_equal(f->config.pipelines.count, 2);
    assert_string_equal(f->config.pipelines.items[0], "three.yaml");

    result = READ(f, CONFIG_RUN, "--max-pixels", "6M");
    assert_int_equal(result, 0);
    assert_int_equal(f->config.max_pixels, 6000000);
    assert_int_equal(f->config.pipelines.count, 2);
    assert_string_equal(f->config.pipelines.items[1], "two.yaml");
    unsetenv("THUMBWHEEL_MAX_PIXELS");
    unsetenv("THUMBWHEEL_PIPELINES");
    unsetenv("THUMBWHEEL_REGION");
}

static void a_bad_value_is_named_with_what_is_allowed(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, READ(f, CONFIG_RUN, "--workers", "many"), "--workers", "\"many\"",
                   "1 to 256");
    assert_refused(f, READ(f, CONFIG_RUN, "--workers", "0"), "--workers", "\"0\"", "1 to 256");
    assert_refused(f, READ(f, CONFIG_RUN, "--wait=21s"), "--wait", "\"21s\"", "1s to 20s");
    assert_refused(f, READ(f, CONFIG_RUN, "--wait=1500ms"), "--wait", "\"1500ms\"",
                   "whole seconds");
    assert_refused(f, READ(f, CONFIG_RUN, "--max-bytes", "12Q"), "--max-bytes", "\"12Q\"", "64M");
    assert_refused(f, READ(f, CONFIG_RUN, "--log-format", "xml"), "--log-format", "\"xml\"",
                   "auto|text|json");
    assert_refused(f, READ(f, CONFIG_LOCAL, "--port", "65536"), "--port", "\"65536\"",
                   "0 to 65535");
    assert_refused(f, READ(f, CONFIG_LOCAL, "--port", "-1"), "--port", "\"-1\"", "number");
    assert_refused(f, READ(f, CONFIG_LOCAL, "--out", ""), "--out", "empty", "");
    assert_refused(f, READ(f, CONFIG_LOCAL, "--out"), "--out", "needs a value", "DIR");
    assert_refused(f, READ(f, CONFIG_LOCAL, "--out", "--once"), "--out", "needs a value", "DIR");

    setenv("THUMBWHEEL_GRACE", "soon", 1);
    int result = READ(f, CONFIG_RUN, "--region", "eu-north-1");
    unsetenv("THUMBWHEEL_GRACE");
    assert_refused(f, result, "THUMBWHEEL_GRACE", "\"soon\"", "0s to 1h");
}

static void a_mistyped_option_names_the_nearest(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, READ(f, CONFIG_RUN, "--wrokers", "2"), "--wrokers", "did you mean",
                   "--workers");
    assert_refused(f, READ(f, CONFIG_RUN, "--max-pixel=2"), "--max-pixel", "did you mean",
                   "--max-pixels");
    assert_refused(f, READ(f, CONFIG_RUN, "--frobnicate"), "--frobnicate", "thumbwheel run --help",
                   "");
    assert_refused(f, READ(f, CONFIG_RUN, "--port", "1"), "--port", "\"thumbwheel local\"",
                   "\"run\"");
    assert_refused(f, READ(f, CONFIG_RUN, "-x"), "-x", "two dashes", "");
    assert_refused(f, READ(f, CONFIG_RUN, "--no-region"), "unknown option", "--no-region", "");
}

static void a_mistyped_variable_is_noticed(void **state)
{
    (void)state;
    char *const environment[] = {"HOME=/root",
                                 "THUMBWHEEL=/usr/bin/thumbwheel",
                                 "THUMBWHEEL_WORKERS=3",
                                 "THUMBWHEEL_WORKRES=3",
                                 "THUMBWHEEL_FROBNICATE=1",
                                 "THUMBWHEEL_PORT=tcp://10.0.0.1:4566",
                                 "THUMBWHEEL_PORT_4566_TCP=tcp://10.0.0.1:4566",
                                 "THUMBWHEEL_SERVICE_HOST=10.0.0.1",
                                 NULL};
    char *const *at = environment;
    struct config_stray stray;
    assert_true(config_stray_next(&at, &stray));
    assert_string_equal(stray.name, "THUMBWHEEL_WORKRES");
    assert_string_equal(stray.meant, "THUMBWHEEL_WORKERS");
    assert_true(config_stray_next(&at, &stray));
    assert_string_equal(stray.name, "THUMBWHEEL_FROBNICATE");
    assert_null(stray.meant);
    assert_true(config_stray_next(&at, &stray));
    assert_string_equal(stray.name, "THUMBWHEEL_PORT");
    assert_true(stray.injected);
    assert_false(config_stray_next(&at, &stray));
}

static void each_setting_is_in_the_help_and_the_manual(void **state)
{
    (void)state;
    static const char *const names[] = {
        "pipelines",  "region",     "profile",     "endpoint",   "workers",    "jobs",
        "wait",       "visibility", "linger",      "cache",      "max-pixels", "max-bytes",
        "max-frames", "log-format", "log-level",   "grace",      "host",       "port",
        "data",       "out",        "request-log", "durability", "patience"};
    char *text = NULL, flag[64];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    config_print_markdown(out);
    config_print_options(out, CONFIG_RUN, 0);
    config_print_options(out, CONFIG_LOCAL, 0);
    fclose(out);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(flag, sizeof flag, "| `--%s", names[i]);
        assert_non_null(strstr(text, flag));
        snprintf(flag, sizeof flag, "\n  --%s", names[i]);
        assert_non_null(strstr(text, flag));
    }
    assert_non_null(strstr(text, "`THUMBWHEEL_MAX_PIXELS`"));
    assert_non_null(strstr(text, "auto\\|text\\|json")); /* a bar would end the cell */
    free(text);
}

static void numbers_do_not_overflow(void **state)
{
    (void)state;
    uint64_t n = 7;
    assert_int_equal(units_parse_bytes("18446744073709551616", &n), ERR_LIMIT);
    assert_int_equal(units_parse_bytes("18446744073709551615T", &n), ERR_LIMIT);
    assert_int_equal(units_parse_bytes("", &n), ERR_INVALID);
    assert_int_equal(units_parse_bytes(".", &n), ERR_INVALID);
    assert_int_equal(units_parse_bytes("1.2.3", &n), ERR_INVALID);
    assert_int_equal(units_parse_bytes("-1", &n), ERR_INVALID);
    assert_int_equal(units_parse_time("1 m", &n), 0);
    assert_int_equal(n, 60000);
    assert_int_equal(units_parse_bytes("0.5MB", &n), 0);
    assert_int_equal(n, 500000);
}

static void near_names_are_near(void **state)
{
    (void)state;
    static const char *const names[] = {"run", "local", "process", "check"};
    assert_string_equal(nearest_name("proccess", names, 4), "process");
    assert_string_equal(nearest_name("lcoal", names, 4), "local");
    assert_string_equal(nearest_name("rnu", names, 4), "run");
    assert_null(nearest_name("deploy", names, 4));
    assert_null(nearest_name("", names, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults_are_those_of_the_manual, setup, teardown),
        cmocka_unit_test_setup_teardown(flags_take_their_value_either_way, setup, teardown),
        cmocka_unit_test_setup_teardown(units_are_understood, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flag_wins_over_the_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bad_value_is_named_with_what_is_allowed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_mistyped_option_names_the_nearest, setup, teardown),
        cmocka_unit_test(a_mistyped_variable_is_noticed),
        cmocka_unit_test(each_setting_is_in_the_help_and_the_manual),
        cmocka_unit_test(numbers_do_not_overflow),
        cmocka_unit_test(near_names_are_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
