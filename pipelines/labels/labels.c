/*
 * The built-in labeler.
 *
 * It measures and does not recognise objects. Each label means that a measured quantity is on one
 * side of a threshold. Its confidence is 50 % at the threshold, 100 % at the value in the last
 * column and beyond, and linear in between (label_confidence). Facts from metadata have 100 %. Two
 * copies are measured: one with a long side of 256 px for detail, and one of half that size for
 * colour and light, in CIELAB and weighted by alpha; so the result does not depend on the
 * shrink-on-load factor.
 *
 *   label                 what is measured                                   50 % at  100 % at
 *   dHash, pHash          perceptual_hash.c; only if they are asked for      fact     always
 *   Landscape, Portrait   upright width against height                       fact     > 2 % apart
 *   Square                the same                                           fact     within 2 %
 *   Panorama              long side ÷ short side                             fact     2 and more
 *   Dominant Colour       share of the visible area with the commonest name  10 %     60 %
 *   Second, Third Colour  the same for the next names                        10 %     60 %
 *   Camera                EXIF make and model                                fact     present
 *   Year                  EXIF date of the original                          fact     present
 *   Has Location          EXIF latitude and longitude; never their values    fact     present
 *   Flash                 EXIF flash                                         fact     fired
 *   Black and White       chroma that 98 % of the area stays under           8        2
 *   Monochrome            RMS distance of (a*, b*) from one hue              6        1
 *   Dark                  mean L*                                            30       10
 *   Bright                mean L*                                            70       90
 *   Low Contrast          L* at 95 % of the area minus L* at 5 %             35       10
 *   High Contrast         the same                                           75       100
 *   Blurry                variance of the Laplacian ÷ squared gradient       0.20     0.05
 *   Sharp                 the same, at edges                                 0.50     1.50
 *   Transparency          share of the area with alpha under 98 %            0.1 %    5 %
 *   Animated              frames                                             fact     2 and more
 *   Incomplete            the file breaks off: "end" or "pixels" are missing    fact    it does
 *   Low Resolution        width × height in megapixels                       fact     under 0.3
 *   High Resolution       the same                                           fact     8 and more
 *
 * The set is sorted by confidence (in tenths of a percent); equals keep the order of the calls in
 * labels_analyse. Worker thread; no state; the same pixels and metadata give the same labels.
 */
#include "labels.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyse.h"

double label_confidence(double value, double threshold, double certain)
{
    double confidence = 50 + 50 * (value - threshold) / (certain - threshold);

    return confidence > 100 ? 100 : confidence < 0 ? 0 : confidence;
}

void label_add(struct label_set *set, const char *name, const char *value, double confidence)
{
    if (!(confidence >= 50) || set->count == LABELS_MAX) {
        return;
    }
    struct label *label = &set->entries[set->count++];
    memset(label, 0, sizeof(*label));
    memcpy(label->name, name, strnlen(name, LABEL_NAME_MAX - 1));
    memcpy(label->value, value, strnlen(value, LABEL_VALUE_MAX - 1));
    label->confidence = round(confidence * 10) / 10;
}

static bool fits_tag(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("+-=._:/@", c) != NULL);
}

void label_text(char out[LABEL_VALUE_MAX], const char *text)
{
    size_t length = 0;
    bool gap = false;

    for (; *text != '\0' && length < LABEL_VALUE_MAX - 1; text++) {
        if (!fits_tag(*text)) {
            gap = length > 0;
            continue;
        }
        if (gap && length == LABEL_VALUE_MAX - 2) {
            break;
        }
        if (gap) {
            out[length++] = ' ';
            gap = false;
        }
        out[length++] = *text;
    }
    out[length] = '\0';
}

/* Insertion sort, because it is stable and the set is small. */
static void sort_best_first(struct label_set *set)
{
    for (size_t i = 1; i < set->count; i++) {
        struct label moving = set->entries[i];
        size_t at = i;

        for (; at > 0 && set->entries[at - 1].confidence < moving.confidence; at--) {
            set->entries[at] = set->entries[at - 1];
        }
        set->entries[at] = moving;
    }
}

int labels_analyse(VipsImage *image, VipsImage *original, const struct image_facts *facts,
                   int hashes, struct label_set *out, struct error *error)
{
    struct detail detail;
    struct colour_view view = {.points = NULL};

    out->count = 0;
    int code = detail_read(image, &detail);
    code = code != 0 ? code : colour_read(&detail, &view);
    code = code != 0 ? code : analyse_hashes(&detail, hashes, out);
    if (code != 0) {
        error_set(error, code, "cannot label the image: %s",
                  code == ERR_MEMORY
                      ? "out of memory"
                      : "its pixels cannot be read; check that the file is complete");
        goto done;
    }
    analyse_shape(facts, out);
    analyse_colours(&view, out);
    analyse_exif(original, out);
    analyse_tint(&view, out);
    analyse_light(&view, out);
    analyse_sharpness(&detail, out);
    analyse_transparency(&detail, out);
    analyse_resolution(facts, out);
    sort_best_first(out);
done:
    free(view.points);
    free(detail.pixels);
    return code;
}
