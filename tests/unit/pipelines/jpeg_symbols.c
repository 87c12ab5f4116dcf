/* The symbols of blocks and their code, compared with the procedures of ITU-T T.81, step by step. */
#include "pipeline_support.h"

#include "huffman_code.h"
#include "jpeg_symbols.h"

enum { LINE = 8, SYMBOLS = 256 };

static uint32_t random_state = 17;

static uint32_t any_number(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* ---- symbols ---- */

/* The path through the block: diagonals, in turn upwards and downwards. */
static void zigzag_make(unsigned places[JPEG_BLOCK])
{
    unsigned at = 0;
    for (unsigned diagonal = 0; diagonal < 2 * LINE - 1; diagonal++) {
        for (unsigned i = 0; i <= diagonal; i++) {
            unsigned row = diagonal % 2 ? i : diagonal - i, column = diagonal - row;
            if (row < LINE && column < LINE)
                places[at++] = row * LINE + column;
        }
    }
}

static unsigned bits_of(int value)
{
    unsigned bits = 0;
    for (unsigned rest = (unsigned)(value < 0 ? -value : value); rest; rest >>= 1)
        bits++;
    return bits;
}

/* F.1.2.1 and F.1.2.2 */
static void count_slowly(const int16_t *block, int previous, uint32_t *dc, uint32_t *ac)
{
    unsigned places[JPEG_BLOCK], zeros = 0;
    zigzag_make(places);
    dc[bits_of(block[0] - previous)]++;
    for (unsigned k = 1; k < JPEG_BLOCK; k++) {
        int value = block[places[k]];
        if (!value) {
            zeros++;
            continue;
        }
        for (; zeros > 15; zeros -= 16)
            ac[0xf0]++;
        ac[zeros << 4 | bits_of(value)]++;
        zeros = 0;
    }
    if (zeros)
        ac[0]++;
}

/* share: of 256 coefficients, those that are not zero. */
static void block_fill(int16_t *block, unsigned share, int largest)
{
    for (unsigned i = 0; i < JPEG_BLOCK; i++) {
        int value = (int)(any_number() % (2 * (unsigned)largest + 1)) - largest;
        block[i] = (int16_t)(any_number() % 256 < share ? value : 0);
    }
}

/* From a number that is kept (T.81, F.1.2.1: the bits of a negative value are those of its
 * predecessor). */
static int value_of(uint16_t number)
{
    const int size = number >> JPEG_KEPT_BITS, bits = number & ((1 << JPEG_KEPT_BITS) - 1);
    return size && bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
}

/* That a block can be restored from what was kept of it, of which nothing is missing. */
static void check_kept(const int16_t *block, int previous, const uint16_t *kept,
                       const uint16_t *end)
{
    unsigned places[JPEG_BLOCK];
    uint64_t set;
    zigzag_make(places);
    memcpy(&set, kept, sizeof set);
    kept += JPEG_KEPT_SET;
    for (unsigned k = 0; k < JPEG_BLOCK; k++) {
        const int found = set >> k & 1 ? value_of(*kept++) : 0;
        assert_int_equal(found, block[places[k]] - (k ? 0 : previous));
    }
    assert_ptr_equal(kept, end);
}

static void check_blocks(unsigned share, int largest)
{
    uint32_t dc[SYMBOLS] = {0}, ac[SYMBOLS] = {0}, our_dc[SYMBOLS], our_ac[SYMBOLS];
    struct jpeg_symbols symbols = {0};
    int previous = 0;
    for (unsigned i = 0; i < 500; i++) {
        int16_t block[JPEG_BLOCK];
        block_fill(block, share, largest);
        count_slowly(block, previous, dc, ac);
        uint16_t kept[JPEG_KEPT_MAX];
        check_kept(block, previous, kept, jpeg_symbols_take(&symbols, block, previous, kept));
        previous = block[0];
    }
    assert_int_equal(jpeg_symbols_coded(&symbols, our_dc, our_ac), 0);
    assert_memory_equal(our_dc, dc, sizeof dc);
    assert_memory_equal(our_ac, ac, sizeof ac);
}

static void symbols_are_those_of_the_standard(void **state)
{
    (void)state;
    static const unsigned shares[] = {0, 1, 4, 20, 100, 256};
    static const int largest[] = {1, 2, 15, 16, 255, 256, 1023};
    for (size_t s = 0; s < sizeof shares / sizeof shares[0]; s++) {
        for (size_t i = 0; i < sizeof largest / sizeof largest[0]; i++)
            check_blocks(shares[s], largest[i]);
    }
}

/* Each place, with each size and sign. */
static void every_place_and_size_is_counted(void **state)
{
    (void)state;
    for (unsigned at = 1; at < JPEG_BLOCK; at++) {
        for (int value = 1; value < 1024; value = value * 2 + 1) {
            for (int sign = -1; sign <= 1; sign += 2) {
                uint32_t dc[SYMBOLS] = {0}, ac[SYMBOLS] = {0}, our_dc[SYMBOLS], our_ac[SYMBOLS];
                struct jpeg_symbols symbols = {0};
                int16_t block[JPEG_BLOCK] = {0};
                block[at] = (int16_t)(sign * value);
                count_slowly(block, 0, dc, ac);
                uint16_t kept[JPEG_KEPT_MAX];
                check_kept(block, 0, kept, jpeg_symbols_take(&symbols, block, 0, kept));
                assert_int_equal(jpeg_symbols_coded(&symbols, our_dc, our_ac), 0);
                assert_memory_equal(our_ac, ac, sizeof ac);
            }
        }
    }
}

static int code_of(unsigned at, int value, int previous)
{
    uint32_t dc[SYMBOLS], ac[SYMBOLS];
    struct jpeg_symbols symbols = {0};
    int16_t block[JPEG_BLOCK] = {0};
    block[at] = (int16_t)value;
    uint16_t kept[JPEG_KEPT_MAX];
    jpeg_symbols_take(&symbols, block, previous, kept);
    return jpeg_symbols_coded(&symbols, dc, ac);
}

static void coefficients_out_of_range_are_refused(void **state)
{
    (void)state;
    static const int values[] = {1024, -1024, 2047, 16384, 32767, -32767, -32768};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        for (unsigned at = 1; at < JPEG_BLOCK; at++)
            assert_int_equal(code_of(at, values[i], 0), ERR_LIMIT);
    }
    assert_int_equal(code_of(63, 1023, 0), 0);
    assert_int_equal(code_of(0, 1023, -1024), 0); /* a difference of 2047 */
    assert_int_equal(code_of(0, 1024, -1024), ERR_LIMIT);
    assert_int_equal(code_of(0, 32767, -32768), ERR_LIMIT);
}

/* ---- codes ---- */

/* Figure K.1. Of equally rare values, that with the largest number. */
static int rarest(const uint64_t *counts, int except)
{
    int found = -1;
    for (int i = 0; i <= SYMBOLS; i++) {
        if (counts[i] && i != except && (found < 0 || counts[i] <= counts[found]))
            found = i;
    }
    return found;
}

static int lengthen(unsigned *sizes, const int *others, int value)
{
    for (;; value = others[value]) {
        sizes[value]++;
        if (others[value] < 0)
            return value;
    }
}

static void sizes_find(const uint32_t *counts, unsigned sizes[SYMBOLS + 1])
{
    uint64_t rest[SYMBOLS + 1];
    int others[SYMBOLS + 1];
    for (int i = 0; i <= SYMBOLS; i++) {
        rest[i] = i < SYMBOLS ? counts[i] : 1;
        others[i] = -1;
        sizes[i] = 0;
    }
    for (;;) {
        int first = rarest(rest, -1), second = rarest(rest, first);
        if (second < 0)
            break;
        rest[first] += rest[second];
        rest[second] = 0;
        others[lengthen(sizes, others, first)] = second;
        lengthen(sizes, others, second);
    }
}

/* Figures K.2 to K.4; lengths has room for codes of 255 bits. */
static void code_make_slowly(const uint32_t *counts, unsigned lengths[256], uint8_t *symbols)
{
    unsigned sizes[SYMBOLS + 1], i = 32, j;
    sizes_find(counts, sizes);
    memset(lengths, 0, 256 * sizeof *lengths);
    for (int v = 0; v <= SYMBOLS; v++)
        lengths[sizes[v]] += sizes[v] > 0;
    while (i > 16) {
        if (lengths[i] == 0) {
            i--;
            continue;
        }
        for (j = i - 2; lengths[j] == 0; j--)
            continue;
        lengths[i] -= 2;
        lengths[i - 1] += 1;
        lengths[j + 1] += 2;
        lengths[j] -= 1;
    }
    while (lengths[i] == 0)
        i--;
    lengths[i]--;
    for (unsigned size = 1; size <= 32; size++) {
        for (unsigned v = 0; v < SYMBOLS; v++) {
            if (sizes[v] == size)
                *symbols++ = (uint8_t)v;
        }
    }
}

static void check_code(const uint32_t *counts)
{
    struct huffman_code code;
    unsigned lengths[256];
    uint8_t symbols[SYMBOLS] = {0};
    assert_int_equal(huffman_code_make(counts, &code), 0);
    code_make_slowly(counts, lengths, symbols);
    for (unsigned i = 1; i <= HUFFMAN_LENGTH_MAX; i++)
        assert_int_equal(code.lengths[i], lengths[i]);
    assert_memory_equal(code.symbols, symbols, sizeof symbols);
}

static void codes_are_those_of_the_standard(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        uint32_t counts[SYMBOLS] = {0};
        const unsigned used = any_number() % 200 + 1, most = 1u << any_number() % 24;
        for (unsigned k = 0; k < used; k++)
            counts[any_number() % SYMBOLS] = any_number() % most + 1;
        check_code(counts);
    }
}

/* Counts that grow like Fibonacci's numbers make codes of all lengths. The added symbol is the first. */
static void fibonacci_fill(uint32_t *counts, unsigned used)
{
    memset(counts, 0, SYMBOLS * sizeof *counts);
    for (unsigned k = 0; k < used; k++)
        counts[k] = k < 2 ? k + 1 : counts[k - 1] + counts[k - 2];
}

static void long_codes_are_shortened(void **state)
{
    (void)state;
    uint32_t counts[SYMBOLS];
    for (unsigned used = 1; used <= 32; used++) {
        fibonacci_fill(counts, used);
        check_code(counts);
    }
}

static void codes_that_are_too_long_are_refused(void **state)
{
    (void)state;
    uint32_t counts[SYMBOLS];
    struct huffman_code code;
    fibonacci_fill(counts, 33);
    assert_int_equal(huffman_code_make(counts, &code), ERR_LIMIT);
}

static void no_symbols_have_no_code(void **state)
{
    (void)state;
    const uint32_t counts[SYMBOLS] = {0};
    struct huffman_code code, none = {0};
    assert_int_equal(huffman_code_make(counts, &code), 0);
    assert_memory_equal(&code, &none, sizeof code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(symbols_are_those_of_the_standard),
        cmocka_unit_test(every_place_and_size_is_counted),
        cmocka_unit_test(coefficients_out_of_range_are_refused),
        cmocka_unit_test(codes_are_those_of_the_standard),
        cmocka_unit_test(long_codes_are_shortened),
        cmocka_unit_test(codes_that_are_too_long_are_refused),
        cmocka_unit_test(no_symbols_have_no_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
