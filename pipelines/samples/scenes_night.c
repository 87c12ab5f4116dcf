/* Pictures in the dark. */
#include "scenes.h"

#include <math.h>
#include <stdbool.h>

static float stars(float x, float y, float density)
{
    float cell = 1.0f / 150;
    int column = (int)floorf(x / cell), row = (int)floorf(y / cell);
    float cx = ((float)column + 0.2f + 0.6f * hash(column, row)) * cell;
    float cy = ((float)row + 0.2f + 0.6f * hash(column, row + 999)) * cell;
    float bright = hash(column + 77, row);

    if (hash(column, row + 555) > density) {
        return 0;
    }
    return (0.25f + bright * bright) * ramp(0.0022f, 0.0f, hypotf(x - cx, y - cy));
}

/* A city across the water: three rows of towers, lit windows, and their reflection. */

enum { TOWER_ROWS = 3 };
static const float QUAY = 0.68f;

struct tower {
    float left, width, top;
    float pick; /* 0–1, seed for variations */
};

static struct tower tower_at(float x, int row)
{
    float spacing = lerp(0.060f, 0.115f, (float)row / (TOWER_ROWS - 1));
    int cell = (int)floorf(x / spacing);
    float tall = hash(cell, row * 11),
          middle = expf(-powf(((float)cell * spacing - 0.8f) / 0.5f, 2));
    float height = lerp(0.30f, 0.14f, (float)row / (TOWER_ROWS - 1)) * (0.35f + tall) *
                   (0.65f + 0.85f * middle);

    return (struct tower){(float)cell * spacing + 0.1f * spacing * hash(cell, row * 11 + 1),
                          spacing * (0.80f + 0.14f * hash(cell, row * 11 + 2)), QUAY - height,
                          hash(cell, row * 11 + 3)};
}

static struct rgba tower_face(const struct tower *tower, float x, float y, int row)
{
    float pitch_x = tower->width / (5 + floorf(tower->pick * 5)), pitch_y = pitch_x * 1.25f;
    float u = (x - tower->left) / pitch_x, v = (y - tower->top) / pitch_y;
    int column = (int)floorf(u), floor_number = (int)floorf(v);
    float pane = ramp(0.16f, 0.26f, u - floorf(u)) * ramp(0.90f, 0.80f, u - floorf(u)) *
                 ramp(0.22f, 0.34f, v - floorf(v)) * ramp(0.92f, 0.80f, v - floorf(v));
    float seed = hash(column + (int)(tower->pick * 9999), floor_number * 7 + row);
    struct rgba wall =
        mix(hex(0x0b1020), hex(0x232a44), tower->pick * ramp(1, 0, (y - tower->top) * 2));
    struct rgba light =
        mix(mix(hex(0xffc873), hex(0xfff0cf), hash(column, floor_number + 50)), hex(0xa8d4ff),
            ramp(0.75f, 0.8f, hash(column + 5, (int)(tower->pick * 999))));
    float on = seed < 0.30f + 0.25f * tower->pick && v > 0.6f
                   ? 0.5f + 0.5f * hash(floor_number, column)
                   : 0;

    return mix(wall, light, pane * on * (0.75f + 0.15f * (float)row));
}

static struct rgba night_sky(float x, float y)
{
    struct rgba sky = mix(hex(0x080c22), hex(0x4a3566), ramp(-0.05f, 0.72f, y));
    float cloud = fbm(x * 1.4f + 2, y * 4, 5);

    sky =
        glow(sky, hex(0xff9a50), 0.30f * ramp(0.30f, 0.70f, y) * ramp(1.0f, 0.1f, fabsf(x - 0.8f)));
    sky = mix(sky, hex(0x55406a), 0.5f * ramp(0.5f, 0.75f, cloud));
    float moon = hypotf(x - 1.22f, y - 0.16f);
    sky = glow(sky, hex(0xcfd8ff), 0.20f * expf(-moon * 9));
    struct rgba face = lit(hex(0xfff6dc), 0.80f + 0.25f * fbm(x * 40, y * 40, 3));
    return mix(sky, face, ramp(0.0385f, 0.0365f, moon));
}

static struct rgba city(float x, float y)
{
    struct rgba colour = night_sky(x, y);

    for (int row = 0; row < TOWER_ROWS; row++) {
        struct tower tower = tower_at(x, row);
        float inside = x - tower.left;
        bool spire = tower.pick > 0.72f && fabsf(inside - tower.width / 2) < 0.0016f;

        if (inside > 0 && inside < tower.width && y > tower.top - (spire ? 0.055f : 0)) {
            colour = y > tower.top ? tower_face(&tower, x, y, row) : hex(0x1a1e30);
        }
        float beacon = hypotf(inside - tower.width / 2, y - tower.top + 0.055f);
        if (tower.pick > 0.72f) {
            colour = glow(colour, hex(0xff3030), ramp(0.006f, 0.0f, beacon));
        }
    }
    float lamps = hypotf((x * 22 - floorf(x * 22) - 0.5f) / 22, y - QUAY + 0.006f);
    return glow(colour, hex(0xffb860), 1.1f * ramp(0.012f, 0.0f, lamps));
}

static struct rgba skyline(float x, float y, const struct canvas *canvas)
{
    (void)canvas;
    if (y < QUAY) {
        return city(x, y);
    }
    float d = y - QUAY, z = 1 / (d + 0.03f);
    float wave = fbm(x * z * 0.6f, z * 9, 4) - 0.5f, chop = fbm(x * z * 2.4f, z * 30, 3) - 0.5f;
    struct rgba water = hex(0x04060f);

    for (int tap = 0; tap < 3; tap++) {
        float reach = d * (0.78f + 0.28f * (float)tap) + 0.10f * d * wave;
        float side = (0.05f * wave + 0.03f * chop) * (0.2f + d * 2);
        water = glow(water, city(x + side, fmaxf(QUAY - 0.002f - reach, 0)), 0.30f);
    }
    return lit(water, 0.95f + 0.9f * wave);
}

void scene_skyline(struct canvas *canvas)
{
    canvas_shade(canvas, skyline);
}

/* Northern lights over a lake. */

static float curtain(float x, float y, float base, float seed)
{
    float bend =
        base + 0.10f * sinf(x * 2.1f + seed) + 0.16f * (fbm(x * 1.6f + seed, seed, 3) - 0.5f);
    float above = bend - y, streak = 0.35f + 0.65f * noise(x * 60 + seed + 5 * above, seed);

    return ramp(-0.012f, 0.02f, above) * expf(-fmaxf(above, 0) * 5.5f) * streak *
           (0.35f + 0.9f * noise(x * 5 + seed, 2));
}

static struct rgba aurora_sky(float x, float y)
{
    struct rgba sky = mix(hex(0x050a1c), hex(0x16324c), ramp(0.0f, 0.66f, y));
    float one = curtain(x, y, 0.44f, 1.3f), two = curtain(x * 1.2f, y, 0.33f, 8.1f);

    sky = glow(sky, rgb(1, 1, 1), stars(x, y, 0.07f) * ramp(0.62f, 0.3f, y));
    sky = glow(sky, mix(hex(0x7a3ab0), hex(0x35ff96), ramp(0.14f, 0.36f, y)), 0.85f * one);
    return glow(sky, mix(hex(0x9a3a90), hex(0x40f0a8), ramp(0.08f, 0.26f, y)), 0.6f * two);
}

static float aurora_shore(float x)
{
    float far = 0.62f - 0.26f * ridges(x * 1.1f + 4, 7.4f, 6);
    float trees = 0.030f * ramp(0.3f, 0.9f, noise(x * 130, 3)) * ramp(0.3f, 0.6f, noise(x * 3, 9));

    return fminf(far, 0.625f - trees);
}

static struct rgba aurora(float x, float y, const struct canvas *canvas)
{
    (void)canvas;
    const float lake = 0.63f;
    bool water = y > lake;
    float ripple =
        water ? (fbm(x * 9, 60 * sqrtf(y - lake), 3) - 0.5f) * 0.10f * (y - lake + 0.05f) : 0;
    float seen = water ? lake - (y - lake) * 1.25f + ripple * 2 : y;
    struct rgba colour = aurora_sky(x + ripple, fmaxf(seen, 0));
    float below = seen - aurora_shore(x + ripple);
    struct rgba rock =
        mix(hex(0x0a1420), hex(0x1d3040), fbm(x * 12, seen * 18, 4) * ramp(0.2f, 0, below));

    colour = mix(colour, rock, ramp(-0.001f, 0.001f, below));
    return water ? lit(colour, 0.72f - 0.25f * (y - lake)) : colour;
}

void scene_aurora(struct canvas *canvas)
{
    canvas_shade(canvas, aurora);
}

/* A cabin in the snow at dusk, with light in its windows. */

static float snow_line(float x)
{
    return 0.66f + 0.05f * (fbm(x * 1.6f, 4, 4) - 0.5f) - 0.02f * sinf(x * 3);
}

/* A fir with snow on its branches. */
static struct rgba snow_fir(struct rgba under, float x, float y, float cx, float foot, float size)
{
    float v = (foot - y) / size, tier = v * 7 - floorf(v * 7);
    float half = 0.26f * size * (1 - v) * (1.12f - 0.40f * tier);
    float u = (x - cx) / fmaxf(half, 0.0001f);

    if (v < 0 || v > 1 || fabsf(u) > 1.3f) {
        return under;
    }
    float needle = fbm(x * 90, y * 90, 3);
    struct rgba green = mix(hex(0x0f1c26), hex(0x24404a), needle);
    struct rgba snow = mix(hex(0x8f9fc4), hex(0xe8ecf8), ramp(0.6f, -0.8f, u));
    green = mix(green, snow, ramp(0.46f, 0.60f, tier * 0.55f + 0.5f * needle));
    return mix(under, green, ramp(1.05f, 0.9f, fabsf(u) + 0.35f * (needle - 0.5f)));
}

static float box(float x, float y, float left, float top, float right, float bottom)
{
    const float soft = 0.0012f;

    return ramp(left - soft, left + soft, x) * ramp(right + soft, right - soft, x) *
           ramp(top - soft, top + soft, y) * ramp(bottom + soft, bottom - soft, y);
}

static struct rgba cabin_walls(struct rgba under, float x, float y)
{
    float gable = 0.50f + 0.62f * fabsf(x - 0.86f), beam = (y - 0.5f) * 46;
    float wall = box(x, y, 0.70f, 0.48f, 1.02f, 0.735f) * ramp(-0.002f, 0.002f, y - gable);
    struct rgba logs = lit(hex(0x5b3d2a), 0.55f + 0.5f * sinf((beam - floorf(beam)) * 3.1f) +
                                              0.3f * (fbm(x * 9, y * 120, 3) - 0.5f));
    float roof =
        ramp(0.024f, 0.021f, fabsf(y - gable + 0.012f)) * ramp(0.225f, 0.222f, fabsf(x - 0.86f));

    under = mix(under, hex(0x4a3a36), box(x, y, 0.955f, 0.455f, 0.99f, 0.57f));
    under = mix(under, hex(0xe4e9f6), box(x, y, 0.951f, 0.447f, 0.994f, 0.460f));
    under = mix(under, logs, wall);
    return mix(under, mix(hex(0xf2f5fc), hex(0x9aa8cc), ramp(0.78f, 0.98f, x)), roof);
}

static struct rgba cabin_light(struct rgba under, float x, float y)
{
    float panes =
        box(x, y, 0.745f, 0.605f, 0.815f, 0.675f) + box(x, y, 0.910f, 0.605f, 0.980f, 0.675f);
    float bars = box(x, y, 0.778f, 0.6f, 0.782f, 0.68f) + box(x, y, 0.943f, 0.6f, 0.947f, 0.68f) +
                 box(x, y, 0.74f, 0.638f, 0.985f, 0.642f);
    float left = hypotf(x - 0.78f, (y - 0.65f) * 1.3f),
          right = hypotf(x - 0.945f, (y - 0.65f) * 1.3f);

    under = mix(under, hex(0x2e1d14), box(x, y, 0.838f, 0.61f, 0.888f, 0.735f));
    under = mix(under, mix(hex(0xffe6a0), hex(0xffb84a), ramp(0.60f, 0.68f, y)),
                panes * (1 - 0.9f * bars));
    return glow(under, hex(0xff9c3a), 0.34f * expf(-left * 11) + 0.34f * expf(-right * 11));
}

static float flakes(float x, float y)
{
    float sum = 0;

    for (int layer = 0; layer < 3; layer++) {
        float cell = 0.035f + 0.030f * (float)layer, size = 0.0016f + 0.0016f * (float)layer;
        int column = (int)floorf(x / cell), row = (int)floorf(y / cell);
        float cx = ((float)column + 0.15f + 0.7f * hash(column, row + layer * 100)) * cell;
        float cy = ((float)row + 0.15f + 0.7f * hash(column + layer * 100, row)) * cell;

        sum += (0.75f - 0.15f * (float)layer) * ramp(size, size * 0.2f, hypotf(x - cx, y - cy));
    }
    return sum;
}

static struct rgba cabin(float x, float y, const struct canvas *canvas)
{
    (void)canvas;
    struct rgba colour = mix(hex(0x1c2550), hex(0xd79a98), ramp(0.0f, 0.66f, y));
    float hills = 0.56f - 0.20f * ridges(x * 0.8f + 2, 5, 5), ground = snow_line(x);

    colour = glow(colour, rgb(1, 1, 1), stars(x, y, 0.08f) * ramp(0.3f, 0.05f, y));
    struct rgba slope = mix(hex(0x5c6694), hex(0xb9bddc), fbm(x * 7, y * 12, 5));
    colour = mix(colour, slope, ramp(-0.001f, 0.002f, y - hills));
    for (int i = 0; i < 13; i++) {
        float cx = 0.02f + 0.125f * (float)i + 0.05f * hash(i, 3),
              size = 0.13f + 0.16f * hash(i, 8);
        if (fabsf(x - cx) < 0.4f * size) {
            colour = snow_fir(colour, x, y, cx, snow_line(cx) + 0.01f, size);
        }
    }
    float drift = fbm(x * 4, y * 16, 5) - 0.5f;
    struct rgba snow = mix(hex(0xaab4dc), hex(0xe9ecfa), ramp(0.62f, 1.0f, y) + 0.9f * drift);
    colour = mix(colour, snow, ramp(-0.001f, 0.002f, y - ground));
    colour = cabin_light(cabin_walls(colour, x, y), x, y);
    colour =
        mix(colour, snow, ramp(-0.001f, 0.003f, y - 0.725f - 0.012f * (fbm(x * 9, 2, 3) - 0.5f)));
    float warm = expf(-hypotf(x - 0.86f, (y - 0.76f) * 2.4f) * 6) * ramp(0.72f, 0.74f, y);
    colour = glow(colour, hex(0xff9a40), 0.35f * warm);
    colour = snow_fir(colour, x, y, 0.27f, 0.92f, 0.66f);
    colour = snow_fir(colour, x, y, 1.33f, 0.98f, 0.56f);
    return glow(colour, rgb(1, 1, 1), flakes(x, y));
}

void scene_cabin(struct canvas *canvas)
{
    canvas_shade(canvas, cabin);
}
