/* Errors: codes, words, and messages, which always remain one clean line. */
#include "error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_code_has_its_word(void **state)
{
    (void)state;
    for (int code = ERR_NONE; code >= ERR_OVERLAY; code--) {
        const char *name = error_name(code);
        assert_string_not_equal(name, "unknown");
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
        for (int other = code + 1; other <= ERR_NONE; other++)
            assert_string_not_equal(name, error_name(other));
    }
    /* They appear in logs and message attributes, where other programs match them. */
    assert_string_equal(error_name(ERR_TIMEOUT), "timeout");
    assert_string_equal(error_name(ERR_NOT_FOUND), "not-found");
    assert_string_equal(error_name(ERR_CORRUPT), "corrupt");
}

static void foreign_codes_have_a_word(void **state)
{
    (void)state;
    assert_string_equal(error_name(1), "unknown");
    assert_string_equal(error_name(ERR_OVERLAY - 1), "unknown");
    assert_string_equal(error_name(-2147483647 - 1), "unknown");
}

static void set_returns_the_code(void **state)
{
    (void)state;
    struct error e;
    assert_int_equal(error_set(&e, ERR_BUSY, "port %d is in use", 80), ERR_BUSY);
    assert_int_equal(e.code, ERR_BUSY);
    assert_string_equal(e.text, "port 80 is in use");
    assert_int_equal(error_set(NULL, ERR_IO, "nobody reads this"), ERR_IO);
    error_prefix(NULL, "nor this");
}

static void text_is_one_line(void **state)
{
    (void)state;
    struct error e;
    error_set(&e, ERR_INVALID, "key %s", "a\nb\tc\x1b[31md\x7f");
    assert_string_equal(e.text, "key a b c [31md ");
}

static void fill(char *text, size_t size)
{
    memset(text, 'x', size);
    text[size] = '\0';
}

static void long_text_is_cut_between_characters(void **state)
{
    (void)state;
    static const char *const characters[] = {"é", "€", "😀"};
    for (size_t i = 0; i < 3; i++) {
        size_t size = strlen(characters[i]);
        for (size_t fits = 0; fits <= size; fits++) {
            char text[ERROR_TEXT_MAX + 8];
            struct error e;
            fill(text, ERROR_TEXT_MAX - 1 - fits);
            strcat(text, characters[i]);
            error_set(&e, ERR_INVALID, "%s", text);
            if (fits < size) /* only a part of the character has room: none of it stays */
                text[ERROR_TEXT_MAX - 1 - fits] = '\0';
            assert_string_equal(e.text, text);
        }
    }
}

static void prefix_stands_before(void **state)
{
    (void)state;
    struct error e;
    error_set(&e, ERR_INVALID, "unknown key \"witdh\"");
    error_prefix(&e, "%s:%d", "web.yaml", 7);
    assert_int_equal(e.code, ERR_INVALID);
    assert_string_equal(e.text, "web.yaml:7: unknown key \"witdh\"");
}

static void long_prefix_is_cut(void **state)
{
    (void)state;
    char text[ERROR_TEXT_MAX + 100];
    struct error e;
    fill(text, sizeof text - 1);
    error_set(&e, ERR_INVALID, "%s", text);
    error_prefix(&e, "outer\n");
    assert_int_equal(strlen(e.text), ERROR_TEXT_MAX - 1);
    assert_memory_equal(e.text, "outer : xxx", 11);
    error_prefix(&e, "%s", text);
    assert_int_equal(strlen(e.text), ERROR_TEXT_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_word),
        cmocka_unit_test(foreign_codes_have_a_word),
        cmocka_unit_test(set_returns_the_code),
        cmocka_unit_test(text_is_one_line),
        cmocka_unit_test(long_text_is_cut_between_characters),
        cmocka_unit_test(prefix_stands_before),
        cmocka_unit_test(long_prefix_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
