#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base64.h"
#include "certificate.h"
#include "error.h"
#include "hash.h"
#include "hex.h"
#include "rsa_key.h"
#include "secret.h"

static void digest_hex(enum hash_kind kind, size_t size, const char *text, char *out)
{
    struct hash hash;
    uint8_t digest[SHA256_SIZE];
    hash_start(&hash, kind);
    hash_update(&hash, NULL, 0);
    hash_update(&hash, text, 1);
    hash_update(&hash, text + 1, strlen(text) - 1);
    hash_finish(&hash, digest);
    hex_write(digest, size, out);
}

/* RFC 1321, A.5; RFC 3174, 7.3; FIPS 180-2, B.1. */
static void a_hash_of_pieces_is_that_of_the_whole(void **state)
{
    (void)state;
    char hex[SHA256_HEX_SIZE];
    digest_hex(HASH_MD5, MD5_SIZE, "abc", hex);
    assert_string_equal(hex, "900150983cd24fb0d6963f7d28e17f72");
    digest_hex(HASH_SHA1, SHA1_SIZE, "abc", hex);
    assert_string_equal(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
    digest_hex(HASH_SHA256, SHA256_SIZE, "abc", hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void hashes_of_nothing(void **state)
{
    (void)state;
    char hex[SHA256_HEX_SIZE];
    md5_hex(NULL, 0, hex);
    assert_string_equal(hex, "d41d8cd98f00b204e9800998ecf8427e");
    sha256_hex(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void a_key_in_two_pieces_is_one_key(void **state)
{
    (void)state;
    char key[131];
    uint8_t whole[SHA256_SIZE], joined[SHA256_SIZE];
    memset(key, 0xaa, sizeof key);
    for (size_t size = 0; size <= sizeof key; size++) {
        hmac_sha256(key, size, "data", 4, whole);
        hmac_sha256_joined((struct slice){key, size / 3},
                           (struct slice){key + size / 3, size - size / 3}, SLICE_LITERAL("data"),
                           joined);
        assert_memory_equal(whole, joined, sizeof whole);
    }
}

static void secrets_are_compared_and_wiped(void **state)
{
    (void)state;
    char secret[] = "abcd";
    assert_true(secret_equal(secret, "abcd", 4));
    assert_false(secret_equal(secret, "abce", 4));
    assert_false(secret_equal(secret, "Abcd", 4));
    secret_wipe(secret, sizeof secret);
    assert_memory_equal(secret, "\0\0\0\0", sizeof secret);
}

/* RFC 4648, 10. */
static void base64_of_each_length(void **state)
{
    (void)state;
    static const char *const rows[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE="};
    for (unsigned size = 0; size < sizeof rows / sizeof *rows; size++) {
        char text[BASE64_TEXT_SIZE(5)], data[8];
        size_t read = 0;
        base64_write("foobar", size, text);
        assert_string_equal(text, rows[size]);
        assert_int_equal(base64_read(slice_of(text), data, sizeof data, &read), 0);
        assert_int_equal(read, size);
        assert_memory_equal(data, "foobar", size);
    }
}

static void what_is_not_base64_is_refused(void **state)
{
    (void)state;
    char data[3];
    size_t size;
    static const char *const bad[] = {"Zm9v!",    "Zm9v\x80", "=Zm9",     "Zg==Zg==",    "Zg=v",
                                      "Z===",     "====",     "Zm9",      "    Zm9v",    "Zm 9v",
                                      "Zm9vZm-=", "Zm9v----", "Zm9v\r\r", "Zm9v\t\t\t\t"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(base64_read(slice_of(bad[i]), data, sizeof data, &size), ERR_INVALID);
    assert_int_equal(base64_read(slice_of("Zm9vYg=="), data, sizeof data, &size), ERR_LIMIT);
    assert_int_equal(base64_read(slice_of("Zm\n9v"), data, sizeof data, &size), 0);
    assert_int_equal(base64_read(slice_of("Zm \r\n9v  "), data, sizeof data, &size), 0);
    assert_memory_equal(data, "foo", 3);
}

static void long_base64_is_read_into_just_the_room_that_it_takes(void **state)
{
    (void)state;
    static char bytes[5000], text[BASE64_TEXT_SIZE(sizeof bytes)], read[sizeof bytes];
    for (size_t size = sizeof bytes - 1540; size < sizeof bytes; size++) {
        size_t got;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (char)(i * size);
        base64_write(bytes, size, text);
        assert_int_equal(base64_read(slice_of(text), read, size, &got), 0);
        assert_int_equal(got, size);
        assert_memory_equal(read, bytes, size);
        assert_int_equal(base64_read(slice_of(text), read, size - 1, &got), ERR_LIMIT);
        if (size > 3500 && size < 4900)
            size += 37;
    }
}

static void a_certificate_belongs_to_its_key_alone(void **state)
{
    (void)state;
    char key[PEM_SIZE], other[PEM_SIZE], certificate[PEM_SIZE];
    const struct certificate_plan plan = {.subject = "CN=a,O=b", .end = time(NULL) + 1000};
    time_t end = 0;
    assert_int_equal(certificate_key_make(key), 0);
    assert_int_equal(certificate_key_make(other), 0);
    assert_int_equal(certificate_make(&plan, key, certificate), 0);
    assert_true(certificate_is_of(certificate, key, &end));
    assert_int_equal(end, plan.end);
    assert_false(certificate_is_of(certificate, other, &end));
    assert_false(certificate_is_of("", key, &end));
    assert_false(certificate_is_of(certificate, "", &end));
    assert_int_equal(certificate_make(&plan, "no key", certificate), ERR_INVALID);
}

/* The key is libcrypto's, the certificate mbedTLS'. */
static void an_rsa_key_has_a_certificate(void **state)
{
    (void)state;
    struct error error = {0};
    struct rsa_key *key, *again;
    char pem[PEM_SIZE], certificate[PEM_SIZE];
    uint8_t one[RSA_SIGNATURE_SIZE], two[RSA_SIGNATURE_SIZE];
    const struct certificate_plan plan = {.subject = "CN=a,O=b", .end = 2524607999};
    time_t end = 0;
    assert_int_equal(rsa_key_make(&key, pem, &error), 0);
    assert_int_equal(rsa_key_read(pem, &again), 0);
    for (enum hash_kind kind = HASH_SHA1; kind <= HASH_SHA256; kind++) {
        assert_int_equal(rsa_key_sign(key, kind, SLICE_LITERAL("text"), one), 0);
        assert_int_equal(rsa_key_sign(again, kind, SLICE_LITERAL("text"), two), 0);
        assert_memory_equal(one, two, sizeof one);
    }
    assert_int_equal(certificate_make(&plan, pem, certificate), 0);
    assert_true(certificate_is_of(certificate, pem, &end));
    assert_int_equal(end, plan.end);
    rsa_key_free(key);
    rsa_key_free(again);
}

static void a_key_of_another_kind_does_not_sign(void **state)
{
    (void)state;
    struct rsa_key *key;
    char pem[PEM_SIZE];
    assert_int_equal(certificate_key_make(pem), 0);
    assert_int_equal(rsa_key_read(pem, &key), ERR_CORRUPT);
    assert_int_equal(rsa_key_read("", &key), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_of_pieces_is_that_of_the_whole),
        cmocka_unit_test(hashes_of_nothing),
        cmocka_unit_test(a_key_in_two_pieces_is_one_key),
        cmocka_unit_test(secrets_are_compared_and_wiped),
        cmocka_unit_test(base64_of_each_length),
        cmocka_unit_test(what_is_not_base64_is_refused),
        cmocka_unit_test(long_base64_is_read_into_just_the_room_that_it_takes),
        cmocka_unit_test(a_certificate_belongs_to_its_key_alone),
        cmocka_unit_test(an_rsa_key_has_a_certificate),
        cmocka_unit_test(a_key_of_another_kind_does_not_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
