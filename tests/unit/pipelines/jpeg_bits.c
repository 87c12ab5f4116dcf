/* Blocks are written with their codes, and read again as a decoder does it: bit by bit, by the procedures
 * of ITU-T T.81. */
#include "pipeline_support.h"

#include "jpeg_bits.h"

enum { BLOCKS = 200, ROOM = 16 };

static uint32_t random_state = 23;

static uint32_t any_number(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

struct reader {
    const uint8_t *at, *end;
    uint8_t byte;
    unsigned left; /* bits of it */
};

static unsigned bit_read(struct reader *r)
{
    if (r->left == 0) {
        assert_true(r->at < r->end);
        r->byte = *r->at++;
        r->left = 8;
        if (r->byte == 0xff) { /* else it would be a marker */
            assert_true(r->at < r->end);
            assert_int_equal(*r->at++, 0);
        }
    }
    r->left--;
    return r->byte >> r->left & 1;
}

static int value_read(struct reader *r, unsigned size)
{
    int value = 0;
    for (unsigned i = 0; i < size; i++)
        value = value * 2 + (int)bit_read(r);
    return size && value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
}

/* F.2.2.3 */
static unsigned symbol_read(struct reader *r, const struct huffman_code *code)
{
    unsigned value = 0, first = 0, index = 0;
    for (unsigned length = 1; length <= HUFFMAN_LENGTH_MAX; length++) {
        value = value * 2 + bit_read(r);
        if (value - first < code->lengths[length])
            return code->symbols[index + value - first];
        first = (first + code->lengths[length]) * 2;
        index += code->lengths[length];
    }
    fail_msg("no symbol has this code");
    return 0;
}

/* In the order of the codes. */
static void block_read(struct reader *r, const struct huffman_code *dc,
                       const struct huffman_code *ac, int16_t out[JPEG_BLOCK])
{
    memset(out, 0, JPEG_BLOCK * sizeof *out);
    out[0] = (int16_t)value_read(r, symbol_read(r, dc));
    for (unsigned k = 1; k < JPEG_BLOCK; k++) {
        const unsigned symbol = symbol_read(r, ac);
        if (symbol == 0)
            return;
        k += symbol >> 4;
        assert_true(k < JPEG_BLOCK);
        out[k] = (int16_t)value_read(r, symbol & 15);
    }
}

/* share: of 256 coefficients, those that are not zero. */
static void blocks_fill(int16_t (*blocks)[JPEG_BLOCK], unsigned share, int largest)
{
    for (unsigned i = 0; i < BLOCKS * JPEG_BLOCK; i++) {
        int value = (int)(any_number() % (2 * (unsigned)largest + 1)) - largest;
        blocks[i / JPEG_BLOCK][i % JPEG_BLOCK] = (int16_t)(any_number() % 256 < share ? value : 0);
    }
}

static void check_blocks(unsigned share, int largest)
{
    static int16_t blocks[BLOCKS][JPEG_BLOCK];
    static uint16_t kept[BLOCKS * JPEG_KEPT_MAX];
    static uint8_t bytes[BLOCKS * JPEG_BLOCK_BYTES + ROOM];
    struct jpeg_symbols symbols = {0};
    struct huffman_code dc, ac;
    struct jpeg_code dc_code, ac_code;
    uint32_t dc_counts[HUFFMAN_SYMBOLS], ac_counts[HUFFMAN_SYMBOLS];
    uint16_t *end = kept;
    blocks_fill(blocks, share, largest);
    for (unsigned i = 0; i < BLOCKS; i++)
        end = jpeg_symbols_take(&symbols, blocks[i], 0, end);
    assert_int_equal(jpeg_symbols_coded(&symbols, dc_counts, ac_counts), 0);
    assert_int_equal(huffman_code_make(dc_counts, &dc), 0);
    assert_int_equal(huffman_code_make(ac_counts, &ac), 0);
    jpeg_code_make(&dc, &dc_code);
    jpeg_code_make(&ac, &ac_code);

    struct jpeg_bits bits = {0};
    const uint16_t *next = kept;
    uint8_t *out = bytes;
    for (unsigned i = 0; i < BLOCKS; i++) {
        const uint8_t *before = out;
        next = jpeg_bits_block(&bits, next, &dc_code, &ac_code, &out);
        assert_true(out - before <= JPEG_BLOCK_BYTES);
    }
    assert_ptr_equal(next, end);
    jpeg_bits_end(&bits, &out);

    struct reader reader = {bytes, out, 0, 0};
    for (unsigned i = 0; i < BLOCKS; i++) {
        int16_t found[JPEG_BLOCK];
        block_read(&reader, &dc, &ac, found);
        for (unsigned k = 0; k < JPEG_BLOCK; k++)
            assert_int_equal(found[k], blocks[i][jpeg_zigzag[k]]);
    }
    while (reader.left > 0)
        assert_int_equal(bit_read(&reader), 1);
    assert_ptr_equal(reader.at, out);
}

static void blocks_are_read_as_they_were_written(void **state)
{
    (void)state;
    static const unsigned shares[] = {0, 1, 4, 20, 100, 256};
    static const int largest[] = {1, 2, 15, 16, 255, 256, 1023};
    for (size_t s = 0; s < sizeof shares / sizeof shares[0]; s++) {
        for (size_t i = 0; i < sizeof largest / sizeof largest[0]; i++)
            check_blocks(shares[s], largest[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_are_read_as_they_were_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
