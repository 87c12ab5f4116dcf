/*
 * Labels from EXIF. The strings are untrusted: each is limited in length and sanitised before use.
 *
 * libvips returns a field as "VALUE (VALUE AGAIN, ASCII, 13 components, 13 bytes)", where VALUE may
 * itself contain brackets. Both copies are equal unless the value is long, so the halves are
 * compared first.
 */
#include "analyse.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { EXIF_TEXT_MAX = 256 };

static const char NOT_UTF8[] = "<invalid utf-8 string>";

static const char *last_occurrence(const char *text, const char *of)
{
    const char *last = NULL;

    for (const char *at = text; (at = strstr(at, of)) != NULL; at++) {
        last = at;
    }
    return last;
}

static size_t value_length(const char *field)
{
    const char *trailer = last_occurrence(field, ", ASCII, ");
    size_t both = trailer != NULL ? (size_t)(trailer - field) : 0;

    if (both >= 2 && both % 2 == 0) {
        size_t half = (both - 2) / 2;

        if (strncmp(field + half, " (", 2) == 0 && memcmp(field, field + half + 2, half) == 0) {
            return half;
        }
    }
    const char *bracket = strstr(field, " (");
    return bracket != NULL ? (size_t)(bracket - field) : strlen(field);
}

/* The start of a field's value; empty if there is none or it is not text (for bytes that are not
 * UTF-8, libvips returns a fixed phrase). */
static void field_read(VipsImage *image, const char *name, char out[EXIF_TEXT_MAX])
{
    const char *field = NULL;

    out[0] = '\0';
    if (vips_image_get_typeof(image, name) != VIPS_TYPE_REF_STRING ||
        vips_image_get_string(image, name, &field) != 0 || strcmp(field, NOT_UTF8) == 0) {
        return;
    }
    size_t length = VIPS_MIN(value_length(field), EXIF_TEXT_MAX - 1);
    memcpy(out, field, length);
    out[length] = '\0';
}

static bool is_company_word(const char *word)
{
    static const char *const words[] = {"corporation", "corp.", "corp", "company",
                                        "co.",         "ltd.",  "ltd",  "inc.",
                                        "inc",         "ag",    "gmbh", "imaging"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(word, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* "NIKON CORPORATION" becomes "NIKON". The first word is always kept. */
static void drop_company_words(char *make)
{
    char *space;

    while ((space = strrchr(make, ' ')) != NULL && is_company_word(space + 1)) {
        *space = '\0';
    }
}

/* Whether the model already contains the maker: "Canon" in "Canon EOS 5D". */
static bool names_make(const char *model, const char *make)
{
    char first[LABEL_VALUE_MAX];

    snprintf(first, sizeof(first), "%s", make);
    first[strcspn(first, " ")] = '\0';
    return strcasestr(model, first) != NULL;
}

static void add_camera(VipsImage *image, struct label_set *out)
{
    char raw[EXIF_TEXT_MAX], make[LABEL_VALUE_MAX], model[LABEL_VALUE_MAX];
    char joined[2 * LABEL_VALUE_MAX], camera[LABEL_VALUE_MAX];

    field_read(image, "exif-ifd0-Make", raw);
    label_text(make, raw);
    drop_company_words(make);
    field_read(image, "exif-ifd0-Model", raw);
    label_text(model, raw);
    bool model_only = model[0] != '\0' && names_make(model, make);
    snprintf(joined, sizeof(joined), "%s %s", model_only ? "" : make, model);
    label_text(camera, joined);
    if (camera[0] != '\0') {
        label_add(out, "Camera", camera, 100);
    }
}

/* "YYYY:MM:DD hh:mm:ss" with a year in which photography existed. */
static bool year_read(VipsImage *image, const char *field, char year[LABEL_VALUE_MAX])
{
    char date[EXIF_TEXT_MAX] = "";

    field_read(image, field, date);
    if (strspn(date, "0123456789") != 4 || date[4] != ':' || !isdigit((unsigned char)date[5])) {
        return false;
    }
    date[4] = '\0';
    if (atoi(date) < 1826 || atoi(date) > 2199) {
        return false;
    }
    label_text(year, date);
    return true;
}

static void add_year(VipsImage *image, struct label_set *out)
{
    char year[LABEL_VALUE_MAX];

    if (year_read(image, "exif-ifd2-DateTimeOriginal", year) ||
        year_read(image, "exif-ifd2-DateTimeDigitized", year)) {
        label_add(out, "Year", year, 100);
    }
}

static void add_flash(VipsImage *image, struct label_set *out)
{
    char flash[EXIF_TEXT_MAX];

    field_read(image, "exif-ifd2-Flash", flash);
    if (strtol(flash, NULL, 10) & 1) {
        label_add(out, "Flash", "", 100);
    }
}

void analyse_exif(VipsImage *original, struct label_set *out)
{
    char latitude[EXIF_TEXT_MAX], longitude[EXIF_TEXT_MAX];

    if (original == NULL) {
        return;
    }
    add_camera(original, out);
    add_year(original, out);
    field_read(original, "exif-ifd3-GPSLatitude", latitude);
    field_read(original, "exif-ifd3-GPSLongitude", longitude);
    if (latitude[0] != '\0' && longitude[0] != '\0') {
        label_add(out, "Has Location", "", 100);
    }
    add_flash(original, out);
}
