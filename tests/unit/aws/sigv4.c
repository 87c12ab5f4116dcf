/*
 * SigV4 with published test vectors: the examples of the S3 API Reference ("Authenticating
 * Requests: Using the Authorization Header", "… Using Query Parameters"), RFC 4231 for HMAC, FIPS
 * 180-2 for SHA-256, and the AWS signing test suite, which is not part of this repository and is
 * skipped if absent.
 */
#include "sigv4.h"

#include <dirent.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hash.h"

#define SUITE "../shared/sigv4"

enum { HEADERS_MAX = 16, FILE_MAX = 64 * 1024 };

/* --- published examples --- */

static const char s3_secret[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

static void assert_signature(const struct sigv4_request *request, const char *secret,
                             const struct sigv4_scope *scope, const char *expected)
{
    uint8_t key[SIGV4_KEY_SIZE];
    char signature[SIGV4_HEX_SIZE];
    sigv4_signing_key(secret, scope, key);
    assert_int_equal(sigv4_signature(request, scope, key, signature), 0);
    assert_string_equal(signature, expected);
}

#define HEADER(n, v)                                                                               \
    {                                                                                              \
        SLICE_LITERAL(n), SLICE_LITERAL(v)                                                         \
    }
#define S3_SCOPE                                                                                   \
    {                                                                                              \
        .date = "20130524T000000Z", .region = "us-east-1", .service = "s3"                         \
    }

static void s3_get_range(void **state)
{
    (void)state;
    const struct sigv4_header headers[] = {
        HEADER("Host", "examplebucket.s3.amazonaws.com"),
        HEADER("Range", "bytes=0-9"),
        HEADER("x-amz-content-sha256", SIGV4_EMPTY_SHA256),
        HEADER("x-amz-date", "20130524T000000Z"),
    };
    const struct sigv4_request request = {.method = SLICE_LITERAL("GET"),
                                          .path = SLICE_LITERAL("/test.txt"),
                                          .headers = headers,
                                          .header_count = 4,
                                          .payload_hash = SIGV4_EMPTY_SHA256};
    const struct sigv4_scope scope = S3_SCOPE;
    assert_signature(&request, s3_secret, &scope,
                     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void s3_put(void **state)
{
    (void)state;
    char hash[SIGV4_HEX_SIZE];
    sha256_hex("Welcome to Amazon S3.", 21, hash);
    assert_string_equal(hash, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
    const struct sigv4_header headers[] = {
        HEADER("Date", "Fri, 24 May 2013 00:00:00 GMT"),
        HEADER("Host", "examplebucket.s3.amazonaws.com"),
        HEADER("x-amz-date", "20130524T000000Z"),
        HEADER("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        {SLICE_LITERAL("x-amz-content-sha256"), {hash, 64}},
    };
    /* The key is test$file.text; both spellings of '$' on the wire are the same key. */
    static const char *const paths[] = {"/test%24file.text", "/test$file.text"};
    for (size_t i = 0; i < 2; i++) {
        const struct sigv4_request request = {.method = SLICE_LITERAL("PUT"),
                                              .path = slice_of(paths[i]),
                                              .headers = headers,
                                              .header_count = 5,
                                              .payload_hash = hash};
        const struct sigv4_scope scope = S3_SCOPE;
        assert_signature(&request, s3_secret, &scope,
                         "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    }
}

static void s3_queries(void **state)
{
    (void)state;
    const struct sigv4_header headers[] = {
        HEADER("Host", "examplebucket.s3.amazonaws.com"),
        HEADER("x-amz-content-sha256", SIGV4_EMPTY_SHA256),
        HEADER("x-amz-date", "20130524T000000Z"),
    };
    static const char *const cases[][2] = {
        {"lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
        {"max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
        {"prefix=J&max-keys=2", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    };
    for (size_t i = 0; i < 3; i++) {
        const struct sigv4_request request = {.method = SLICE_LITERAL("GET"),
                                              .path = SLICE_LITERAL("/"),
                                              .query = slice_of(cases[i][0]),
                                              .headers = headers,
                                              .header_count = 3,
                                              .payload_hash = SIGV4_EMPTY_SHA256};
        const struct sigv4_scope scope = S3_SCOPE;
        assert_signature(&request, s3_secret, &scope, cases[i][1]);
    }
}

static void s3_presigned(void **state)
{
    (void)state;
    static const char query[] =
        "X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=0000";
    const struct sigv4_header headers[] = {HEADER("host", "examplebucket.s3.amazonaws.com")};
    const struct sigv4_request request = {.method = SLICE_LITERAL("GET"),
                                          .path = SLICE_LITERAL("/test.txt"),
                                          .query = slice_of(query),
                                          .headers = headers,
                                          .header_count = 1,
                                          .payload_hash = SIGV4_UNSIGNED_PAYLOAD};
    const struct sigv4_scope scope = S3_SCOPE;
    assert_signature(&request, s3_secret, &scope,
                     "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

/* RFC 4231, test cases 1, 2 and 6 (a key longer than the block). */
static void hmac(void **state)
{
    (void)state;
    uint8_t key[131], out[SIGV4_KEY_SIZE];
    static const uint8_t case1[] = {0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53,
                                    0x5c, 0xa8, 0xaf, 0xce, 0xaf, 0x0b, 0xf1, 0x2b,
                                    0x88, 0x1d, 0xc2, 0x00, 0xc9, 0x83, 0x3d, 0xa7,
                                    0x26, 0xe9, 0x37, 0x6c, 0x2e, 0x32, 0xcf, 0xf7};
    static const uint8_t case2[] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e};
    static const uint8_t case6[] = {0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f};
    memset(key, 0x0b, 20);
    hmac_sha256(key, 20, "Hi There", 8, out);
    assert_memory_equal(out, case1, sizeof case1);
    hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
    assert_memory_equal(out, case2, sizeof case2);
    memset(key, 0xaa, sizeof key);
    hmac_sha256(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First", 54, out);
    assert_memory_equal(out, case6, sizeof case6);
}

static void dates(void **state)
{
    (void)state;
    char text[SIGV4_DATE_SIZE];
    int64_t seconds = 0;
    sigv4_date(1440938160, text);
    assert_string_equal(text, "20150830T123600Z");
    assert_int_equal(sigv4_parse_date(slice_of("20150830T123600Z"), &seconds), 0);
    assert_int_equal(seconds, 1440938160);
    static const char *const bad[] = {"",
                                      "20150830T123600",
                                      "2015-08-30T12:36",
                                      "20151330T123600Z",
                                      "20150830T243600Z",
                                      "20150830 123600Z",
                                      "20150830T12360-Z"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sigv4_parse_date(slice_of(bad[i]), &seconds), ERR_INVALID);
}

static void broken_escape_is_refused(void **state)
{
    (void)state;
    struct sigv4_request request = {.method = SLICE_LITERAL("GET"),
                                    .path = SLICE_LITERAL("/a%2"),
                                    .payload_hash = SIGV4_EMPTY_SHA256};
    const struct sigv4_scope scope = S3_SCOPE;
    uint8_t key[SIGV4_KEY_SIZE] = {0};
    char signature[SIGV4_HEX_SIZE];
    assert_int_equal(sigv4_signature(&request, &scope, key, signature), ERR_INVALID);
    request.path = SLICE_LITERAL("/");
    request.query = SLICE_LITERAL("a=%G0");
    assert_int_equal(sigv4_signature(&request, &scope, key, signature), ERR_INVALID);
}

/* --- the suite --- */

struct vector {
    char directory[512];
    char request_text[FILE_MAX];
    char signed_text[FILE_MAX]; /* of the query form */
    char body_hash[SIGV4_HEX_SIZE];
    json_t *context;
    struct sigv4_header headers[HEADERS_MAX];
    struct sigv4_request request;
    struct sigv4_scope scope;
};

static size_t file_read(const char *directory, const char *name, char *out)
{
    char path[800];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(out, 1, FILE_MAX - 1, file);
    fclose(file);
    out[size] = '\0';
    return size;
}

static void request_line_parse(char *line, struct sigv4_request *request)
{
    char *target = strchr(line, ' ');
    char *version = strrchr(line, ' ');
    assert_true(target && version && target < version);
    *target++ = '\0';
    *version = '\0';
    char *query = strchr(target, '?');
    if (query)
        *query++ = '\0';
    request->method = slice_of(line);
    request->path = slice_of(target);
    request->query = slice_of(query);
}

static void header_add(struct vector *v, struct slice name, struct slice value)
{
    assert_true(v->request.header_count < HEADERS_MAX);
    v->headers[v->request.header_count++] = (struct sigv4_header){name, value};
}

/* A line that begins with white space continues the value before it; both lie in the same text. */
static char *headers_parse(struct vector *v, char *line)
{
    while (*line && *line != '\n') {
        char *end = strchr(line, '\n');
        end = end ? end : line + strlen(line);
        if (*line == ' ') {
            struct slice *value = &v->headers[v->request.header_count - 1].value;
            value->size = (size_t)(end - value->data);
        } else {
            char *colon = strchr(line, ':');
            assert_non_null(colon);
            header_add(v, (struct slice){line, (size_t)(colon - line)},
                       (struct slice){colon + 1, (size_t)(end - colon - 1)});
        }
        line = *end ? end + 1 : end;
    }
    return *line ? line + 1 : line;
}

static void vector_load(struct vector *v, const char *name)
{
    memset(v, 0, sizeof *v);
    snprintf(v->directory, sizeof v->directory, SUITE "/%s", name);
    char text[FILE_MAX];
    size_t size = file_read(v->directory, "context.json", text);
    v->context = json_loadb(text, size, 0, NULL);
    assert_non_null(v->context);
    v->request.normalise_path = json_is_true(json_object_get(v->context, "normalize"));
    v->scope.region = json_string_value(json_object_get(v->context, "region"));
    v->scope.service = json_string_value(json_object_get(v->context, "service"));
    memcpy(v->scope.date, "20150830T123600Z", SIGV4_DATE_SIZE);

    file_read(v->directory, "request.txt", v->request_text);
    char *line_end = strchr(v->request_text, '\n');
    assert_non_null(line_end);
    *line_end = '\0';
    request_line_parse(v->request_text, &v->request);
    v->request.headers = v->headers;
    char *body = headers_parse(v, line_end + 1);
    sha256_hex(body, strlen(body), v->body_hash);
    v->request.payload_hash = v->body_hash;
}

static const char *vector_credential(const struct vector *v, const char *name)
{
    return json_string_value(json_object_get(json_object_get(v->context, "credentials"), name));
}

static bool vector_omits_token(const struct vector *v)
{
    return json_is_true(json_object_get(v->context, "omit_session_token"));
}

static void vector_sign_by_header(struct vector *v)
{
    const char *token = vector_credential(v, "token");
    header_add(v, SLICE_LITERAL("X-Amz-Date"), slice_of(v->scope.date));
    if (token && !vector_omits_token(v))
        header_add(v, SLICE_LITERAL("X-Amz-Security-Token"), slice_of(token));
    if (json_is_true(json_object_get(v->context, "sign_body")))
        header_add(v, SLICE_LITERAL("x-amz-content-sha256"), slice_of(v->body_hash));
}

/* Cuts "&name=value" out of a query. */
static void query_drop(char *query, const char *name)
{
    char *start = strstr(query, name);
    assert_non_null(start);
    char *end = strchr(start, '&');
    if (end)
        memmove(start, end + 1, strlen(end + 1) + 1);
    else
        start[-1] = '\0';
}

/* Uses the query of the signed request, like a verifier. A token added after signing is not part of
 * it. */
static void vector_sign_by_query(struct vector *v)
{
    file_read(v->directory, "query-signed-request.txt", v->signed_text);
    char *end = strchr(v->signed_text, '\n');
    assert_non_null(end);
    *end = '\0';
    if (vector_omits_token(v))
        query_drop(v->signed_text, "X-Amz-Security-Token=");
    request_line_parse(v->signed_text, &v->request);
}

static void assert_parts(const struct vector *v, const char *form)
{
    static const char *const parts[] = {"canonical-request", "string-to-sign", "signature"};
    char file[64], expected[FILE_MAX], signature[SIGV4_HEX_SIZE];
    uint8_t key[SIGV4_KEY_SIZE];
    struct buffer made[3];
    for (size_t i = 0; i < 3; i++)
        buffer_init(&made[i], FILE_MAX);
    assert_int_equal(sigv4_canonical_request(&v->request, &made[0]), 0);
    assert_int_equal(sigv4_string_to_sign(&v->request, &v->scope, &made[1]), 0);
    sigv4_signing_key(vector_credential(v, "secret_access_key"), &v->scope, key);
    assert_int_equal(sigv4_signature(&v->request, &v->scope, key, signature), 0);
    buffer_text(&made[2], signature);
    for (size_t i = 0; i < 3; i++) {
        snprintf(file, sizeof file, "%s-%s.txt", form, parts[i]);
        file_read(v->directory, file, expected);
        if (strcmp(made[i].data, expected) != 0)
            print_error("%s: %s differs\n", v->directory, file);
        assert_string_equal(made[i].data, expected);
        buffer_free(&made[i]);
    }
}

static void run_suite(void (*sign)(struct vector *v), const char *form)
{
    DIR *directory = opendir(SUITE);
    if (!directory) {
        skip();
        return; /* clang-analyzer does not know that skip never returns */
    }
    struct vector *v = malloc(sizeof *v);
    assert_non_null(v);
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.' || strchr(entry->d_name, '.'))
            continue; /* README.md */
        vector_load(v, entry->d_name);
        sign(v);
        assert_parts(v, form);
        json_decref(v->context);
        count++;
    }
    free(v);
    closedir(directory);
    assert_true(count > 0);
}

static void suite_header(void **state)
{
    (void)state;
    run_suite(vector_sign_by_header, "header");
}

static void suite_query(void **state)
{
    (void)state;
    run_suite(vector_sign_by_query, "query");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s3_get_range),
        cmocka_unit_test(s3_put),
        cmocka_unit_test(s3_queries),
        cmocka_unit_test(s3_presigned),
        cmocka_unit_test(hmac),
        cmocka_unit_test(dates),
        cmocka_unit_test(broken_escape_is_refused),
        cmocka_unit_test(suite_header),
        cmocka_unit_test(suite_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
