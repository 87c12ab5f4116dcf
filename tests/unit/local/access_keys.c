/* Access keys from a file: users, and invalid files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "access_keys.h"

#define ACCOUNT "123456789012"
#define ALICE   "aws_access_key_id = AKIAALICE\naws_secret_access_key = in/wonder+land=\n"

static char path[] = "/tmp/thumbwheel-keys-XXXXXX";

static int open_text(const char *text, struct access_keys **out, struct error *error)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, true);
    fclose(file);
    return access_keys_open(path, ACCOUNT, NULL, out, error);
}

static void each_section_is_a_user(void **state)
{
    (void)state;
    struct access_keys *keys;
    struct error error = {0};
    const char *text = "# ours\n[alice]\n" ALICE "region = eu-west-1\n\n[bob.b]\r\n"
                       "AWS_ACCESS_KEY_ID=AKIABOB\r\naws_secret_access_key=builder\r\n";
    assert_int_equal(open_text(text, &keys, &error), 0);
    const struct access_key_list *all = access_keys_all(keys);
    assert_int_equal(all->count, 2);
    assert_string_equal(all->items[0].access_key, "AKIAALICE");
    assert_string_equal(all->items[0].secret_key, "in/wonder+land=");
    assert_string_equal(all->items[0].arn, "arn:aws:iam::" ACCOUNT ":user/alice");
    assert_string_equal(all->items[1].arn, "arn:aws:iam::" ACCOUNT ":user/bob.b");
    assert_string_equal(all->items[1].secret_key, "builder");
    assert_int_equal(strncmp(all->items[0].user_id, "AIDA", 4), 0);
    assert_int_equal(strlen(all->items[0].user_id), 21);
    assert_string_not_equal(all->items[0].user_id, all->items[1].user_id);
    access_keys_close(keys);
}

static void without_a_file_the_key_is_the_account_s(void **state)
{
    (void)state;
    struct access_keys *keys;
    struct error error = {0};
    const struct access_key one = {.access_key = "key", .secret_key = "secret"};
    assert_int_equal(access_keys_open(NULL, ACCOUNT, &one, &keys, &error), 0);
    assert_int_equal(access_keys_all(keys)->count, 1);
    assert_string_equal(access_keys_all(keys)->items[0].arn, "arn:aws:iam::" ACCOUNT ":root");
    assert_string_equal(access_keys_all(keys)->items[0].user_id, ACCOUNT);
    access_keys_close(keys);
}

/* A cached key equals a newly derived one, whatever happens in between. */
static void kept_signing_keys_are_those_of_their_scope(void **state)
{
    static const char *const secrets[] = {"one", "other"};
    static const char *const regions[] = {"us-east-1", "eu-west-1",
                                          "a-region-of-quite-a-long-name"};
    static const char *const services[] = {"s3", "sqs", "sns"};
    static const char *const dates[] = {"20150830T123600Z", "20150831T000000Z"};
    (void)state;
    struct signing_keys *kept = signing_keys_new();
    assert_non_null(kept);
    for (unsigned i = 0; i < 200; i++) {
        const char *secret = secrets[i / 18 % 2];
        struct sigv4_scope scope = {.region = regions[i % 3], .service = services[i / 3 % 3]};
        uint8_t made[SIGV4_KEY_SIZE], got[SIGV4_KEY_SIZE];
        memcpy(scope.date, dates[i / 9 % 2], sizeof scope.date);
        sigv4_signing_key(secret, &scope, made);
        for (unsigned again = 0; again < 2; again++) {
            signing_keys_get(kept, secret, &scope, got);
            assert_memory_equal(got, made, sizeof got);
        }
    }
    signing_keys_free(kept);
}

/* The message names the place and the mistake, but no secret. */
static void errors_are_reported_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line, *reason;
    } cases[] = {
        {"", "", "has no keys"},
        {"# nothing\n", "", "has no keys"},
        {"\nSECRET\n", ":2:", "expected [section]"},
        {"aws_secret_access_key = SECRET\n", ":1:", "expected [section]"},
        {"[alice\n", ":1:", "expected [section]"},
        {"[alice]\naws_access_key_id = A\n", ":1:", "[alice] needs an aws_secret_access_key"},
        {"\n[alice]\naws_secret_access_key = SECRET\n",
         ":2:", "[alice] needs an aws_access_key_id"},
        {"[a]\naws_access_key_id = A B\naws_secret_access_key = SECRET\n",
         ":1:", "[a] needs an aws_a"},
        {"[profile alice]\n" ALICE, ":1:", "[profile alice] is not a valid user name"},
        {"[alice]\n" ALICE "[bob]\n" ALICE, ":4:", "[bob] repeats the aws_access_key_id"},
        {"[alice]\n" ALICE "[alice]\n", ":4:", "[alice] is defined twice"},
        {"[alice]\n" ALICE "aws_session_token = SECRET\n", ":1:", "aws_session_token"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct access_keys *keys;
        struct error error = {0};
        char place[64];
        assert_int_equal(open_text(cases[i].text, &keys, &error), ERR_INVALID);
        snprintf(place, sizeof place, "%s%s", path, cases[i].line);
        if (!strstr(error.text, cases[i].reason) || strncmp(error.text, place, strlen(place)) != 0)
            fail_msg("%s: %s", cases[i].text, error.text);
        assert_null(strstr(error.text, "SECRET"));
    }
}

static void a_file_that_is_not_there(void **state)
{
    (void)state;
    struct access_keys *keys;
    struct error error = {0};
    assert_int_equal(access_keys_open("/nonexistent/keys", ACCOUNT, NULL, &keys, &error), ERR_IO);
    assert_non_null(strstr(error.text, "/nonexistent/keys"));
}

static int setup(void **state)
{
    (void)state;
    int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_signing_keys_are_those_of_their_scope),
        cmocka_unit_test(each_section_is_a_user),
        cmocka_unit_test(without_a_file_the_key_is_the_account_s),
        cmocka_unit_test(errors_are_reported_with_their_line),
        cmocka_unit_test(a_file_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
