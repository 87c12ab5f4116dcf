/* The aws-chunked decoder, and the checksums in its trailers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws_chunked.h"
#include "checksum.h"
#include "error.h"

/* Feeds text in steps of `step` bytes; the content goes to *out. */
static int decode_signed(struct aws_chunked *decoder, struct chunk_signatures *signatures,
                         const char *text, size_t step, struct buffer *out)
{
    size_t size = strlen(text);
    aws_chunked_init(decoder, signatures);
    for (size_t at = 0; at < size; at += step) {
        struct slice in = {text + at, step < size - at ? step : size - at}, data;
        int code;
        while ((code = aws_chunked_next(decoder, &in, &data)) == 1)
            buffer_append(out, data.data, data.size);
        if (code)
            return code;
        assert_int_equal(in.size, 0);
    }
    return 0;
}

static int decode(struct aws_chunked *decoder, const char *text, size_t step, struct buffer *out)
{
    return decode_signed(decoder, NULL, text, step, out);
}

static void assert_decoded(const char *text, const char *expected)
{
    size_t size = strlen(text);
    for (size_t step = 1; step <= size; step++) {
        struct aws_chunked decoder;
        struct buffer out;
        buffer_init(&out, 4096);
        buffer_text(&out, "");
        assert_int_equal(decode(&decoder, text, step, &out), 0);
        assert_true(aws_chunked_complete(&decoder));
        assert_string_equal(out.data, expected);
        buffer_free(&out);
        aws_chunked_free(&decoder);
    }
}

/* However the network cuts it. */
static void framing_is_removed(void **state)
{
    (void)state;
    assert_decoded("5\r\nhello\r\nA\r\n, world\r\n!\r\n0\r\n\r\n", "hello, world\r\n!");
    assert_decoded("3;chunk-signature=ab\r\nabc\r\n0;chunk-signature=cd\r\n\r\n", "abc");
    assert_decoded("0\r\n\r\n", "");
    assert_decoded("1\r\nx\r\n0\r\nx-amz-checksum-crc32: AAAA==\r\n\r\n", "x");
    assert_decoded("1\r\nx\r\n0\r\n", "x"); /* without the last empty line */
    assert_decoded("1\r\nx\r\n0\r\n\r\nmore\n", "x");
}

static void trailers_are_found_by_name(void **state)
{
    struct aws_chunked decoder;
    struct buffer out;
    (void)state;
    buffer_init(&out, 64);
    assert_int_equal(decode(&decoder,
                            "0\r\nX-Amz-Checksum-Crc32c:abcd==\r\n"
                            "x-amz-trailer-signature: 00ff\r\n\r\n",
                            7, &out),
                     0);
    struct slice value = aws_chunked_trailer(&decoder, "x-amz-checksum-crc32c");
    assert_true(slice_equal_text(value, "abcd=="));
    assert_null(aws_chunked_trailer(&decoder, "x-amz-trailer-signature").data); /* signs them */
    assert_null(aws_chunked_trailer(&decoder, "x-amz-checksum-crc32").data);
    aws_chunked_free(&decoder);
}

static void assert_refused(const char *text)
{
    struct aws_chunked decoder;
    struct buffer out;
    buffer_init(&out, 64);
    assert_true(decode(&decoder, text, strlen(text), &out) < 0);
    buffer_free(&out);
    aws_chunked_free(&decoder);
}

static void wrong_framing_is_refused(void **state)
{
    char endless[2 * AWS_CHUNKED_LINE_MAX];
    (void)state;
    assert_refused("xyz\r\n");
    assert_refused("\r\n");
    assert_refused("5 \r\nhello\r\n");
    assert_refused("3\r\nabcd\r\n");
    assert_refused("fffffffffffffffff\r\n");
    assert_refused("0\r\nno colon\r\n\r\n");
    assert_refused("1\nx\n0\n\n");
    memset(endless, '1', sizeof(endless));
    memcpy(endless, "1;", 2);
    endless[sizeof(endless) - 1] = '\0';
    assert_refused(endless);
}

static void a_truncated_response_is_not_complete(void **state)
{
    const char *const texts[] = {"5\r\nhel", "5\r\nhello", "5\r\nhello\r\n", "0", "0\r\nx-a: 1"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct aws_chunked decoder;
        struct buffer out;
        buffer_init(&out, 64);
        assert_int_equal(decode(&decoder, texts[i], 3, &out), 0);
        assert_false(aws_chunked_complete(&decoder));
        buffer_free(&out);
        aws_chunked_free(&decoder);
    }
}

/* The example of "Transferring Payload in Multiple Chunks", S3 API Reference: 65 KiB of 'a' in two
 * chunks. */
static void signed_chunks(char *text, size_t size)
{
    static char letters[65537];
    memset(letters, 'a', 65536);
    snprintf(
        text, size,
        "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
        "\r\n%s\r\n"
        "400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
        "\r\n%.1024s\r\n"
        "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"
        "\r\n\r\n",
        letters, letters);
}

static int decode_example(const char *text, size_t step)
{
    struct chunk_signatures signatures;
    struct aws_chunked decoder;
    struct buffer out;
    struct sigv4_scope scope = {.date = "20130524T000000Z", .region = "us-east-1", .service = "s3"};
    chunk_signatures_start(&signatures, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", &scope,
                           "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
                           false);
    buffer_init(&out, 100000);
    int code = decode_signed(&decoder, &signatures, text, step, &out);
    if (!code && (!aws_chunked_complete(&decoder) || out.size != 66560))
        code = ERR_PROTOCOL;
    buffer_free(&out);
    aws_chunked_free(&decoder);
    chunk_signatures_end(&signatures);
    return code;
}

static void signatures_of_chunks_are_checked(void **state)
{
    static char text[70000];
    (void)state;
    signed_chunks(text, sizeof(text));
    assert_int_equal(decode_example(text, sizeof(text)), 0);
    assert_int_equal(decode_example(text, 997), 0);
    strchr(text, '\n')[5] = 'b'; /* data of the first chunk */
    assert_int_equal(decode_example(text, 997), ERR_DENIED);
    signed_chunks(text, sizeof(text));
    strstr(text, "b6c6")[0] = 'c'; /* the last chunk's: the body may have been cut */
    assert_int_equal(decode_example(text, 997), ERR_DENIED);
    assert_int_equal(decode_example("1\r\na\r\n0\r\n\r\n", 100), ERR_DENIED);
}

static void assert_checksum(enum checksum_kind kind, const char *text, const char *expected)
{
    struct checksum checksum;
    char out[CHECKSUM_TEXT_SIZE];
    size_t half = strlen(text) / 2;
    checksum_start(&checksum, kind);
    checksum_update(&checksum, text, half);
    checksum_update(&checksum, text + half, strlen(text) - half);
    checksum_finish(&checksum, out);
    assert_string_equal(out, expected);
}

/* The CRCs' check values (of "123456789") are those of the catalogue of parametrised CRC
 * algorithms: 0xcbf43926, 0xe3069283, 0xae8b14860a799888. The hashes of "abc" are those of FIPS
 * 180. */
static void checksums_have_their_check_values(void **state)
{
    (void)state;
    assert_checksum(CHECKSUM_CRC32, "123456789", "y/Q5Jg==");
    assert_checksum(CHECKSUM_CRC32C, "123456789", "4waSgw==");
    assert_checksum(CHECKSUM_CRC64NVME, "123456789", "rosUhgp5mIg=");
    assert_checksum(CHECKSUM_SHA1, "abc", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
    assert_checksum(CHECKSUM_SHA256, "abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

static void checksums_are_known_by_their_headers(void **state)
{
    (void)state;
    assert_int_equal(checksum_from_header(slice_of("X-Amz-Checksum-CRC32C")), CHECKSUM_CRC32C);
    assert_int_equal(checksum_from_header(slice_of("x-amz-checksum-md4")), CHECKSUM_NONE);
    assert_string_equal(checksum_header(CHECKSUM_SHA256), "x-amz-checksum-sha256");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(framing_is_removed),
        cmocka_unit_test(trailers_are_found_by_name),
        cmocka_unit_test(wrong_framing_is_refused),
        cmocka_unit_test(a_truncated_response_is_not_complete),
        cmocka_unit_test(signatures_of_chunks_are_checked),
        cmocka_unit_test(checksums_have_their_check_values),
        cmocka_unit_test(checksums_are_known_by_their_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
