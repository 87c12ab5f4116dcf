/* Landscapes in layers. */
#include "scenes.h"

#include <math.h>
#include <stdbool.h>

/* Ranges of hills, each paler than the one before it, with fog in the valleys and firs on the
 * nearest. */

enum { RANGES = 7 };

/* How far a row of firs reaches over the ground at x: triangles of uneven size with a ragged side.
 */
static float fir_height(float x, float spacing, float size, int seed)
{
    float best = 0;

    for (int cell = (int)floorf(x / spacing) - 1, last = cell + 2; cell <= last; cell++) {
        float at = ((float)cell + 0.2f + 0.6f * hash(cell, seed)) * spacing;
        float tall = size * (0.45f + 0.55f * hash(cell, seed + 1));
        float away = fabsf(x - at) / (0.30f * tall);
        float ragged = 0.10f * sinf(away * 26 + (float)cell);

        best = fmaxf(best, tall * (1 - away - ragged * (1 - away)));
    }
    return best;
}

static float range_ground(float x, int layer)
{
    float near = (float)layer / (RANGES - 1), seed = (float)layer * 7.3f;
    float rise = ridges(x * lerp(1.3f, 0.55f, near) + seed, seed, layer < 3 ? 6 : 4);

    return lerp(0.34f, 0.92f, near) - lerp(0.20f, 0.26f, near) * (rise - 0.35f);
}

static float range_firs(float x, int layer)
{
    float size = 0.012f + 0.045f * (float)(layer - RANGES + 3);

    return layer >= RANGES - 3 ? fir_height(x, size * 0.36f, size, layer * 9) : 0;
}

static struct rgba range_colour(float x, float y, int layer, float below_ground)
{
    float near = (float)layer / (RANGES - 1), wisp = fbm(x * 2.2f + 3 * (float)layer, y * 6, 4);
    struct rgba mist = mix(hex(0xf0dcc8), hex(0xc3ced8), ramp(0.2f, 1.2f, y + 0.2f * x));
    struct rgba rock = mix(hex(0x9db0c0), hex(0x16252b), near * near * 0.55f + near * 0.45f);

    rock = lit(rock, 0.88f + 0.26f * fbm(x * 40, y * 60 + near * 9, 3));
    return mix(rock, mist,
               ramp(0.0f, 0.26f, below_ground * (0.4f + 1.2f * wisp)) * (1 - 0.35f * near));
}

static struct rgba fog_sky(float x, float y)
{
    float sun = hypotf(x - 1.02f, y - 0.20f);
    struct rgba sky = mix(hex(0x7397bd), hex(0xf3d4b2), ramp(-0.05f, 0.42f, y));

    sky = mix(sky, hex(0xffe9c8), 0.75f * ramp(0.34f, 0.0f, sun));
    sky = mix(sky, hex(0xe8c8b4), 0.5f * ramp(0.5f, 0.75f, fbm(x * 1.3f, y * 9, 5)));
    return mix(sky, hex(0xfffaf0), ramp(0.048f, 0.042f, sun));
}

/* Paints from the farthest range to the nearest, but starts with the last one that hides all behind
 * it. */
static struct rgba fog(float x, float y, const struct canvas *canvas)
{
    float ground[RANGES], firs[RANGES];
    struct rgba colour;
    int layer = RANGES;
    bool hidden = false;

    (void)canvas;
    while (layer > 0 && !hidden) {
        layer--;
        ground[layer] = y - range_ground(x, layer);
        firs[layer] = range_firs(x, layer);
        hidden = ground[layer] + firs[layer] > 0.0015f;
    }
    colour = hidden ? hex(0) : fog_sky(x, y);
    for (; layer < RANGES; layer++) {
        float shown = ramp(-0.0015f, 0.0015f, ground[layer] + firs[layer]);

        if (shown > 0) {
            colour = mix(colour, range_colour(x, y, layer, ground[layer]), shown);
        }
    }
    return colour;
}

void scene_fog(struct canvas *canvas)
{
    canvas_shade(canvas, fog);
}

/* A meadow: rows of flowers that grow towards the viewer. */

enum { FLOWER_ROWS = 26 };
static const float MEADOW_HORIZON = 0.40f;

static struct rgba petals_colour(float pick)
{
    static const unsigned colours[] = {0xd8262c, 0xd8262c, 0xe64a2e, 0xf6f2ea, 0xf3c623, 0x5a64c8};

    return hex(colours[(int)(pick * 5.99f)]);
}

/* A flower: petals around a centre. u, v: position within it; its radius is 1. */
static struct rgba flower(struct rgba under, float u, float v, float pick)
{
    float turn = atan2f(v, u) + pick * 6, away = hypotf(u, v * 1.35f);
    float rim = 0.74f + 0.24f * cosf(turn * (5 + floorf(pick * 3)));
    struct rgba petal = lit(petals_colour(pick), 0.72f + 0.34f * away - 0.14f * v);
    struct rgba heart = pick > 0.32f && pick < 0.8f ? hex(0xe2a81c) : hex(0x2a1a18);

    under = mix(under, petal, ramp(rim + 0.06f, rim - 0.06f, away));
    return mix(under, heart, ramp(0.30f, 0.20f, away));
}

/* Blades stand upright and grow towards the viewer: a coarse and a fine growth, mixed by distance.
 */
static struct rgba grass(float x, float y)
{
    float depth = y - MEADOW_HORIZON, z = 1 / (depth + 0.04f);
    float sway = 0.02f * fbm(x * 6, y * 6, 2);
    float fine = fbm((x + sway) * 230, y * 60, 3), coarse = fbm((x + sway) * 90, y * 16, 4);
    float blade = lerp(fine, coarse, ramp(0.05f, 0.45f, depth));
    float patch = fbm(x * z * 1.2f, z * 2.4f, 4);
    struct rgba green = mix(hex(0x243f17), hex(0xa3bb4c), ramp(0.22f, 0.80f, blade));

    green = mix(green, hex(0xb7b45c), 0.45f * ramp(0.45f, 0.70f, patch));
    green = lit(green, 0.82f + 0.36f * patch);
    return mix(green, hex(0xa9bd7c), ramp(0.14f, 0.0f, depth));
}

/* The only flower of a row that may cover this point: each has its own cell. */
static struct rgba flower_row(struct rgba under, float x, float y, int row)
{
    float near = ((float)row + 0.5f) / FLOWER_ROWS, depth = near * near;
    float size = 0.003f + 0.030f * depth, cell = size * 3.0f;
    float middle = MEADOW_HORIZON + 0.03f + 0.66f * depth - y;

    if (middle < -7 * size || middle > 4 * size) {
        return under;
    }
    int column = whole(x / cell + 0.5f * (float)row);
    float pick = hash(column, row * 31), jitter = hash(column, row * 31 + 1);
    float cx = ((float)column - 0.5f * (float)row + 0.36f + 0.28f * jitter) * cell;
    float cy = y + middle + (hash(column, row * 31 + 2) - 0.5f) * size * 5;
    if (pick < 0.30f || cy - y > 1.2f * size) {
        return under;
    }
    float stem = line(x, y, cx, cy, cx + 0.2f * size, cy + size * 4, size * 0.09f, size * 0.05f);
    under = mix(under, hex(0x35521f), 0.9f * stem);
    return y - cy > 1.2f * size
               ? under
               : flower(under, (x - cx) / size, (y - cy) / size, (pick - 0.30f) / 0.70f);
}

static struct rgba meadow_ground(float x, float y)
{
    struct rgba colour = grass(x, y);

    for (int row = 0; row < FLOWER_ROWS; row++) {
        colour = flower_row(colour, x, y, row);
    }
    return colour;
}

static struct rgba meadow_far(float x, float y)
{
    float hill = 0.35f - 0.05f * fbm(x * 1.6f + 2, 1, 3);
    float wood = ramp(0.35f, 0.8f, fbm(x * 24, 7, 4)) * ramp(0.45f, 0.6f, noise(x * 4, 3));
    struct rgba colour = sky_day(x, (0.42f - y) / 0.42f, 2);
    struct rgba leaves = lit(hex(0x48633f), 0.7f + 0.6f * fbm(x * 60, y * 70, 3));
    struct rgba field = mix(hex(0x7f9c66), hex(0xa3ad62), ramp(0.3f, 0.7f, fbm(x * 5, y * 60, 4)));

    colour = mix(colour, leaves, ramp(-0.0015f, 0.0015f, y - hill + 0.028f * wood));
    return mix(colour, field, ramp(-0.001f, 0.002f, y - hill - 0.004f));
}

static struct rgba meadow(float x, float y, const struct canvas *canvas)
{
    float near = ramp(0, 0.01f, y - MEADOW_HORIZON);

    (void)canvas;
    if (near >= 1) {
        return meadow_ground(x, y);
    }
    return near > 0 ? mix(meadow_far(x, y), meadow_ground(x, y), near) : meadow_far(x, y);
}

void scene_meadow(struct canvas *canvas)
{
    canvas_shade(canvas, meadow);
}

/* Lavender: rows that meet at the horizon, a tree, an evening sky. */

static struct rgba lavender_sky(float x, float y)
{
    float h = (0.40f - y) / 0.40f, depth = 1 / (0.14f + clamp01(h));
    float cloud = fbm(x * depth * 0.5f + 6, depth * 1.9f, 6);
    struct rgba sky =
        mix(hex(0xffd59a), mix(hex(0xe58aa0), hex(0x4a63b8), ramp(0.35f, 1, h)), ramp(0, 0.55f, h));

    return mix(sky, mix(hex(0xff9d7a), hex(0x8a6aa0), h), 0.7f * ramp(0.50f, 0.75f, cloud));
}

static struct rgba lavender_field(float x, float y)
{
    float z = 1 / (y - 0.385f), row = (x - 0.62f) * z * 1.5f;
    float bush = fbm(row * 7, z * 9, 4), within = row - floorf(row);
    float round = 1 - fabsf(2 * within - 1);
    float tuft = round + 0.55f * (bush - 0.5f);
    struct rgba bloom = mix(hex(0x3f1f7a), hex(0xa66be0), ramp(0.35f, 1.15f, tuft));
    struct rgba soil = mix(hex(0x3f2a1c), hex(0x8a6a45), bush);

    bloom = mix(bloom, hex(0xd3a6f2),
                0.7f * ramp(0.62f, 0.80f, fbm(row * 26, z * 30, 3)) * ramp(0.3f, 0.8f, round));
    bloom = mix(bloom, hex(0x3d5a34), ramp(0.40f, 0.22f, tuft) * 0.7f);
    struct rgba field = mix(soil, bloom, ramp(0.12f, 0.34f, tuft));
    float poppy = ramp(0.80f, 0.86f, noise(row * 15, z * 20)) * ramp(0.42f, 0.30f, tuft);
    field = mix(field, hex(0xff2408), poppy);
    return mix(field, hex(0x9a68b4), ramp(0.17f, 0.02f, y - 0.40f) * 0.92f);
}

/* A lone tree: a trunk under a crown of several round clumps, each with lit leaves on top. */
static struct rgba lone_tree(struct rgba under, float x, float y)
{
    static const float clumps[][3] = {{1.16f, 0.31f, 0.060f},
                                      {1.21f, 0.27f, 0.062f},
                                      {1.27f, 0.30f, 0.058f},
                                      {1.22f, 0.325f, 0.055f},
                                      {1.18f, 0.265f, 0.040f}};
    float leaf = fbm(x * 85, y * 85, 3) - 0.5f;

    under = mix(under, hex(0x2c1f16), line(x, y, 1.215f, 0.33f, 1.21f, 0.425f, 0.008f, 0.002f));
    for (int i = 0; i < 5; i++) {
        float dx = x - clumps[i][0], dy = y - clumps[i][1], r = clumps[i][2] * (1 + 0.5f * leaf);
        struct rgba green =
            mix(hex(0x1c2c18), hex(0x7d8a3c), ramp(0.9f, -1.0f, (dy + dx) / r) + leaf);

        under = mix(under, green, ramp(r + 0.002f, r - 0.002f, hypotf(dx, dy)));
    }
    return under;
}

static struct rgba lavender(float x, float y, const struct canvas *canvas)
{
    (void)canvas;
    float hills = 0.385f - 0.07f * fbm(x * 1.7f + 9, 2, 4);
    struct rgba colour = lavender_sky(x, y);

    colour = mix(colour, mix(hex(0x8d7fa8), hex(0x6f6a86), fbm(x * 9, y * 20, 3)),
                 ramp(-0.0015f, 0.0015f, y - hills));
    colour = y > 0.40f ? lavender_field(x, y) : colour;
    return lone_tree(colour, x, y);
}

void scene_lavender(struct canvas *canvas)
{
    canvas_shade(canvas, lavender);
}

/* A wood in the morning: trunks that fade with distance, slanting light, fern on the ground. */

enum { TRUNK_ROWS = 6 };

static struct rgba trunk_row(struct rgba under, float x, float y, int row, struct rgba mist)
{
    float near = (float)row / (TRUNK_ROWS - 1), spacing = lerp(0.045f, 0.30f, near * near);
    int cell = (int)floorf(x / spacing);
    float at = ((float)cell + 0.3f + 0.4f * hash(cell, row * 5)) * spacing;
    float half = lerp(0.005f, 0.034f, near * near) * (0.6f + 0.7f * hash(cell, row * 5 + 1));
    float foot = lerp(0.66f, 0.93f, near) + 0.02f * hash(cell, row * 5 + 2);
    float lean = (hash(cell, row * 5 + 3) - 0.5f) * 0.05f * y + 0.006f * sinf(y * 7 + (float)cell);
    float flare = 1 + 1.3f * ramp(0.10f, 0.0f, foot - y), u = (x - at - lean) / (half * flare);

    if (hash(cell, row * 5 + 4) < 0.22f || fabsf(u) > 1.03f || y > foot + 0.004f) {
        return under;
    }
    float bark = fbm(u * 3 + (float)cell * 9, y * 34 * (1 - 0.6f * near), 4);
    struct rgba wood = mix(hex(0x1d1814), hex(0x6a5a48), bark * ramp(1.2f, -0.9f, u));
    wood = mix(mist, wood, 0.22f + 0.78f * near);
    return mix(under, wood, ramp(1.03f, 0.95f, fabsf(u)) * ramp(foot + 0.004f, foot - 0.004f, y));
}

static struct rgba forest_ground(float x, float y, struct rgba mist)
{
    float z = 1 / (y - 0.54f), fern = fbm(x * z * 5, z * 16, 5);
    struct rgba green = mix(hex(0x182410), hex(0x88a040), ramp(0.30f, 0.78f, fern));

    green = mix(green, hex(0x6a4a28), 0.6f * ramp(0.52f, 0.66f, fbm(x * z * 1.3f + 7, z * 3, 3)));
    return mix(green, mist, ramp(0.22f, 0.0f, y - 0.63f));
}

/* Foliage hangs from the top of the picture; the nearer, the darker and the crisper. */
static struct rgba crown_row(struct rgba under, float x, float y, int row, struct rgba mist)
{
    float seed = 5 * (float)row, reach = 0.46f * (0.22f + 0.02f * (float)row - y);
    float crown = y < 0.75f ? ramp(0.46f, 0.58f, fbm(x * 7 + seed, y * 7, 5) + reach) : 0;

    if (crown <= 0) {
        return under;
    }
    float leaves = fbm(x * 48 + seed, y * 48, 3);
    struct rgba leaf = mix(hex(0x1f3314), hex(0xa8b84e), ramp(0.2f, 0.8f, leaves));
    leaf = mix(mist, leaf, 0.25f + 0.12f * (float)row);
    return mix(under, leaf, crown * ramp(0.26f, 0.44f, leaves + 0.3f * (crown - 0.5f)));
}

static struct rgba forest(float x, float y, const struct canvas *canvas)
{
    (void)canvas;
    float sun = hypotf(x - 0.25f, (y - 0.10f) * 0.9f);
    struct rgba mist = mix(hex(0xf2efc4), hex(0x8fa487), ramp(0.0f, 0.85f, sun));
    struct rgba colour = y > 0.63f ? forest_ground(x, y, mist) : mist;

    for (int row = 0; row < TRUNK_ROWS; row++) {
        colour = trunk_row(colour, x, y, row, mist);
        colour = crown_row(colour, x, y, row, mist);
    }
    float angle = atan2f(x - 0.25f, y + 0.12f);
    float ray = ramp(0.45f, 0.8f, fbm(angle * 13, 3, 3)) * ramp(1.2f, 0.2f, sun);
    return glow(colour, hex(0xfff0b8), 0.30f * ray);
}

void scene_forest(struct canvas *canvas)
{
    canvas_shade(canvas, forest);
}
