#include "colour_name.h"

#include <string.h>
#include <strings.h>

#include "hex.h"

static const struct {
    const char *name;
    unsigned char red, green, blue;
} names[] = {
    {"aqua", 0, 255, 255},    {"beige", 245, 245, 220}, {"black", 0, 0, 0},
    {"blue", 0, 0, 255},      {"brown", 165, 42, 42},   {"cyan", 0, 255, 255},
    {"fuchsia", 255, 0, 255}, {"gray", 128, 128, 128},  {"green", 0, 128, 0},
    {"grey", 128, 128, 128},  {"ivory", 255, 255, 240}, {"lime", 0, 255, 0},
    {"magenta", 255, 0, 255}, {"maroon", 128, 0, 0},    {"navy", 0, 0, 128},
    {"olive", 128, 128, 0},   {"orange", 255, 165, 0},  {"pink", 255, 192, 203},
    {"purple", 128, 0, 128},  {"red", 255, 0, 0},       {"silver", 192, 192, 192},
    {"teal", 0, 128, 128},    {"white", 255, 255, 255}, {"yellow", 255, 255, 0},
};

/* Reads a channel of one digit (f means ff) or two digits. */
static bool channel_parse(const char *text, size_t digits, unsigned char *out)
{
    int high = hex_value(text[0]);
    int low = hex_value(text[digits - 1]);
    *out = (unsigned char)(high * 16 + low);
    return high >= 0 && low >= 0;
}

static bool hex_parse(const char *text, struct colour *out)
{
    size_t size = strlen(text);
    size_t digits = size / 3;
    return (size == 3 || size == 6) && channel_parse(text, digits, &out->red) &&
           channel_parse(text + digits, digits, &out->green) &&
           channel_parse(text + 2 * digits, digits, &out->blue);
}

bool colour_parse(const char *text, struct colour *out)
{
    out->given = true;
    if (*text == '#')
        return hex_parse(text + 1, out);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(text, names[i].name) == 0) {
            out->red = names[i].red;
            out->green = names[i].green;
            out->blue = names[i].blue;
            return true;
        }
    }
    return false;
}
