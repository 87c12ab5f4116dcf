/*
 * Perceptual hashes of 64 bits, as Python's ImageHash defines them: pictures that look alike differ in
 * few bits. dHash: whether each pixel of the luma, reduced to 9 × 8 pixels, is brighter than its left
 * neighbour. pHash: whether each of the 8 × 8 lowest frequencies of the luma, reduced to 32 × 32
 * pixels, is above their median.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyse.h"
#include "image_ops.h"
#include "labels.h"

enum { SIDE = 8, BITS = SIDE * SIDE, DCT = 32 };

/* ITU-R BT.601. The buffer belongs to the image. */
static int luma_make(const struct detail *detail, uint8_t **pixels, VipsImage **out)
{
    size_t area = (size_t)detail->width * (size_t)detail->height;
    *pixels = malloc(area);
    if (!*pixels)
        return ERR_MEMORY;
    for (size_t i = 0; i < area; i++) {
        const uint8_t *p = detail->pixels + i * (size_t)detail->bands;
        (*pixels)[i] = (uint8_t)((19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 32768) >> 16);
    }
    *out = vips_image_new_from_memory(*pixels, area, detail->width, detail->height, 1,
                                      VIPS_FORMAT_UCHAR);
    return *out ? 0 : ERR_MEMORY;
}

static int luma_reduce(const struct detail *detail, struct plan_size size, uint8_t *out)
{
    uint8_t *pixels = NULL;
    VipsImage *image = NULL;
    int code = luma_make(detail, &pixels, &image);
    if (code)
        goto done;
    code = image_resize_to_memory(&image, image_extent(image), size);
    if (code)
        goto done;
    memcpy(out, image->data, (size_t)size.width * size.height);
done:
    if (image)
        g_object_unref(image);
    free(pixels);
    return code;
}

static void hash_add(struct label_set *set, const char *name, uint64_t hash)
{
    char value[LABEL_VALUE_MAX];
    snprintf(value, sizeof value, "%016llx", (unsigned long long)hash);
    label_add(set, name, value, 100);
}

static int dhash_add(const struct detail *detail, struct label_set *out)
{
    uint8_t luma[(SIDE + 1) * SIDE];
    uint64_t hash = 0;
    int code = luma_reduce(detail, (struct plan_size){SIDE + 1, SIDE}, luma);
    if (code)
        return code;
    for (size_t y = 0; y < SIDE; y++) {
        for (size_t x = 0; x < SIDE; x++) {
            const uint8_t *at = luma + y * (SIDE + 1) + x;
            hash = hash << 1 | (at[1] > at[0]);
        }
    }
    hash_add(out, LABEL_DHASH_NAME, hash);
    return 0;
}

static double frequency(const uint8_t *luma, size_t u, size_t v)
{
    double sum = 0;
    for (size_t y = 0; y < DCT; y++) {
        double down = cos(M_PI * (double)v * (2 * (double)y + 1) / (2.0 * DCT));
        for (size_t x = 0; x < DCT; x++)
            sum += luma[y * DCT + x] * down *
                   cos(M_PI * (double)u * (2 * (double)x + 1) / (2.0 * DCT));
    }
    return sum;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int phash_add(const struct detail *detail, struct label_set *out)
{
    uint8_t luma[DCT * DCT];
    double low[BITS], sorted[BITS];
    uint64_t hash = 0;
    int code = luma_reduce(detail, (struct plan_size){DCT, DCT}, luma);
    if (code)
        return code;
    for (size_t i = 0; i < BITS; i++)
        sorted[i] = low[i] = frequency(luma, i % SIDE, i / SIDE);
    qsort(sorted, BITS, sizeof *sorted, compare);
    double median = (sorted[BITS / 2 - 1] + sorted[BITS / 2]) / 2;
    for (size_t i = 0; i < BITS; i++)
        hash = hash << 1 | (low[i] > median);
    hash_add(out, LABEL_PHASH_NAME, hash);
    return 0;
}

int analyse_hashes(const struct detail *detail, int hashes, struct label_set *out)
{
    int code = hashes & LABEL_DHASH ? dhash_add(detail, out) : 0;
    if (code)
        return code;
    return hashes & LABEL_PHASH ? phash_add(detail, out) : 0;
}
