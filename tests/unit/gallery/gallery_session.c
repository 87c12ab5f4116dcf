/* What the gallery makes of cookies, names and attempts, without a server. */
#include "gallery_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "gallery_links.h"
#include "gallery_users.h"
#include "hash.h"
#include "hex.h"
#include "login_pace.h"
#include "upload_name.h"

static const uint8_t key[SESSION_KEY_SIZE] = {1, 2, 3};

/* ---- sessions ---- */

static void a_session_is_what_was_written_until_it_ends(void **state)
{
    struct gallery_session made, read;
    char text[SESSION_TEXT_SIZE];
    (void)state;
    assert_int_equal(session_make("alice@example.com", "0123456789abcdef", 1000, &made), 0);
    assert_int_equal(strlen(made.id), 32);
    session_write(&made, key, text);
    assert_true(session_read(slice_of(text), key, 1000, &read));
    assert_string_equal(read.user, "alice@example.com");
    assert_string_equal(read.id, made.id);
    assert_string_equal(read.print, "0123456789abcdef");
    assert_int_equal(read.expires_s, 1000 + 7 * 24 * 60 * 60);
    assert_true(session_read(slice_of(text), key, made.expires_s - 1, &read));
    assert_false(session_read(slice_of(text), key, made.expires_s, &read));
}

static void the_longest_user_fits(void **state)
{
    struct gallery_session made, read;
    char user[SESSION_USER_MAX + 2], text[SESSION_TEXT_SIZE];
    (void)state;
    memset(user, 'u', sizeof user);
    user[SESSION_USER_MAX + 1] = '\0';
    assert_false(session_user_is_valid(user));
    user[SESSION_USER_MAX] = '\0';
    assert_true(session_user_is_valid(user));
    assert_int_equal(session_make(user, "0123456789abcdef", 4102444800, &made), 0);
    session_write(&made, key, text);
    assert_true(session_read(slice_of(text), key, 0, &read));
    assert_string_equal(read.user, user);
}

static void every_changed_byte_is_noticed(void **state)
{
    struct gallery_session made, read;
    char text[SESSION_TEXT_SIZE];
    (void)state;
    assert_int_equal(session_make("alice", "print", 1000, &made), 0);
    session_write(&made, key, text);
    const size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        text[i] ^= 1;
        assert_false(session_read((struct slice){text, size}, key, 1000, &read));
        text[i] ^= 1;
        assert_false(session_read((struct slice){text, i}, key, 1000, &read));
    }
    assert_true(session_read((struct slice){text, size}, key, 1000, &read));
    const uint8_t other[SESSION_KEY_SIZE] = {1, 2, 4};
    assert_false(session_read((struct slice){text, size}, other, 1000, &read));
}

/* The signature is HMAC-SHA256 of the rest: a text of another kind with a right signature is none. */
static void a_signed_text_of_another_kind_is_no_session(void **state)
{
    static const char *const texts[] = {"tw2:alice:id:print:9999999999", "tw1:alice", "",
                                        "tw1:a b:id:print:9999999999", "tw1::id:print:9999999999"};
    struct gallery_session read;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint8_t mac[SHA256_SIZE];
        char hex[SHA256_HEX_SIZE], text[SESSION_TEXT_SIZE];
        hmac_sha256(key, sizeof key, texts[i], strlen(texts[i]), mac);
        hex_write(mac, sizeof mac, hex);
        snprintf(text, sizeof text, "%s:%s", texts[i], hex);
        assert_false(session_read(slice_of(text), key, 1000, &read));
    }
}

static void a_cookie_is_found_by_its_whole_name(void **state)
{
    static const struct {
        const char *header, *value; /* NULL: none */
    } cases[] = {
        {"a=1", "1"},
        {"b=2; a=1", "1"},
        {"a=1; b=2", "1"},
        {"b=2;a=1;c=3", "1"},
        {"a=", ""},
        {"a=1; a=2", "1"},
        {" ;; a=1=2 ", "1=2 "},
        {"aa=1", NULL},
        {"b=a=1", NULL},
        {"", NULL},
        {"a", NULL},
        {"A=1", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct slice found = cookie_find(slice_of(cases[i].header), "a");
        assert_int_equal(found.data != NULL, cases[i].value != NULL);
        assert_true(!cases[i].value || slice_equal_text(found, cases[i].value));
    }
    assert_null(cookie_find((struct slice){0}, "a").data);
}

/* ---- links ---- */

static void a_link_is_taken_once_and_in_time(void **state)
{
    struct gallery_links links = {0};
    struct gallery_link_entry entry;
    char token[LINK_TOKEN_SIZE], late[LINK_TOKEN_SIZE];
    (void)state;
    assert_int_equal(gallery_links_add(&links, "alice", "print", 0, token), 0);
    assert_int_equal(gallery_links_add(&links, "bob", "print", 100, late), 0);
    assert_false(gallery_links_take(&links, slice_of("x"), 50, &entry));
    assert_false(gallery_links_take(&links, slice_of(late), 100, &entry));
    assert_true(gallery_links_take(&links, slice_of(token), 1000000, &entry));
    assert_string_equal(entry.user, "alice");
    assert_false(gallery_links_take(&links, slice_of(token), 0, &entry));
    assert_int_equal(links.count, 0);
}

static void the_oldest_link_makes_room(void **state)
{
    struct gallery_links links = {0};
    struct gallery_link_entry entry;
    char tokens[LINKS_MAX + 1][LINK_TOKEN_SIZE];
    (void)state;
    for (size_t i = 0; i <= LINKS_MAX; i++)
        assert_int_equal(gallery_links_add(&links, "alice", "print", 0, tokens[i]), 0);
    assert_false(gallery_links_take(&links, slice_of(tokens[0]), 0, &entry));
    assert_true(gallery_links_take(&links, slice_of(tokens[1]), 0, &entry));
}

/* ---- the pace of attempts ---- */

static void five_attempts_then_one_in_ten_seconds(void **state)
{
    struct login_pace pace = {0};
    unsigned retry_s = 0;
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(login_pace_take(&pace, "user", "alice", 1000, &retry_s));
    assert_false(login_pace_take(&pace, "user", "alice", 1000, &retry_s));
    assert_int_equal(retry_s, 10);
    assert_true(login_pace_take(&pace, "user", "bob", 1000, &retry_s));
    assert_true(login_pace_take(&pace, "address", "alice", 1000, &retry_s));
    assert_false(login_pace_take(&pace, "user", "alice", 10500, &retry_s));
    assert_int_equal(retry_s, 1);
    assert_true(login_pace_take(&pace, "user", "alice", 11000, &retry_s));
    assert_false(login_pace_take(&pace, "user", "alice", 11000, &retry_s));
    login_pace_give(&pace, "user", "alice");
    assert_true(login_pace_take(&pace, "user", "alice", 11000, &retry_s));
    for (int i = 0; i < 5; i++)
        assert_true(login_pace_take(&pace, "user", "alice", 1000000, &retry_s));
}

static void who_has_failed_most_is_remembered(void **state)
{
    struct login_pace pace = {0};
    unsigned retry_s;
    char name[16];
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(login_pace_take(&pace, "user", "alice", 1000, &retry_s));
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_true(login_pace_take(&pace, "user", name, 1000, &retry_s));
    }
    assert_false(login_pace_take(&pace, "user", "alice", 1000, &retry_s));
}

/* ---- users ---- */

#define HASH                                                                                       \
    "$scrypt$ln=4,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void a_file_of_users_is_checked(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"users\": {}}",
        "{\"users\": [1]}",
        "{\"users\": [{\"name\": \"a\"}]}",
        "{\"users\": [{\"name\": \"a b\", \"password\": \"" HASH "\"}]}",
        "{\"users\": [{\"name\": \"a\", \"password\": \"secret\"}]}",
        "{\"users\": [{\"name\": \"a\", \"password\": \"" HASH "\", \"x\": 1}]}",
        "{\"users\": [{\"name\": \"a\", \"password\": \"" HASH "\"}, {\"name\": \"a\", "
        "\"password\": \"" HASH "\"}]}",
    };
    struct gallery_users users;
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(gallery_users_read(slice_of(bad[i]), "users.json", &users, &error),
                         ERR_INVALID);
        assert_non_null(strstr(error.text, "users.json"));
        assert_null(strstr(error.text, "secret"));
    }
    const char *good = "{\"users\": [{\"name\": \"a\", \"password\": \"" HASH "\"}]}";
    assert_int_equal(gallery_users_read(slice_of(good), "users.json", &users, &error), 0);
    assert_non_null(gallery_users_find(&users, "a"));
    assert_null(gallery_users_find(&users, "A"));
    gallery_users_free(&users);
}

/* The vectors of RFC 7914, section 12, as far as their parameters are allowed. */
static void passwords_are_scrypt(void **state)
{
    static const char *const bad[] = {
        "",
        "$scrypt$",
        "$scrypt$ln=25,r=8,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=20,r=99,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=4,r=0,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=4,r=-1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=4,r=8,p=1$AAAA$AAAA",
        HASH "$",
        HASH "A",
    };
    (void)state;
    assert_true(password_hash_is_valid(HASH));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(password_hash_is_valid(bad[i]));
    /* hashlib.scrypt(b"password", salt=b"NaCl", n=1024, r=8, p=16, dklen=32): the first half of the
     * second vector */
    const char *known = "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWI";
    assert_true(password_hash_is_valid(known));
    assert_true(password_matches("password", known));
    assert_false(password_matches("Password", known));
    assert_false(password_matches("", known));
}

/* ---- names of uploads ---- */

static void an_upload_has_one_plain_name(void **state)
{
    static const struct {
        const char *path;
        unsigned attempt;
        const char *key; /* NULL: refused */
    } cases[] = {
        {"a.jpg", 1, "in/a.jpg"},
        {"a.jpg", 2, "in/a-2.jpg"},
        {"x/a.b.jpg", 10000, "in/x/a.b-10000.jpg"},
        {"a", 3, "in/a-3"},
        {".jpg", 3, "in/.jpg-3"},
        {"x.y/a", 2, "in/x.y/a-2"},
        {"../a.jpg", 1, "in/a.jpg"},
        {"/a/../../b.jpg", 1, "in/a/b.jpg"},
        {"a\\..\\b.jpg", 1, "in/a_.._b.jpg"},
        {"a\x01\x7f\xc2\x85.jpg", 1, "in/a___.jpg"},
        {"\xc3\xa9.jpg", 1, "in/\xc3\xa9.jpg"},
        {"..", 1, NULL},
        {"", 1, NULL},
        {" / ", 1, NULL},
    };
    char key_made[UPLOAD_KEY_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int code = upload_name_make("in/", cases[i].path, cases[i].attempt, key_made);
        assert_int_equal(code, cases[i].key ? 0 : ERR_INVALID);
        if (cases[i].key)
            assert_string_equal(key_made, cases[i].key);
    }
}

static void a_name_may_have_as_many_bytes_as_a_key(void **state)
{
    char path[OBJECT_KEY_MAX + 1], made[UPLOAD_KEY_SIZE];
    (void)state;
    memset(path, 'a', sizeof path);
    path[OBJECT_KEY_MAX - 3] = '\0';
    assert_int_equal(upload_name_make("in/", path, 1, made), 0);
    assert_int_equal(strlen(made), OBJECT_KEY_MAX);
    assert_int_equal(upload_name_make("in/", path, 2, made), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_what_was_written_until_it_ends),
        cmocka_unit_test(the_longest_user_fits),
        cmocka_unit_test(every_changed_byte_is_noticed),
        cmocka_unit_test(a_signed_text_of_another_kind_is_no_session),
        cmocka_unit_test(a_cookie_is_found_by_its_whole_name),
        cmocka_unit_test(a_link_is_taken_once_and_in_time),
        cmocka_unit_test(the_oldest_link_makes_room),
        cmocka_unit_test(five_attempts_then_one_in_ten_seconds),
        cmocka_unit_test(who_has_failed_most_is_remembered),
        cmocka_unit_test(a_file_of_users_is_checked),
        cmocka_unit_test(passwords_are_scrypt),
        cmocka_unit_test(an_upload_has_one_plain_name),
        cmocka_unit_test(a_name_may_have_as_many_bytes_as_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
