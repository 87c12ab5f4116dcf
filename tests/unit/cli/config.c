/* Settings from the user: flags, environment, units, mistakes. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bytes.h"
#include "config.h"
#include "config_table.h"
#include "files.h"
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
    assert_int_equal(f->config.engine.wait_s, 20);
    assert_int_equal(f->config.grace_ms, 25000);
    assert_int_equal(f->config.cloud.port, 4566);
    assert_int_equal(f->config.engine.cache_bytes, 64 << 20);
    assert_string_equal(f->config.cloud.host, "127.0.0.1");
    assert_string_equal(f->config.out, "out");
    assert_null(f->config.backend.endpoint);
    assert_false(f->config.once);
    assert_false(config_given(&f->config, "port"));
}

static void flags_take_their_value_either_way(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(READ(f, CONFIG_LOCAL, "--port=0", "--out", "results", "--once", "a.jpg"), 0);
    assert_int_equal(f->config.cloud.port, 0);
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
    assert_int_equal(f->config.engine.cache_bytes, 1610612736);
    assert_int_equal(f->config.engine.limits.max_pixels, 24000000);
    assert_int_equal(f->config.engine.linger_ms, 500);
    assert_int_equal(f->config.engine.wait_s, 5);
}

static void a_flag_wins_over_the_environment(void **state)
{
    struct fixture *f = *state;
    setenv("THUMBWHEEL_MAX_PIXELS", "5M", 1);
    setenv("THUMBWHEEL_PIPELINES", "one.yaml:two.yaml", 1);
    setenv("THUMBWHEEL_REGION", "", 1);
    int result = READ(f, CONFIG_RUN, "--pipelines", "three.yaml", "--pipelines", "four.yaml");
    assert_int_equal(result, 0);
    assert_int_equal(f->config.engine.limits.max_pixels, 5000000);
    assert_null(f->config.backend.region); /* set but empty is unset */
    assert_int_equal(f->config.pipelines.count, 2);
    assert_string_equal(f->config.pipelines.items[0], "three.yaml");

    result = READ(f, CONFIG_RUN, "--max-pixels", "6M");
    assert_int_equal(result, 0);
    assert_int_equal(f->config.engine.limits.max_pixels, 6000000);
    assert_int_equal(f->config.pipelines.count, 2);
    assert_string_equal(f->config.pipelines.items[1], "two.yaml");
    unsetenv("THUMBWHEEL_MAX_PIXELS");
    unsetenv("THUMBWHEEL_PIPELINES");
    unsetenv("THUMBWHEEL_REGION");
}

static void a_bad_value_is_reported_with_the_allowed_ones(void **state)
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

/* ---- the table: whatever a row lacks, one of these finds ---- */

#define TABLE_END (config_table + config_table_size)

static bool is_number(const struct setting *s)
{
    return s->type == TYPE_NUMBER || s->type == TYPE_COUNT || s->type == TYPE_BYTES ||
           s->type == TYPE_TIME || s->type == TYPE_SECONDS;
}

static void each_setting_has_a_name_a_help_and_a_default(void **state)
{
    (void)state;
    for (const struct setting *s = config_table; s < TABLE_END; s++) {
        size_t length = strlen(s->name);
        if (length == 0 || strspn(s->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != length)
            fail_msg("--%s: not a name in lower case", s->name);
        if (!s->help || !*s->help || s->help[strlen(s->help) - 1] == '.')
            fail_msg("--%s: no help, or a full stop at its end", s->name);
        if (s->action == (*config_default_text(s) != '\0'))
            fail_msg("--%s: an action has no default, and a setting has one", s->name);
        if ((s->type == TYPE_SWITCH) != !s->value)
            fail_msg("--%s: all types but switches have the name of a value", s->name);
        if (s->commands == 0 || s->reloads & ~s->commands)
            fail_msg("--%s: no command accepts it, or one reloads it that does not", s->name);
        for (const struct setting *t = config_table; t < s; t++)
            if (strcmp(t->name, s->name) == 0 || t->group > s->group)
                fail_msg("--%s: a name that is taken, or not sorted by group", s->name);
    }
}

static void each_setting_has_a_member_of_its_own(void **state)
{
    (void)state;
    for (const struct setting *s = config_table; s < TABLE_END; s++)
        for (const struct setting *t = config_table; t < s; t++)
            if (t->member.offset == s->member.offset)
                fail_msg("--%s has the member of --%s", s->name, t->name);
}

static void each_type_of_value_fits_its_member(void **state)
{
    (void)state;
    for (const struct setting *s = config_table; s < TABLE_END; s++) {
        enum config_member_type type = s->member.type;
        bool fits = s->type == TYPE_SWITCH   ? type == MEMBER_BOOL
                    : s->type == TYPE_TEXT   ? type == MEMBER_TEXT
                    : s->type == TYPE_LIST   ? type == MEMBER_LIST
                    : s->type == TYPE_CHOICE ? type == MEMBER_UNSIGNED || type == MEMBER_BOOL
                                             : type == MEMBER_UNSIGNED || type == MEMBER_UINT64;
        if (!fits)
            fail_msg("--%s: its member is of another type", s->name);
    }
}

static void each_number_has_bounds_that_fit(void **state)
{
    (void)state;
    for (const struct setting *s = config_table; s < TABLE_END; s++) {
        if (!is_number(s) && (s->min || s->max))
            fail_msg("--%s is not a number and has bounds", s->name);
        if (is_number(s) && s->min >= s->max)
            fail_msg("--%s: not a range", s->name);
        if (s->member.type == MEMBER_UNSIGNED && s->max > UINT_MAX)
            fail_msg("--%s: its member is too small for its maximum", s->name);
    }
}

static size_t choice_count(const struct setting *s)
{
    size_t count = 1;
    for (const char *bar = strchr(s->value, '|'); bar; bar = strchr(bar + 1, '|'))
        count++;
    return count;
}

static void each_choice_has_a_default_and_several_values(void **state)
{
    (void)state;
    for (const struct setting *s = config_table; s < TABLE_END; s++) {
        if (s->type != TYPE_CHOICE)
            continue;
        if (!s->standard || choice_count(s) < 2)
            fail_msg("--%s: no default, or no choice", s->name);
        if (s->member.type == MEMBER_BOOL && choice_count(s) != 2)
            fail_msg("--%s: a bool holds two choices", s->name);
    }
}

/* As it is in --help, at the beginning of a line. */
static bool has_option(const char *help, const struct setting *s)
{
    char flag[128];
    snprintf(flag, sizeof flag, "\n  --%s%s%s", s->name, s->value ? " " : "",
             s->value ? s->value : "");
    const char *at = strstr(help, flag);
    return at && strchr(" \n", at[strlen(flag)]) && strstr(at, s->help);
}

static void each_setting_is_in_the_help_of_its_commands(void **state)
{
    (void)state;
    for (unsigned command = CONFIG_RUN; command <= CONFIG_HEALTH; command <<= 1) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        config_print_options(out, (enum config_command)command, 0);
        fclose(out);
        for (const struct setting *s = config_table; s < TABLE_END; s++)
            if (has_option(text, s) != ((s->commands & command) != 0))
                fail_msg("--%s is missing or wrong in the help of command %u", s->name, command);
        free(text);
    }
}

static void each_setting_is_read_from_its_variable(void **state)
{
    struct fixture *f = *state;
    for (const struct setting *s = config_table; s < TABLE_END; s++) {
        char name[CONFIG_VARIABLE_MAX];
        unsigned command = s->commands & ~(s->commands - 1);
        config_variable_name(s, name);
        setenv(name, s->type == TYPE_TEXT || s->type == TYPE_LIST ? "a" : "?", 1);
        int code = config_read(&f->config, (enum config_command)command, NULL, 0, &f->error);
        bool given = config_given(&f->config, s->name);
        unsetenv(name);
        config_clear(&f->config);
        if (s->action ? code || given : !code && !given)
            fail_msg("%s is %s", name, s->action ? "not to be read" : "ignored");
    }
}

static void the_manual_has_the_table_of_settings(void **state)
{
    (void)state;
    struct bytes manual = {0};
    struct error error = {0};
    assert_int_equal(file_read("docs/settings.md", 1 << 20, &manual, &error), 0);
    char *text = NULL, *page = strndup((char *)manual.data, manual.size);
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    config_print_markdown(out);
    fclose(out);
    const bool current = strstr(page, text) != NULL;
    const bool escaped = strstr(text, "auto\\|text\\|json") != NULL; /* a bar would end the cell */
    free(page);
    free(text);
    bytes_free(&manual); /* before a failure, so that it is all that is reported */
    if (!current)
        fail_msg("docs/settings.md is out of date; run tests/readme_tables.py");
    assert_true(escaped);
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
        cmocka_unit_test_setup_teardown(a_bad_value_is_reported_with_the_allowed_ones, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_mistyped_option_names_the_nearest, setup, teardown),
        cmocka_unit_test(a_mistyped_variable_is_noticed),
        cmocka_unit_test(each_setting_has_a_name_a_help_and_a_default),
        cmocka_unit_test(each_setting_has_a_member_of_its_own),
        cmocka_unit_test(each_type_of_value_fits_its_member),
        cmocka_unit_test(each_number_has_bounds_that_fit),
        cmocka_unit_test(each_choice_has_a_default_and_several_values),
        cmocka_unit_test(each_setting_is_in_the_help_of_its_commands),
        cmocka_unit_test_setup_teardown(each_setting_is_read_from_its_variable, setup, teardown),
        cmocka_unit_test(the_manual_has_the_table_of_settings),
        cmocka_unit_test(numbers_do_not_overflow),
        cmocka_unit_test(near_names_are_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
