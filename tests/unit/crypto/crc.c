/* CRCs with and without carry-less multiplication: published values, and the definition bit by bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crc.h"

enum { DATA = 8 * 1024, ROUNDS = 300 };

struct kind {
    uint64_t polynomial;
    unsigned bits;
};
static const struct kind kinds[] = {
    {CRC_POLYNOMIAL_32, 32}, {CRC_POLYNOMIAL_32C, 32}, {CRC_POLYNOMIAL_64NVME, 64}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static uint8_t data[DATA];
static uint64_t random_state = 1;

/* Knuth's MMIX generator: the same numbers in each run. */
static size_t random_below(size_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(random_state >> 33) % limit;
}

static int fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)random_below(256);
    return 0;
}

/* The definition: one step of the division for each bit. */
static uint64_t divide(const struct kind *kind, uint64_t value, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        value ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? (value >> 1) ^ kind->polynomial : value >> 1;
    }
    return value;
}

static uint64_t crc_whole(const struct crc *crc, const void *bytes, size_t size)
{
    return crc_update(crc, crc_ones(crc), bytes, size) ^ crc_ones(crc);
}

/* The check values of the "Catalogue of parametrised CRC algorithms" (CRC-32/ISO-HDLC, CRC-32/ISCSI,
 * CRC-64/NVME), and further ones of RFC 3720, B.4, and of the "NVM Command Set Specification". */
static void published_values_are_computed(void **state)
{
    static const struct {
        int kind;
        int byte; /* repeated; -1: the digits 1 to 9 */
        size_t size;
        uint64_t crc;
    } rows[] = {
        {0, -1, 9, 0xCBF43926},
        {1, -1, 9, 0xE3069283},
        {2, -1, 9, UINT64_C(0xAE8B14860A799888)},
        {1, 0x00, 32, 0x8A9136AA},
        {1, 0xFF, 32, 0x62A8AB43},
        {2, 0x00, 4096, UINT64_C(0x6482D367EB22B64E)},
        {2, 0xFF, 4096, UINT64_C(0xC0DDBA7302ECA3AC)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct crc crc;
        uint8_t bytes[4096];
        crc_prepare(&crc, kinds[rows[i].kind].polynomial, kinds[rows[i].kind].bits);
        memset(bytes, rows[i].byte, sizeof bytes);
        const void *from = rows[i].byte < 0 ? (const void *)"123456789" : bytes;
        assert_int_equal(crc_whole(&crc, from, rows[i].size), rows[i].crc);
        crc.fold.is_wide = false;
        assert_int_equal(crc_whole(&crc, from, rows[i].size), rows[i].crc);
        crc.folds = false;
        assert_int_equal(crc_whole(&crc, from, rows[i].size), rows[i].crc);
    }
}

static void compare(const struct kind *kind, bool folds, bool is_wide)
{
    struct crc crc;
    crc_prepare(&crc, kind->polynomial, kind->bits);
    crc.folds = crc.folds && folds;
    crc.fold.is_wide = crc.fold.is_wide && is_wide;
    for (int round = 0; round < ROUNDS; round++) {
        size_t from = random_below(64), first = random_below(round < 200 ? 300 : DATA / 2);
        size_t second = random_below(300);
        uint64_t value = crc_update(&crc, crc_ones(&crc), data + from, first);
        assert_int_equal(value, divide(kind, crc_ones(&crc), data + from, first));
        uint64_t both = crc_update(&crc, value, data + from + first, second);
        assert_int_equal(both, divide(kind, value, data + from + first, second));
    }
}

static void any_length_has_the_crc_of_the_definition(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        compare(&kinds[kind], false, false);
        compare(&kinds[kind], true, false);
        compare(&kinds[kind], true, true);
    }
}

static void crcs_of_parts_combine(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct crc crc;
        crc_prepare(&crc, kinds[kind].polynomial, kinds[kind].bits);
        for (int round = 0; round < 20; round++) {
            size_t size = random_below(2000), split = random_below(size + 1);
            uint64_t before = crc_whole(&crc, data, split);
            uint64_t next = crc_whole(&crc, data + split, size - split);
            assert_int_equal(crc_append(&crc, before, next, size - split),
                             crc_whole(&crc, data, size));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values_are_computed),
        cmocka_unit_test(any_length_has_the_crc_of_the_definition),
        cmocka_unit_test(crcs_of_parts_combine),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
