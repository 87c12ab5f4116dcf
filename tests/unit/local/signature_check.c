/*
 * Authentication. The signatures of the first two cases are published by AWS ("Examples: Signature
 * Calculations" and "Authenticating Requests: Using Query Parameters" in the S3 API Reference).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "signature_check.h"

static const struct access_key key = {.access_key = "AKIAIOSFODNN7EXAMPLE",
                                      .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                      .arn = "arn:aws:iam::123456789012:root",
                                      .user_id = "123456789012"};
static const struct access_key_list keys = {&key, 1, false, false};
enum { SIGNED_AT = 1369353600 }; /* 20130524T000000Z */

#define H(name, value)                                                                             \
    {                                                                                              \
        {(name), sizeof(name) - 1},                                                                \
        {                                                                                          \
            (value), sizeof(value) - 1                                                             \
        }                                                                                          \
    }

#define SCOPE "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
#define AUTHORIZATION                                                                              \
    "AWS4-HMAC-SHA256 Credential=" SCOPE                                                           \
    ",SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"                                   \
    "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"

enum { AUTHORIZATION_AT, HOST_AT, RANGE_AT, HASH_AT, DATE_AT, EXTRA_AT, HEADERS };

/* GET /test.txt of the published example; a test changes one thing. */
struct get {
    struct sigv4_header headers[HEADERS];
    struct signed_request request;
};

static void get_init(struct get *g)
{
    *g = (struct get){.headers = {
                          H("Authorization", AUTHORIZATION),
                          H("Host", "examplebucket.s3.amazonaws.com"),
                          H("Range", "bytes=0-9"),
                          H("x-amz-content-sha256", SIGV4_EMPTY_SHA256),
                          H("x-amz-date", "20130524T000000Z"),
                          H("Accept", "*/*"),
                      }};
    g->request = (struct signed_request){SLICE_LITERAL("GET"), SLICE_LITERAL("/test.txt"),
                                         SLICE_LITERAL(""), g->headers, HEADERS};
}

static enum signature_code check(const struct signed_request *request, int64_t now,
                                 const char *hash)
{
    struct signature_claim claim;
    enum signature_code code = signature_claim(&keys, request, now, &claim);
    return code == SIGNATURE_OK ? signature_verify(request, &claim, hash) : code;
}

static enum signature_code get_check(const struct get *g, int64_t now)
{
    return check(&g->request, now, SIGV4_EMPTY_SHA256);
}

static void the_published_request_is_let_in(void **state)
{
    (void)state;
    struct get g;
    struct signature_claim claim;
    get_init(&g);
    assert_int_equal(get_check(&g, SIGNED_AT), SIGNATURE_OK);
    signature_claim(&keys, &g.request, SIGNED_AT, &claim);
    assert_string_equal(claim.service, "s3");
    assert_string_equal(claim.region, "us-east-1");
    assert_string_equal(claim.access_key, "AKIAIOSFODNN7EXAMPLE");
}

#define PRESIGNED_QUERY                                                                            \
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-" \
    "1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders="   \
    "host&X-Amz-Signature="
#define PRESIGNED_SIGNATURE "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

static enum signature_code presigned_check(const char *query, int64_t now)
{
    struct sigv4_header host = H("Host", "examplebucket.s3.amazonaws.com");
    struct signed_request request = {SLICE_LITERAL("GET"), SLICE_LITERAL("/test.txt"),
                                     slice_of(query), &host, 1};
    return check(&request, now, SIGV4_UNSIGNED_PAYLOAD);
}

static void the_published_url_is_let_in_for_its_time(void **state)
{
    (void)state;
    const char *url = PRESIGNED_QUERY PRESIGNED_SIGNATURE;
    assert_int_equal(presigned_check(url, SIGNED_AT), SIGNATURE_OK);
    assert_int_equal(presigned_check(url, SIGNED_AT + 86400), SIGNATURE_OK);
    assert_int_equal(presigned_check(url, SIGNED_AT + 86401), SIGNATURE_EXPIRED);
    assert_int_equal(presigned_check(url, SIGNED_AT - 901), SIGNATURE_EARLY);
    assert_int_equal(presigned_check(PRESIGNED_QUERY "00", SIGNED_AT), SIGNATURE_MISMATCH);
}

static void urls_with_broken_parts_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"AWS4-HMAC-SHA256", "AWS4-HMAC-MD5"},
        {"%2Faws4_request", ""},
        {"X-Amz-Date=20130524T000000Z", "X-Amz-Date=yesterday"},
        {"X-Amz-Date=20130524T000000Z", "X-Amz-Date=20130525T000000Z"},
        {"X-Amz-Expires=86400", "X-Amz-Expires=0"},
        {"X-Amz-Expires=86400", "X-Amz-Expires=604801"},
        {"X-Amz-Expires=86400", "X-Amz-Expires=1h"},
        {"X-Amz-Expires=86400", "X-Amz-Expire=86400"},
        {"X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=%0"},
        {"X-Amz-Signature=", "X-Amz-Sig="},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char url[1024];
        const char *whole = PRESIGNED_QUERY PRESIGNED_SIGNATURE;
        const char *at = strstr(whole, cases[i].from);
        assert_non_null(at);
        snprintf(url, sizeof url, "%.*s%s%s", (int)(at - whole), whole, cases[i].to,
                 at + strlen(cases[i].from));
        assert_int_equal(presigned_check(url, SIGNED_AT), SIGNATURE_MALFORMED);
    }
}

static void signed_data_cannot_be_changed(void **state)
{
    (void)state;
    struct get g;
    get_init(&g);
    g.request.method = SLICE_LITERAL("PUT");
    assert_int_equal(get_check(&g, SIGNED_AT), SIGNATURE_MISMATCH);
    get_init(&g);
    g.request.path = SLICE_LITERAL("/test.txu");
    assert_int_equal(get_check(&g, SIGNED_AT), SIGNATURE_MISMATCH);
    get_init(&g);
    g.request.query = SLICE_LITERAL("acl");
    assert_int_equal(get_check(&g, SIGNED_AT), SIGNATURE_MISMATCH);
    get_init(&g);
    g.headers[RANGE_AT].value = SLICE_LITERAL("bytes=0-99");
    assert_int_equal(get_check(&g, SIGNED_AT), SIGNATURE_MISMATCH);
    get_init(&g);
    g.headers[RANGE_AT].name = SLICE_LITERAL("Rang"); /* signed, and gone */
    assert_int_equal(get_check(&g, SIGNED_AT), SIGNATURE_MISMATCH);
    get_init(&g);
    assert_int_equal(check(&g.request, SIGNED_AT, SIGV4_UNSIGNED_PAYLOAD), SIGNATURE_MISMATCH);
}

static void every_amz_header_must_be_signed(void **state)
{
    (void)state;
    struct get g;
    get_init(&g);
    g.headers[EXTRA_AT].name = SLICE_LITERAL("X-Amz-Copy-Source");
    assert_int_equal(get_check(&g, SIGNED_AT), SIGNATURE_UNSIGNED_HEADER);
    get_init(&g);
    g.headers[AUTHORIZATION_AT].value =
        SLICE_LITERAL("AWS4-HMAC-SHA256 Credential=" SCOPE
                      ",SignedHeaders=range;x-amz-content-sha256;x-amz-date,Signature=00");
    assert_int_equal(get_check(&g, SIGNED_AT), SIGNATURE_UNSIGNED_HEADER); /* Host */
}

static void the_time_may_differ_by_fifteen_minutes(void **state)
{
    (void)state;
    struct get g;
    get_init(&g);
    assert_int_equal(get_check(&g, SIGNED_AT + 900), SIGNATURE_OK);
    assert_int_equal(get_check(&g, SIGNED_AT - 900), SIGNATURE_OK);
    assert_int_equal(get_check(&g, SIGNED_AT + 901), SIGNATURE_SKEWED);
    assert_int_equal(get_check(&g, SIGNED_AT - 901), SIGNATURE_SKEWED);
}

static void other_keys_are_unknown_or_do_not_match(void **state)
{
    (void)state;
    struct get g;
    struct signature_claim claim;
    get_init(&g);
    struct access_key other = {.access_key = "AKIAOTHER", .secret_key = key.secret_key};
    struct access_key_list others = {&other, 1, false, false};
    assert_int_equal(signature_claim(&others, &g.request, SIGNED_AT, &claim),
                     SIGNATURE_UNKNOWN_KEY);
    assert_string_equal(claim.service, "s3"); /* set anyway, for the format of the response */
    struct access_key wrong = {.access_key = key.access_key, .secret_key = "wrong"};
    struct access_key_list wrongs = {&wrong, 1, false, false};
    assert_int_equal(signature_claim(&wrongs, &g.request, SIGNED_AT, &claim), SIGNATURE_OK);
    assert_int_equal(signature_verify(&g.request, &claim, SIGV4_EMPTY_SHA256), SIGNATURE_MISMATCH);
}

static void unsigned_requests_are_distinguished_from_broken_ones(void **state)
{
    (void)state;
    static const struct {
        struct slice value;
        enum signature_code code;
    } cases[] = {
        {SLICE_LITERAL("Basic dXNlcjpwYXNz"), SIGNATURE_MALFORMED},
        {SLICE_LITERAL("AWS4-HMAC-SHA256"), SIGNATURE_MALFORMED},
        {SLICE_LITERAL("AWS4-HMAC-SHA256 Credential=a/b/c,SignedHeaders=host,Signature=0"),
         SIGNATURE_MALFORMED},
        {SLICE_LITERAL("AWS4-HMAC-SHA256 Credential=" SCOPE), SIGNATURE_MALFORMED},
        {SLICE_LITERAL("AWS4-HMAC-SHA256 ,,=,Credential="), SIGNATURE_MALFORMED},
        {SLICE_LITERAL(
             "AWS4-HMAC-SHA256 Credential=" SCOPE
             ", SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
             "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
         SIGNATURE_OK}, /* as AWS CLI writes it, with spaces */
    };
    struct get g;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        get_init(&g);
        g.headers[AUTHORIZATION_AT].value = cases[i].value;
        assert_int_equal(get_check(&g, SIGNED_AT), cases[i].code);
    }
    get_init(&g);
    g.headers[AUTHORIZATION_AT].name = SLICE_LITERAL("X-Other");
    assert_int_equal(get_check(&g, SIGNED_AT), SIGNATURE_MISSING);
    get_init(&g);
    g.headers[DATE_AT].name = SLICE_LITERAL("Dated");
    assert_int_equal(get_check(&g, SIGNED_AT), SIGNATURE_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_request_is_let_in),
        cmocka_unit_test(the_published_url_is_let_in_for_its_time),
        cmocka_unit_test(urls_with_broken_parts_are_refused),
        cmocka_unit_test(signed_data_cannot_be_changed),
        cmocka_unit_test(every_amz_header_must_be_signed),
        cmocka_unit_test(the_time_may_differ_by_fifteen_minutes),
        cmocka_unit_test(other_keys_are_unknown_or_do_not_match),
        cmocka_unit_test(unsigned_requests_are_distinguished_from_broken_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
