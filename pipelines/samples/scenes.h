/* The pictures of the samples. Each function paints the whole canvas, at any size. Private to the
 * samples. */
#ifndef THUMBWHEEL_SCENES_H
#define THUMBWHEEL_SCENES_H

#include "paint.h"

typedef void scene(struct canvas *canvas);

/* scenes_land.c */
scene scene_fog, scene_meadow, scene_lavender, scene_forest;
/* scenes_terrain.c */
scene scene_sierra, scene_dunes;
/* scenes_water.c */
scene scene_sunset, scene_beach, scene_lighthouse;
/* scenes_night.c */
scene scene_skyline, scene_aurora, scene_cabin;
/* scenes_things.c */
scene scene_fruit, scene_coffee, scene_portrait, scene_balloons;
/* scenes_graphic.c */
scene scene_sale, scene_chart, scene_windmill;

/* scene_sky.c: a daytime sky with clouds, shared by several scenes. height: 0 at the horizon, 1 at
 * the zenith. */
struct rgba sky_day(float x, float height, int seed);

#endif
