/* The encoder of plain JPEGs compared with libvips, which calls the same library: every byte. */
#include "image_support.h"

#include "image_save.h"
#include "pipeline_file.h"

static const int chromas[] = {CHROMA_AUTO, CHROMA_444, CHROMA_420};
static const VipsForeignSubsample subsamplings[] = {
    VIPS_FOREIGN_SUBSAMPLE_AUTO, VIPS_FOREIGN_SUBSAMPLE_OFF, VIPS_FOREIGN_SUBSAMPLE_ON};

/* In memory, as the stages of a render are. */
static VipsImage *in_memory(VipsImage *lazy, VipsInterpretation type)
{
    VipsImage *made = vips_image_copy_memory(lazy);
    assert_non_null(made);
    made->Type = type;
    g_object_unref(lazy);
    return made;
}

static void check_settings(VipsImage *image, const struct output_config *config, size_t chroma)
{
    struct bytes ours;
    struct error error;
    void *theirs;
    size_t size;
    assert_int_equal(image_save(image, FORMAT_JPEG, config, &ours, &error), 0);
    MUST(vips_jpegsave_buffer(image, &theirs, &size, "Q", config->quality, "optimize_coding",
                              config->effort != 0, "interlace", config->progressive,
                              "subsample_mode", subsamplings[chroma], "strip", TRUE, NULL));
    assert_int_equal(ours.size, size);
    assert_memory_equal(ours.data, theirs, size);
    g_free(theirs);
    bytes_free(&ours);
}

static void check_picture(VipsImage *image)
{
    static const int qualities[] = {1, 50, 80, 89, 90, 100};
    for (size_t q = 0; q < sizeof qualities / sizeof qualities[0]; q++) {
        for (size_t c = 0; c < sizeof chromas / sizeof chromas[0]; c++) {
            for (int i = 0; i < 4; i++) {
                const struct output_config config = {.quality = qualities[q],
                                                     .chroma = chromas[c],
                                                     .effort = i & 1 ? 0 : -1,
                                                     .progressive = i & 2,
                                                     .near_lossless = -1,
                                                     .strip = true};
                check_settings(image, &config, c);
            }
        }
    }
    g_object_unref(image);
}

static void every_setting_gives_the_bytes_of_libvips(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {7, 5}, {64, 48}, {131, 97}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        VipsImage *grey = NULL, *colour = photograph(sizes[i][0], sizes[i][1]);
        MUST(vips_extract_band(colour, &grey, 0, NULL));
        check_picture(in_memory(grey, VIPS_INTERPRETATION_B_W));
        check_picture(in_memory(colour, VIPS_INTERPRETATION_sRGB));
    }
}

/* A picture that is not in memory yet is left to libvips. */
static void lazy_pictures_are_encoded_as_well(void **state)
{
    (void)state;
    VipsImage *source = in_memory(photograph(64, 48), VIPS_INTERPRETATION_sRGB), *turned = NULL;
    MUST(vips_flip(source, &turned, VIPS_DIRECTION_VERTICAL, NULL));
    const struct output_config config = {
        .quality = 80, .chroma = CHROMA_AUTO, .effort = -1, .near_lossless = -1, .strip = true};
    check_settings(turned, &config, 0);
    g_object_unref(turned);
    g_object_unref(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_gives_the_bytes_of_libvips),
        cmocka_unit_test(lazy_pictures_are_encoded_as_well),
    };
    return cmocka_run_group_tests(tests, start_pipelines, stop_pipelines);
}
