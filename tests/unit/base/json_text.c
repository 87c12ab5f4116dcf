/* Reading and writing JSON according to RFC 8259, including depth and duplicate names.
 */
#include "json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "json_write.h"

static json_t *read_any(struct slice text)
{
    return json_text_read(text, JSON_DECODE_ANY, NULL);
}

static void assert_text(struct slice text, const char *expected, size_t size)
{
    json_t *value = read_any(text);
    assert_true(json_is_string(value));
    assert_int_equal(json_string_length(value), size);
    assert_memory_equal(json_string_value(value), expected, size);
    json_decref(value);
}

static void strings_are_unescaped(void **state)
{
    (void)state;
    assert_text(SLICE_LITERAL("\"\""), "", 0);
    assert_text(SLICE_LITERAL("\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\t\""), "a\"b\\c/d\b\f\n\r\t", 12);
    assert_text(SLICE_LITERAL("\"\\u00e9\\u20AC\""), "\xc3\xa9\xe2\x82\xac", 5);
    assert_text(SLICE_LITERAL("\"\\ud83d\\ude00\""), "\xf0\x9f\x98\x80", 4); /* RFC 8259, 7 */
    assert_text(SLICE_LITERAL("\"\xf0\x9f\x98\x80\""), "\xf0\x9f\x98\x80", 4);
    assert_text(SLICE_LITERAL("\"\\\\ud800\""), "\\ud800", 6);
}

static void invalid_json_is_refused(void **state)
{
    static const struct slice texts[] = {
        SLICE_LITERAL(""),
        SLICE_LITERAL(" "),
        SLICE_LITERAL("tru"),
        SLICE_LITERAL("[1,]"),
        SLICE_LITERAL("[1 2]"),
        SLICE_LITERAL("{\"a\"}"),
        SLICE_LITERAL("{\"a\":1,}"),
        SLICE_LITERAL("{1:2}"),
        SLICE_LITERAL("[1"),
        SLICE_LITERAL("]"),
        SLICE_LITERAL("[]]"),
        SLICE_LITERAL("{} {}"),
        SLICE_LITERAL("true\""),
        SLICE_LITERAL("[]\0"),
        SLICE_LITERAL("[]\v"),
        SLICE_LITERAL("\f[]"),
        SLICE_LITERAL("[1] // no"),
        SLICE_LITERAL("/* no */ 1"),
        SLICE_LITERAL("'a'"),
        SLICE_LITERAL("\"a"),
        SLICE_LITERAL("\"\t\""),
        SLICE_LITERAL("\"\\x\""),
        SLICE_LITERAL("\"\\u12\""),
        SLICE_LITERAL("\"\\u0000\""),
        SLICE_LITERAL("{\"\\u0000\":1}"),
        SLICE_LITERAL("\"\\ud800\""),
        SLICE_LITERAL("\"\\ud800x\""),
        SLICE_LITERAL("\"\\ud800\\n\""),
        SLICE_LITERAL("\"\\ud800\\ud800\""),
        SLICE_LITERAL("\"\\udc00\""),
        SLICE_LITERAL("\"\xff\""),
        SLICE_LITERAL("\"\xc0\x80\""),
        SLICE_LITERAL("\"\xed\xa0\x80\""),
        SLICE_LITERAL("\"\xf4\x90\x80\x80\""),
        SLICE_LITERAL("\"\xe2\x82\""),
        SLICE_LITERAL("01"),
        SLICE_LITERAL("+1"),
        SLICE_LITERAL("1."),
        SLICE_LITERAL(".5"),
        SLICE_LITERAL("1e"),
        SLICE_LITERAL("-"),
        SLICE_LITERAL("NaN"),
        SLICE_LITERAL("1e400"),
        SLICE_LITERAL("9223372036854775808"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_error_t why;
        json_t *value = json_text_read(texts[i], JSON_DECODE_ANY, &why);
        if (value)
            fail_msg("accepted: %s", texts[i].data);
        assert_true(*why.text);
        assert_false(json_text_short(&why));
    }
}

static void numbers_have_their_values(void **state)
{
    (void)state;
    json_t *list = json_text_read(
        SLICE_LITERAL("[0, -0, 9223372036854775807, -9223372036854775808, 1.5, -2e3, 1E-2]"), 0,
        NULL);
    assert_int_equal(json_array_size(list), 7);
    assert_true(json_integer_value(json_array_get(list, 2)) == INT64_MAX);
    assert_true(json_integer_value(json_array_get(list, 3)) == INT64_MIN);
    assert_true(json_real_value(json_array_get(list, 4)) == 1.5);
    assert_true(json_real_value(json_array_get(list, 5)) == -2000);
    assert_true(json_real_value(json_array_get(list, 6)) == 0.01);
    json_decref(list);
}

static void a_tree_keeps_its_shape(void **state)
{
    (void)state;
    json_t *read = json_text_read(
        SLICE_LITERAL(" {\"a\": [1, {\"b\": null}, []], \"c\": {\"d\": true, \"e\": false}} \r\n"),
        0, NULL);
    json_t *built = json_pack("{s:[i,{s:n},[]],s:{s:b,s:b}}", "a", 1, "b", "c", "d", 1, "e", 0);
    assert_true(json_equal(read, built));
    json_decref(read);
    json_decref(built);
}

static void a_place_has_line_and_column(void **state)
{
    (void)state;
    json_error_t why;
    assert_null(json_text_read(SLICE_LITERAL("{\n  \"a\": nope\n}"), 0, &why));
    assert_int_equal(why.line, 2);
    assert_in_range(why.column, 7, 9);
}

static void flags_are_obeyed(void **state)
{
    (void)state;
    struct slice twice = SLICE_LITERAL("{\"a\":1,\"a\":2}");
    json_error_t why;
    assert_null(json_text_read(twice, JSON_REJECT_DUPLICATES, &why));
    json_t *last = json_text_read(twice, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(last, "a")), 2);
    json_decref(last);
    assert_null(json_text_read(SLICE_LITERAL("1"), 0, &why));
    assert_null(json_text_read(SLICE_LITERAL("\"a\""), 0, &why));
}

/* Text of `depth` lists in one another. */
static struct slice nested(size_t depth)
{
    char *text = malloc(2 * depth);
    assert_non_null(text);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return (struct slice){text, 2 * depth};
}

static void depth_is_bounded(void **state)
{
    (void)state;
    struct slice deep = nested(512), deeper = nested(513), deepest = nested(1000000);
    json_t *value = json_text_read(deep, 0, NULL);
    assert_non_null(value);
    json_decref(value);
    assert_null(json_text_read(deeper, 0, NULL));
    assert_null(json_text_read(deepest, 0, NULL));
    free((void *)(uintptr_t)deep.data);
    free((void *)(uintptr_t)deeper.data);
    free((void *)(uintptr_t)deepest.data);
}

/* Escapes go through yajl's own buffer, whose growth is bounded by the text's size. */
static void long_strings_with_escapes_fit(void **state)
{
    (void)state;
    for (size_t size = 1; size < 300000; size = size * 3 + 1) {
        struct buffer text;
        buffer_init(&text, size + 10);
        buffer_text(&text, "[\"\\n");
        for (size_t i = 0; i < size; i++)
            buffer_byte(&text, 'x');
        buffer_text(&text, "\"]");
        json_t *list = json_text_read(buffer_slice(&text), 0, NULL);
        assert_int_equal(json_string_length(json_array_get(list, 0)), size + 1);
        json_decref(list);
        buffer_free(&text);
    }
}

static void the_output_equals_that_of_jansson(void **state)
{
    (void)state;
    json_t *tree =
        json_pack("{s:[i,I,f,b,b,n],s:s,s:{},s:[],s:{s:s}}", "a", -1, INT64_MIN, 1.5, 0, 1,
                  "\"\\/\b\f\n\r\t\x01\x7f", "h\xc3\xa9\xf0\x9f\x98\x80", "b", "c", "d", "", "");
    char *expected = json_dumps(tree, JSON_COMPACT);
    struct buffer text;
    buffer_init(&text, 1000);
    assert_int_equal(json_write(tree, &text), 0);
    assert_string_equal(text.data, expected);
    buffer_free(&text);
    free(expected);
    json_decref(tree);
}

static void writing_is_bounded(void **state)
{
    (void)state;
    struct slice deep = nested(JSON_WRITE_DEPTH_MAX), deeper = nested(JSON_WRITE_DEPTH_MAX + 1);
    json_t *good = json_text_read(deep, 0, NULL), *bad = json_text_read(deeper, 0, NULL);
    struct buffer text, little;
    buffer_init(&text, 1000);
    buffer_init(&little, 10);
    assert_int_equal(json_write(good, &text), 0);
    assert_true(slice_equal(buffer_slice(&text), deep));
    assert_int_equal(json_write(good, &little), ERR_LIMIT);
    buffer_clear(&text);
    assert_int_equal(json_write(bad, &text), ERR_LIMIT);
    buffer_free(&text);
    buffer_free(&little);
    json_decref(good);
    json_decref(bad);
    free((void *)(uintptr_t)deep.data);
    free((void *)(uintptr_t)deeper.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(invalid_json_is_refused),
        cmocka_unit_test(numbers_have_their_values),
        cmocka_unit_test(a_tree_keeps_its_shape),
        cmocka_unit_test(a_place_has_line_and_column),
        cmocka_unit_test(flags_are_obeyed),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(long_strings_with_escapes_fit),
        cmocka_unit_test(the_output_equals_that_of_jansson),
        cmocka_unit_test(writing_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
