#include "scenes.h"

/* Clouds are noise on a plane overhead, so they close up towards the horizon; the side away from
 * the sun is darker. */
struct rgba sky_day(float x, float height, int seed)
{
    float h = clamp01(height), depth = 1 / (0.16f + h), offset = (float)seed * 5.7f;
    struct rgba sky = mix(hex(0xd3e2ee), hex(0x3f7fc4), ramp(-0.1f, 1.0f, h));
    float u = (x - 0.75f) * depth * 1.1f + offset, v = depth * 1.6f + offset;
    float cover = ramp(0.50f, 0.68f, fbm(u, v, 5)) * ramp(0.0f, 0.12f, h);

    if (cover <= 0) {
        return sky;
    }
    float shaded = fbm(u + 0.10f, v + 0.12f, 4);
    struct rgba cloud = mix(hex(0xffffff), hex(0xa9b6c6), ramp(0.45f, 0.78f, shaded));
    return mix(sky, cloud, cover * 0.95f);
}
