/*
 * Generates photos for measurements: the built-in samples, enlarged to between 1 and 8 megapixels,
 * with a little sensor noise so that their size is realistic, as JPEGs of quality 90. Mixed ones
 * are JPEG (some of them progressive), PNG and WebP of 1 to 24 megapixels. With a number, all have
 * so many megapixels.
 *
 * usage: bench_photographs DIR COUNT [mixed|MEGAPIXELS]
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#include "samples.h"
#include "vips_start.h"

enum { SMALLEST_MP = 1, LARGEST_MP = 8, MIXED_LARGEST_MP = 24, ANY_LARGEST_MP = 100, NOISE = 3 };

static const char *const mixed_formats[] = {".jpg[Q=90,strip]", ".png[compression=3,strip]",
                                            ".webp[Q=85,effort=2,strip]",
                                            ".jpg[Q=85,interlace,strip]"};
static const int mixed_megapixels[] = {24, 2, 8, 1, 12, 4, 3};

struct recipe {
    double megapixels;
    const char *format; /* suffix and options of the saver */
};

struct sizes {
    bool mixed;
    int smallest_mp, largest_mp;
};

/* `kind` as in the usage; NULL: none. False: it is none of these. */
static bool sizes_read(const char *kind, struct sizes *out)
{
    *out = (struct sizes){false, SMALLEST_MP, LARGEST_MP};
    if (!kind)
        return true;
    if (strcmp(kind, "mixed") == 0) {
        *out = (struct sizes){true, SMALLEST_MP, MIXED_LARGEST_MP};
        return true;
    }
    out->smallest_mp = out->largest_mp = atoi(kind);
    return out->largest_mp > 0 && out->largest_mp <= ANY_LARGEST_MP;
}

/* Four and seven are coprime, so every format has every size. */
static struct recipe recipe_of(int index, int count, const struct sizes *sizes)
{
    const double range = sizes->largest_mp - sizes->smallest_mp;
    if (sizes->mixed)
        return (struct recipe){mixed_megapixels[index % 7], mixed_formats[index % 4]};
    return (struct recipe){sizes->smallest_mp + range * index / (count > 1 ? count - 1 : 1),
                           ".jpg[Q=90,strip]"};
}

/* Sensor noise for the largest photograph, made once; smaller ones take a corner of it. */
static VipsImage *noise_make(int width, int height)
{
    VipsImage *noise, *kept;
    if (vips_gaussnoise(&noise, width, height, "sigma", (double)NOISE, "mean", 0.0, "seed", 42,
                        NULL))
        return NULL;
    kept = vips_image_copy_memory(noise);
    g_object_unref(noise);
    return kept;
}

static int noisy(VipsImage *in, VipsImage *noise, VipsImage **out)
{
    VipsImage *part, *sum;
    if (vips_extract_area(noise, &part, 0, 0, in->Xsize, in->Ysize, NULL))
        return -1;
    int failed = vips_add(in, part, &sum, NULL);
    g_object_unref(part);
    if (failed)
        return -1;
    failed = vips_cast_uchar(sum, out, NULL);
    g_object_unref(sum);
    return failed;
}

static int width_of(double megapixels)
{
    return (int)sqrt(megapixels * 1e6 * 1.5); /* 3:2, as cameras have it */
}

static int photograph_write(const char *sample, VipsImage *noise, const char *path,
                            double megapixels)
{
    VipsImage *image = NULL, *large = NULL;
    int width = width_of(megapixels);
    if (vips_thumbnail(sample, &image, width, "height", width, "export_profile", "srgb", NULL))
        return -1;
    int failed = noisy(image, noise, &large) || vips_image_write_to_file(large, path, NULL);
    g_object_unref(image);
    if (large)
        g_object_unref(large);
    return failed;
}

static int is_colour_jpeg(const char *path)
{
    return strstr(path, ".jpg") && !strstr(path, "cmyk") && !strstr(path, "grey");
}

int main(int argc, char **argv)
{
    struct error error;
    char **samples = NULL;
    size_t found = 0, used = 0;
    struct sizes sizes;
    if (argc < 3 || argc > 4 || !sizes_read(argv[3], &sizes)) {
        fprintf(stderr, "usage: bench_photographs DIR COUNT [mixed|MEGAPIXELS]\n");
        return 2;
    }
    int count = atoi(argv[2]);
    char folder[4096], path[4200];
    snprintf(folder, sizeof folder, "%s.samples", argv[1]);
    if (pipelines_start(argv[0], &error) || samples_write(folder, &samples, &found, &error)) {
        fprintf(stderr, "bench_photographs: %s\n", error.text);
        return 1;
    }
    g_mkdir_with_parents(argv[1], 0777);
    for (size_t i = 0; i < found; i++) {
        if (is_colour_jpeg(samples[i]))
            samples[used++] = samples[i];
        else
            free(samples[i]);
    }
    /* Portraits and squares fit, too. */
    int longest = width_of(sizes.largest_mp) + 1;
    VipsImage *noise = noise_make(longest, longest);
    if (!noise || used == 0) {
        fprintf(stderr, "bench_photographs: %s\n", vips_error_buffer());
        return 1;
    }
    for (int i = 0; i < count; i++) {
        const struct recipe recipe = recipe_of(i, count, &sizes);
        snprintf(path, sizeof path, "%s/photograph-%03d%s", argv[1], i, recipe.format);
        if (photograph_write(samples[(size_t)i % used], noise, path, recipe.megapixels)) {
            fprintf(stderr, "bench_photographs: %s: %s\n", path, vips_error_buffer());
            return 1;
        }
    }
    g_object_unref(noise);
    for (size_t i = 0; i < used; i++)
        free(samples[i]);
    free(samples);
    pipelines_stop();
    return 0;
}
