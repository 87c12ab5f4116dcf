/* Close-ups: fruit, a cup of coffee, a portrait, balloons. */
#include "scenes.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

struct vector {
    float x, y, z;
};

static struct vector along(struct vector from, struct vector by, float t)
{
    return (struct vector){from.x + by.x * t, from.y + by.y * t, from.z + by.z * t};
}

static float dot(struct vector a, struct vector b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static struct vector unit(struct vector v)
{
    float length = sqrtf(dot(v, v));

    return (struct vector){v.x / length, v.y / length, v.z / length};
}

/* A still life: fruit on a table, lit by a window on the left. One reflection is enough for the
 * gloss. */

struct fruit {
    struct vector centre;
    float radius;
    unsigned skin, blush;
    float gloss, pores;
};

enum { FRUITS = 6 };
static const struct fruit fruits[FRUITS] = {
    {{-0.78f, 0.46f, 3.4f}, 0.46f, 0xe8861c, 0xf2a836, 0.25f, 60},
    {{0.10f, 0.52f, 3.75f}, 0.52f, 0xb3201f, 0xd9b23c, 0.55f, 5},
    {{0.86f, 0.40f, 3.15f}, 0.40f, 0x7f9a2a, 0xc2c04a, 0.50f, 7},
    {{-0.16f, 0.27f, 2.75f}, 0.27f, 0x4a2352, 0x7a3a68, 0.35f, 6},
    {{0.36f, 0.24f, 2.62f}, 0.24f, 0x57285c, 0x8a4468, 0.35f, 6},
    {{-1.42f, 0.38f, 3.9f}, 0.38f, 0xe6c22e, 0xf0d860, 0.30f, 40},
};

static const struct vector window_light = {-0.58f, 0.68f, -0.45f};

/* The nearest fruit that a ray hits, or FRUITS. */
static int fruit_hit(struct vector from, struct vector ray, float *distance)
{
    int nearest = FRUITS;

    for (int i = 0; i < FRUITS; i++) {
        struct vector to = along(from, fruits[i].centre, -1);
        float b = dot(to, ray), c = dot(to, to) - fruits[i].radius * fruits[i].radius;
        float root = b * b - c, t = root > 0 ? -b - sqrtf(root) : -1;

        if (t > 0.001f && t < *distance) {
            *distance = t;
            nearest = i;
        }
    }
    return nearest;
}

/* How much of the window is visible from a point, 0–1: the edge of a shadow widens with
 * distance. */
static float window_seen(struct vector place, int but)
{
    float seen = 1;

    for (int i = 0; i < FRUITS; i++) {
        struct vector to = along(fruits[i].centre, place, -1);
        float ahead = dot(to, window_light);
        struct vector off = along(to, window_light, -ahead);
        float pass = sqrtf(dot(off, off)) / fruits[i].radius, rim = 0.12f + 0.22f * ahead;

        if (i != but && ahead > 0) {
            seen *= ramp(1 - rim, 1 + rim, pass);
        }
    }
    return seen;
}

static struct rgba table_colour(struct vector place)
{
    float shade = 1, weave = sinf(place.x * 150) * sinf(place.z * 150);
    float fold = fbm(place.x * 0.9f + 4, place.z * 0.5f, 4);
    struct rgba cloth = lit(hex(0xb9c2cc), 0.80f + 0.36f * fold + 0.03f * weave);
    float stripe = place.x * 0.9f + 0.35f * place.z;

    for (int i = 0; i < FRUITS; i++) {
        float away = hypotf(place.x - fruits[i].centre.x, place.z - fruits[i].centre.z);
        shade *= 1 - 0.62f * ramp(1.25f, 0.1f, away / fruits[i].radius);
    }
    cloth = mix(cloth, hex(0x3f5f92),
                0.75f * ramp(0.10f, 0.07f, fabsf(stripe - floorf(stripe) - 0.5f)));
    return lit(cloth, shade * (0.34f + 0.72f * window_seen(place, FRUITS)) *
                          ramp(7.5f, 1.0f, place.z + 0.5f * place.x));
}

static struct rgba wall_colour(float x, float y)
{
    float pool = ramp(1.9f, 0.0f, hypotf(x + 0.75f, (y - 0.35f) * 1.2f));

    return lit(hex(0x8a7a66), 0.20f + 0.55f * pool + 0.16f * (fbm(x * 3, y * 3, 5) - 0.5f));
}

static struct rgba backdrop(struct vector from, struct vector ray)
{
    float t = ray.y < -0.001f ? -from.y / ray.y : 1e9f;
    struct vector place = along(from, ray, t);

    return t < 1e8f && place.z < 5.2f ? table_colour(place)
                                      : wall_colour(ray.x / ray.z, ray.y / ray.z);
}

static struct rgba fruit_colour(int which, struct vector place, struct vector ray)
{
    const struct fruit *fruit = &fruits[which];
    struct vector normal = unit(along(place, fruit->centre, -1));
    float spot = fbm(normal.x * fruit->pores * 0.5f + 9, normal.y * fruit->pores * 0.5f, 4);
    float blush = fbm(normal.x * 1.6f + (float)which * 3, normal.y * 1.6f + normal.z, 4);
    struct rgba skin = mix(hex(fruit->skin), hex(fruit->blush), ramp(0.35f, 0.75f, blush));
    float light = fmaxf(dot(normal, window_light), 0) * window_seen(place, which);
    float below = 0.5f - 0.5f * normal.y;

    skin = lit(skin, (0.16f + 0.10f * (1 - below) + 1.02f * light) * (0.86f + 0.28f * spot));
    struct vector mirrored = along(ray, normal, -2 * dot(ray, normal));
    float facing = 1 + dot(ray, normal), fresnel = 0.05f + 0.5f * facing * facing * facing;
    float shine = fmaxf(dot(mirrored, window_light), 0);
    skin = mix(skin, lit(backdrop(place, mirrored), 0.8f), clamp01(fruit->gloss * fresnel * 1.6f));
    return glow(skin, hex(0xfff8ee), fruit->gloss * (powf(shine, 60) + 0.25f * powf(shine, 9)));
}

static struct rgba fruit_still(float x, float y, const struct canvas *canvas)
{
    struct vector eye = {0, 1.35f, 0};
    struct vector ray = unit((struct vector){x - canvas_aspect(canvas) / 2, 0.24f - y, 1.25f});
    float distance = 1e9f;
    int which = fruit_hit(eye, ray, &distance);

    return which == FRUITS ? backdrop(eye, ray)
                           : fruit_colour(which, along(eye, ray, distance), ray);
}

void scene_fruit(struct canvas *canvas)
{
    canvas_shade(canvas, fruit_still);
}

/* Coffee from above, on a wooden table. */

static struct rgba wood(float x, float y)
{
    float plank = y * 4.2f, number = floorf(plank);
    float bend = fbm(x * 1.3f + number * 7, plank * 0.9f, 3);
    float vein = fbm(x * 1.1f + number * 13, plank * 9 + 5 * bend, 5);
    struct rgba grain = mix(hex(0x4c2f1c), hex(0xa9743f), ramp(0.25f, 0.75f, vein));

    grain =
        lit(grain, 0.82f + 0.25f * hash((int)number, 3) + 0.16f * (fbm(x * 40, y * 320, 3) - 0.5f));
    return lit(grain, 1 - 0.75f * ramp(0.016f, 0.004f, fabsf(plank - roundf(plank))));
}

/* Crema, with a leaf poured in milk. */
static struct rgba coffee_surface(float u, float v)
{
    float away = hypotf(u, v), swirl = fbm(u * 7 + 2 * fbm(u * 3, v * 3, 3), v * 7, 5);
    struct rgba crema =
        mix(hex(0x5a2d10), hex(0xb5783a), ramp(0.2f, 0.8f, swirl) * ramp(1.05f, 0.6f, away));
    float bend = fabsf(u) * 1.5f - 0.10f,
          leaf = ramp(0.60f, 0.56f, hypotf(u * 1.25f, v * 0.92f + 0.02f));
    float fold = sinf((v + bend) * 21 + 1.2f * (swirl - 0.5f)),
          stem = ramp(0.035f, 0.015f, fabsf(u));
    float milk = leaf * fmaxf(ramp(-0.25f, 0.15f, fold), stem * ramp(0.62f, 0.5f, fabsf(v)));

    crema = mix(crema, hex(0xf3e2c2), 0.92f * milk);
    return lit(crema, 1 - 0.5f * ramp(0.86f, 1.0f, away) + 0.10f * ramp(0.5f, -0.8f, u + v));
}

static float side_light(float dx, float dy, float away)
{
    return away > 0 ? -(dx + dy) / (away * 1.4142f) : 0;
}

static struct rgba saucer(struct rgba under, float x, float y, float cx, float cy)
{
    float dx = x - cx, dy = y - cy, away = hypotf(dx, dy), towards = side_light(dx, dy, away);
    float lip = ramp(0.37f, 0.41f, away) - ramp(0.41f, 0.425f, away);
    float well = ramp(0.24f, 0.27f, away) - ramp(0.27f, 0.31f, away);
    float shadow = ramp(0.47f, 0.36f, hypotf(dx - 0.045f, dy - 0.055f));
    struct rgba china = lit(hex(0xf0ece4), 0.86f + 0.10f * towards * lip - 0.16f * towards * well);

    under = lit(under, 1 - 0.62f * shadow);
    china = lit(china, 1 - 0.50f * ramp(0.36f, 0.22f, hypotf(dx - 0.04f, dy - 0.05f)));
    china = mix(china, hex(0x35507e), 0.8f * ramp(0.005f, 0.003f, fabsf(away - 0.385f)));
    return mix(under, china, ramp(0.4265f, 0.4235f, away));
}

static struct rgba cup(struct rgba under, float x, float y, float cx, float cy)
{
    float dx = x - cx, dy = y - cy, away = hypotf(dx, dy), towards = side_light(dx, dy, away);
    float wall = ramp(0.195f, 0.235f, away);
    struct rgba china = lit(hex(0xf7f4ee), 0.92f + (0.10f - 0.30f * wall) * -towards);
    float hx = 0.80f * dx - 0.60f * dy, hy = 0.60f * dx + 0.80f * dy;
    float handle = ramp(0.030f, 0.024f, fabsf(hypotf((hx - 0.27f) * 0.8f, hy) - 0.062f));

    under = mix(under, lit(hex(0xe9e5dc), 0.98f - 6 * fabsf(hy) * fabsf(hy)), handle);
    under = mix(under, china, ramp(0.2415f, 0.2385f, away));
    under =
        mix(under, lit(hex(0xd8d2c6), 0.85f + 0.25f * towards * -1), ramp(0.222f, 0.219f, away));
    return mix(under, coffee_surface(dx / 0.205f, dy / 0.205f), ramp(0.2065f, 0.2035f, away));
}

static struct rgba spoon(struct rgba under, float x, float y, float cx, float cy)
{
    float u = 0.92f * (x - cx) + 0.39f * (y - cy),
          v = -0.39f * (x - cx) + 0.92f * (y - cy) - 0.335f;
    float bowl = hypotf((u + 0.20f) / 0.075f, v / 0.045f);
    float shape =
        fmaxf(ramp(1.04f, 0.98f, bowl), ramp(0.010f + 0.012f * ramp(0.1f, 0.4f, u),
                                             0.007f + 0.012f * ramp(0.1f, 0.4f, u), fabsf(v)) *
                                            ramp(-0.15f, -0.14f, u) * ramp(0.40f, 0.39f, u));
    float gleam = 0.5f + 0.5f * sinf(v * 130 + 1.5f * u + (bowl < 1 ? 2.0f : 0.0f));

    return mix(under, mix(hex(0x55585c), hex(0xf4f5f6), gleam), shape);
}

static struct rgba coffee(float x, float y, const struct canvas *canvas)
{
    float cx = canvas_aspect(canvas) * 0.48f, cy = 0.50f;
    struct rgba colour = saucer(wood(x, y), x, y, cx, cy);

    colour = cup(spoon(colour, x, y, cx, cy), x, y, cx, cy);
    return lit(colour, 1.12f - 0.35f * hypotf(x - cx * 0.7f, y - 0.3f));
}

void scene_coffee(struct canvas *canvas)
{
    canvas_shade(canvas, coffee);
}

/* A portrait against the light: a profile, city lights out of focus behind it. */

static struct rgba lights_out_of_focus(float x, float y)
{
    static const unsigned tints[] = {0xffb45a, 0xff7a3c, 0xffd98a, 0x6ab0ff, 0xff5a6e, 0xfff0d0};
    struct rgba colour = mix(hex(0x2a2348), hex(0xc8654a), ramp(0.0f, 1.1f, y));

    for (int layer = 0; layer < 3; layer++) {
        float cell = 0.13f + 0.07f * (float)layer;
        int column = (int)floorf(x / cell), row = (int)floorf(y / cell);
        float pick = hash(column * 3 + layer, row),
              radius = cell * (0.22f + 0.22f * hash(column, row + 7 + layer));
        float cx = ((float)column + 0.5f + 0.1f * (pick - 0.5f)) * cell;
        float cy = ((float)row + 0.5f + 0.1f * (hash(row, column + layer) - 0.5f)) * cell;
        float away = hypotf(x - cx, y - cy) / radius, rim = 0.62f + 0.38f * ramp(0.6f, 0.98f, away);
        struct rgba tint = hex(tints[(int)(hash(column + 9, row * 5 + layer) * 5.99f)]);

        if (pick > 0.42f) {
            colour = glow(colour, tint, (0.16f + 0.30f * pick) * rim * ramp(1.04f, 0.94f, away));
        }
    }
    return colour;
}

/* The outline of a face that looks to the right: how far it reaches at each height, brow to throat.
 */
static float face_edge(float y)
{
    static const float outline[][2] = {
        {0.150f, 0.400f}, {0.180f, 0.500f}, {0.230f, 0.560f}, {0.280f, 0.583f}, {0.325f, 0.590f},
        {0.350f, 0.580f}, {0.372f, 0.583f}, {0.410f, 0.612f}, {0.440f, 0.634f}, {0.452f, 0.630f},
        {0.462f, 0.598f}, {0.480f, 0.598f}, {0.493f, 0.609f}, {0.505f, 0.596f}, {0.520f, 0.604f},
        {0.535f, 0.590f}, {0.560f, 0.592f}, {0.582f, 0.580f}, {0.600f, 0.545f}, {0.622f, 0.480f},
        {0.650f, 0.455f}, {0.720f, 0.462f}, {0.760f, 0.500f}, {0.790f, 0.580f}, {0.830f, 0.690f},
        {0.900f, 0.770f}, {1.100f, 0.830f}};
    size_t i = 1;

    while (i + 1 < sizeof(outline) / sizeof(outline[0]) && outline[i][0] < y) {
        i++;
    }
    float t = (y - outline[i - 1][0]) / (outline[i][0] - outline[i - 1][0]);
    return y < outline[0][0] ? 0 : lerp(outline[i - 1][1], outline[i][1], t * t * (3 - 2 * t));
}

/* How deep a point is inside the figure; negative outside. */
static float figure_depth(float x, float y)
{
    float face = face_edge(y) - x;
    float strand = 0.018f * (fbm(x * 30, y * 9, 4) - 0.5f);
    float hair = 0.205f + strand - hypotf((x - 0.375f) * 0.95f, y - 0.335f);
    float tail = 0.085f + strand - hypotf((x - 0.215f) * 1.1f, (y - 0.56f) * 0.42f);
    float back = 0.52f * ramp(0.60f, 1.1f, y), shoulder = x - (0.30f - back);
    float body = y > 0.15f ? fminf(face, fmaxf(shoulder, y < 0.70f ? x - 0.30f : -1)) : -1;

    return fmaxf(fmaxf(hair, tail), body);
}

/* How far a point is behind the hairline, which runs from the brow past the temple to behind the
 * ear. */
static float behind_hairline(float x, float y)
{
    static const float hairline[][2] = {{0.18f, 0.53f}, {0.24f, 0.50f},  {0.32f, 0.475f},
                                        {0.38f, 0.45f}, {0.44f, 0.405f}, {0.52f, 0.36f},
                                        {0.60f, 0.33f}, {0.80f, 0.29f}};
    size_t i = 1;

    while (i + 1 < sizeof(hairline) / sizeof(hairline[0]) && hairline[i][0] < y) {
        i++;
    }
    float t = (y - hairline[i - 1][0]) / (hairline[i][0] - hairline[i - 1][0]);
    float wave = 0.020f * (fbm(x * 40, y * 14, 3) - 0.5f);
    return lerp(hairline[i - 1][1], hairline[i][1], clamp01(t)) + wave - x;
}

static struct rgba portrait(float x, float y, const struct canvas *canvas)
{
    (void)canvas;
    float depth = figure_depth(x, y), about = hypotf(x - 0.40f, y - 0.42f);
    struct rgba colour =
        mix(hex(0x2a151a), hex(0x7a4030), ramp(0.36f, 0.62f, x - 0.25f * (y - 0.4f)));
    float around = atan2f(0.42f - y, 0.40f - x), strand = fbm(around * 2.2f + 5, about * 85, 4);
    struct rgba hair = mix(hex(0x150c0d), hex(0x54301f), ramp(0.25f, 0.85f, strand));

    colour = mix(colour, hair, ramp(-0.012f, 0.012f, behind_hairline(x, y)));
    colour = mix(colour, lit(hex(0x26304c), 0.55f + 0.5f * fbm(x * 90, y * 90, 3)),
                 ramp(0.738f, 0.744f, y + 0.05f * sinf(x * 6)));
    colour = glow(colour, hex(0xffa25c),
                  0.85f * ramp(0.022f, 0.0f, depth) * ramp(0.15f, 0.9f, x + 0.3f * (1 - y)));
    return mix(lights_out_of_focus(x, y), colour, ramp(-0.003f, 0.003f, depth));
}

void scene_portrait(struct canvas *canvas)
{
    canvas_shade(canvas, portrait);
}

/* Balloons over the hills in the morning. */

struct balloon {
    float x, y, size;
    unsigned cloth, stripe;
    int gores;
};

static struct rgba balloon_envelope(const struct balloon *balloon, float u, float v)
{
    float half = sqrtf(fmaxf(1 - v * v, 0.0004f)) * (v > 0 ? 1 - 0.42f * v * v : 1);
    float around = asinf(fminf(fmaxf(u / half, -1), 1)) / 3.14159265f * (float)balloon->gores;
    float gore = around - floorf(around), seam = fminf(gore, 1 - gore);
    bool even = ((int)floorf(around) & 1) == 0;
    struct rgba cloth = even ? hex(balloon->cloth) : hex(balloon->stripe);

    cloth = mix(cloth, hex(0xfbf4e2), ramp(0.10f, 0.07f, fabsf(v - 0.10f)));
    cloth = lit(cloth, 0.80f + 0.16f * ramp(0.0f, 0.3f, seam));
    return lit(cloth, 1.06f - 0.40f * u / half * 0.8f - 0.22f * v);
}

static struct rgba balloon_paint(struct rgba under, const struct balloon *balloon, float x, float y)
{
    float u = (x - balloon->x) / balloon->size, v = (y - balloon->y) / balloon->size,
          soft = 0.0016f / balloon->size;

    if (fabsf(u) > 1.2f || v < -1.2f || v > 1.8f) {
        return under;
    }
    float half = sqrtf(fmaxf(1 - v * v, 0)) * (v > 0 ? 1 - 0.42f * v * v : 1);
    float envelope = ramp(half + soft, half - soft, fabsf(u)) *
                     ramp(0.97f + soft, 0.97f - soft, v) * ramp(-1 - soft, -1 + soft, v);
    float basket = ramp(0.13f + soft, 0.13f - soft, fabsf(u)) *
                   ramp(1.32f - soft, 1.32f + soft, v) * ramp(1.52f + soft, 1.52f - soft, v);
    float ropes = line(u, v, -0.14f, 0.95f, -0.11f, 1.34f, 0.012f, soft) +
                  line(u, v, 0.14f, 0.95f, 0.11f, 1.34f, 0.012f, soft);

    under = mix(under, hex(0x4c4038), ropes);
    under = mix(under, lit(hex(0x7a5228), 0.8f + 0.3f * sinf(v * 90)), basket);
    return mix(under, balloon_envelope(balloon, u, v), envelope);
}

/* One of the rolling hills under the balloons, with morning mist at its foot. */
static struct rgba downs(struct rgba under, float x, float y, int layer)
{
    float near = (float)layer / 3, seed = 4.1f * (float)layer;
    float top = lerp(0.70f, 0.90f, near) - 0.10f * fbm(x * lerp(2.2f, 1.2f, near) + seed, seed, 5);
    float shown = ramp(-0.0015f, 0.0015f, y - top);

    if (shown <= 0) {
        return under;
    }
    float field = fbm(x * 6 + seed, (y - top) * 30, 4), clear = 0.35f + 0.5f * near;
    struct rgba hill = mix(hex(0x9fb2bd), hex(0x3a5228), near);
    hill = mix(hill, hex(0xb5a864), 0.4f * near * ramp(0.45f, 0.65f, field));
    hill = lit(hill, 0.80f + 0.4f * fbm(x * 40, y * 60, 3));
    return mix(under, mix(hex(0xdfe3e0), hill, clear + 0.65f * ramp(0.10f, 0.0f, y - top)), shown);
}

static struct rgba balloons(float x, float y, const struct canvas *canvas)
{
    static const struct balloon flown[] = {
        {0.52f, 0.36f, 0.205f, 0xd5352f, 0xf2b632, 14},
        {1.13f, 0.24f, 0.115f, 0x2f62ad, 0xe8edf4, 12},
        {0.92f, 0.52f, 0.062f, 0x2f8f5b, 0xf0d03c, 12},
        {1.36f, 0.47f, 0.045f, 0x8a3f9a, 0xf07a3a, 10},
        {0.18f, 0.56f, 0.036f, 0xf08a2c, 0xb8322c, 10},
        {0.14f, 0.17f, 0.052f, 0xe7c02f, 0x26508f, 10},
    };
    (void)canvas;
    struct rgba colour = sky_day(x, (0.78f - y) / 0.78f, 9);

    for (int layer = 0; layer < 4; layer++) {
        colour = downs(colour, x, y, layer);
    }
    for (size_t i = sizeof(flown) / sizeof(flown[0]); i-- > 0;) {
        colour = balloon_paint(colour, &flown[i], x, y);
    }
    return colour;
}

void scene_balloons(struct canvas *canvas)
{
    canvas_shade(canvas, balloons);
}
