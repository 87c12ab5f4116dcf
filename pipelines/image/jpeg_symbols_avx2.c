#include "jpeg_symbols_avx2.h"

#if defined(__SSE2__) && !defined(JPEG_SYMBOLS_WITHOUT_AVX2)

#include <immintrin.h>

/* The rest of the program runs on every x86-64 processor. */
#define AVX2 __attribute__((target("avx2,bmi,bmi2")))

bool jpeg_symbols_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
}

/* Packing puts the lines 0, 2, 1, 3, 4, 6, 5, 7 one after another. */
#define PACKED(place)                                                                              \
    ((place) / 32 * 32 + (place) / 8 % 2 * 16 + (place) / 16 % 2 * 8 + (place) % 8)
#define PACKED_4(a, b, c, d) PACKED(a), PACKED(b), PACKED(c), PACKED(d)

/* In the order of their codes (T.81, figure A.6), the place of each coefficient after packing. */
static const uint8_t places[JPEG_BLOCK] = {
    PACKED_4(0, 1, 8, 16),    PACKED_4(9, 2, 3, 10),    PACKED_4(17, 24, 32, 25),
    PACKED_4(18, 11, 4, 5),   PACKED_4(12, 19, 26, 33), PACKED_4(40, 48, 41, 34),
    PACKED_4(27, 20, 13, 6),  PACKED_4(7, 14, 21, 28),  PACKED_4(35, 42, 49, 56),
    PACKED_4(57, 50, 43, 36), PACKED_4(29, 22, 15, 23), PACKED_4(30, 37, 44, 51),
    PACKED_4(58, 59, 52, 45), PACKED_4(38, 31, 39, 46), PACKED_4(53, 60, 61, 54),
    PACKED_4(47, 55, 62, 63)};

AVX2 static __m256i load(const void *from)
{
    return _mm256_loadu_si256(from);
}

/* The bits of each byte, by its two halves. */
AVX2 static __m256i bits_of(__m256i bytes)
{
    const __m256i low =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4));
    const __m256i high =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 5, 6, 6, 7, 7, 7, 7, 8, 8, 8, 8, 8, 8, 8, 8));
    const __m256i half = _mm256_set1_epi8(15);
    return _mm256_max_epu8(
        _mm256_shuffle_epi8(low, _mm256_and_si256(bytes, half)),
        _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half)));
}

/* Of two registers of magnitudes. */
AVX2 static __m256i sizes_of(__m256i a, __m256i b)
{
    const __m256i low = _mm256_set1_epi16(255);
    const __m256i sizes =
        bits_of(_mm256_packus_epi16(_mm256_and_si256(a, low), _mm256_and_si256(b, low)));
    if (_mm256_testc_si256(low, _mm256_or_si256(a, b)))
        return sizes;
    const __m256i more =
        bits_of(_mm256_packus_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8)));
    const __m256i none = _mm256_cmpeq_epi8(more, _mm256_setzero_si256());
    return _mm256_blendv_epi8(_mm256_add_epi8(more, _mm256_set1_epi8(8)), sizes, none);
}

/* Those of 64 bytes, in four quarters, that belong in 32 places. */
AVX2 static __m256i arranged(const __m256i quarters[4], const uint8_t *from)
{
    const __m256i place = load(from);
    __m256i all = _mm256_setzero_si256();
    for (int q = 0; q < 4; q++) {
        /* 0 to 15 in this quarter; the high bit, which gives zero, in the others */
        const __m256i order = _mm256_adds_epu8(
            _mm256_xor_si256(place, _mm256_set1_epi8((char)(16 * q))), _mm256_set1_epi8(0x70));
        all = _mm256_or_si256(all, _mm256_shuffle_epi8(quarters[q], order));
    }
    return all;
}

AVX2 static uint32_t nonzero(__m256i bytes)
{
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256()));
}

AVX2 uint16_t *jpeg_symbols_take_avx2(struct jpeg_symbols *s, const int16_t block[JPEG_BLOCK],
                                      uint64_t *set, uint16_t *numbers)
{
    const __m256i first = _mm256_insert_epi16(load(block), 0, 0);
    const __m256i a = sizes_of(_mm256_abs_epi16(first), _mm256_abs_epi16(load(block + 16)));
    const __m256i b =
        sizes_of(_mm256_abs_epi16(load(block + 32)), _mm256_abs_epi16(load(block + 48)));
    const __m256i quarters[4] = {
        _mm256_permute4x64_epi64(a, 0x44), _mm256_permute4x64_epi64(a, 0xee),
        _mm256_permute4x64_epi64(b, 0x44), _mm256_permute4x64_epi64(b, 0xee)};
    const __m256i low = arranged(quarters, places), high = arranged(quarters, places + 32);
    uint8_t sizes[JPEG_BLOCK];
    _mm256_storeu_si256((__m256i *)(void *)sizes, low);
    _mm256_storeu_si256((__m256i *)(void *)(sizes + 32), high);
    *set = nonzero(low) | (uint64_t)nonzero(high) << 32;
    unsigned last = 0;
    for (uint64_t left = *set; left; left &= left - 1) {
        const unsigned k = (unsigned)__builtin_ctzll(left);
        s->ac[(k - last - 1) * JPEG_SIZES + sizes[k]]++;
        *numbers++ = jpeg_kept_number(block[jpeg_zigzag[k]], sizes[k]);
        last = k;
    }
    if (last + 1 < JPEG_BLOCK)
        s->ac[0]++;
    return numbers;
}

#else

bool jpeg_symbols_has_avx2(void)
{
    return false;
}

uint16_t *jpeg_symbols_take_avx2(struct jpeg_symbols *s, const int16_t block[JPEG_BLOCK],
                                 uint64_t *set, uint16_t *numbers)
{
    (void)s, (void)block, (void)set;
    return numbers;
}

#endif
