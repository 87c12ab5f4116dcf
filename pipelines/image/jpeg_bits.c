#include "jpeg_bits.h"

#include <endian.h>
#include <string.h>

/* So that it is compiled for the processor of its caller. */
#define INLINE __attribute__((always_inline)) static inline

enum {
    END_OF_BLOCK = 0x00,
    SIXTEEN_ZEROS = 0xf0,
    SENT = 32, /* bits at once */
    NUMBER = (1 << JPEG_KEPT_BITS) - 1,
};

/* Codes of the same length follow one another; the next length begins after them, with a zero more
 * (T.81, C.2). */
void jpeg_code_make(const struct huffman_code *from, struct jpeg_code *out)
{
    const uint8_t *symbol = from->symbols;
    unsigned code = 0;
    memset(out, 0, sizeof *out);
    for (unsigned length = 1; length <= HUFFMAN_LENGTH_MAX; length++, code *= 2) {
        for (unsigned i = 0; i < from->lengths[length]; i++, symbol++, code++) {
            out->entries[*symbol] = code << 8 | (length + *symbol % 16);
        }
    }
}

static uint8_t *byte_write(uint8_t *out, uint32_t byte)
{
    *out++ = (uint8_t)byte;
    if ((byte & 255) == 255) /* not a marker */
        *out++ = 0;
    return out;
}

/* Whether one of the bytes is 0xff. */
static int has_ones(uint64_t bytes)
{
    return (bytes & ~(bytes + 0x0101010101010101u) & 0x8080808080808080u) != 0;
}

INLINE uint8_t *put(struct jpeg_bits *b, uint32_t bits, unsigned count, uint8_t *out)
{
    b->held = b->held << count | bits;
    b->count += count;
    const uint64_t sent = b->held << (64 - b->count);
    const unsigned bytes = b->count / 8;
    b->count %= 8;
    if (!has_ones(sent)) {
        const uint64_t ordered = htobe64(sent);
        memcpy(out, &ordered, sizeof ordered);
        return out + bytes;
    }
    for (unsigned i = 0; i < bytes; i++)
        out = byte_write(out, (uint32_t)(sent >> (56 - 8 * i)));
    return out;
}

/* The symbol's low half is the size of the number that follows. */
INLINE uint8_t *put_number(struct jpeg_bits *b, const struct jpeg_code *code, unsigned symbol,
                           unsigned number, uint8_t *out)
{
    const uint32_t entry = code->entries[symbol];
    return put(b, entry >> 8 << (symbol & 15) | (number & NUMBER), entry & 255, out);
}

INLINE const uint16_t *block_write(struct jpeg_bits *b, const uint16_t *kept,
                                   const struct jpeg_code *dc, const struct jpeg_code *ac,
                                   uint8_t **out)
{
    struct jpeg_bits bits = *b;
    uint8_t *at = *out;
    uint64_t left;
    unsigned next = 1; /* coefficient */
    memcpy(&left, kept, sizeof left);
    kept += JPEG_KEPT_SET;
    at = put_number(&bits, dc, *kept >> JPEG_KEPT_BITS, *kept, at);
    kept++;
    for (left &= left - 1; left; left &= left - 1, kept++) {
        const unsigned k = (unsigned)__builtin_ctzll(left);
        unsigned zeros = k - next;
        next = k + 1;
        for (; zeros > 15; zeros -= 16)
            at = put_number(&bits, ac, SIXTEEN_ZEROS, 0, at);
        at = put_number(&bits, ac, zeros << 4 | *kept >> JPEG_KEPT_BITS, *kept, at);
    }
    if (next < JPEG_BLOCK)
        at = put_number(&bits, ac, END_OF_BLOCK, 0, at);
    *b = bits;
    *out = at;
    return kept;
}

#ifdef __x86_64__

/* The same in C, with the instructions for bits that processors have had since 2013. */
__attribute__((target("bmi,bmi2"))) static const uint16_t *
block_write_bmi2(struct jpeg_bits *b, const uint16_t *kept, const struct jpeg_code *dc,
                 const struct jpeg_code *ac, uint8_t **out)
{
    return block_write(b, kept, dc, ac, out);
}

#endif

const uint16_t *jpeg_bits_block(struct jpeg_bits *b, const uint16_t *kept,
                                const struct jpeg_code *dc, const struct jpeg_code *ac,
                                uint8_t **out)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
        return block_write_bmi2(b, kept, dc, ac, out);
#endif
    return block_write(b, kept, dc, ac, out);
}

void jpeg_bits_end(struct jpeg_bits *b, uint8_t **out)
{
    const unsigned missing = (8 - b->count % 8) % 8;
    b->held = b->held << missing | ((1u << missing) - 1);
    b->count += missing;
    for (; b->count > 0; b->count -= 8)
        *out = byte_write(*out, (uint32_t)(b->held >> (b->count - 8)));
}
