/* The address of RabbitMQ's management API. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "management_address.h"

static void an_address_is_a_base_and_a_user(void **state)
{
    (void)state;
    static const struct {
        const char *text, *base, *user;
    } rows[] = {
        {"http://127.0.0.1:15672", "http://127.0.0.1:15672", NULL},
        {"https://admin@broker:15671/", "https://broker:15671", "admin"},
        {"HTTPS://a%40b@[::1]:15671/prefix//", "HTTPS://[::1]:15671/prefix", "a@b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct management_address address;
        struct error error;
        assert_int_equal(management_address_parse(rows[i].text, &address, &error), 0);
        assert_string_equal(address.base, rows[i].base);
        if (rows[i].user)
            assert_string_equal(address.user, rows[i].user);
        else
            assert_null(address.user);
        management_address_clear(&address);
    }
}

static void a_password_is_refused_and_not_repeated(void **state)
{
    (void)state;
    struct management_address address;
    struct error error;
    assert_int_equal(management_address_parse("http://admin:secret@broker:15672", &address, &error),
                     ERR_INVALID);
    assert_null(strstr(error.text, "secret"));
    assert_non_null(strstr(error.text, "--broker-api-password-file"));
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",           "broker:15672",         "amqp://broker",     "http://",
        "http:///",   "http://@broker",       "http://a%4@broker", "http://broker?x=1",
        "http://b#a", "http://bro ker:15672", "http://a@b/c@d",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct management_address address;
        struct error error;
        assert_int_equal(management_address_parse(texts[i], &address, &error), ERR_INVALID);
        assert_null(address.base);
        assert_null(address.user);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_a_base_and_a_user),
        cmocka_unit_test(a_password_is_refused_and_not_repeated),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
