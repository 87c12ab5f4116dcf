#include "jpeg_sparse.h"

#if defined(__SSE2__)

#include <immintrin.h>
#include <stdint.h>
#include <string.h>
/* after jpeglib.h, which they need */
#include <jerror.h>
#include <jpegint.h>

/* The rest of the program runs on every x86-64 processor. */
#define AVX2 __attribute__((target("avx2")))

enum {
    CONST_BITS = 13,
    PASS1_BITS = 2,
    FIRST_DROP = CONST_BITS - PASS1_BITS,
    SECOND_DROP = CONST_BITS + PASS1_BITS + 3,
    MIDDLE = 128,
    CORNER = 4,
};

/* Factors of coefficients 0 and 2, and of 1 and 3, for the sums and differences that give two outputs
 * each: what the steps of jidctint.c add up to. */
enum {
    ONE = 1 << CONST_BITS,
    TWO_OUTER = 10703, /* FIX_0_541196100 + FIX_0_765366865 */
    TWO_INNER = 4433,  /* FIX_0_541196100 */
    ONE_0 = 11363,     /* FIX_1_501321110 - FIX_0_899976223 - FIX_0_390180644 + FIX_1_175875602 */
    ONE_1 = 9633,      /* FIX_1_175875602 */
    ONE_2 = 6437,      /* FIX_1_175875602 - FIX_0_390180644 */
    ONE_3 = 2260,      /* FIX_1_175875602 - FIX_0_899976223 */
    THREE_0 = 9633,    /* FIX_1_175875602 */
    THREE_1 = -2259,   /* FIX_3_072711026 - FIX_2_562915447 - FIX_1_961570560 + FIX_1_175875602 */
    THREE_2 = -11362,  /* FIX_1_175875602 - FIX_2_562915447 */
    THREE_3 = -6436,   /* FIX_1_175875602 - FIX_1_961570560 */
};

struct sparse {
    struct jpeg_inverse_dct idct; /* first: libjpeg has a pointer to it */
    inverse_DCT_method_ptr dense[MAX_COMPONENTS];
};

/* For vpmaddwd, which multiplies pairs and adds each pair up. */
AVX2 static __m256i pairs(int a, int b)
{
    return _mm256_set1_epi32((int)((unsigned)b << 16 | ((unsigned)a & 0xffff)));
}

/* One in each half. */
AVX2 static __m256i two_pairs(int a, int b, int c, int d)
{
    return _mm256_blend_epi32(pairs(a, b), pairs(c, d), 0xf0);
}

AVX2 static __m128i dequantised(const JCOEF *block, const UINT16 *quants, int row)
{
    const __m128i values = _mm_loadl_epi64((const __m128i *)(const void *)(block + row * DCTSIZE));
    const __m128i factors =
        _mm_loadl_epi64((const __m128i *)(const void *)(quants + row * DCTSIZE));
    return _mm_mullo_epi16(values, factors);
}

AVX2 static __m256i drop(__m256i sums, int bits)
{
    return _mm256_srai_epi32(sums, bits);
}

struct columns {
    __m256i even, odd; /* pairs of each row, rows 0 3 4 7 and 1 2 5 6 */
};

/* Pass 1: four columns, of which the upper half is 0. */
AVX2 static struct columns columns_transform(const JCOEF *block, const UINT16 *quants)
{
    const __m256i even = _mm256_broadcastsi128_si256(
        _mm_unpacklo_epi16(dequantised(block, quants, 0), dequantised(block, quants, 2)));
    const __m256i odd = _mm256_broadcastsi128_si256(
        _mm_unpacklo_epi16(dequantised(block, quants, 1), dequantised(block, quants, 3)));
    const __m256i half = _mm256_set1_epi32(1 << (FIRST_DROP - 1));
    const __m256i e01 =
        _mm256_add_epi32(half, _mm256_madd_epi16(even, two_pairs(ONE, TWO_OUTER, ONE, TWO_INNER)));
    const __m256i e32 = _mm256_add_epi32(
        half, _mm256_madd_epi16(even, two_pairs(ONE, -TWO_OUTER, ONE, -TWO_INNER)));
    const __m256i o01 = _mm256_madd_epi16(odd, two_pairs(ONE_0, THREE_0, ONE_1, THREE_1));
    const __m256i o32 = _mm256_madd_epi16(odd, two_pairs(ONE_3, THREE_3, ONE_2, THREE_2));
    const __m256i r01 = drop(_mm256_add_epi32(e01, o01), FIRST_DROP);
    const __m256i r76 = drop(_mm256_sub_epi32(e01, o01), FIRST_DROP);
    const __m256i r32 = drop(_mm256_add_epi32(e32, o32), FIRST_DROP);
    const __m256i r45 = drop(_mm256_sub_epi32(e32, o32), FIRST_DROP);
    const __m256i even_first = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
    const __m256 upper =
        _mm256_castsi256_ps(_mm256_shuffle_epi8(_mm256_packs_epi32(r01, r32), even_first));
    const __m256 lower =
        _mm256_castsi256_ps(_mm256_shuffle_epi8(_mm256_packs_epi32(r45, r76), even_first));
    return (struct columns){
        .even = _mm256_castps_si256(_mm256_shuffle_ps(upper, lower, _MM_SHUFFLE(2, 0, 2, 0))),
        .odd = _mm256_castps_si256(_mm256_shuffle_ps(upper, lower, _MM_SHUFFLE(3, 1, 3, 1))),
    };
}

/* Samples of one column and its opposite. */
struct opposite {
    __m256i left, right;
};

AVX2 static struct opposite rows_sum(const struct columns *c, int two, int one, int three)
{
    const __m256i half = _mm256_set1_epi32(1 << (SECOND_DROP - 1));
    const __m256i even = _mm256_add_epi32(half, _mm256_madd_epi16(c->even, pairs(ONE, two)));
    const __m256i odd = _mm256_madd_epi16(c->odd, pairs(one, three));
    return (struct opposite){drop(_mm256_add_epi32(even, odd), SECOND_DROP),
                             drop(_mm256_sub_epi32(even, odd), SECOND_DROP)};
}

AVX2 static void two_rows_store(__m128i rows, JSAMPROW first, JSAMPROW second)
{
    _mm_storel_epi64((__m128i *)(void *)first, rows);
    _mm_storeh_pd((double *)(void *)second, _mm_castsi128_pd(rows));
}

/* Pass 2: eight rows, of which the right half is 0. */
AVX2 static void rows_transform(const struct columns *c, JSAMPARRAY rows, JDIMENSION at)
{
    const struct opposite s07 = rows_sum(c, TWO_OUTER, ONE_0, THREE_0);
    const struct opposite s16 = rows_sum(c, TWO_INNER, ONE_1, THREE_1);
    const struct opposite s25 = rows_sum(c, -TWO_INNER, ONE_2, THREE_2);
    const struct opposite s34 = rows_sum(c, -TWO_OUTER, ONE_3, THREE_3);
    const __m256i left = _mm256_packs_epi16(_mm256_packs_epi32(s07.left, s16.left),
                                            _mm256_packs_epi32(s25.left, s34.left));
    const __m256i right = _mm256_packs_epi16(_mm256_packs_epi32(s34.right, s25.right),
                                             _mm256_packs_epi32(s16.right, s07.right));
    const __m256i middle = _mm256_set1_epi8((char)MIDDLE);
    const __m256i by_row = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    const __m256i l = _mm256_shuffle_epi8(_mm256_xor_si256(left, middle), by_row);
    const __m256i r = _mm256_shuffle_epi8(_mm256_xor_si256(right, middle), by_row);
    const __m256i low = _mm256_unpacklo_epi32(l, r), high = _mm256_unpackhi_epi32(l, r);
    two_rows_store(_mm256_castsi256_si128(low), rows[0] + at, rows[3] + at);
    two_rows_store(_mm256_castsi256_si128(high), rows[4] + at, rows[7] + at);
    two_rows_store(_mm256_extracti128_si256(low, 1), rows[1] + at, rows[2] + at);
    two_rows_store(_mm256_extracti128_si256(high, 1), rows[5] + at, rows[6] + at);
}

static void mean_store(JCOEF mean, UINT16 quant, JSAMPARRAY rows, JDIMENSION at)
{
    const int drop_bits = PASS1_BITS + 3;
    const int16_t scaled = (int16_t)((unsigned)mean * quant << PASS1_BITS);
    int value = ((scaled + (1 << (drop_bits - 1))) >> drop_bits) + MIDDLE;
    value = value < 0 ? 0 : value > MAXJSAMPLE ? MAXJSAMPLE : value;
    for (int row = 0; row < DCTSIZE; row++)
        memset(rows[row] + at, value, DCTSIZE);
}

AVX2 static __m256i two_rows(const JCOEF *block, int row)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)(block + row * DCTSIZE));
}

static struct sparse *sparse_of(j_decompress_ptr jpeg)
{
    return (struct sparse *)(void *)jpeg->idct;
}

AVX2 static void transform(j_decompress_ptr jpeg, jpeg_component_info *component, JCOEFPTR block,
                           JSAMPARRAY rows, JDIMENSION at)
{
    const UINT16 *quants = component->quant_table->quantval;
    const __m256i upper = _mm256_or_si256(two_rows(block, 0), two_rows(block, 2));
    const __m256i lower = _mm256_or_si256(two_rows(block, 4), two_rows(block, 6));
    const __m256i outside = _mm256_set1_epi64x(-1);
    const __m256i right = _mm256_unpackhi_epi64(upper, upper);
    if (!_mm256_testz_si256(_mm256_or_si256(lower, right), outside)) {
        sparse_of(jpeg)->dense[component->component_index](jpeg, component, block, rows, at);
        return;
    }
    const __m256i mean = _mm256_setr_epi64x(0xffff, 0, 0, 0);
    const __m256i all =
        _mm256_or_si256(two_rows(block, 2), _mm256_andnot_si256(mean, two_rows(block, 0)));
    if (_mm256_testz_si256(all, outside)) {
        mean_store(block[0], quants[0], rows, at);
        return;
    }
    const struct columns columns = columns_transform(block, quants);
    rows_transform(&columns, rows, at);
}

/* libjpeg's own would take the transform for its own. */
static void pass_refuse(j_decompress_ptr jpeg)
{
    ERREXIT(jpeg, JERR_BAD_STATE);
}

void jpeg_sparse_use(j_decompress_ptr jpeg)
{
    if (!__builtin_cpu_supports("avx2") || jpeg->dct_method != JDCT_ISLOW)
        return;
    struct sparse *s =
        jpeg->mem->alloc_small((j_common_ptr)jpeg, JPOOL_IMAGE, sizeof(struct sparse));
    s->idct = *jpeg->idct;
    s->idct.start_pass = pass_refuse;
    for (int i = 0; i < jpeg->num_components; i++) {
        s->dense[i] = jpeg->idct->inverse_DCT[i];
        if (jpeg->comp_info[i].DCT_scaled_size == DCTSIZE)
            s->idct.inverse_DCT[i] = transform;
    }
    jpeg->idct = &s->idct;
}

#else

void jpeg_sparse_use(j_decompress_ptr jpeg)
{
    (void)jpeg;
}

#endif
