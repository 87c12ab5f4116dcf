/* Seascapes. */
#include "scenes.h"

#include <math.h>

/* A sunset, with the sun's path glittering on the water. */

enum { SUN_MILLI_X = 920 };
static const float SUNSET_HORIZON = 0.56f, SUN_X = SUN_MILLI_X / 1000.0f;

static struct rgba sunset_sky(float x, float y)
{
    float h = clamp01((SUNSET_HORIZON - y) / SUNSET_HORIZON), dx = x - SUN_X;
    float away = sqrtf(dx * dx * 0.8f + (y - 0.52f) * (y - 0.52f) * 1.6f);
    struct rgba low = mix(hex(0xffc45e), hex(0xe0705a), ramp(0.0f, 0.30f, h));
    struct rgba sky =
        mix(low, mix(hex(0x7c4a78), hex(0x1e2c58), ramp(0.45f, 1, h)), ramp(0.15f, 0.62f, h));
    float depth = 1 / (0.12f + h);
    float cloud = fbm(x * 1.5f + depth * 0.25f + 3, depth * 1.7f + x * 0.2f, 5);
    float under = ramp(0.9f, 0.1f, away);

    sky = glow(sky, hex(0xff9a3c), 0.55f * ramp(0.55f, 0.0f, away));
    struct rgba shade = mix(hex(0x3a2a4c), hex(0xff7a45), under * under);
    sky = mix(sky, shade, 0.85f * ramp(0.50f, 0.72f, cloud) * ramp(0.0f, 0.08f, h));
    return mix(sky, hex(0xfff3c8), disc(x, y, SUN_X, 0.535f, 0.052f, 0.004f));
}

static struct rgba sunset_sea(float x, float y)
{
    float d = y - SUNSET_HORIZON, z = 1 / (d + 0.012f);
    float swell = fbm(x * z * 1.1f + 5, z * 5.5f, 4) - 0.5f;
    float chop = fbm(x * z * 5 + 9, z * 24, 3) - 0.5f;
    float mirror = SUNSET_HORIZON - d * 1.05f - 0.10f * swell - 0.03f * chop;
    struct rgba sea = lit(mix(sunset_sky(x + 0.05f * chop, fmaxf(mirror, 0)), hex(0x1a2038),
                              0.30f + 0.45f * ramp(0.0f, 0.4f, d)),
                          0.86f + 0.55f * swell);
    float path = expf(-powf((x - SUN_X) / (0.035f + 0.34f * d), 2));
    float sparkle = ramp(0.02f, 0.24f, swell * 0.6f + chop * 0.8f + 0.10f * path);

    return glow(sea, hex(0xffd08a), path * (0.16f + 0.95f * sparkle));
}

/* A yacht, far out: two sails and a hull. */
static float yacht(float x, float y)
{
    float u = (x - 0.40f) / 0.055f, v = (SUNSET_HORIZON + 0.012f - y) / 0.055f;
    float main_sail =
        ramp(0.0f, 0.06f, u) * ramp(1.02f, 0.94f, u * 1.6f + v * 0.55f) * ramp(0.22f, 0.28f, v);
    float jib = ramp(0.0f, 0.06f, -u - 0.04f) * ramp(1.02f, 0.94f, -u * 1.9f + v * 0.62f) *
                ramp(0.24f, 0.30f, v);
    float hull =
        ramp(0.0f, 0.05f, v) * ramp(0.2f, 0.15f, v) * ramp(0.72f, 0.66f, fabsf(u) - 0.3f * v);

    return fmaxf(fmaxf(main_sail, jib), hull);
}

static struct rgba sunset(float x, float y, const struct canvas *canvas)
{
    (void)canvas;
    float shore = ramp(SUNSET_HORIZON - 0.0015f, SUNSET_HORIZON + 0.0015f, y);
    struct rgba colour = mix(sunset_sky(x, fminf(y, SUNSET_HORIZON)),
                             sunset_sea(x, fmaxf(y, SUNSET_HORIZON)), shore);

    return mix(colour, hex(0x20182c), 0.95f * yacht(x, y));
}

void scene_sunset(struct canvas *canvas)
{
    canvas_shade(canvas, sunset);
}

/* A beach: sky, sea that is greener in the shallows, breakers, wet and dry sand. */

static const float BEACH_HORIZON = 0.36f;

static float waterline(float x)
{
    return 0.66f + 0.05f * sinf(x * 2.3f + 0.6f) + 0.035f * (fbm(x * 3, 2, 3) - 0.5f) + 0.05f * x;
}

static struct rgba beach_sea(float x, float y, float to_shore)
{
    float z = 1 / (y - BEACH_HORIZON + 0.02f);
    float wave = fbm(x * z * 0.9f, z * 6, 5) - 0.5f;
    struct rgba sea = mix(hex(0x2bb3b1), hex(0x0f5f93), ramp(0.02f, 0.26f, to_shore));
    sea = mix(sea, hex(0xa8d8cf), ramp(0.05f, 0.0f, to_shore) * 0.7f);
    float bend = to_shore + 0.02f * fbm(x * 5, 1, 4);
    float roll = powf(0.5f + 0.5f * sinf(110 * sqrtf(fmaxf(bend, 0))), 14);
    float foam =
        roll * ramp(0.42f, 0.62f, fbm(x * 9 + 3, bend * 30, 4)) * ramp(0.20f, 0.05f, to_shore);

    sea = lit(sea, 1 + 0.55f * wave);
    return mix(sea, hex(0xf6fbfb), 0.9f * foam);
}

static struct rgba beach_sand(float x, float y, float from_water)
{
    float z = 1 / (y - 0.25f);
    float dent = fbm(x * z * 7, z * 22, 4) - 0.5f, grain = hash((int)(x * 1600), (int)(y * 1600));
    struct rgba dry = mix(hex(0xe9d2a6), hex(0xcfae7b), 0.5f + dent);
    struct rgba wet = mix(hex(0xa98f6c), hex(0xbfb49b), ramp(0.05f, 0.0f, from_water));
    float drying = ramp(0.03f, 0.10f, from_water + 0.03f * dent);

    return lit(mix(wet, lit(dry, 1 + 0.28f * dent), drying), 0.97f + 0.06f * grain);
}

/* A parasol with red and white panels, its pole and its shadow. */
static struct rgba parasol(struct rgba under, float x, float y)
{
    float u = (x - 1.17f) / 0.17f, v = (0.62f - y) / 0.11f;
    float dome = ramp(1.02f, 0.99f, u * u + v * v) * ramp(-0.01f, 0.02f, v + 0.10f * u * u);
    float panel =
        0.5f + 0.5f * sinf(9 * asinf(fminf(fmaxf(u / sqrtf(fmaxf(1.02f - v * v, 0.05f)), -1), 1)));
    struct rgba cloth = mix(hex(0xf7f3ea), hex(0xcf2f35), ramp(0.45f, 0.55f, panel));
    float su = (x - 1.30f) / 0.20f, sv = (y - 0.925f) / 0.035f;

    under = lit(under, 1 - 0.42f * ramp(1.15f, 0.8f, su * su + sv * sv));
    under = mix(under, hex(0xe8e4da), line(x, y, 1.17f, 0.60f, 1.19f, 0.925f, 0.005f, 0.0015f));
    return mix(under, lit(cloth, 0.80f + 0.28f * v - 0.18f * u), dome);
}

static struct rgba beach(float x, float y, const struct canvas *canvas)
{
    (void)canvas;
    float shore = waterline(x);
    struct rgba colour = sky_day(x, (BEACH_HORIZON - y) / BEACH_HORIZON, 4);

    if (y > BEACH_HORIZON) {
        colour = mix(beach_sea(x, y, shore - y), beach_sand(x, y, y - shore),
                     ramp(-0.002f, 0.002f, y - shore));
        float lace = ramp(0.014f, 0.0f, fabsf(y - shore + 0.006f * fbm(x * 20, 3, 3)));
        colour = mix(colour, hex(0xfdfdfb), 0.85f * lace);
        colour = mix(colour, hex(0xbfd6e4), ramp(0.03f, 0.0f, y - BEACH_HORIZON) * 0.6f);
    }
    return parasol(colour, x, y);
}

void scene_beach(struct canvas *canvas)
{
    canvas_shade(canvas, beach);
}

/* A lighthouse on a cliff under a heavy sky; meant for grey. */

static struct rgba lighthouse_sky(float x, float y)
{
    float depth = 1 / (0.75f - y);
    float cloud = fbm(x * 1.3f * depth * 0.6f + 8, depth * 2.2f, 6);
    float beam =
        ramp(0.09f, 0.0f, fabsf((y - 0.245f) - 0.16f * (x - 1.02f)) / (0.35f + fabsf(x - 1.02f)));

    struct rgba sky = mix(hex(0x353a40), hex(0xd8dadd), ramp(0.25f, 0.75f, cloud));
    sky = mix(sky, hex(0xe6e6e6), 0.5f * ramp(0.35f, 0.66f, y));
    return glow(sky, hex(0xffffff), 0.28f * beam * ramp(1.02f, 0.6f, x));
}

static struct rgba lighthouse_sea(float x, float y)
{
    float z = 1 / (y - 0.645f);
    float swell = fbm(x * z * 0.35f + 2, z * 2.2f, 5), crest = fbm(x * z * 1.2f, z * 7, 4);
    struct rgba sea =
        mix(hex(0x2a2f34), hex(0x9aa0a6), ramp(0.3f, 0.75f, 0.6f * swell + 0.4f * crest));

    return mix(sea, hex(0xf2f2f2), 0.8f * ramp(0.60f, 0.72f, 0.5f * swell + 0.5f * crest));
}

static struct rgba cliff(struct rgba under, float x, float y)
{
    float rough = 0.05f * (fbm(x * 7, 5, 5) - 0.5f);
    float top = 0.63f + 0.55f * ramp(0.95f, 0.45f, x) - 0.035f * ramp(0.9f, 1.5f, x) + rough;
    float face =
        0.55f * fbm(x * 11 + 3, y * 26 + 5 * x, 5) + 0.45f * ridges(x * 9 + 2 * y, y * 5, 6);
    struct rgba rock =
        mix(hex(0x0e0f11), hex(0xb4b6b8), ramp(0.20f, 0.80f, face) * ramp(0.7f, -0.1f, y - top));
    struct rgba grass = mix(hex(0x3c3f3c), hex(0x7a7e78), fbm(x * 50, y * 120, 3));

    rock = mix(grass, rock, ramp(0.02f, 0.07f, y - top + 0.03f * (face - 0.5f)));
    return mix(under, rock, ramp(-0.002f, 0.003f, y - top));
}

static struct rgba tower(struct rgba under, float x, float y)
{
    float half = lerp(0.036f, 0.056f, (y - 0.28f) / 0.36f), u = (x - 1.02f) / half;
    float body = ramp(1.04f, 0.98f, fabsf(u)) * ramp(0.279f, 0.282f, y) * ramp(0.645f, 0.640f, y);
    float band = ramp(-0.03f, 0.03f, sinf((y - 0.28f + 0.006f * u * u) * 52));
    struct rgba paint = mix(hex(0xf1f1ee), hex(0x3f4042), band);
    float lamp =
        ramp(0.021f, 0.019f, fabsf(x - 1.02f)) * ramp(0.222f, 0.225f, y) * ramp(0.28f, 0.278f, y);
    float roof = ramp(0.0f, 0.004f, y - 0.188f - 0.9f * fabsf(x - 1.02f)) * ramp(0.224f, 0.222f, y);
    float deck =
        ramp(0.052f, 0.050f, fabsf(x - 1.02f)) * ramp(0.274f, 0.276f, y) * ramp(0.286f, 0.284f, y);

    under = mix(under, lit(paint, 0.95f - 0.42f * (0.6f + u) * (0.6f + u) * 0.6f), body);
    under =
        mix(under, mix(hex(0xffffff), hex(0x8c8c8c), ramp(0.004f, 0.02f, fabsf(x - 1.02f))), lamp);
    under = mix(under, hex(0x222325), fmaxf(roof, deck));
    return glow(under, hex(0xffffff),
                0.7f * ramp(0.10f, 0.0f, hypotf(x - 1.02f, y - 0.25f)) *
                    ramp(0.06f, 0.0f, hypotf(x - 1.02f, y - 0.25f)));
}

static struct rgba lighthouse(float x, float y, const struct canvas *canvas)
{
    (void)canvas;
    struct rgba colour = y < 0.66f ? lighthouse_sky(x, y) : lighthouse_sea(x, y);

    return tower(cliff(colour, x, y), x, y);
}

void scene_lighthouse(struct canvas *canvas)
{
    canvas_shade(canvas, lighthouse);
}
