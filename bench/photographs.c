/*
 * Photographs to measure with: the product's own painted samples, enlarged to between 1 and 8
 * megapixels, with a little sensor noise so that they weigh what photographs weigh, as JPEGs of
 * quality 90.
 *
 * usage: bench_photographs DIR COUNT
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#include "pipelines.h"

enum { SMALLEST_MP = 1, LARGEST_MP = 8, NOISE = 3 };

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
    int failed =
        noisy(image, noise, &large) || vips_jpegsave(large, path, "Q", 90, "strip", TRUE, NULL);
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
    if (argc != 3) {
        fprintf(stderr, "usage: bench_photographs DIR COUNT\n");
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
    int longest = width_of(LARGEST_MP) + 1; /* portraits and squares fit, too */
    VipsImage *noise = noise_make(longest, longest);
    if (!noise || used == 0) {
        fprintf(stderr, "bench_photographs: %s\n", vips_error_buffer());
        return 1;
    }
    for (int i = 0; i < count; i++) {
        double megapixels =
            SMALLEST_MP + (double)(LARGEST_MP - SMALLEST_MP) * i / (count > 1 ? count - 1 : 1);
        snprintf(path, sizeof path, "%s/photograph-%03d.jpg", argv[1], i);
        if (photograph_write(samples[(size_t)i % used], noise, path, megapixels)) {
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
