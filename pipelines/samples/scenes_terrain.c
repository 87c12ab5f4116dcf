/*
 * Landscapes from a height field, drawn column by column from near to far: at each distance the
 * ground's height is projected, and the part that rises above everything nearer is painted. This is
 * far cheaper than tracing a ray for each pixel.
 */
#include "scenes.h"

#include <math.h>

enum { STEPS = 800 };

struct land {
    float (*height)(float x, float z);
    struct rgba (*ground)(float x, float z, float height, float light);
    struct rgba (*sky)(float x, float y);
    struct rgba haze;
    float haze_from, haze_to; /* distance */
    float eye, horizon;       /* height of the eye; where the horizon lies, 0–1 from the top */
    float near, far;
    float sun_x, sun_y, sun_z; /* towards the sun; length 1 */
};

/* The slope towards the viewer, so that a crest has the light of its visible side. */
static float light_at(const struct land *land, float x, float z, float height, float step)
{
    float nx = height - land->height(x + step, z), nz = land->height(x, z - step) - height;
    float length = sqrtf(nx * nx + step * step + nz * nz);

    return (nx * land->sun_x + step * land->sun_y + nz * land->sun_z) / length;
}

struct span { /* result of one step of a column */
    float top, bottom;
    struct rgba from, to; /* at the bottom, at the top */
};

static void span_paint(struct canvas *canvas, int column, const struct span *span)
{
    int first = (int)fmaxf(ceilf(span->top), 0);
    int last = (int)fminf(ceilf(span->bottom), (float)canvas->height);

    for (int row = first; row < last; row++) {
        float t = (span->bottom - (float)row) / (span->bottom - span->top);

        canvas->pixels[row * canvas->width + column] = mix(span->from, span->to, t);
    }
}

static void column_paint(struct canvas *canvas, const struct land *land, int column)
{
    float size = (float)canvas->height, risen = size, ratio = land->far / land->near;
    float slope = ((float)column - (float)canvas->width / 2) / size;
    struct rgba before = land->haze;

    for (int step = 0; step < STEPS && risen > 0; step++) {
        float z = land->near * powf(ratio, (float)step / STEPS);
        float x = slope * z, height = land->height(x, z);
        float top = size * (land->horizon + (land->eye - height) / z);

        if (top >= risen) {
            continue;
        }
        float light = light_at(land, x, z, height, 0.010f * z);
        struct rgba here = land->ground(x, z, height, light);
        here = mix(here, land->haze, ramp(land->haze_from, land->haze_to, z));
        before = risen - top > 6 || risen >= size ? here : before;
        span_paint(canvas, column, &(struct span){top, risen, before, here});
        before = here;
        risen = top;
    }
    for (int row = 0; row < (int)ceilf(risen) && row < canvas->height; row++) {
        canvas->pixels[row * canvas->width + column] =
            land->sky((float)column / size, (float)row / size);
    }
}

static void land_paint(struct canvas *canvas, const struct land *land)
{
    for (int column = 0; column < canvas->width; column++) {
        column_paint(canvas, land, column);
    }
}

/* Mountains around a lake: the water is the ground at height 0. */

static float sierra_height(float x, float z)
{
    float range = ramp(3.0f, 7.5f, z) + 0.35f * ramp(0.5f, 2.4f, fabsf(x + 0.3f));
    float mass = ridges(x * 0.22f + 3.1f, z * 0.22f + 1.7f, 4),
          crag = ridges(x * 0.9f, z * 0.9f, 5);

    return fmaxf(range * (1.9f * mass * mass + 0.5f * mass * crag) - 0.12f, 0);
}

static struct rgba sierra_water(float x, float z)
{
    float wave = fbm(x * 9, z * 60, 4) - 0.5f, breeze = fbm(x * 0.8f, z * 1.6f, 4);
    struct rgba deep = mix(hex(0x163c4e), hex(0x6f97ae), ramp(0.6f, 5, z));

    deep = mix(deep, hex(0x9dbccd), 0.35f * ramp(0.45f, 0.65f, breeze));
    return glow(deep, hex(0xdfeaf2), 0.20f * wave);
}

static struct rgba sierra_ground(float x, float z, float height, float light)
{
    if (height <= 0) {
        return sierra_water(x, z);
    }
    float grain = fbm(x * 9, z * 9, 5);
    struct rgba rock = mix(hex(0x4d4640), hex(0x9a8d80), grain);
    struct rgba wood = mix(hex(0x1c2c18), hex(0x4a5c2c), grain);
    float snow = ramp(0.85f, 1.25f, height + 0.7f * (grain - 0.5f)) * ramp(0.15f, 0.5f, light);
    struct rgba ground = mix(wood, rock, ramp(0.22f, 0.55f, height + 0.4f * (grain - 0.5f)));

    ground = mix(ground, hex(0xf4f6fb), snow);
    ground = lit(ground, 0.34f + 1.0f * fmaxf(light, 0));
    return mix(ground, hex(0xcbb994), ramp(0.035f, 0.0f, height) * 0.8f);
}

static struct rgba sierra_sky(float x, float y)
{
    return sky_day(x * 0.8f, (0.50f - y) / 0.50f, 11);
}

void scene_sierra(struct canvas *canvas)
{
    land_paint(canvas, &(struct land){.height = sierra_height,
                                      .ground = sierra_ground,
                                      .sky = sierra_sky,
                                      .haze = hex(0xb9cbdc),
                                      .haze_from = 3,
                                      .haze_to = 26,
                                      .eye = 0.42f,
                                      .horizon = 0.48f,
                                      .near = 0.5f,
                                      .far = 16,
                                      .sun_x = 0.62f,
                                      .sun_y = 0.66f,
                                      .sun_z = -0.42f});
}

/* Sand: long crests with a gentle and a steep side, and wind ripples. */

static float dunes_height(float x, float z)
{
    float wander = 1.6f * fbm(x * 0.35f, z * 0.25f, 3);
    float phase = z * 0.42f + x * 0.16f + wander;
    float within = phase - floorf(phase);
    float crest = within < 0.70f ? ramp(0, 0.70f, within) : ramp(1.0f, 0.70f, within);
    float size = 0.35f + 0.9f * noise(floorf(phase) * 3.7f + x * 0.12f, 4.2f);

    return 0.95f * crest * size + 0.25f * fbm(x * 0.5f, z * 0.5f, 3);
}

static struct rgba dunes_ground(float x, float z, float height, float light)
{
    float bend = fbm(x * 1.1f, z * 1.1f, 3);
    float ripple = sinf((x * 0.8f + z) * 55 + 16 * bend) * ramp(7, 1.5f, z);
    float grain = fbm(x * 40, z * 40, 2) - 0.5f;
    struct rgba shade = mix(hex(0x6e3a2c), hex(0x9a5636), clamp01(height));
    struct rgba sun = mix(hex(0xd9924e), hex(0xf3c07c), clamp01(height));

    return lit(mix(shade, sun, ramp(0.16f, 0.62f, light)), 1 + 0.05f * ripple + 0.10f * grain);
}

static struct rgba dunes_sky(float x, float y)
{
    struct rgba sky = mix(hex(0xf0d9b8), hex(0x2f6fae), ramp(0.44f, -0.05f, y));

    return glow(sky, hex(0xffffff), 0.16f * ramp(0.55f, 0.8f, fbm(x * 1.2f, y * 7, 5)));
}

void scene_dunes(struct canvas *canvas)
{
    land_paint(canvas, &(struct land){.height = dunes_height,
                                      .ground = dunes_ground,
                                      .sky = dunes_sky,
                                      .haze = hex(0xe6c39a),
                                      .haze_from = 4,
                                      .haze_to = 30,
                                      .eye = 1.75f,
                                      .horizon = 0.36f,
                                      .near = 1.2f,
                                      .far = 24,
                                      .sun_x = -0.80f,
                                      .sun_y = 0.42f,
                                      .sun_z = 0.42f});
}
