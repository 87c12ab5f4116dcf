#include "placeholder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { AREA_MAX = PLACEHOLDER_SIDE_MAX * PLACEHOLDER_SIDE_MAX, RGBA = 4 };

static size_t area_of(const struct pixels *pixels)
{
    return pixels->width * pixels->height;
}

/* ---- ThumbHash ---- */

enum {
    CHANNELS = 4,
    TERMS_MAX = 27
}; /* luminance has the most: 7 × 7, the half without the first */

struct channel {
    double dc, scale;
    double ac[TERMS_MAX];
    size_t count;
};

/* JavaScript's Math.round. */
static unsigned rounded(double value)
{
    return (unsigned)floor(value + 0.5);
}

static double term(const double *values, const struct pixels *pixels, size_t cx, size_t cy)
{
    double across[PLACEHOLDER_SIDE_MAX], sum = 0;
    for (size_t x = 0; x < pixels->width; x++)
        across[x] = cos(M_PI / (double)pixels->width * (double)cx * ((double)x + 0.5));
    for (size_t y = 0; y < pixels->height; y++) {
        double down = cos(M_PI / (double)pixels->height * (double)cy * ((double)y + 0.5));
        for (size_t x = 0; x < pixels->width; x++)
            sum += values[y * pixels->width + x] * across[x] * down;
    }
    return sum / (double)area_of(pixels);
}

static void channel_encode(struct channel *out, const double *values, const struct pixels *pixels,
                           size_t nx, size_t ny)
{
    *out = (struct channel){0};
    for (size_t cy = 0; cy < ny; cy++) {
        for (size_t cx = 0; cx * ny < nx * (ny - cy); cx++) {
            double f = term(values, pixels, cx, cy);
            if (cx == 0 && cy == 0) {
                out->dc = f;
                continue;
            }
            out->ac[out->count++] = f;
            out->scale = fmax(out->scale, fabs(f));
        }
    }
    for (size_t i = 0; out->scale > 0 && i < out->count; i++)
        out->ac[i] = 0.5 + 0.5 / out->scale * out->ac[i];
}

struct thumbhash {
    double values[CHANNELS][AREA_MAX]; /* luminance, yellow − blue, red − green, alpha */
    struct channel channels[CHANNELS];
    bool alpha;
};

/* Composites on the average colour. */
static void split(struct thumbhash *t, const struct pixels *pixels)
{
    double sum[3] = {0}, opaque = 0;
    size_t area = area_of(pixels);
    for (size_t i = 0; i < area; i++) {
        const uint8_t *p = pixels->rgba + i * RGBA;
        double alpha = p[3] / 255.0;
        for (size_t c = 0; c < 3; c++)
            sum[c] += alpha / 255 * p[c];
        opaque += alpha;
    }
    for (size_t c = 0; c < 3 && opaque > 0; c++)
        sum[c] /= opaque;
    t->alpha = opaque < (double)area;
    for (size_t i = 0; i < area; i++) {
        const uint8_t *p = pixels->rgba + i * RGBA;
        double alpha = p[3] / 255.0, v[3];
        for (size_t c = 0; c < 3; c++)
            v[c] = sum[c] * (1 - alpha) + alpha / 255 * p[c];
        t->values[0][i] = (v[0] + v[1] + v[2]) / 3;
        t->values[1][i] = (v[0] + v[1]) / 2 - v[2];
        t->values[2][i] = v[0] - v[1];
        t->values[3][i] = alpha;
    }
}

static size_t sides(const struct pixels *pixels, size_t limit, size_t side)
{
    size_t longest = pixels->width > pixels->height ? pixels->width : pixels->height;
    unsigned terms = rounded((double)(limit * side) / (double)longest);
    return terms ? terms : 1;
}

static size_t at_least(size_t value, size_t least)
{
    return value > least ? value : least;
}

static void number_write(uint8_t *out, uint32_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(number >> (8 * i));
}

static size_t thumbhash_write(const struct thumbhash *t, size_t terms, bool landscape, uint8_t *out)
{
    const struct channel *l = &t->channels[0], *p = &t->channels[1], *q = &t->channels[2],
                         *a = &t->channels[3];
    size_t size = t->alpha ? 6 : 5, nibbles = 0;
    memset(out, 0, THUMBHASH_MAX);
    number_write(out,
                 rounded(63 * l->dc) | rounded(31.5 + 31.5 * p->dc) << 6 |
                     rounded(31.5 + 31.5 * q->dc) << 12 | rounded(31 * l->scale) << 18 |
                     (uint32_t)t->alpha << 23,
                 3);
    number_write(out + 3,
                 (uint32_t)terms | rounded(63 * p->scale) << 3 | rounded(63 * q->scale) << 9 |
                     (uint32_t)landscape << 15,
                 2);
    if (t->alpha)
        out[5] = (uint8_t)(rounded(15 * a->dc) | rounded(15 * a->scale) << 4);
    for (size_t c = 0; c < (t->alpha ? 4 : 3); c++) {
        for (size_t i = 0; i < t->channels[c].count; i++, nibbles++)
            out[size + nibbles / 2] |=
                (uint8_t)(rounded(15 * t->channels[c].ac[i]) << (nibbles % 2 * 4));
    }
    return size + (nibbles + 1) / 2;
}

size_t thumbhash_make(const struct pixels *pixels, uint8_t out[THUMBHASH_MAX])
{
    struct thumbhash t;
    memset(&t, 0, sizeof t);
    split(&t, pixels);
    size_t limit = t.alpha ? 5 : 7;
    size_t lx = sides(pixels, limit, pixels->width), ly = sides(pixels, limit, pixels->height);
    bool landscape = pixels->width > pixels->height;
    channel_encode(&t.channels[0], t.values[0], pixels, at_least(lx, 3), at_least(ly, 3));
    channel_encode(&t.channels[1], t.values[1], pixels, 3, 3);
    channel_encode(&t.channels[2], t.values[2], pixels, 3, 3);
    if (t.alpha)
        channel_encode(&t.channels[3], t.values[3], pixels, 5, 5);
    return thumbhash_write(&t, landscape ? ly : lx, landscape, out);
}

/* ---- BlurHash ---- */

enum { COMPONENTS = 12 };

static double linear(double value)
{
    double v = value / 255;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static unsigned encoded(double value)
{
    double v = fmax(0, fmin(1, value));
    return (unsigned)((v <= 0.0031308 ? v * 12.92 : 1.055 * pow(v, 1 / 2.4) - 0.055) * 255 + 0.5);
}

static unsigned on_white(const uint8_t *pixel, size_t channel)
{
    unsigned alpha = pixel[3];
    return (pixel[channel] * alpha + 255 * (255 - alpha) + 127) / 255;
}

static void component(const struct pixels *pixels, size_t i, size_t j, double out[3])
{
    memset(out, 0, 3 * sizeof *out);
    for (size_t y = 0; y < pixels->height; y++) {
        double down = cos(M_PI * (double)j * (double)y / (double)pixels->height);
        for (size_t x = 0; x < pixels->width; x++) {
            const uint8_t *p = pixels->rgba + (y * pixels->width + x) * RGBA;
            double basis = cos(M_PI * (double)i * (double)x / (double)pixels->width) * down;
            for (size_t c = 0; c < 3; c++)
                out[c] += basis * linear(on_white(p, c));
        }
    }
    for (size_t c = 0; c < 3; c++)
        out[c] *= (i || j ? 2.0 : 1.0) / (double)area_of(pixels);
}

static char *base83_write(char *out, unsigned value, size_t digits)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "#$%*+,-.:;=?@[]^_{|}~";
    for (size_t i = digits; i-- > 0; value /= 83)
        out[i] = alphabet[value % 83];
    return out + digits;
}

static unsigned quantised(double value, double most)
{
    double root = copysign(sqrt(fabs(value / most)), value);
    return (unsigned)fmax(0, fmin(18, floor(root * 9 + 9.5)));
}

void blurhash_make(const struct pixels *pixels, char out[BLURHASH_SIZE])
{
    bool upright = pixels->height > pixels->width;
    size_t nx = upright ? 3 : 4, ny = upright ? 4 : 3;
    double factors[COMPONENTS][3], peak = -INFINITY;
    for (size_t k = 0; k < COMPONENTS; k++) {
        component(pixels, k % nx, k / nx, factors[k]);
        for (size_t c = 0; k && c < 3; c++)
            peak = fmax(peak, factors[k][c]);
    }
    unsigned step = (unsigned)fmax(0, fmin(82, floor(peak * 166 - 0.5)));
    double most = (step + 1) / 166.0;
    out = base83_write(out, (unsigned)(nx - 1 + (ny - 1) * 9), 1);
    out = base83_write(out, step, 1);
    out = base83_write(
        out, encoded(factors[0][0]) << 16 | encoded(factors[0][1]) << 8 | encoded(factors[0][2]),
        4);
    for (size_t k = 1; k < COMPONENTS; k++)
        out = base83_write(out,
                           quantised(factors[k][0], most) * 361 +
                               quantised(factors[k][1], most) * 19 + quantised(factors[k][2], most),
                           2);
    *out = '\0';
}

/* ---- the dominant colour ---- */

static size_t box_of(const uint8_t *pixel)
{
    return (size_t)(pixel[0] >> 4) << 8 | (size_t)(pixel[1] >> 4) << 4 | pixel[2] >> 4;
}

bool dominant_colour(const struct pixels *pixels, char out[COLOUR_SIZE])
{
    enum { BOXES = 4096, OPAQUE = 128 };
    unsigned counts[BOXES] = {0};
    size_t fullest = 0;
    unsigned long sum[3] = {0};
    for (size_t i = 0; i < area_of(pixels); i++)
        counts[box_of(pixels->rgba + i * RGBA)] += pixels->rgba[i * RGBA + 3] >= OPAQUE;
    for (size_t i = 1; i < BOXES; i++)
        fullest = counts[i] > counts[fullest] ? i : fullest;
    unsigned long count = counts[fullest];
    if (count == 0)
        return false;
    for (size_t i = 0; i < area_of(pixels); i++) {
        const uint8_t *p = pixels->rgba + i * RGBA;
        for (size_t c = 0; c < 3 && p[3] >= OPAQUE && box_of(p) == fullest; c++)
            sum[c] += p[c];
    }
    snprintf(out, COLOUR_SIZE, "#%02x%02x%02x", (unsigned)((sum[0] + count / 2) / count) & 0xff,
             (unsigned)((sum[1] + count / 2) / count) & 0xff,
             (unsigned)((sum[2] + count / 2) / count) & 0xff);
    return true;
}
