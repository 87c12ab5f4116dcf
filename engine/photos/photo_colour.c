#include "photo_colour.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static double linear(unsigned char value)
{
    const double v = value / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double lab_curve(double t)
{
    return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

/* IEC 61966-2-1 (sRGB to XYZ), CIE 15 (XYZ to L*a*b*). */
static struct lab_colour lab_of(const unsigned char rgb[3])
{
    const double r = linear(rgb[0]), g = linear(rgb[1]), b = linear(rgb[2]);
    const double x = lab_curve((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047);
    const double y = lab_curve(0.2126 * r + 0.7152 * g + 0.0722 * b);
    const double z = lab_curve((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883);
    return (struct lab_colour){116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

static int digit(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;
    if (c >= '0' && c <= '9')
        return c - '0';
    return at && at >= digits + 10 ? (int)(at - digits) : -1;
}

bool photo_colour_read(const char *text, struct lab_colour *out)
{
    unsigned char rgb[3];
    if (!text || text[0] != '#' || strlen(text) != 7)
        return false;
    for (int i = 0; i < 3; i++) {
        const int high = digit(text[1 + 2 * i]), low = digit(text[2 + 2 * i]);
        if (high < 0 || low < 0)
            return false;
        rgb[i] = (unsigned char)(high * 16 + low);
    }
    *out = lab_of(rgb);
    return true;
}

const char *photo_colour_named(const char *name)
{
    static const char *const names[][2] = {
        {"Black", "#14120f"},  {"White", "#f4f4f2"},     {"Grey", "#808080"},
        {"Pink", "#e8a0b4"},   {"Brown", "#7a5236"},     {"Red", "#b9302c"},
        {"Beige", "#d9c6a5"},  {"Orange", "#e08a2e"},    {"Yellow", "#e6d34a"},
        {"Green", "#5c8a45"},  {"Turquoise", "#4fa8a0"}, {"Blue", "#4a78b5"},
        {"Purple", "#7d4f96"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i][0], name) == 0)
            return names[i][1];
    }
    return NULL;
}
