#include "jpeg_huffman.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* after jpeglib.h, which they need */
#include <jerror.h>
#include <jpegint.h>

#include "jpeg_symbols.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum {
    LENGTH_MAX = 16,
    SYMBOL_BITS = LENGTH_MAX + 15, /* of a code and its coefficient, at most */
    LOOKUP = 11,                   /* bits */
    WORD = 64,
    AT_ONCE = (WORD - 8) / LOOKUP, /* symbols of a lookup, after a refill */
    BLOCK_END = DCTSIZE2,          /* a run of zeros that is as long as a block */
    LONG_RUN = 16,
    MCU_BYTES = D_MAX_BLOCKS_IN_MCU * DCTSIZE2 * SYMBOL_BITS / 8 + 2 * WORD / 8,
    WINDOW = 16384,
};

/* What the next bits mean: a code and the bits that belong to it. */
struct symbol {
    int16_t value; /* 0: no coefficient */
    uint8_t zeros; /* before it */
    uint8_t bits;  /* 0: not in the table */
};

struct huffman_codes {
    struct symbol symbols[1 << LOOKUP];
    int32_t last[LENGTH_MAX + 1];  /* code of each length, -1: none */
    int32_t shift[LENGTH_MAX + 1]; /* from a code to its place in names */
    const uint8_t *names;          /* zeros and size, 4 bits each */
};

/* Bits that have been read ahead, from the highest on. Below `count`, there may be bits of `next`. */
struct bit_reader {
    const uint8_t *next;
    uint64_t bits;
    unsigned count;
};

/* The next coded bytes, without what is stuffed, followed by zeros where the data ends. */
struct window {
    uint8_t bytes[WINDOW + MCU_BYTES];
    const uint8_t *end;
    const uint8_t *data, *data_end; /* of the file */
    bool last;                      /* a marker follows */
};

struct block_codes {
    const struct huffman_codes *dc, *ac;
};

struct huffman {
    struct jpeg_entropy_decoder decoder; /* first: libjpeg has a pointer to it */
    bool (*read)(struct huffman *h, j_decompress_ptr jpeg, JBLOCKROW *blocks);
    struct bit_reader reader;
    struct window window;
    struct block_codes blocks[D_MAX_BLOCKS_IN_MCU];
    int dc[MAX_COMPS_IN_SCAN]; /* of the block before */
    unsigned restart;          /* MCUs until the next restart marker */
    unsigned restarts;
};

/* ---- codes ---- */

/* Values of `size` bits that begin with 0 are negative. */
ALWAYS_INLINE int value_of(unsigned bits, unsigned size)
{
    return bits >> (size - 1) ? (int)bits : (int)bits - (1 << size) + 1;
}

/* `after`: the bits that follow the code, from the highest on */
ALWAYS_INLINE struct symbol symbol_of(unsigned name, unsigned length, uint64_t after)
{
    const unsigned size = name & 15, zeros = name >> 4;
    if (!size)
        return (struct symbol){0, zeros == 15 ? LONG_RUN : BLOCK_END, (uint8_t)length};
    return (struct symbol){(int16_t)value_of((unsigned)(after >> (WORD - size)), size),
                           (uint8_t)zeros, (uint8_t)(length + size)};
}

/* All bits that begin with the code. */
static void code_add(struct huffman_codes *codes, unsigned code, unsigned length, unsigned name)
{
    const unsigned free_bits = LOOKUP - length;
    for (unsigned i = 0; i < 1U << free_bits; i++) {
        struct symbol s = symbol_of(name, length, (uint64_t)i << (WORD - 1 - free_bits) << 1);
        if (s.bits <= LOOKUP)
            codes->symbols[(code << free_bits) + i] = s;
    }
}

/* libjpeg has checked that the codes fit into their lengths. */
static void codes_init(struct huffman_codes *codes, const JHUFF_TBL *table)
{
    memset(codes, 0, sizeof *codes);
    codes->names = table->huffval;
    unsigned code = 0, place = 0;
    for (unsigned length = 1; length <= LENGTH_MAX; length++, code <<= 1) {
        codes->shift[length] = (int32_t)place - (int32_t)code;
        for (unsigned i = 0; i < table->bits[length]; i++, code++, place++) {
            if (length <= LOOKUP)
                code_add(codes, code, length, table->huffval[place]);
        }
        codes->last[length] = table->bits[length] ? (int32_t)code - 1 : -1;
    }
}

/* bits 0: there is no such code. */
static __attribute__((noinline)) struct symbol symbol_find(const struct huffman_codes *codes,
                                                           uint64_t bits)
{
    for (unsigned length = 1; length <= LENGTH_MAX; length++) {
        int32_t code = (int32_t)(bits >> (WORD - length));
        if (code <= codes->last[length])
            return symbol_of(codes->names[code + codes->shift[length]], length, bits << length);
    }
    return (struct symbol){.bits = 0};
}

/* ---- bits ---- */

/* Whether 0xff, before `at`, belongs to a marker; it may be repeated. */
static bool is_marker(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at == 0xff)
        at++;
    return at < end && *at != 0;
}

/* Appends what fits. 0xff is followed by 0, which is stuffed, or belongs to a marker; otherwise the file
 * has been cut off, and NULL is returned. */
static uint8_t *unstuff(struct window *w, uint8_t *to)
{
    const uint8_t *full = w->bytes + WINDOW;
    while (to < full && !w->last) {
        const size_t room = (size_t)(full - to), left = (size_t)(w->data_end - w->data);
        const size_t most = room < left ? room : left;
        const uint8_t *found = memchr(w->data, 0xff, most);
        const size_t plain = found ? (size_t)(found - w->data) : most;
        const bool stuffed = found && left - plain >= 2 && found[1] == 0;
        if (plain == left || (found && !stuffed && !is_marker(found + 1, w->data_end)))
            return NULL;
        memcpy(to, w->data, plain);
        to += plain;
        w->data += plain;
        w->last = found && !stuffed;
        if (stuffed) {
            *to++ = 0xff;
            w->data += 2;
        }
    }
    return to;
}

/* So that there are as many bytes as an MCU can have. False: the file has been cut off. */
static bool window_prepare(struct window *w, struct bit_reader *r)
{
    if (w->last || w->end - r->next >= MCU_BYTES)
        return true;
    const size_t left = (size_t)(w->end - r->next);
    memmove(w->bytes, r->next, left);
    uint8_t *end = unstuff(w, w->bytes + left);
    if (!end)
        return false;
    memset(end, 0, MCU_BYTES);
    w->end = end;
    r->next = w->bytes;
    return true;
}

/* Bits of the file that have not been used, or < 0: more have been used than there are. */
static ptrdiff_t bits_left(const struct window *w, const struct bit_reader *r)
{
    return (w->end - r->next) * 8 + (ptrdiff_t)r->count;
}

/* To 56 bits at least. */
ALWAYS_INLINE void refill(struct bit_reader *r)
{
    uint64_t word;
    memcpy(&word, r->next, sizeof word);
    r->bits |= be64toh(word) >> r->count;
    r->next += (WORD - 1 - r->count) / 8;
    r->count |= WORD - 8;
}

ALWAYS_INLINE void drop(struct bit_reader *r, unsigned bits)
{
    r->bits <<= bits;
    r->count -= bits;
}

ALWAYS_INLINE struct symbol symbol_next(const struct bit_reader *r,
                                        const struct huffman_codes *codes)
{
    return codes->symbols[r->bits >> (WORD - LOOKUP)];
}

/* `s`: what the table has. Returns the symbol; bits 0: there is no such code. */
ALWAYS_INLINE struct symbol symbol_take(struct bit_reader *r, const struct huffman_codes *codes,
                                        struct symbol s)
{
    if (!s.bits) {
        refill(r);
        s = symbol_find(codes, r->bits);
    }
    drop(r, s.bits);
    return s;
}

/* ---- blocks ---- */

/* Any symbol. `k`: the next place in the order of the file, 64 and more: none */
ALWAYS_INLINE bool symbol_put(struct symbol s, JCOEF *block, unsigned *k)
{
    const unsigned at = *k + s.zeros;
    *k = s.value ? at + 1 : at;
    if (!s.bits || (s.value && at >= DCTSIZE2))
        return false;
    if (s.value)
        block[jpeg_zigzag[at]] = s.value;
    return true;
}

ALWAYS_INLINE bool ac_read(struct bit_reader *r, const struct huffman_codes *codes, JCOEF *block)
{
    for (unsigned k = 1; k < DCTSIZE2;) {
        struct symbol s;
        bool usual = true; /* a coefficient that is in the table and has others after it */
        refill(r);
#pragma GCC unroll 8
        for (int i = 0; i < AT_ONCE; i++) {
            s = symbol_next(r, codes);
            const unsigned at = k + s.zeros;
            usual = s.value && at < DCTSIZE2 - 1;
            if (!usual)
                break;
            drop(r, s.bits);
            block[jpeg_zigzag[at]] = s.value;
            k = at + 1;
        }
        if (!usual && !symbol_put(symbol_take(r, codes, s), block, &k))
            return false;
    }
    return true;
}

ALWAYS_INLINE bool dc_read(struct bit_reader *r, const struct huffman_codes *codes, int *dc,
                           JCOEF *block)
{
    refill(r);
    const struct symbol s = symbol_take(r, codes, symbol_next(r, codes));
    *dc += s.value;
    block[0] = (JCOEF)*dc;
    return s.bits && block[0] == *dc;
}

ALWAYS_INLINE bool mcu_read(struct huffman *h, j_decompress_ptr jpeg, JBLOCKROW *blocks)
{
    struct bit_reader r = h->reader;
    for (int i = 0; i < jpeg->blocks_in_MCU; i++) {
        const struct block_codes *codes = &h->blocks[i];
        int *dc = &h->dc[jpeg->MCU_membership[i]];
        if (!dc_read(&r, codes->dc, dc, *blocks[i]) || !ac_read(&r, codes->ac, *blocks[i]))
            return false;
    }
    h->reader = r;
    return true;
}

static bool mcu_read_anywhere(struct huffman *h, j_decompress_ptr jpeg, JBLOCKROW *blocks)
{
    return mcu_read(h, jpeg, blocks);
}

#if defined(__x86_64__) && !defined(JPEG_HUFFMAN_WITHOUT_BMI2)
/* A shift by a variable number is one instruction instead of three. The rest of the program runs on
 * every x86-64 processor. */
__attribute__((target("bmi2"))) static bool mcu_read_bmi2(struct huffman *h, j_decompress_ptr jpeg,
                                                          JBLOCKROW *blocks)
{
    return mcu_read(h, jpeg, blocks);
}

static void reader_choose(struct huffman *h)
{
    h->read = __builtin_cpu_supports("bmi2") ? mcu_read_bmi2 : mcu_read_anywhere;
}
#else
static void reader_choose(struct huffman *h)
{
    h->read = mcu_read_anywhere;
}
#endif

/* The data before it ends in the byte that has been begun. */
static bool restart_read(struct huffman *h)
{
    struct window *w = &h->window;
    if (!window_prepare(w, &h->reader))
        return false;
    const ptrdiff_t left = bits_left(w, &h->reader);
    if (!w->last || left >= 8 || w->data[1] != 0xd0 + h->restarts % 8)
        return false;
    w->data += 2;
    w->last = false;
    w->end = w->bytes;
    h->reader = (struct bit_reader){.next = w->end};
    memset(h->dc, 0, sizeof h->dc);
    h->restarts++;
    return true;
}

/* ---- libjpeg's side ---- */

static struct huffman *huffman_of(j_decompress_ptr jpeg)
{
    return (struct huffman *)(void *)jpeg->entropy;
}

static boolean give_up(j_decompress_ptr jpeg, int why)
{
    ERREXIT(jpeg, why);
    return FALSE;
}

/* libjpeg's own would take the decoder for its own. */
static void scan_refuse(j_decompress_ptr jpeg)
{
    give_up(jpeg, JERR_BAD_STATE);
}

static boolean mcu_decode(j_decompress_ptr jpeg, JBLOCKROW *blocks)
{
    struct huffman *h = huffman_of(jpeg);
    if (jpeg->restart_interval && h->restart-- == 0) {
        if (!restart_read(h))
            return give_up(jpeg, JWRN_HIT_MARKER);
        h->restart = jpeg->restart_interval - 1;
    }
    if (!window_prepare(&h->window, &h->reader))
        return give_up(jpeg, JWRN_JPEG_EOF);
    if (!h->read(h, jpeg, blocks))
        return give_up(jpeg, JWRN_HUFF_BAD_CODE);
    return bits_left(&h->window, &h->reader) >= 0 ? TRUE : give_up(jpeg, JWRN_HIT_MARKER);
}

static void *image_alloc(j_decompress_ptr jpeg, size_t size)
{
    return jpeg->mem->alloc_small((j_common_ptr)jpeg, JPOOL_IMAGE, size);
}

/* `made`: of each table, once it is needed */
static const struct huffman_codes *codes_of(j_decompress_ptr jpeg, const JHUFF_TBL *table,
                                            struct huffman_codes **made)
{
    if (!*made) {
        *made = image_alloc(jpeg, sizeof **made);
        codes_init(*made, table);
    }
    return *made;
}

static void blocks_init(struct huffman *h, j_decompress_ptr jpeg)
{
    struct huffman_codes *dc[NUM_HUFF_TBLS] = {NULL}, *ac[NUM_HUFF_TBLS] = {NULL};
    for (int i = 0; i < jpeg->blocks_in_MCU; i++) {
        const jpeg_component_info *c = jpeg->cur_comp_info[jpeg->MCU_membership[i]];
        const int d = c->dc_tbl_no, a = c->ac_tbl_no;
        h->blocks[i].dc = codes_of(jpeg, jpeg->dc_huff_tbl_ptrs[d], &dc[d]);
        h->blocks[i].ac = codes_of(jpeg, jpeg->ac_huff_tbl_ptrs[a], &ac[a]);
    }
}

void jpeg_huffman_use(j_decompress_ptr jpeg)
{
    struct huffman *h = image_alloc(jpeg, sizeof *h);
    memset(h, 0, sizeof *h);
    h->decoder = *jpeg->entropy;
    h->decoder.start_pass = scan_refuse;
    h->decoder.decode_mcu = mcu_decode;
    reader_choose(h);
    h->window.data = jpeg->src->next_input_byte;
    h->window.data_end = h->window.data + jpeg->src->bytes_in_buffer;
    h->window.end = h->reader.next = h->window.bytes;
    h->restart = jpeg->restart_interval;
    blocks_init(h, jpeg);
    jpeg->entropy = &h->decoder;
}
