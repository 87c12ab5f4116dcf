/*
 * A small painter for the sample photographs: float pixels in sRGB, lattice noise with fixed seeds,
 * soft shapes. Private to the samples. Any thread; there is no state, so a scene always gives the
 * same picture.
 */
#ifndef THUMBWHEEL_PAINT_H
#define THUMBWHEEL_PAINT_H

#include <math.h>
#include <stdint.h>

/* Gamma-encoded and not premultiplied, 0–1; clamped when the canvas is encoded. */
struct rgba {
    float r, g, b, a;
};

struct canvas {
    struct rgba *pixels; /* rows from the top */
    int width, height;
    int frame, frames; /* index of the frame in an animation; 0 of 1 for a still */
};

/* The colour at a point: y from 0 at the top to 1 at the bottom, x in the same unit from the left.
 */
typedef struct rgba shader(float x, float y, const struct canvas *canvas);

void canvas_shade(struct canvas *canvas, shader *paint);
float canvas_aspect(const struct canvas *canvas);

static inline struct rgba rgb(float r, float g, float b)
{
    return (struct rgba){r, g, b, 1};
}

static inline struct rgba hex(unsigned rrggbb)
{
    return rgb((float)(rrggbb >> 16 & 255) / 255, (float)(rrggbb >> 8 & 255) / 255,
               (float)(rrggbb & 255) / 255);
}

static inline float clamp01(float value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

static inline float lerp(float from, float to, float t)
{
    return from + (to - from) * t;
}

/* t is clamped to 0–1. */
static inline struct rgba mix(struct rgba from, struct rgba to, float t)
{
    t = clamp01(t);
    return (struct rgba){lerp(from.r, to.r, t), lerp(from.g, to.g, t), lerp(from.b, to.b, t),
                         lerp(from.a, to.a, t)};
}

static inline struct rgba lit(struct rgba colour, float light)
{
    return (struct rgba){colour.r * light, colour.g * light, colour.b * light, colour.a};
}

static inline struct rgba glow(struct rgba base, struct rgba light, float strength)
{
    return (struct rgba){base.r + light.r * strength, base.g + light.g * strength,
                         base.b + light.b * strength, base.a};
}

/* Smoothstep, 0–1; from may be above to. */
static inline float ramp(float from, float to, float value)
{
    float t = clamp01((value - from) / (to - from));

    return t * t * (3 - 2 * t);
}

/* Noise functions, all 0–1. */

static inline float hash(int x, int y)
{
    uint32_t h = (uint32_t)x * 0x9e3779b1u ^ (uint32_t)y * 0x85ebca77u;

    h = (h ^ h >> 15) * 0x2c1b3c6du;
    h = (h ^ h >> 12) * 0x297a2d39u;
    h ^= h >> 15;
    return (float)(h >> 8) / 16777216;
}

/* Inline, because floorf is a function call on plain x86-64. */
static inline int whole(float value)
{
    int cut = (int)value;

    return cut - (value < (float)cut);
}

static inline float noise(float x, float y)
{
    int ix = whole(x), iy = whole(y);
    float u = x - (float)ix, v = y - (float)iy;

    u = u * u * (3 - 2 * u);
    v = v * v * (3 - 2 * v);
    return lerp(lerp(hash(ix, iy), hash(ix + 1, iy), u),
                lerp(hash(ix, iy + 1), hash(ix + 1, iy + 1), u), v);
}

/* Each octave is rotated (by a 3-4-5 triangle), so that the lattice is not visible. */
static inline void next_octave(float *x, float *y)
{
    float turned = 2 * (0.8f * *x - 0.6f * *y) + 17.3f;

    *y = 2 * (0.6f * *x + 0.8f * *y) + 9.1f;
    *x = turned;
}

static inline float fbm(float x, float y, int octaves)
{
    float sum = 0, weight = 0.5f, total = 0;

    for (int i = 0; i < octaves; i++) {
        sum += weight * noise(x, y);
        total += weight;
        weight /= 2;
        next_octave(&x, &y);
    }
    return sum / total;
}

static inline float ridges(float x, float y, int octaves)
{
    float sum = 0, weight = 0.5f, total = 0;

    for (int i = 0; i < octaves; i++) {
        float crest = 1 - fabsf(2 * noise(x, y) - 1);

        sum += weight * crest * crest;
        total += weight;
        weight *= 0.48f;
        next_octave(&x, &y);
    }
    return sum / total;
}

/* Coverage (0–1) of a disc with a soft edge, and of a thick line between two points. */

static inline float disc(float x, float y, float cx, float cy, float radius, float soft)
{
    return ramp(radius + soft, radius - soft, hypotf(x - cx, y - cy));
}

static inline float line(float x, float y, float x0, float y0, float x1, float y1, float half_width,
                         float soft)
{
    float dx = x1 - x0, dy = y1 - y0;
    float t = clamp01(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy));

    return disc(x, y, x0 + t * dx, y0 + t * dy, half_width, soft);
}

#endif
