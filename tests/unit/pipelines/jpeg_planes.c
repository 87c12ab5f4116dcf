/* Decoding and resizing by components. The pictures are waves, of which any size can be computed: a
 * shift by half a pixel would be an error of many steps. */
#include "pipeline_support.h"

#include <math.h>
#include <stdio.h>
/* after stdio.h, which it needs */
#include <jpeglib.h>

#include "jpeg_planes.h"
#include "resample.h"

enum { QUALITY = 100, EDGE = 4 };

struct kind {
    J_COLOR_SPACE space; /* in the file */
    int across, down;    /* sampling factors of the first component */
    unsigned restart;    /* MCUs between restart markers */
    bool progressive;
};

static const struct kind usual = {JCS_YCbCr, 2, 2, 0, false};

/* At a place of the picture, in its pixels. */
static double wave(double x, double y, unsigned channel)
{
    static const double lengths[] = {40, 56, 72};
    return 128 + 50 * sin(2 * M_PI * x / lengths[channel]) +
           40 * cos(2 * M_PI * y / lengths[(channel + 1) % 3]);
}

static void begin(struct jpeg_compress_struct *jpeg, struct plan_size size, const struct kind *kind)
{
    jpeg->image_width = size.width;
    jpeg->image_height = size.height;
    jpeg->input_components = kind->space == JCS_GRAYSCALE ? 1 : kind->space == JCS_CMYK ? 4 : 3;
    jpeg->in_color_space = kind->space == JCS_YCbCr ? JCS_RGB : kind->space;
    jpeg_set_defaults(jpeg);
    jpeg_set_colorspace(jpeg, kind->space);
    jpeg_set_quality(jpeg, QUALITY, TRUE);
    jpeg->comp_info[0].h_samp_factor = kind->across;
    jpeg->comp_info[0].v_samp_factor = kind->down;
    jpeg->restart_interval = kind->restart;
    if (kind->progressive)
        jpeg_simple_progression(jpeg);
    jpeg_start_compress(jpeg, TRUE);
}

static struct slice jpeg_of(struct plan_size size, const struct kind *kind)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *file = NULL;
    unsigned long bytes = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &file, &bytes);
    begin(&jpeg, size, kind);
    unsigned char *line = malloc((size_t)size.width * 4);
    assert_non_null(line);
    const unsigned bands = (unsigned)jpeg.input_components;
    for (unsigned y = 0; y < size.height; y++) {
        for (unsigned i = 0; i < size.width * bands; i++) {
            const unsigned x = i / bands;
            line[i] = (unsigned char)lround(wave(x + 0.5, y + 0.5, i % bands % 3));
        }
        JSAMPROW row = line;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    free(line);
    return (struct slice){(char *)file, bytes};
}

static void slice_free(struct slice file)
{
    free((void *)(uintptr_t)file.data);
}

static int resize(struct slice file, struct plan_size size, unsigned shrink, struct plan_size to,
                  unsigned char **out)
{
    *out = malloc((size_t)to.width * to.height * 3);
    assert_non_null(*out);
    return jpeg_planes_resize(file, size, shrink, to, *out);
}

/* Of the root of the mean square. A shift by half of a decoded pixel is an error of 2.8 × shrink; the
 * rounding of a JPEG of the best quality is one of 1, and libjpeg's mean of a block flattens waves. */
static double tolerance(unsigned shrink)
{
    return 1.4 + shrink * shrink * 0.12;
}

static double error_of(const unsigned char *out, struct plan_size size, struct plan_size to)
{
    double across = (double)size.width / to.width, down = (double)size.height / to.height, sum = 0;
    for (unsigned y = EDGE; y + EDGE < to.height; y++) {
        for (unsigned i = EDGE * 3; i < (to.width - EDGE) * 3; i++) {
            const unsigned x = i / 3;
            double exact = wave((x + 0.5) * across, (y + 0.5) * down, i % 3);
            sum += pow(out[(size_t)y * to.width * 3 + i] - exact, 2);
        }
    }
    return sqrt(sum / ((to.height - 2.0 * EDGE) * (to.width - 2.0 * EDGE) * 3));
}

static void check(struct plan_size size, const struct kind *kind, unsigned shrink,
                  struct plan_size to)
{
    struct slice file = jpeg_of(size, kind);
    unsigned char *out;
    assert_int_equal(resize(file, size, shrink, to, &out), 0);
    double error = error_of(out, size, to);
    if (error > tolerance(shrink))
        fail_msg("%u × %u, %d × %d, 1/%u, to %u × %u: %.2f", size.width, size.height, kind->across,
                 kind->down, shrink, to.width, to.height, error);
    free(out);
    slice_free(file);
}

static void every_form_of_jpeg_keeps_its_place(void **state)
{
    (void)state;
    static const struct kind kinds[] = {{JCS_YCbCr, 1, 1, 0, false},
                                        {JCS_YCbCr, 2, 1, 0, false},
                                        {JCS_YCbCr, 1, 2, 0, false},
                                        {JCS_YCbCr, 2, 2, 0, false},
                                        {JCS_YCbCr, 2, 2, 3, false}};
    static const struct plan_size sizes[] = {{640, 480}, {639, 479}, {641, 481}, {655, 497}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            for (unsigned shrink = 1; shrink <= 8; shrink *= 2)
                check(sizes[s], &kinds[k], shrink, (struct plan_size){77, 58});
            check(sizes[s], &kinds[k], 1, (struct plan_size){638, 478});
            check(sizes[s], &kinds[k], 2, (struct plan_size){300, 230});
        }
    }
}

static void check_left_alone(struct slice file, struct plan_size size)
{
    unsigned char *out;
    assert_int_equal(resize(file, size, 1, (struct plan_size){40, 30}, &out), ERR_UNSUPPORTED);
    free(out);
}

static void other_kinds_are_left_to_the_usual_way(void **state)
{
    (void)state;
    const struct plan_size size = {160, 120};
    static const struct kind kinds[] = {{JCS_GRAYSCALE, 1, 1, 0, false},
                                        {JCS_CMYK, 1, 1, 0, false},
                                        {JCS_RGB, 1, 1, 0, false},
                                        {JCS_YCbCr, 4, 1, 0, false},
                                        {JCS_YCbCr, 2, 2, 0, true}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct slice file = jpeg_of(size, &kinds[k]);
        check_left_alone(file, size);
        slice_free(file);
    }
    struct slice file = jpeg_of(size, &usual);
    check_left_alone(file, (struct plan_size){160, 121});
    slice_free(file);
}

/* At each place where the file can break off, and with each byte changed. */
static void damage_is_left_to_the_usual_way(void **state)
{
    (void)state;
    const struct plan_size size = {96, 64}, to = {24, 16};
    struct slice file = jpeg_of(size, &(struct kind){JCS_YCbCr, 2, 2, 4, false});
    const size_t end = file.size - 2; /* the end marker is not needed */
    for (size_t cut = 0; cut + 16 < end; cut++) {
        char *part = malloc(cut + 1); /* so that reading beyond it is detected */
        assert_non_null(part);
        memcpy(part, file.data, cut);
        unsigned char *out;
        assert_int_equal(resize((struct slice){part, cut}, size, 1, to, &out), ERR_UNSUPPORTED);
        free(out);
        free(part);
    }
    char *changed = malloc(file.size);
    assert_non_null(changed);
    for (size_t at = 0; at < file.size; at++) {
        memcpy(changed, file.data, file.size);
        changed[at] = (char)~changed[at];
        unsigned char *out;
        int code = resize((struct slice){changed, file.size}, size, 1, to, &out);
        assert_true(code == 0 || code == ERR_UNSUPPORTED);
        free(out);
    }
    free(changed);
    slice_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_jpeg_keeps_its_place),
        cmocka_unit_test(other_kinds_are_left_to_the_usual_way),
        cmocka_unit_test(damage_is_left_to_the_usual_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
