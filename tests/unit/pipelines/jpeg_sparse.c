/* The inverse DCT of blocks with few coefficients beside libjpeg's: the same samples. */
#include "pipeline_support.h"

#include <stdio.h>
/* after stdio.h, which it needs */
#include <jpeglib.h>
/* after jpeglib.h, which it needs */
#include <jpegint.h>

#include "jpeg_random.h"
#include "jpeg_sparse.h"

enum { SIDE = 256, SAMPLES = 3 * SIDE * SIDE };

/* All samples, a component after the other for each row of MCUs. Returns their number. */
static size_t decode(struct slice file, unsigned shrink, bool ours, unsigned char *out)
{
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, (const unsigned char *)file.data, file.size);
    jpeg_read_header(&jpeg, TRUE);
    jpeg.raw_data_out = TRUE;
    jpeg.scale_denom = shrink;
    jpeg_start_decompress(&jpeg);
    if (ours)
        jpeg_sparse_use(&jpeg);
    size_t count = 0;
    while (jpeg.output_scanline < jpeg.output_height) {
        JSAMPROW rows[3][2 * DCTSIZE];
        JSAMPARRAY planes[3] = {rows[0], rows[1], rows[2]};
        for (int i = 0; i < 3; i++) {
            for (int row = 0; row < jpeg.comp_info[i].v_samp_factor * DCTSIZE; row++) {
                rows[i][row] = out + count;
                count += SIDE;
            }
        }
        jpeg_read_raw_data(&jpeg, planes, 2 * DCTSIZE);
    }
    jpeg_destroy_decompress(&jpeg);
    return count;
}

static void check(struct slice file, unsigned shrink, const char *what)
{
    static unsigned char ours[2 * SAMPLES], theirs[2 * SAMPLES];
    memset(ours, 0, sizeof ours);
    memset(theirs, 0, sizeof theirs);
    const size_t count = decode(file, shrink, true, ours);
    assert_int_equal(decode(file, shrink, false, theirs), count);
    for (size_t i = 0; i < count; i++) {
        if (ours[i] != theirs[i])
            fail_msg("%s, 1/%u: sample %zu is %u, of libjpeg %u", what, shrink, i, ours[i],
                     theirs[i]);
    }
}

/* Tables and coefficients whose products an encoder can make: 12 bits. */
static void each_sample_is_that_of_libjpeg(void **state)
{
    (void)state;
    static const struct {
        int quality;
        unsigned bits;
    } ranges[] = {{100, 10}, {90, 6}, {50, 4}, {10, 3}};
    static const unsigned densities[] = {1, 4, 16, 64};
    random_begin(1);
    for (size_t r = 0; r < sizeof ranges / sizeof ranges[0]; r++) {
        for (size_t d = 0; d < sizeof densities / sizeof densities[0]; d++) {
            for (unsigned corner = 1; corner <= 8; corner++) {
                const struct random_jpeg picture = {{201, 100}, 1 + (int)corner % 2, 1 + (int)r % 2,
                                                    0,          densities[d],        ranges[r].bits,
                                                    corner,     ranges[r].quality,   true};
                struct slice file = random_jpeg_make(&picture);
                char what[100];
                snprintf(what, sizeof what, "quality %d, density %u, corner %u", picture.quality,
                         picture.density, corner);
                for (unsigned shrink = 1; shrink <= 2; shrink++)
                    check(file, shrink, what);
                free((void *)(uintptr_t)file.data);
            }
        }
    }
}

/* A pair of coefficients in all places: which blocks are sparse is decided rightly. */
static void transform_both(j_decompress_ptr jpeg, unsigned a, unsigned b)
{
    JSAMPLE samples[2][DCTSIZE][DCTSIZE];
    JSAMPROW rows[2][DCTSIZE];
    JCOEF block[64] = {0};
    block[a] = (JCOEF)(1 + random_below(200));
    block[b] = (JCOEF)(-1 - (int)random_below(200));
    for (int i = 0; i < DCTSIZE; i++) {
        rows[0][i] = samples[0][i];
        rows[1][i] = samples[1][i];
    }
    inverse_DCT_method_ptr theirs = jpeg->idct->inverse_DCT[0];
    struct jpeg_inverse_dct *idct = jpeg->idct;
    theirs(jpeg, &jpeg->comp_info[0], block, rows[0], 0);
    jpeg_sparse_use(jpeg);
    jpeg->idct->inverse_DCT[0](jpeg, &jpeg->comp_info[0], block, rows[1], 0);
    jpeg->idct = idct;
    if (memcmp(samples[0], samples[1], sizeof samples[0]) != 0)
        fail_msg("coefficients %u and %u", a, b);
}

static void each_pair_of_coefficients_is_transformed(void **state)
{
    (void)state;
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct slice file =
        random_jpeg_make(&(struct random_jpeg){{16, 16}, 1, 1, 0, 4, 3, 8, 100, false});
    random_begin(2);
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, (const unsigned char *)file.data, file.size);
    jpeg_read_header(&jpeg, TRUE);
    jpeg.raw_data_out = TRUE;
    jpeg_start_decompress(&jpeg);
    for (unsigned a = 0; a < 64; a++) {
        for (unsigned b = 0; b < 64; b++)
            transform_both(&jpeg, a, b);
    }
    jpeg_destroy_decompress(&jpeg);
    free((void *)(uintptr_t)file.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sample_is_that_of_libjpeg),
        cmocka_unit_test(each_pair_of_coefficients_is_transformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
