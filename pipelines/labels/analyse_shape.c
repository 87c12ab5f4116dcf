/* Labels from the header: shape, animation and resolution. */
#include "analyse.h"

static const double SQUARE_RATIO = 1.02, PANORAMA_RATIO = 2.0;
static const double LOW_PIXELS = 0.3e6, HIGH_PIXELS = 8e6;

static bool is_turned(const struct image_facts *facts)
{
    return facts->orientation >= 5 && facts->orientation <= 8; /* EXIF 5–8 swap the sides */
}

void analyse_shape(const struct image_facts *facts, struct label_set *out)
{
    double width = is_turned(facts) ? facts->height : facts->width;
    double height = is_turned(facts) ? facts->width : facts->height;

    if (!(width > 0 && height > 0)) {
        return;
    }
    double ratio = width > height ? width / height : height / width;
    const char *shape = ratio <= SQUARE_RATIO ? "Square"
                        : width > height      ? "Landscape"
                                              : "Portrait";
    label_add(out, shape, "", 100);
    if (ratio >= PANORAMA_RATIO) {
        label_add(out, "Panorama", "", 100);
    }
}

void analyse_resolution(const struct image_facts *facts, struct label_set *out)
{
    double pixels = (double)facts->width * facts->height;

    if (facts->frames > 1) {
        label_add(out, "Animated", "", 100);
    }
    if (facts->damage) {
        label_add(out, "Incomplete", facts->damage == IMAGE_TRUNCATED ? "pixels" : "end", 100);
    }
    if (pixels >= HIGH_PIXELS) {
        label_add(out, "High Resolution", "", 100);
    } else if (pixels < LOW_PIXELS) {
        label_add(out, "Low Resolution", "", 100);
    }
}
