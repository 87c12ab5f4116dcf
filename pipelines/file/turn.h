/*
 * The geometry of outputs: turned and mirrored pictures, and which part of a picture is kept.
 *
 * A picture is turned after it has been resized, when it has fewer pixels. So a size of the turned
 * picture is converted to the size that is resized to, and outputs that only differ in how they are
 * turned share a stage. Pure functions.
 */
#ifndef THUMBWHEEL_TURN_H
#define THUMBWHEEL_TURN_H

#include "plan.h"

/* The order of the schema's choices. */
enum plan_gravity {
    GRAVITY_CENTRE,
    GRAVITY_NORTH,
    GRAVITY_NORTHEAST,
    GRAVITY_EAST,
    GRAVITY_SOUTHEAST,
    GRAVITY_SOUTH,
    GRAVITY_SOUTHWEST,
    GRAVITY_WEST,
    GRAVITY_NORTHWEST,
};

struct plan_turn {
    double angle;         /* degrees clockwise, first; 0: none */
    unsigned orientation; /* then by right angles and mirrored: an EXIF orientation, 1–8 */
};

/* A position as fractions of the width and height, from the top left corner. */
struct plan_point {
    double x, y;
};

struct plan_spot {
    unsigned left, top;
};

struct plan_box {
    struct plan_spot at;
    struct plan_size size;
};

/* rotate in degrees clockwise, then flip (top to bottom) and flop (left to right). */
struct plan_turn plan_turn(double rotate, bool flip, bool flop);
/* The size of a turned picture, with the corners that an angle leaves. */
struct plan_size plan_turned(struct plan_size size, const struct plan_turn *turn);
/* The size to which `source` is resized so that, turned, it has the size `whole`. */
struct plan_size plan_unturned(struct plan_size whole, struct plan_size source,
                               const struct plan_turn *turn);
/* The same point of the turned picture; size is that of the picture before. */
struct plan_point plan_point_turn(struct plan_point point, struct plan_size size,
                                  const struct plan_turn *turn);

/* The same part of a picture of `size`, turned by an EXIF orientation. */
struct plan_box plan_box_turn(struct plan_box box, struct plan_size size, unsigned orientation);

/* Where the inner size lies in the outer one, which is at least as large. */
struct plan_spot plan_spot_at(struct plan_size outer, struct plan_size inner,
                              enum plan_gravity gravity);
/* The same, with the point as near to the middle of the inner size as possible. */
struct plan_spot plan_spot_around(struct plan_size outer, struct plan_size inner,
                                  struct plan_point point);

#endif
