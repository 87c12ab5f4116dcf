#include "turn.h"

#include <math.h>

static double radians(double degrees)
{
    return degrees * M_PI / 180;
}

struct plan_turn plan_turn(double rotate, bool flip, bool flop)
{
    /* by quarter turns, without and with a mirror image after them (EXIF 2.32, tag 0x0112) */
    static const unsigned orientations[4][2] = {{1, 2}, {6, 5}, {3, 4}, {8, 7}};
    double angle = fmod(fmod(rotate, 360) + 360, 360);
    bool right = fmod(angle, 90) == 0;
    unsigned quarters = (right ? (unsigned)(angle / 90) : 0) + (flip ? 2 : 0);
    return (struct plan_turn){right ? 0 : angle, orientations[quarters % 4][flip != flop]};
}

static struct plan_size swapped(struct plan_size size)
{
    return (struct plan_size){size.height, size.width};
}

static unsigned whole_side(double side)
{
    return side < 1 ? 1 : (unsigned)(side + 0.5);
}

/* The rectangle around the turned one, as libvips rounds it. */
static struct plan_size around(struct plan_size size, double angle)
{
    double c = fabs(cos(radians(angle))), s = fabs(sin(radians(angle)));
    return (struct plan_size){whole_side(size.width * c + size.height * s),
                              whole_side(size.width * s + size.height * c)};
}

struct plan_size plan_turned(struct plan_size size, const struct plan_turn *turn)
{
    if (turn->angle > 0)
        size = around(size, turn->angle);
    return turn->orientation >= 5 ? swapped(size) : size;
}

struct plan_size plan_unturned(struct plan_size whole, struct plan_size source,
                               const struct plan_turn *turn)
{
    if (turn->orientation >= 5)
        whole = swapped(whole);
    if (turn->angle <= 0)
        return whole;
    struct plan_size box = around(source, turn->angle);
    double across = (double)whole.width / box.width, down = (double)whole.height / box.height;
    double factor = across > down ? across : down;
    return (struct plan_size){whole_side(source.width * factor),
                              whole_side(source.height * factor)};
}

static struct plan_point point_rotate(struct plan_point point, struct plan_size size, double angle)
{
    struct plan_size box = around(size, angle);
    double x = (point.x - 0.5) * size.width, y = (point.y - 0.5) * size.height;
    double c = cos(radians(angle)), s = sin(radians(angle));
    return (struct plan_point){(x * c - y * s) / box.width + 0.5,
                               (x * s + y * c) / box.height + 0.5};
}

/* What an orientation does: quarter turns, then a mirror image. */
static const unsigned quarters[9] = {[3] = 2, [4] = 2, [5] = 1, [6] = 1, [7] = 3, [8] = 3};
static const bool mirrored[9] = {[2] = true, [4] = true, [5] = true, [7] = true};

struct plan_point plan_point_turn(struct plan_point point, struct plan_size size,
                                  const struct plan_turn *turn)
{
    if (turn->angle > 0)
        point = point_rotate(point, size, turn->angle);
    for (unsigned i = 0; i < quarters[turn->orientation]; i++)
        point = (struct plan_point){1 - point.y, point.x};
    if (mirrored[turn->orientation])
        point.x = 1 - point.x;
    return point;
}

struct plan_box plan_box_turn(struct plan_box box, struct plan_size size, unsigned orientation)
{
    for (unsigned i = 0; i < quarters[orientation]; i++) {
        box = (struct plan_box){{size.height - box.at.top - box.size.height, box.at.left},
                                swapped(box.size)};
        size = swapped(size);
    }
    if (mirrored[orientation])
        box.at.left = size.width - box.at.left - box.size.width;
    return box;
}

struct plan_spot plan_spot_at(struct plan_size outer, struct plan_size inner,
                              enum plan_gravity gravity)
{
    /* halves of the room that lie to the left and above */
    static const struct plan_spot halves[] = {
        [GRAVITY_CENTRE] = {1, 1},    [GRAVITY_NORTH] = {1, 0},     [GRAVITY_NORTHEAST] = {2, 0},
        [GRAVITY_EAST] = {2, 1},      [GRAVITY_SOUTHEAST] = {2, 2}, [GRAVITY_SOUTH] = {1, 2},
        [GRAVITY_SOUTHWEST] = {0, 2}, [GRAVITY_WEST] = {0, 1},      [GRAVITY_NORTHWEST] = {0, 0},
    };
    return (struct plan_spot){(outer.width - inner.width) * halves[gravity].left / 2,
                              (outer.height - inner.height) * halves[gravity].top / 2};
}

static unsigned spot_of(unsigned outer, unsigned inner, double point)
{
    double first = floor(point * outer - inner / 2.0 + 0.5);
    if (first < 0)
        return 0;
    return first > outer - inner ? outer - inner : (unsigned)first;
}

struct plan_spot plan_spot_around(struct plan_size outer, struct plan_size inner,
                                  struct plan_point point)
{
    return (struct plan_spot){spot_of(outer.width, inner.width, point.x),
                              spot_of(outer.height, inner.height, point.y)};
}
