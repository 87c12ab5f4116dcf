/*
 * The sample photographs: twenty-one pictures that are painted and encoded at run time, so that the
 * repository contains no binary files and a first run needs no photographs. Together they cover the
 * inputs that a pipeline must handle: each row of the table says what it tests. The same program
 * writes the same pictures every time.
 *
 * Files are created atomically (written under a temporary name, then renamed), and existing files
 * are kept.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "files.h"
#include "samples.h"
#include "samples_private.h"
#include "vips_api.h"
#include "vips_start.h"

#define SHOT(camera, time)                                                                         \
    {                                                                                              \
        .model = (camera), .taken = (time)                                                         \
    }
#define SHOT_AT(camera, time, lat, ns, lon, ew)                                                    \
    {                                                                                              \
        camera, time, lat, ns, lon, ew                                                             \
    }

static const struct sample samples[] = {
    /* the ordinary case: baseline JPEG */
    {"mountains-in-fog.jpg", scene_fog, SAMPLE_JPEG, 780, 520, 2, 1, 1,
     SHOT("Field Camera 2", "2014:10:05 07:42:11")},
    /* progressive JPEG with all metadata that a camera writes */
    {"sunset over the sea.jpg", scene_sunset, SAMPLE_JPEG_PROGRESSIVE, 900, 600, 3, 1, 1,
     SHOT_AT("Field Camera 5", "2019:06:21 21:14:05", "43/1 22/1 12/1", "N", "8/1 25/1 40/1", "W")},
    /* EXIF orientation: upside down, rotated left and right, mirrored, mirrored and rotated */
    {"balloons + sky (orientation 3).jpg", scene_balloons, SAMPLE_JPEG, 780, 520, 2, 1, 3,
     SHOT("Pocket Camera 1", "2021:05:02 06:58:30")},
    {"portrait-orientation-6.jpg", scene_portrait, SAMPLE_JPEG, 576, 720, 2, 1, 6,
     SHOT("Pocket Camera 1", "2023:08:19 20:31:44")},
    {"forest-orientation-8.jpg", scene_forest, SAMPLE_JPEG, 512, 768, 2, 1, 8,
     SHOT_AT("Field Camera 2", "2016:07:12 06:05:09", "48/1 31/1 0/1", "N", "8/1 12/1 30/1", "E")},
    {"still-life-mirrored-2.jpg", scene_fruit, SAMPLE_JPEG, 780, 520, 2, 1, 2, {0}},
    {"windmill-mirrored-5.jpg", scene_windmill, SAMPLE_JPEG, 640, 480, 2, 1, 5, {0}},
    /* a profile with colours outside sRGB */
    {"lavender-display-p3.jpg", scene_lavender, SAMPLE_JPEG_P3, 840, 560, 2, 1, 1,
     SHOT_AT("Phone 12", "2022:07:03 21:02:57", "43/1 55/1 10/1", "N", "6/1 8/1 15/1", "E")},
    /* for print */
    {"still-life-cmyk.jpg", scene_fruit, SAMPLE_JPEG_CMYK, 640, 480, 2, 1, 1, {0}},
    {"lighthouse-grey.jpg", scene_lighthouse, SAMPLE_JPEG_GREY, 780, 520, 2, 1, 1,
     SHOT("Plate Camera 9", "1999:11:30 16:20:00")},
    /* transparent; its name must be encoded in URLs and events */
    {"50% off + more.png", scene_sale, SAMPLE_PNG_ALPHA, 900, 630, 1, 1, 1, {0}},
    {"aurora-16-bit.png", scene_aurora, SAMPLE_PNG_16, 960, 640, 1, 1, 1, {0}},
    {"beach.webp", scene_beach, SAMPLE_WEBP, 780, 520, 2, 1, 1, {0}},
    {"desert dunes.tif", scene_dunes, SAMPLE_TIFF, 1080, 720, 1, 1, 1, {0}},
    {"bar-chart.gif", scene_chart, SAMPLE_GIF, 640, 400, 1, 1, 1, {0}},
    {"windmill-animated.gif", scene_windmill, SAMPLE_GIF, 320, 240, 1, 8, 1, {0}},
    /* 24 megapixels */
    {"sierra-24-megapixels.jpg", scene_sierra, SAMPLE_JPEG, 1200, 800, 5, 1, 1,
     SHOT_AT("Field Camera 9", "2024:09:14 09:26:53", "37/1 44/1 45/1", "N", "119/1 35/1 15/1",
             "W")},
    /* names beyond ASCII, composed and in another script */
    {"Caf\xc3\xa9 cr\xc3\xa8me.jpg", scene_coffee, SAMPLE_JPEG, 780, 520, 2, 1, 1,
     SHOT("Phone 12", "2025:02:08 10:15:00")},
    {"\xe6\x9d\xb1\xe4\xba\xac \xe5\xa4\x9c\xe6\x99\xaf.jpg", scene_skyline, SAMPLE_JPEG, 900, 600,
     2, 1, 1,
     SHOT_AT("Field Camera 5", "2018:12:24 19:45:21", "35/1 39/1 30/1", "N", "139/1 44/1 40/1",
             "E")},
    {"cabin in the snow.jpg", scene_cabin, SAMPLE_JPEG, 780, 520, 2, 1, 1,
     SHOT("Field Camera 2", "2017:01:15 16:48:02")},
    {"wildflower meadow.jpg", scene_meadow, SAMPLE_JPEG, 840, 560, 2, 1, 1,
     SHOT("Phone 12", "2020:06:07 14:03:38")},
};

enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };

/* A power failure may leave an empty file. */
static bool is_there(const char *path)
{
    struct stat facts;

    return stat(path, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size > 0;
}

static char *sample_path(const char *directory, size_t index)
{
    return path_join(directory, samples[index].name);
}

static int sample_write(const struct sample *sample, const char *path, struct error *error)
{
    void *bytes = NULL;
    size_t size = 0;
    int code = pipelines_start("thumbwheel", error);

    if (code != 0) {
        return code;
    }
    code = sample_encode(sample, &bytes, &size);
    vips_thread_shutdown();
    if (code != 0) {
        return error_set(error, code, "cannot make the sample %s: %s", sample->name,
                         code == ERR_MEMORY
                             ? "out of memory"
                             : "libvips refused; check that it is Debian's libvips42");
    }
    code = file_write(path, bytes, size, error);
    g_free(bytes);
    return code;
}

size_t samples_count(void)
{
    return SAMPLES;
}

size_t samples_missing(const char *directory)
{
    size_t missing = 0;

    for (size_t i = 0; i < SAMPLES; i++) {
        char *path = sample_path(directory, i);

        missing += path == NULL || !is_there(path);
        free(path);
    }
    return missing;
}

int sample_make(const char *directory, size_t index, char **out, struct error *error)
{
    char *path = sample_path(directory, index);
    int code;

    *out = NULL;
    if (path == NULL) {
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    code = is_there(path) ? 0 : sample_write(&samples[index], path, error);
    if (code != 0) {
        free(path);
        return code;
    }
    *out = path;
    return 0;
}

/* Appends a path and takes ownership of it. */
static int paths_append(char ***paths, size_t *count, char *path)
{
    char **grown = realloc(*paths, (*count + 1) * sizeof(*grown));

    if (grown == NULL) {
        free(path);
        return ERR_MEMORY;
    }
    *paths = grown;
    grown[(*count)++] = path;
    return 0;
}

int samples_write(const char *directory, char ***paths, size_t *count, struct error *error)
{
    int code = directory_make(directory, 0755, error);
    if (code != 0) {
        error_prefix(error, "%s", directory);
        return code;
    }

    for (size_t i = 0; i < SAMPLES && code == 0; i++) {
        char *path;

        code = sample_make(directory, i, &path, error);
        if (code == 0 && paths_append(paths, count, path) != 0) {
            code = error_set(error, ERR_MEMORY, "out of memory");
        }
    }
    return code;
}
