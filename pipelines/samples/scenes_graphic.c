/* Drawings: a price tag, a chart, a turning windmill. */
#include "scenes.h"

#include <math.h>

static float box(float x, float y, float left, float top, float right, float bottom, float soft)
{
    return ramp(left - soft, left + soft, x) * ramp(right + soft, right - soft, x) *
           ramp(top - soft, top + soft, y) * ramp(bottom + soft, bottom - soft, y);
}

static float ring(float x, float y, float cx, float cy, float radius, float half, float soft)
{
    return ramp(half + soft, half - soft, fabsf(hypotf(x - cx, y - cy) - radius));
}

/* A price tag on a string, "50%"; everything around it is transparent. */

static float digit_five(float x, float y)
{
    float bowl = ring(x, y, 0.10f, 0.235f, 0.095f, 0.026f, 0.004f) *
                 (1 - box(x, y, -0.2f, 0.10f, 0.085f, 0.245f, 0.004f));
    float stem = box(x, y, 0.005f, 0, 0.055f, 0.185f, 0.004f);

    return fmaxf(fmaxf(bowl, stem), box(x, y, 0.005f, 0, 0.185f, 0.052f, 0.004f));
}

static float digit_zero(float x, float y)
{
    float u = x - 0.10f, v = (y - 0.178f) * 0.62f;

    return ring(u, v, 0, 0, 0.082f, 0.026f, 0.004f);
}

static float percent_sign(float x, float y)
{
    float rings = ring(x, y, 0.06f, 0.075f, 0.045f, 0.018f, 0.003f) +
                  ring(x, y, 0.20f, 0.280f, 0.045f, 0.018f, 0.003f);

    return fmaxf(rings, line(x, y, 0.055f, 0.335f, 0.205f, 0.02f, 0.016f, 0.003f));
}

/* u to the right along the tag, v down, from its centre. */
static float tag_shape(float u, float v, float grow)
{
    float body = box(u, v, -0.52f - grow, -0.27f - grow, 0.50f + grow, 0.27f + grow, 0.004f + grow);
    float corner = ramp(0.004f + grow, -0.004f - grow, fabsf(v) * 0.75f - u - 0.55f);

    return body * corner * (1 - disc(u, v, -0.41f, 0, 0.045f, 0.004f));
}

static struct rgba sale(float x, float y, const struct canvas *canvas)
{
    float cx = x - canvas_aspect(canvas) / 2, cy = y - 0.52f;
    float u = 0.966f * cx - 0.259f * cy, v = 0.259f * cx + 0.966f * cy;
    struct rgba clear = {0, 0, 0, 0};
    float shadow = tag_shape(u - 0.018f, v - 0.035f, 0.028f), paper = fbm(u * 60, v * 60, 4) - 0.5f;
    struct rgba red = lit(hex(0xd8232f), 1.04f - 0.25f * v - 0.12f * u + 0.10f * paper);
    struct rgba colour = clear;

    colour.a = 0.42f * shadow;
    struct rgba tag = mix(red, hex(0xf6e7c8), ring(u, v, -0.41f, 0, 0.062f, 0.013f, 0.003f));
    float mark = digit_five(u + 0.25f, v + 0.17f) + digit_zero(u + 0.01f, v + 0.17f) +
                 percent_sign(u - 0.21f, v + 0.17f);
    tag = mix(tag, lit(hex(0xfff6e6), 1 + 0.06f * paper), mark);
    colour = mix(colour, tag, tag_shape(u, v, 0));
    float cord = line(u, v, -0.41f, 0.01f, -0.98f, -0.30f, 0.010f, 0.003f);
    return mix(colour, lit(hex(0xb9935c), 0.8f + 0.4f * sinf((u + 2 * v) * 200)), cord);
}

void scene_sale(struct canvas *canvas)
{
    canvas_shade(canvas, sale);
}

/* A chart: bars with a line over them. */

enum { BARS = 12 };

static float bar_value(int bar)
{
    return 0.18f + 0.030f * (float)bar + 0.20f * hash(bar, 41) + 0.10f * sinf((float)bar * 0.9f);
}

static float line_value(int bar)
{
    return 0.75f * bar_value(bar) + 0.20f + 0.05f * hash(bar, 9);
}

static struct rgba chart(float x, float y, const struct canvas *canvas)
{
    float right = canvas_aspect(canvas) - 0.08f, left = 0.12f, floor_y = 0.88f;
    float pitch = (right - left) / BARS, along = (x - left) / pitch, grid = (floor_y - y) * 8;
    int bar = (int)floorf(along);
    struct rgba colour = hex(0xfbfbf8);

    colour = mix(colour, hex(0xd9dbe0),
                 box(x, y, left, 0.10f, right, floor_y, 0.001f) *
                     ramp(0.018f, 0.010f, fabsf(grid - roundf(grid))));
    if (bar >= 0 && bar < BARS) {
        float at = left + ((float)bar + 0.5f) * pitch;
        struct rgba fill = mix(hex(0x2f6fb5), hex(0x58b0a8), (float)bar / BARS);
        colour = mix(colour, fill,
                     box(x, y, at - 0.34f * pitch, floor_y - bar_value(bar), at + 0.34f * pitch,
                         floor_y, 0.001f));
    }
    for (int i = 0; i < BARS; i++) {
        float x0 = left + ((float)i + 0.5f) * pitch, y0 = floor_y - line_value(i);
        if (i + 1 < BARS) {
            colour =
                mix(colour, hex(0xe2572b),
                    line(x, y, x0, y0, x0 + pitch, floor_y - line_value(i + 1), 0.004f, 0.001f));
        }
        colour = mix(colour, hex(0xe2572b), disc(x, y, x0, y0, 0.012f, 0.001f));
        colour = mix(colour, hex(0xffffff), disc(x, y, x0, y0, 0.006f, 0.001f));
    }
    colour = mix(colour, hex(0x33363c), line(x, y, left, floor_y, right, floor_y, 0.003f, 0.001f));
    return mix(colour, hex(0x33363c), line(x, y, left, 0.10f, left, floor_y, 0.003f, 0.001f));
}

void scene_chart(struct canvas *canvas)
{
    canvas_shade(canvas, chart);
}

/* A windmill among tulips; its sails make a quarter turn in the animation, which then looks the
 * same again. */

static struct rgba tulips(float x, float y)
{
    static const unsigned beds[] = {0xd6303a, 0xf0c12e, 0xe86aa0, 0xf2efe6, 0x8a3fa8};
    float z = 1 / (y - 0.60f), bed = z * 1.6f;
    struct rgba bloom = hex(beds[(int)floorf(bed) % 5]);
    float head = fbm(x * z * 13, z * 14, 3);

    return mix(mix(hex(0x2f5a24), hex(0x5f8a34), head), bloom,
               ramp(0.40f, 0.55f, head) * ramp(0.0f, 0.15f, bed - floorf(bed)));
}

static struct rgba mill_body(struct rgba under, float x, float y)
{
    float half = lerp(0.075f, 0.125f, (y - 0.34f) / 0.38f), u = (x - 0.80f) / half;
    float body = ramp(1.02f, 0.98f, fabsf(u)) * ramp(0.336f, 0.342f, y) * ramp(0.722f, 0.718f, y);
    float brick = (y - 0.34f) * 60;
    struct rgba wall =
        lit(hex(0x8a4f38), 0.95f - 0.38f * u + 0.10f * ramp(0.3f, 0.1f, brick - floorf(brick)));
    float cap =
        ramp(0.0f, 0.006f, y - 0.265f - 6.5f * (x - 0.80f) * (x - 0.80f)) * ramp(0.350f, 0.346f, y);
    float gallery = box(x, y, 0.66f, 0.545f, 0.94f, 0.560f, 0.002f);

    under = mix(under, wall, body);
    under = mix(under, hex(0x2e2a28), fmaxf(cap, gallery));
    under = mix(under, hex(0xf3eee0), box(x, y, 0.785f, 0.42f, 0.815f, 0.465f, 0.002f));
    return mix(under, hex(0x3b2a20), box(x, y, 0.775f, 0.63f, 0.825f, 0.72f, 0.002f));
}

static struct rgba mill_sails(struct rgba under, float x, float y, float turn)
{
    for (int sail = 0; sail < 4; sail++) {
        float angle = turn + (float)sail * 1.5707963f, c = cosf(angle), s = sinf(angle);
        float u = (x - 0.80f) * c + (y - 0.33f) * s, v = (y - 0.33f) * c - (x - 0.80f) * s;
        float cloth = box(u, v, 0.07f, 0.006f, 0.29f, 0.062f, 0.002f);
        float lattice = ramp(0.0f, 0.1f, fabsf(sinf(u * 95)) - 0.2f) *
                        ramp(0.0f, 0.1f, fabsf(sinf(v * 120)) - 0.2f);

        under = mix(under, mix(hex(0x4a3a2c), hex(0xf1eadb), lattice), cloth);
        under = mix(under, hex(0x33281f), box(u, v, 0, -0.006f, 0.30f, 0.006f, 0.002f));
    }
    return mix(under, hex(0x1e1a17), disc(x, y, 0.80f, 0.33f, 0.016f, 0.003f));
}

static struct rgba windmill(float x, float y, const struct canvas *canvas)
{
    float turn = 0.35f + 1.5707963f * (float)canvas->frame / (float)canvas->frames;
    float dike = 0.70f + 0.012f * sinf(x * 4);
    struct rgba colour = sky_day(x, (0.72f - y) / 0.72f, 6);

    colour = mix(colour, mix(hex(0x4f7a35), hex(0x86a650), fbm(x * 30, y * 60, 3)),
                 ramp(-0.002f, 0.002f, y - dike));
    colour = y > 0.76f ? tulips(x, y) : colour;
    return mill_sails(mill_body(colour, x, y), x, y, turn);
}

void scene_windmill(struct canvas *canvas)
{
    canvas_shade(canvas, windmill);
}
