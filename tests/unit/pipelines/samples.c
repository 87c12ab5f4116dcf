/*
 * The sample photographs, read back with libvips: the properties that each must have, and how they
 * are written. They are created once, in a new directory, for all tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <vips/vips.h>

#include "samples.h"
#include "vips_start.h"

struct written {
    char directory[64];
    char **paths;
    size_t count;
};

static struct written samples;

static void paths_free(char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(paths[i]);
    }
    free(paths);
}

static void directory_make(char out[64])
{
    snprintf(out, 64, "/tmp/test-samples-XXXXXX");
    assert_non_null(mkdtemp(out));
}

/* Removes a directory of plain files; returns how many there were. */
static size_t directory_remove(const char *directory)
{
    GDir *dir = g_dir_open(directory, 0, NULL);
    const char *name;
    size_t count = 0;

    assert_non_null(dir);
    while ((name = g_dir_read_name(dir)) != NULL) {
        char *path = g_build_filename(directory, name, NULL);

        assert_int_equal(unlink(path), 0);
        g_free(path);
        count++;
    }
    g_dir_close(dir);
    assert_int_equal(rmdir(directory), 0);
    return count;
}

static VipsImage *open_sample(const char *name)
{
    char *path = g_build_filename(samples.directory, name, NULL);
    VipsImage *image = vips_image_new_from_file(path, NULL);

    if (image == NULL) {
        fail_msg("%s: %s", path, vips_error_buffer());
    }
    g_free(path);
    return image;
}

static const char *text_of(VipsImage *image, const char *field)
{
    const char *text = NULL;

    return vips_image_get_typeof(image, field) == VIPS_TYPE_REF_STRING &&
                   vips_image_get_string(image, field, &text) == 0
               ? text
               : "";
}

/* The mean of a band over a patch of the upright picture; places and size as parts of its width and
 * height. */
static double patch(VipsImage *upright, double x, double y, int band)
{
    int side = MAX(upright->Xsize / 40, 1);
    VipsImage *area, *one;
    double mean;

    assert_int_equal(vips_extract_area(upright, &area, (int)(x * upright->Xsize) - side / 2,
                                       (int)(y * upright->Ysize) - side / 2, side, side, NULL),
                     0);
    assert_int_equal(vips_extract_band(area, &one, band, NULL), 0);
    assert_int_equal(vips_avg(one, &mean, NULL), 0);
    g_object_unref(area);
    g_object_unref(one);
    return mean;
}

static VipsImage *open_upright(const char *name)
{
    VipsImage *stored = open_sample(name), *upright;

    assert_int_equal(vips_autorot(stored, &upright, NULL), 0);
    g_object_unref(stored);
    return upright;
}

static bool contains_name_with(const char *part)
{
    for (size_t i = 0; i < samples.count; i++) {
        if (strstr(strrchr(samples.paths[i], '/'), part) != NULL) {
            return true;
        }
    }
    return false;
}

/* What is there */

static void every_path_is_a_photograph_that_decodes(void **state)
{
    (void)state;
    assert_true(samples.count >= 12);
    for (size_t i = 0; i < samples.count; i++) {
        VipsImage *image =
            vips_image_new_from_file(samples.paths[i], "fail_on", VIPS_FAIL_ON_WARNING, NULL);
        VipsImage *small;
        double deviation;

        assert_non_null(image);
        assert_int_equal(vips_thumbnail_image(image, &small, 200, NULL), 0);
        assert_int_equal(vips_deviate(small, &deviation, NULL), 0);
        assert_true(deviation > 15); /* no plain field */
        g_object_unref(small);
        g_object_unref(image);
    }
}

static void formats_are_those_that_a_bucket_holds(void **state)
{
    static const struct {
        const char *name, *loader;
    } files[] = {
        {"mountains-in-fog.jpg", "jpegload"}, {"aurora-16-bit.png", "pngload"},
        {"beach.webp", "webpload"},           {"desert dunes.tif", "tiffload"},
        {"bar-chart.gif", "gifload"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        VipsImage *image = open_sample(files[i].name);

        assert_string_equal(text_of(image, "vips-loader"), files[i].loader);
        g_object_unref(image);
    }
}

static void one_jpeg_is_progressive(void **state)
{
    VipsImage *progressive = open_sample("sunset over the sea.jpg");
    VipsImage *baseline = open_sample("mountains-in-fog.jpg");
    int scans = 0;

    (void)state;
    assert_int_equal(vips_image_get_int(progressive, "jpeg-multiscan", &scans), 0);
    assert_true(scans);
    assert_int_equal(vips_image_get_int(baseline, "jpeg-multiscan", &scans), 0);
    assert_false(scans);
    g_object_unref(progressive);
    g_object_unref(baseline);
}

/* The sky is up, and what is on the left is on the left, once the EXIF orientation is followed. */
static void turned_files_are_upright_when_the_orientation_is_followed(void **state)
{
    static const struct {
        const char *name;
        int orientation;
        bool portrait;
    } files[] = {
        {"still-life-mirrored-2.jpg", 2, false}, {"balloons + sky (orientation 3).jpg", 3, false},
        {"windmill-mirrored-5.jpg", 5, false},   {"portrait-orientation-6.jpg", 6, true},
        {"forest-orientation-8.jpg", 8, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        VipsImage *stored = open_sample(files[i].name), *upright = open_upright(files[i].name);

        assert_int_equal(vips_image_get_orientation(stored), files[i].orientation);
        assert_int_equal(upright->Ysize > upright->Xsize, files[i].portrait);
        g_object_unref(stored);
        g_object_unref(upright);
    }
    VipsImage *balloons = open_upright("balloons + sky (orientation 3).jpg");
    assert_true(patch(balloons, 0.6, 0.05, 2) >
                patch(balloons, 0.6, 0.95, 2) + 50); /* blue over green */
    g_object_unref(balloons);
    VipsImage *mill =
        open_upright("windmill-mirrored-5.jpg"); /* right of the middle, on the ground */
    assert_true(patch(mill, 0.60, 0.60, 0) > patch(mill, 0.60, 0.60, 2) + 30);
    assert_true(patch(mill, 0.40, 0.60, 2) > patch(mill, 0.40, 0.60, 0));
    g_object_unref(mill);
    VipsImage *face =
        open_upright("portrait-orientation-6.jpg"); /* lit evening behind, dark shoulders below */
    assert_true(patch(face, 0.30, 0.93, 0) < 80 && patch(face, 0.95, 0.75, 0) > 120);
    g_object_unref(face);
    VipsImage *fruit = open_upright("still-life-mirrored-2.jpg"); /* a lemon on the left alone */
    assert_true(patch(fruit, 0.17, 0.58, 0) > patch(fruit, 0.17, 0.58, 2) + 80);
    assert_true(patch(fruit, 0.90, 0.58, 0) < patch(fruit, 0.90, 0.58, 2) + 20);
    g_object_unref(fruit);
    VipsImage *wood = open_upright("forest-orientation-8.jpg"); /* light comes from above */
    assert_true(patch(wood, 0.35, 0.05, 1) > patch(wood, 0.35, 0.97, 1));
    g_object_unref(wood);
}

static const void *profile_of(VipsImage *image, size_t *size)
{
    const void *data = NULL;

    *size = 0;
    if (vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0) {
        assert_int_equal(vips_image_get_blob(image, VIPS_META_ICC_NAME, &data, size), 0);
    }
    return data;
}

/* The red of the poppies must leave sRGB when the profile is followed: else it is not worth a
 * sample. */
static void one_profile_is_wider_than_srgb(void **state)
{
    VipsImage *image = open_sample("lavender-display-p3.jpg"), *lab, *wide;
    VipsBlob *p3;
    size_t size, p3_size;
    double least;

    (void)state;
    const void *profile = profile_of(image, &size);
    assert_int_equal(vips_profile_load("p3", &p3, NULL), 0);
    const void *expected = vips_blob_get(p3, &p3_size);
    assert_int_equal(size, p3_size);
    assert_memory_equal(profile, expected, size);
    vips_area_unref(VIPS_AREA(p3));
    assert_int_equal(vips_icc_import(image, &lab, "embedded", TRUE, NULL), 0);
    assert_int_equal(vips_colourspace(lab, &wide, VIPS_INTERPRETATION_scRGB, NULL), 0);
    assert_int_equal(vips_min(wide, &least, NULL), 0);
    assert_true(least < -0.005);
    g_object_unref(wide);
    g_object_unref(lab);
    g_object_unref(image);
}

static void one_jpeg_is_cmyk_and_one_is_grey(void **state)
{
    VipsImage *cmyk = open_sample("still-life-cmyk.jpg"),
              *grey = open_sample("lighthouse-grey.jpg");

    (void)state;
    assert_int_equal(cmyk->Type, VIPS_INTERPRETATION_CMYK);
    assert_int_equal(cmyk->Bands, 4);
    assert_int_equal(grey->Type, VIPS_INTERPRETATION_B_W);
    assert_int_equal(grey->Bands, 1);
    g_object_unref(cmyk);
    g_object_unref(grey);
}

static void one_png_is_transparent(void **state)
{
    VipsImage *image = open_sample("50% off + more.png"), *alpha;
    double least, most;

    (void)state;
    assert_true(vips_image_hasalpha(image));
    assert_int_equal(vips_extract_band(image, &alpha, 3, NULL), 0);
    assert_int_equal(vips_min(alpha, &least, NULL), 0);
    assert_int_equal(vips_max(alpha, &most, NULL), 0);
    assert_true(least == 0 && most == 255);
    assert_true(patch(image, 0.02, 0.9, 3) < 5);
    assert_true(patch(image, 0.5, 0.5, 3) > 250);
    g_object_unref(alpha);
    g_object_unref(image);
}

/* Deep in more than name: some samples must lie between the 256 steps that 8 bits have. */
static void one_png_has_16_bits(void **state)
{
    VipsImage *image = open_sample("aurora-16-bit.png");
    size_t size, between = 0;

    (void)state;
    assert_int_equal(image->BandFmt, VIPS_FORMAT_USHORT);
    uint16_t *values = vips_image_write_to_memory(image, &size);
    assert_non_null(values);
    for (size_t i = 0; i < size / 2; i++) {
        between += values[i] % 257 != 0;
    }
    assert_true(between > size / 4);
    g_free(values);
    g_object_unref(image);
}

static void one_jpeg_has_24_megapixels(void **state)
{
    VipsImage *image = open_sample("sierra-24-megapixels.jpg");

    (void)state;
    assert_int_equal(image->Xsize, 6000);
    assert_int_equal(image->Ysize, 4000);
    g_object_unref(image);
}

static void one_gif_moves(void **state)
{
    VipsImage *still = open_sample("bar-chart.gif"), *moving = open_sample("windmill-animated.gif");
    char *path = g_build_filename(samples.directory, "windmill-animated.gif", NULL);
    VipsImage *all = vips_image_new_from_file(path, "n", -1, NULL), *first, *second, *difference;
    double most;

    (void)state;
    assert_int_equal(vips_image_get_n_pages(still), 1);
    assert_true(vips_image_get_n_pages(moving) > 1);
    assert_non_null(all);
    int height = vips_image_get_page_height(all);
    assert_int_equal(all->Ysize, height * vips_image_get_n_pages(moving));
    assert_int_equal(vips_crop(all, &first, 0, 0, all->Xsize, height, NULL), 0);
    assert_int_equal(vips_crop(all, &second, 0, height, all->Xsize, height, NULL), 0);
    assert_int_equal(vips_subtract(first, second, &difference, NULL), 0);
    assert_int_equal(vips_max(difference, &most, NULL), 0);
    assert_true(most > 60);
    g_object_unref(difference);
    g_object_unref(second);
    g_object_unref(first);
    g_object_unref(all);
    g_object_unref(moving);
    g_object_unref(still);
    g_free(path);
}

static void camera_year_and_location_are_labelled(void **state)
{
    VipsImage *told = open_sample("sunset over the sea.jpg"),
              *untold = open_sample("still-life-mirrored-2.jpg");

    (void)state;
    assert_non_null(strstr(text_of(told, "exif-ifd0-Make"), "Thumbwheel"));
    assert_non_null(strstr(text_of(told, "exif-ifd0-Model"), "Field Camera 5"));
    assert_non_null(strstr(text_of(told, "exif-ifd2-DateTimeOriginal"), "2019:06:21 21:14:05"));
    assert_true(text_of(told, "exif-ifd3-GPSLatitude")[0] != '\0');
    assert_true(text_of(told, "exif-ifd3-GPSLongitude")[0] != '\0');
    assert_string_equal(text_of(untold, "exif-ifd0-Model"), "");
    g_object_unref(told);
    g_object_unref(untold);
}

static void names_need_encoding(void **state)
{
    (void)state;
    assert_true(contains_name_with(" "));
    assert_true(contains_name_with("+"));
    assert_true(contains_name_with("%"));
    assert_true(contains_name_with("Caf\xc3\xa9 cr\xc3\xa8me.jpg"));
    assert_true(contains_name_with("\xe6\x9d\xb1\xe4\xba\xac \xe5\xa4\x9c\xe6\x99\xaf.jpg"));
    for (size_t i = 0; i < samples.count; i++) {
        assert_true(g_utf8_validate(samples.paths[i], -1, NULL));
    }
}

/* How they are written */

static void file_fill(const char *directory, const char *name, const char *text)
{
    char *path = g_build_filename(directory, name, NULL);

    assert_true(g_file_set_contents(path, text, -1, NULL));
    g_free(path);
}

static void assert_same_files(const char *one, const char *other, const char *name)
{
    char *paths[2] = {g_build_filename(one, name, NULL), g_build_filename(other, name, NULL)};
    char *bytes[2];
    size_t sizes[2];

    for (int i = 0; i < 2; i++) {
        assert_true(g_file_get_contents(paths[i], &bytes[i], &sizes[i], NULL));
    }
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], sizes[0]);
    for (int i = 0; i < 2; i++) {
        g_free(bytes[i]);
        g_free(paths[i]);
    }
}

/* Into a directory where all but two are present: those are kept as they are, and the two come out
 * as before. */
static void present_files_are_kept_and_missing_ones_are_the_same_again(void **state)
{
    static const char *const missing[] = {"50% off + more.png", "bar-chart.gif"};
    char directory[64], **paths = NULL;
    size_t count = 0;
    struct error error;

    (void)state;
    directory_make(directory);
    for (size_t i = 0; i < samples.count; i++) {
        const char *name = strrchr(samples.paths[i], '/') + 1;

        if (strcmp(name, missing[0]) != 0 && strcmp(name, missing[1]) != 0) {
            file_fill(directory, name, "mine");
        }
    }
    assert_int_equal(samples_write(directory, &paths, &count, &error), 0);
    assert_int_equal(count, samples.count);
    assert_same_files(directory, samples.directory, missing[0]);
    assert_same_files(directory, samples.directory, missing[1]);
    for (size_t i = 0; i < count; i++) {
        const char *name = strrchr(paths[i], '/') + 1;
        char *text;

        assert_true(g_file_get_contents(paths[i], &text, NULL, NULL));
        assert_int_equal(strcmp(text, "mine") != 0,
                         strcmp(name, missing[0]) == 0 || strcmp(name, missing[1]) == 0);
        g_free(text);
    }
    paths_free(paths, count);
    assert_int_equal(directory_remove(directory), count); /* and nothing beside them */
}

static void paths_are_appended(void **state)
{
    char **paths = malloc(sizeof(*paths));
    size_t count = 1;
    struct error error;

    (void)state;
    paths[0] = strdup("before");
    assert_int_equal(samples_write(samples.directory, &paths, &count, &error), 0);
    assert_int_equal(count, samples.count + 1);
    assert_string_equal(paths[0], "before");
    assert_string_equal(paths[1], samples.paths[0]);
    paths_free(paths, count);
}

static void a_directory_that_cannot_be_made_is_named(void **state)
{
    char **paths = NULL;
    size_t count = 0;
    struct error error = {0};

    (void)state;
    assert_int_equal(samples_write("/dev/null/samples", &paths, &count, &error), ERR_IO);
    assert_int_equal(error.code, ERR_IO);
    assert_non_null(strstr(error.text, "/dev/null/samples"));
    assert_int_equal(count, 0);
    paths_free(paths, count);
}

static int start(void **state)
{
    struct error error;

    (void)state;
    if (pipelines_start("test_samples", &error)) {
        return -1;
    }
    vips_block_untrusted_set(TRUE);
    directory_make(samples.directory);
    int code = samples_write(samples.directory, &samples.paths, &samples.count, &error);
    if (code != 0) {
        print_error("%s\n", error.text);
    }
    return code;
}

static int stop(void **state)
{
    (void)state;
    paths_free(samples.paths, samples.count);
    assert_int_equal(directory_remove(samples.directory), samples.count);
    pipelines_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_is_a_photograph_that_decodes),
        cmocka_unit_test(formats_are_those_that_a_bucket_holds),
        cmocka_unit_test(one_jpeg_is_progressive),
        cmocka_unit_test(turned_files_are_upright_when_the_orientation_is_followed),
        cmocka_unit_test(one_profile_is_wider_than_srgb),
        cmocka_unit_test(one_jpeg_is_cmyk_and_one_is_grey),
        cmocka_unit_test(one_png_is_transparent),
        cmocka_unit_test(one_png_has_16_bits),
        cmocka_unit_test(one_jpeg_has_24_megapixels),
        cmocka_unit_test(one_gif_moves),
        cmocka_unit_test(camera_year_and_location_are_labelled),
        cmocka_unit_test(names_need_encoding),
        cmocka_unit_test(present_files_are_kept_and_missing_ones_are_the_same_again),
        cmocka_unit_test(paths_are_appended),
        cmocka_unit_test(a_directory_that_cannot_be_made_is_named),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
