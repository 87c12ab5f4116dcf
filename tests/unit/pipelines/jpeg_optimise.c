/* JPEGs whose tables we optimise compared with those of libjpeg alone: every byte. */
#include "pipeline_support.h"

#include <jerror.h>

#include "jpeg_optimise.h"

struct kind {
    J_COLOR_SPACE space; /* of the file */
    int across, down;    /* sampling factors of the first component */
    int quality;
    unsigned restart; /* MCUs between restart markers */
    bool optimised, progressive;
    bool
        crossed; /* the first component has different tables for its first and other coefficients */
};

static uint32_t random_state = 3;

static unsigned any_below(unsigned end)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % end;
}

/* Flat areas, noise of any strength, and edges from black to white. */
static void line_fill(unsigned char *line, size_t n, unsigned noise, unsigned y)
{
    for (size_t i = 0; i < n; i++) {
        int value = 128 + (int)(i / 3 + y) % 50;
        if (noise == 256)
            value = (i / 5 + y / 3) % 2 ? 255 : 0;
        else if (noise)
            value += (int)any_below(noise) - (int)noise / 2;
        line[i] = (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

static void set(struct jpeg_compress_struct *jpeg, const struct kind *kind, unsigned width,
                unsigned height)
{
    jpeg->image_width = width;
    jpeg->image_height = height;
    jpeg->input_components = kind->space == JCS_GRAYSCALE ? 1 : kind->space == JCS_CMYK ? 4 : 3;
    jpeg->in_color_space = kind->space == JCS_YCbCr ? JCS_RGB : kind->space;
    jpeg_set_defaults(jpeg);
    jpeg_set_colorspace(jpeg, kind->space);
    jpeg_set_quality(jpeg, kind->quality, TRUE);
    jpeg->comp_info[0].h_samp_factor = kind->across;
    jpeg->comp_info[0].v_samp_factor = kind->down;
    jpeg->restart_interval = kind->restart;
    jpeg->optimize_coding = kind->optimised;
    if (kind->crossed)
        jpeg->comp_info[0].ac_tbl_no = 1;
    if (kind->progressive)
        jpeg_simple_progression(jpeg);
}

static struct slice write_as(bool ours, const struct kind *kind, unsigned width, unsigned height,
                             unsigned noise, uint32_t *counted)
{
    struct jpeg_optimise *o = calloc(1, sizeof *o);
    struct jpeg_error_mgr errors;
    unsigned char *file = NULL;
    unsigned long size = 0;
    assert_non_null(o);
    o->jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&o->jpeg);
    jpeg_mem_dest(&o->jpeg, &file, &size);
    set(&o->jpeg, kind, width, height);
    if (ours)
        jpeg_optimise_start(o);
    else
        jpeg_start_compress(&o->jpeg, TRUE);
    const size_t line = (size_t)width * (size_t)o->jpeg.input_components;
    JSAMPROW row = malloc(line);
    assert_non_null(row);
    random_state = 5;
    for (unsigned y = 0; y < height; y++) {
        line_fill(row, line, noise, y);
        jpeg_write_scanlines(&o->jpeg, &row, 1);
    }
    jpeg_finish_compress(&o->jpeg);
    jpeg_destroy_compress(&o->jpeg);
    for (unsigned i = *counted = 0; i < JPEG_DC_SIZES; i++)
        *counted += o->symbols[0].dc[i];
    free(row);
    free(o);
    return (struct slice){(char *)file, size};
}

/* Returns the blocks of the first table that were counted by us. */
static uint32_t check(const struct kind *kind, unsigned width, unsigned height, unsigned noise)
{
    uint32_t none, counted;
    struct slice theirs = write_as(false, kind, width, height, noise, &none);
    struct slice ours = write_as(true, kind, width, height, noise, &counted);
    assert_int_equal(ours.size, theirs.size);
    assert_memory_equal(ours.data, theirs.data, ours.size);
    free((void *)(uintptr_t)ours.data);
    free((void *)(uintptr_t)theirs.data);
    return counted;
}

static void the_library_of_the_tests_is_known(void **state)
{
    (void)state;
    struct jpeg_error_mgr errors;
    jpeg_std_error(&errors);
    assert_true(jpeg_optimise_knows(&errors));
    errors.last_jpeg_message++;
    assert_false(jpeg_optimise_knows(&errors));
}

static void random_pictures_have_the_bytes_of_libjpeg(void **state)
{
    (void)state;
    static const int qualities[] = {1, 10, 50, 75, 80, 90, 95, 100};
    static const unsigned noises[] = {0, 4, 20, 100, 255, 256};
    static const int factors[][2] = {{1, 1}, {2, 1}, {1, 2}, {2, 2}, {4, 1}};
    for (unsigned i = 0; i < 400; i++) {
        random_state = i * 2654435761u;
        const unsigned f = any_below(5);
        const struct kind kind = {.space = any_below(4) ? JCS_YCbCr : JCS_GRAYSCALE,
                                  .across = factors[f][0],
                                  .down = factors[f][1],
                                  .quality =
                                      qualities[any_below(sizeof qualities / sizeof qualities[0])],
                                  .optimised = true};
        const unsigned width = any_below(130) + 1, height = any_below(70) + 1;
        const unsigned noise = noises[any_below(sizeof noises / sizeof noises[0])];
        assert_true(check(&kind, width, height, noise) > 0);
    }
}

/* A grey picture has no blocks beside its own. */
static void every_block_is_counted(void **state)
{
    (void)state;
    const struct kind grey = {JCS_GRAYSCALE, 1, 1, 80, 0, true, false, false};
    assert_int_equal(check(&grey, 1, 1, 0), 1);
    assert_int_equal(check(&grey, 8, 8, 100), 1);
    assert_int_equal(check(&grey, 17, 33, 100), 3 * 5);
    const struct kind colour = {JCS_YCbCr, 2, 2, 80, 0, true, false, false};
    assert_int_equal(check(&colour, 17, 33, 100), 2 * 3 * 4);
}

static void unusual_files_are_left_to_libjpeg(void **state)
{
    (void)state;
    static const struct kind kinds[] = {
        {JCS_YCbCr, 2, 2, 80, 7, true, false, false},  /* restart markers */
        {JCS_YCbCr, 2, 2, 80, 0, true, true, false},   /* progressive */
        {JCS_YCbCr, 2, 2, 80, 0, false, false, false}, /* the usual tables */
        {JCS_YCbCr, 2, 2, 80, 0, true, false, true},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        assert_int_equal(check(&kinds[i], 70, 50, 30), 0);
}

static void four_components_share_a_table(void **state)
{
    (void)state;
    const struct kind kind = {JCS_CMYK, 1, 1, 80, 0, true, false, false};
    assert_int_equal(check(&kind, 64, 48, 100), 4 * 8 * 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_library_of_the_tests_is_known),
        cmocka_unit_test(random_pictures_have_the_bytes_of_libjpeg),
        cmocka_unit_test(every_block_is_counted),
        cmocka_unit_test(unusual_files_are_left_to_libjpeg),
        cmocka_unit_test(four_components_share_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
