/*
 * Compares renditions with an ideal resize: the source decoded at full size and reduced with a
 * Lanczos filter of three lobes in double precision, not rounded.
 *
 * usage: bench_quality SOURCE RENDITION [RENDITION...]
 *
 * Prints a line for each rendition: PSNR of all channels in decibels, and SSIM of the luma (Wang et
 * al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004: windows of
 * 11 x 11 with a Gaussian of 1.5, K1 = 0.01, K2 = 0.03).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

enum { LOBES = 3, CHANNELS = 3, WINDOW = 11, PEAK = 255 };

struct picture { /* interleaved channels */
    int width, height;
    double *values;
};

static void *must_have(void *memory)
{
    if (!memory) {
        fputs("bench_quality: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

static struct picture picture_new(int width, int height)
{
    const size_t count = (size_t)width * (size_t)height * CHANNELS;
    return (struct picture){width, height, must_have(calloc(count, sizeof(double)))};
}

static double *value_at(const struct picture *p, int x, int y, int channel)
{
    return &p->values[((size_t)y * (size_t)p->width + (size_t)x) * CHANNELS + (size_t)channel];
}

static struct picture picture_read(const char *path)
{
    VipsImage *file = vips_image_new_from_file(path, NULL), *srgb = NULL;
    if (!file || vips_colourspace(file, &srgb, VIPS_INTERPRETATION_sRGB, NULL))
        vips_error_exit("%s", path);
    size_t size;
    unsigned char *bytes = vips_image_write_to_memory(srgb, &size);
    if (!bytes)
        vips_error_exit("%s", path);
    struct picture made = picture_new(srgb->Xsize, srgb->Ysize);
    for (size_t i = 0; i < size / (size_t)srgb->Bands; i++)
        for (size_t c = 0; c < CHANNELS; c++)
            made.values[i * CHANNELS + c] = bytes[i * (size_t)srgb->Bands + c];
    g_free(bytes);
    g_object_unref(file);
    g_object_unref(srgb);
    return made;
}

static double lanczos(double x)
{
    const double a = M_PI * x;
    if (fabs(x) < 1e-9)
        return 1;
    return fabs(x) >= LOBES ? 0 : LOBES * sin(a) * sin(a / LOBES) / (a * a);
}

struct taps { /* of one position in the result; beyond an edge, the edge counts */
    int first, count;
    double *weights, sum;
};

static struct taps taps_new(int x, double factor)
{
    const double stretch = factor > 1 ? factor : 1, centre = (x + 0.5) * factor - 0.5;
    struct taps t = {.first = (int)ceil(centre - LOBES * stretch)};
    t.count = (int)floor(centre + LOBES * stretch) - t.first + 1;
    t.weights = must_have(calloc((size_t)t.count, sizeof *t.weights));
    for (int k = 0; k < t.count; k++)
        t.sum += t.weights[k] = lanczos((t.first + k - centre) / stretch);
    return t;
}

static void weigh(const struct picture *from, int y, const struct taps *t, double *out)
{
    for (int k = 0; k < t->count; k++) {
        const int x = t->first + k;
        const double *value = value_at(from,
                                       x < 0              ? 0
                                       : x >= from->width ? from->width - 1
                                                          : x,
                                       y, 0);
        for (int c = 0; c < CHANNELS; c++)
            out[c] += t->weights[k] / t->sum * value[c];
    }
}

/* One pass, across; the result is transposed, so that two passes are both directions. */
static struct picture pass(const struct picture *from, int width)
{
    struct picture to = picture_new(from->height, width);
    for (int x = 0; x < width; x++) {
        struct taps t = taps_new(x, (double)from->width / width);
        for (int y = 0; y < from->height; y++)
            weigh(from, y, &t, value_at(&to, y, x, 0));
        free(t.weights);
    }
    return to;
}

static struct picture ideal_of(const struct picture *from, int width, int height)
{
    struct picture half = pass(from, width), whole = pass(&half, height);
    free(half.values);
    const size_t count = (size_t)width * (size_t)height * CHANNELS;
    for (size_t i = 0; i < count; i++)
        whole.values[i] = fmin(fmax(whole.values[i], 0), PEAK);
    return whole;
}

static double psnr(const struct picture *a, const struct picture *b)
{
    const size_t count = (size_t)a->width * (size_t)a->height * CHANNELS;
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += pow(a->values[i] - b->values[i], 2);
    return 10 * log10(PEAK * PEAK * (double)count / fmax(sum, 1e-9));
}

static double luma_at(const struct picture *p, int x, int y)
{
    return 0.299 * *value_at(p, x, y, 0) + 0.587 * *value_at(p, x, y, 1) +
           0.114 * *value_at(p, x, y, 2);
}

static double ssim_of_window(const struct picture *a, const struct picture *b, int left, int top,
                             const double weights[WINDOW])
{
    const double c1 = pow(0.01 * PEAK, 2), c2 = pow(0.03 * PEAK, 2);
    double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
    for (int y = 0; y < WINDOW; y++) {
        for (int x = 0; x < WINDOW; x++) {
            const double w = weights[x] * weights[y];
            const double va = luma_at(a, left + x, top + y), vb = luma_at(b, left + x, top + y);
            ma += w * va;
            mb += w * vb;
            aa += w * va * va;
            bb += w * vb * vb;
            ab += w * va * vb;
        }
    }
    return (2 * ma * mb + c1) * (2 * (ab - ma * mb) + c2) /
           ((ma * ma + mb * mb + c1) * (aa - ma * ma + bb - mb * mb + c2));
}

/* Windows overlap by half. 1 if the picture is smaller than one. */
static double ssim(const struct picture *a, const struct picture *b)
{
    double weights[WINDOW], sum = 0, total = 0;
    int count = 0;
    for (int i = 0; i < WINDOW; i++)
        sum += weights[i] = exp(-pow(i - (WINDOW - 1) / 2.0, 2) / (2 * 1.5 * 1.5));
    for (int i = 0; i < WINDOW; i++)
        weights[i] /= sum;
    for (int y = 0; y + WINDOW <= a->height; y += WINDOW / 2)
        for (int x = 0; x + WINDOW <= a->width; x += WINDOW / 2, count++)
            total += ssim_of_window(a, b, x, y, weights);
    return count ? total / count : 1;
}

int main(int argc, char **argv)
{
    if (argc < 3 || VIPS_INIT(argv[0])) {
        fputs("usage: bench_quality SOURCE RENDITION [RENDITION...]\n", stderr);
        return 2;
    }
    struct picture source = picture_read(argv[1]);
    for (int i = 2; i < argc; i++) {
        struct picture made = picture_read(argv[i]);
        struct picture ideal = ideal_of(&source, made.width, made.height);
        printf("%.3f %.5f\n", psnr(&ideal, &made), ssim(&ideal, &made));
        free(ideal.values);
        free(made.values);
    }
    free(source.values);
    vips_shutdown();
    return 0;
}
