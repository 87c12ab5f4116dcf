/* XML: what is read, what is refused, and what is escaped. */
#include "xml_reader.h"
#include "xml_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"

/* Writes "path=text;" for each element, in the order in which they end. */
static int trace(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    (void)start;
    (void)end;
    return buffer_format(user, "%s=%.*s;", path, (int)text.size, text.data);
}

static void assert_trace(const char *document, int code, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 4096);
    assert_int_equal(xml_read(slice_of(document), NULL, trace, &out), code);
    if (expected)
        assert_string_equal(out.data, expected);
    buffer_free(&out);
}

static void elements(void **state)
{
    (void)state;
    assert_trace(
        "<?xml version=\"1.0\"?>\n<a x=\"1\"><b>one</b><c/><b>t&amp;<![CDATA[<o>]]></b></a>", 0,
        "a/b=one;a/c=;a/b=t&<o>;a=;");
    assert_trace("<a>x<b>y</b>z</a>", 0, "a/b=y;a=xz;");
    assert_trace("<a>caf\xC3\xA9 &#xE9;</a>", 0, "a=caf\xC3\xA9 \xC3\xA9;");
}

static void bad_documents_are_refused(void **state)
{
    (void)state;
    assert_trace("<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>", ERR_PROTOCOL, NULL);
    assert_trace("<!DOCTYPE a SYSTEM \"http://127.0.0.1/\"><a/>", ERR_PROTOCOL, NULL);
    assert_trace("<a>&e;</a>", ERR_PROTOCOL, NULL);
    assert_trace("<a><b></a>", ERR_PROTOCOL, NULL);
    assert_trace("<a>", ERR_PROTOCOL, NULL);
    assert_trace("", ERR_PROTOCOL, NULL);
    assert_trace("<a/><b/>", ERR_PROTOCOL, NULL);
    assert_trace("<a>\xFF</a>", ERR_PROTOCOL, NULL);
}

static int ignore(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    (void)user;
    (void)path;
    (void)text;
    (void)start;
    (void)end;
    return 0;
}

static int read_repeated(const char *open, const char *close, int count)
{
    struct buffer document;
    buffer_init(&document, 1024 * 1024);
    for (int i = 0; i < count; i++)
        buffer_text(&document, open);
    for (int i = 0; i < count; i++)
        buffer_text(&document, close);
    assert_int_equal(document.error, 0);
    int code = xml_read(buffer_slice(&document), NULL, ignore, NULL);
    buffer_free(&document);
    return code;
}

static void bounds(void **state)
{
    (void)state;
    assert_int_equal(read_repeated("<a>", "</a>", XML_DEPTH_MAX), 0);
    assert_int_equal(read_repeated("<a>", "</a>", XML_DEPTH_MAX + 1), ERR_PROTOCOL);
    assert_int_equal(read_repeated("<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>",
                                   "</aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>",
                                   8),
                     ERR_PROTOCOL);
    struct buffer document;
    buffer_init(&document, 1024 * 1024);
    buffer_text(&document, "<a>");
    for (int i = 0; i <= XML_TEXT_MAX; i++)
        buffer_byte(&document, 'x');
    buffer_text(&document, "</a>");
    assert_int_equal(xml_read(buffer_slice(&document), NULL, ignore, NULL), ERR_PROTOCOL);
    buffer_free(&document);
}

static int stop_at_b(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    (void)text;
    (void)start;
    (void)end;
    ++*(int *)user;
    return strcmp(path, "a/b") == 0 ? ERR_LIMIT : 0;
}

static void callback_stops(void **state)
{
    (void)state;
    int calls = 0;
    assert_int_equal(xml_read(slice_of("<a><b/><c/></a>"), NULL, stop_at_b, &calls), ERR_LIMIT);
    assert_int_equal(calls, 1);
}

static const char offsets_document[] = "<?xml version=\"1.0\"?><a> <b>\xC3\xA9</b> <c x='1'/></a>";

static int check_offsets(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    (void)text;
    char part[64];
    snprintf(part, sizeof part, "%.*s", (int)(end - start), offsets_document + start);
    if (strcmp(path, "a/b") == 0)
        assert_string_equal(part, "<b>\xC3\xA9</b>");
    if (strcmp(path, "a/c") == 0)
        assert_string_equal(part, "<c x='1'/>");
    ++*(int *)user;
    return 0;
}

static void offsets(void **state)
{
    (void)state;
    int calls = 0;
    assert_int_equal(xml_read(slice_of(offsets_document), NULL, check_offsets, &calls), 0);
    assert_int_equal(calls, 3);
}

static void escape(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 256);
    xml_strict_text(&out, slice_of("a<b>&\"'\x01\x1F\t\r\xFF caf\xC3\xA9"));
    assert_string_equal(out.data, "a&lt;b&gt;&amp;&quot;'\t&#xd;? caf\xC3\xA9");
    buffer_clear(&out);
    xml_text(&out, slice_of("<\x01\r"));
    assert_string_equal(out.data, "&lt;&#x1;&#xd;");
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements), cmocka_unit_test(bad_documents_are_refused),
        cmocka_unit_test(bounds),   cmocka_unit_test(callback_stops),
        cmocka_unit_test(offsets),  cmocka_unit_test(escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
