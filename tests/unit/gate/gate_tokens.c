/* The tokens of the gate: the file's format, comparison, scopes, types, rate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "bytes.h"
#include "files.h"
#include "gate_token.h"
#include "gate_token_file.h"
#include "secret.h"

/* SHA-256 of "one" and of "two". */
#define ONE "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
#define TWO "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"

static unsigned comparisons;

bool __real_secret_equal(const void *a, const void *b, size_t size);
bool __wrap_secret_equal(const void *a, const void *b, size_t size);

bool __wrap_secret_equal(const void *a, const void *b, size_t size)
{
    comparisons++;
    assert_int_equal(size, SHA256_SIZE);
    return __real_secret_equal(a, b, size);
}

static struct gate_tokens tokens_of(const char *text)
{
    struct gate_tokens tokens;
    struct error error = {0};
    if (gate_tokens_read(slice_of(text), "tokens.json", &tokens, &error))
        fail_msg("%s", error.text);
    return tokens;
}

#define TOKEN(name, hash, more)                                                                    \
    "{\"name\": \"" name "\", \"sha256\": \"" hash "\", \"scopes\": [\"upload\"]" more "}"
#define FILE_OF(...) "{\"tokens\": [" __VA_ARGS__ "]}"

static void defaults_are_those_of_the_manual(void **state)
{
    (void)state;
    struct gate_tokens tokens = tokens_of(FILE_OF(TOKEN("a", ONE, "")));
    const struct gate_token *token = &tokens.items[0];
    assert_int_equal(tokens.count, 1);
    assert_string_equal(token->name, "a");
    assert_int_equal(token->scopes, GATE_UPLOAD);
    assert_int_equal(token->per_minute, 60);
    assert_int_equal(token->max_size, 64 << 20);
    assert_true(gate_token_is_current(token, INT64_MAX));
    assert_true(gate_token_allows_type(token, "image/heic"));
    assert_false(gate_token_allows_type(token, "image/svg+xml"));
    assert_false(gate_token_allows_type(token, "text/html"));
    gate_tokens_free(&tokens);
}

static void every_limit_is_read(void **state)
{
    (void)state;
    struct gate_tokens tokens = tokens_of(
        FILE_OF("{\"name\": \"a\", \"sha256\": \"" ONE "\", \"scopes\": [\"download\", \"upload\"],"
                "\"per_minute\": 5, \"max_size\": \"20M\", \"expires\": \"2027-01-31T12:00:00Z\","
                "\"content_types\": [\"image/png\", \"video/*\"]}"
                "," TOKEN("b", TWO, ", \"max_size\": 7")));
    const struct gate_token *token = &tokens.items[0];
    assert_int_equal(token->scopes, GATE_UPLOAD | GATE_DOWNLOAD);
    assert_int_equal(token->per_minute, 5);
    assert_int_equal(token->max_size, 20 << 20);
    assert_int_equal(tokens.items[1].max_size, 7);
    assert_true(gate_token_is_current(token, 1801396799));
    assert_false(gate_token_is_current(token, 1801396800));
    assert_true(gate_token_allows_type(token, "image/png"));
    assert_true(gate_token_allows_type(token, "video/mp4"));
    assert_false(gate_token_allows_type(token, "image/pngx"));
    assert_false(gate_token_allows_type(token, "videos/mp4"));
    gate_tokens_free(&tokens);
    tokens = tokens_of(FILE_OF(""));
    assert_int_equal(tokens.count, 0);
    gate_tokens_free(&tokens);
}

static void mistakes_are_named_without_a_value(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "tokens.json:"},
        {"[]", "expected {\"tokens\": […]}"},
        {"{\"tokens\": {}}", "expected {\"tokens\": […]}"},
        {"{\"tokens\": [], \"x\": 1}", "expected {\"tokens\": […]}"},
        {FILE_OF("1"), "token 1 must be an object"},
        {FILE_OF("{\"name\": \"a b\"}"), "token 1: name must be 1 to 64 letters"},
        {FILE_OF("{\"name\": \"a\"}"), "token 1 (a): sha256 must be the SHA-256"},
        {FILE_OF("{\"name\": \"a\", \"sha256\": \"12\"}"), "sha256 must be"},
        {FILE_OF("{\"name\": \"a\", \"sha256\": \"" ONE "\"}"), "scopes must be a list"},
        {FILE_OF("{\"name\": \"a\", \"sha256\": \"" ONE "\", \"scopes\": [\"all\"]}"),
         "scopes must"},
        {FILE_OF("{\"token\": \"secret-value\"}"), "must not contain the token itself"},
        {FILE_OF(TOKEN("a", ONE, ", \"scope\": []")),
         "unknown key \"scope\"; did you mean \"scopes\""},
        {FILE_OF(TOKEN("a", ONE, ", \"per_minute\": 0")), "per_minute must"},
        {FILE_OF(TOKEN("a", ONE, ", \"per_minute\": 1.5")), "per_minute must"},
        {FILE_OF(TOKEN("a", ONE, ", \"max_size\": \"6G\"")), "max_size must"},
        {FILE_OF(TOKEN("a", ONE, ", \"max_size\": 0")), "max_size must"},
        {FILE_OF(TOKEN("a", ONE, ", \"max_size\": true")), "max_size must"},
        {FILE_OF(TOKEN("a", ONE, ", \"content_types\": []")), "content_types must"},
        {FILE_OF(TOKEN("a", ONE, ", \"content_types\": [\"*/*\"]")), "content_types must"},
        {FILE_OF(TOKEN("a", ONE, ", \"content_types\": [\"Image/PNG\"]")), "content_types must"},
        {FILE_OF(TOKEN("a", ONE, ", \"expires\": \"tomorrow\"")), "expires must"},
        {FILE_OF(TOKEN("a", ONE, "") "," TOKEN("a", TWO, "")),
         "token 2 (a): name must be different"},
        {FILE_OF(TOKEN("a", ONE, "") "," TOKEN("b", ONE, "")),
         "token 2 (b): sha256 must be different"},
        {FILE_OF(TOKEN("a", ONE, ", \"name\": \"b\"")), "duplicate"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gate_tokens tokens;
        struct error error = {0};
        assert_int_equal(gate_tokens_read(slice_of(cases[i].text), "tokens.json", &tokens, &error),
                         ERR_INVALID);
        if (!strstr(error.text, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", error.text, cases[i].says);
        assert_null(strstr(error.text, "secret-value"));
        gate_tokens_free(&tokens);
    }
}

/* Each token is compared with each hash by the function that takes the same time wherever they
 * differ. */
static void a_token_is_compared_in_constant_time(void **state)
{
    (void)state;
    struct gate_tokens tokens = tokens_of(FILE_OF(TOKEN("a", ONE, "") "," TOKEN("b", TWO, "")));
    static const struct {
        const char *token, *name;
    } cases[] = {{"one", "a"},  {"two", "b"},   {"", NULL},
                 {"One", NULL}, {"onex", NULL}, {ONE, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        comparisons = 0;
        const struct gate_token *found = gate_tokens_find(&tokens, slice_of(cases[i].token));
        assert_int_equal(comparisons, tokens.count);
        if (cases[i].name)
            assert_string_equal(found->name, cases[i].name);
        else
            assert_null(found);
    }
    gate_tokens_free(&tokens);
}

static unsigned take_all(struct gate_token *token, uint64_t now_ms, unsigned *retry_s)
{
    unsigned taken = 0;
    while (taken < 1000 && gate_token_take(token, now_ms, retry_s))
        taken++;
    return taken;
}

static void the_rate_is_limited(void **state)
{
    (void)state;
    struct gate_tokens tokens = tokens_of(FILE_OF(TOKEN("a", ONE, ", \"per_minute\": 6")));
    struct gate_token *token = &tokens.items[0];
    unsigned retry_s = 0;
    uint64_t now_ms = 1000000;
    assert_int_equal(take_all(token, now_ms, &retry_s), 6);
    assert_int_equal(retry_s, 11); /* one in ten seconds; rounded up */
    assert_int_equal(take_all(token, now_ms + 9999, &retry_s), 0);
    assert_int_equal(retry_s, 1);
    assert_int_equal(take_all(token, now_ms + 10000, &retry_s), 1);
    assert_int_equal(take_all(token, now_ms + 40000, &retry_s), 3);
    assert_int_equal(take_all(token, now_ms + 30000, &retry_s), 0); /* the clock went back */
    assert_int_equal(take_all(token, now_ms + 100000000000, &retry_s),
                     6); /* no more than a minute */
    gate_tokens_free(&tokens);
}

static void a_new_file_forgives_nothing(void **state)
{
    (void)state;
    struct gate_tokens old = tokens_of(FILE_OF(TOKEN("a", ONE, ", \"per_minute\": 6"))),
                       new = tokens_of(FILE_OF(TOKEN("b", TWO, ", \"per_minute\": 3") "," TOKEN(
                           "a", ONE, ", \"per_minute\": 2")));
    unsigned retry_s;
    const uint64_t now_ms = 1000000;
    assert_true(gate_token_take(&old.items[0], now_ms, &retry_s));
    gate_tokens_inherit(&new, &old);
    assert_int_equal(take_all(&new.items[0], now_ms, &retry_s), 3);
    assert_int_equal(take_all(&new.items[1], now_ms, &retry_s), 2);
    gate_tokens_free(&old);
    old = new;
    new = tokens_of(FILE_OF(TOKEN("a", ONE, ", \"per_minute\": 100")));
    gate_tokens_inherit(&new, &old);
    assert_int_equal(take_all(&new.items[0], now_ms, &retry_s), 0);
    gate_tokens_free(&old);
    gate_tokens_free(&new);
}

static void an_added_token_is_not_in_the_file(void **state)
{
    (void)state;
    char directory[] = "/tmp/test_gate_XXXXXX", path[64], first[GATE_TOKEN_SIZE],
         second[GATE_TOKEN_SIZE], third[GATE_TOKEN_SIZE];
    struct error error = {0};
    struct stat st;
    struct bytes text;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/tokens.json", directory);
    assert_int_equal(gate_token_add(path, "camera", GATE_UPLOAD, first, &error), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(gate_token_add(path, "web", GATE_UPLOAD | GATE_DOWNLOAD, second, &error), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(gate_token_add(path, "web", GATE_UPLOAD, third, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "name must be different"));
    assert_int_equal(gate_token_add(path, "a b", GATE_UPLOAD, third, &error), ERR_INVALID);
    assert_int_equal(file_read(path, 65536, &text, &error), 0);
    assert_null(memmem(text.data, text.size, first, strlen(first)));
    bytes_free(&text);

    struct gate_token_file file;
    assert_int_equal(gate_token_file_read(&file, path, &error), 0);
    assert_int_equal(file.tokens.count, 2);
    assert_int_equal(strlen(first), GATE_TOKEN_SIZE - 2);
    assert_string_equal(gate_tokens_find(&file.tokens, slice_of(first))->name, "camera");
    assert_int_equal(gate_tokens_find(&file.tokens, slice_of(second))->scopes,
                     GATE_UPLOAD | GATE_DOWNLOAD);
    gate_tokens_free(&file.tokens);
    assert_int_equal(directory_remove(directory, &error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_manual),
        cmocka_unit_test(every_limit_is_read),
        cmocka_unit_test(mistakes_are_named_without_a_value),
        cmocka_unit_test(a_token_is_compared_in_constant_time),
        cmocka_unit_test(the_rate_is_limited),
        cmocka_unit_test(a_new_file_forgives_nothing),
        cmocka_unit_test(an_added_token_is_not_in_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
