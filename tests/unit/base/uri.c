/* Percent-encoding. The expected values follow from RFC 3986 section 2 and "UriEncode" in the S3
 * API Reference. */
#include "uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"

static void assert_encoded(struct slice text, bool keep_slash, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 4096);
    assert_int_equal(uri_encode(&out, text, keep_slash), 0);
    assert_string_equal(out.data ? out.data : "", expected);
    buffer_free(&out);
}

static void assert_decoded(const char *text, bool form, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 4096);
    assert_int_equal(uri_decode(&out, slice_of(text), form), 0);
    assert_string_equal(out.data ? out.data : "", expected);
    buffer_free(&out);
}

static void assert_refused(const char *text)
{
    struct buffer out;
    buffer_init(&out, 4096);
    assert_int_equal(uri_decode(&out, slice_of(text), false), ERR_INVALID);
    buffer_free(&out);
}

static void encode(void **state)
{
    (void)state;
    assert_encoded(slice_of("AZaz09-._~"), false, "AZaz09-._~");
    assert_encoded(slice_of("a b+c%d"), false, "a%20b%2Bc%25d");
    assert_encoded(slice_of("!'()*:@&=$,;"), false, "%21%27%28%29%2A%3A%40%26%3D%24%2C%3B");
    assert_encoded(slice_of("ingest/caf\xC3\xA9.jpg"), true, "ingest/caf%C3%A9.jpg");
    assert_encoded(slice_of("ingest/a"), false, "ingest%2Fa");
    assert_encoded(SLICE_LITERAL("\0\xFF"), false, "%00%FF");
    assert_encoded(slice_of(""), true, "");
}

static void decode(void **state)
{
    (void)state;
    assert_decoded("a%20b%2Bc%25d", false, "a b+c%d");
    assert_decoded("a+b", false, "a+b");
    assert_decoded("a+b%2B", true, "a b+");
    assert_decoded("%c3%A9", false, "\xC3\xA9");
    assert_decoded("%2520", false, "%20");
}

static void decode_refuses(void **state)
{
    (void)state;
    assert_refused("%");
    assert_refused("a%2");
    assert_refused("%zz");
    assert_refused("%-1");
    assert_refused("%00");
}

/* Every byte except NUL survives encoding and decoding. */
static void round_trip(void **state)
{
    (void)state;
    char all[255];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)(i + 1);
    struct buffer there, back;
    buffer_init(&there, 3 * sizeof all);
    buffer_init(&back, sizeof all);
    assert_int_equal(uri_encode(&there, (struct slice){all, sizeof all}, false), 0);
    assert_int_equal(uri_decode(&back, buffer_slice(&there), true), 0);
    assert_int_equal(back.size, sizeof all);
    assert_memory_equal(back.data, all, sizeof all);
    buffer_free(&there);
    buffer_free(&back);
}

static void limit(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 5);
    assert_int_equal(uri_encode(&out, slice_of("  "), false), ERR_LIMIT);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode),     cmocka_unit_test(decode), cmocka_unit_test(decode_refuses),
        cmocka_unit_test(round_trip), cmocka_unit_test(limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
