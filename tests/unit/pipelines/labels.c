/* The built-in labeler: its labels for images with known results, and for wrong metadata. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <vips/vips.h>

#include "labels.h"
#include "vips_start.h"

static const struct image_facts plain_facts = {
    .width = 640, .height = 480, .bands = 3, .frames = 1, .orientation = 1, .format = "jpeg"};

/* Pixels from a function of the place; sRGB with 3 bands or 4, grey with 1 or 2. */
typedef void painter(int x, int y, uint8_t *pixel);

static VipsImage *image_paint(int width, int height, int bands, painter *paint)
{
    size_t size = (size_t)width * (size_t)height * (size_t)bands;
    uint8_t *pixels = malloc(size);
    VipsImage *borrowed, *image;

    assert_non_null(pixels);
    for (int i = 0; i < width * height; i++) {
        paint(i % width, i / width, pixels + (ptrdiff_t)i * bands);
    }
    borrowed =
        vips_image_new_from_memory_copy(pixels, size, width, height, bands, VIPS_FORMAT_UCHAR);
    assert_non_null(borrowed);
    assert_int_equal(vips_copy(borrowed, &image, "interpretation",
                               bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB,
                               NULL),
                     0);
    g_object_unref(borrowed);
    free(pixels);
    return image;
}

static uint8_t fill_colour[3];

static void fill(int x, int y, uint8_t *pixel)
{
    (void)x;
    (void)y;
    memcpy(pixel, fill_colour, 3);
}

static VipsImage *image_fill(int width, int height, unsigned rrggbb)
{
    fill_colour[0] = (uint8_t)(rrggbb >> 16);
    fill_colour[1] = (uint8_t)(rrggbb >> 8);
    fill_colour[2] = (uint8_t)rrggbb;
    return image_paint(width, height, 3, fill);
}

/* Labels an image, which it frees; the image is its own original. */
static struct label_set labels_of(VipsImage *image, const struct image_facts *facts)
{
    struct label_set set;
    struct error error;

    assert_non_null(image);
    assert_int_equal(labels_analyse(image, image, facts, 0, &set, &error), 0);
    g_object_unref(image);
    return set;
}

static const struct label *find(const struct label_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->entries[i].name, name) == 0) {
            return &set->entries[i];
        }
    }
    return NULL;
}

static bool has(const struct label_set *set, const char *name)
{
    return find(set, name) != NULL;
}

static double confidence(const struct label_set *set, const char *name)
{
    const struct label *label = find(set, name);

    return label != NULL ? label->confidence : 0;
}

static const char *value(const struct label_set *set, const char *name)
{
    const struct label *label = find(set, name);

    return label != NULL ? label->value : "(none)";
}

/* Colours */

static void names_the_colours_of_css(void **state)
{
    static const struct {
        unsigned rgb;
        const char *name;
    } keywords[] = {
        {0x000000, "Black"},     {0xffffff, "White"},     {0x808080, "Grey"},
        {0xc0c0c0, "Grey"},      {0xff0000, "Red"},       {0xdc143c, "Red"},
        {0x8b0000, "Red"},       {0xffa500, "Orange"},    {0xff8c00, "Orange"},
        {0xffff00, "Yellow"},    {0xffd700, "Yellow"},    {0x008000, "Green"},
        {0x00ff00, "Green"},     {0x228b22, "Green"},     {0x2e8b57, "Green"},
        {0x40e0d0, "Turquoise"}, {0x008080, "Turquoise"}, {0x0000ff, "Blue"},
        {0x000080, "Blue"},      {0x4682b4, "Blue"},      {0x87ceeb, "Blue"},
        {0x1e90ff, "Blue"},      {0x800080, "Purple"},    {0x4b0082, "Purple"},
        {0x8a2be2, "Purple"},    {0xffc0cb, "Pink"},      {0xff69b4, "Pink"},
        {0xff1493, "Pink"},      {0xff00ff, "Pink"},      {0x8b4513, "Brown"},
        {0xa0522d, "Brown"},     {0xf5f5dc, "Beige"},     {0xd2b48c, "Beige"},
        {0xdeb887, "Beige"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        struct label_set set = labels_of(image_fill(32, 24, keywords[i].rgb), &plain_facts);

        if (strcmp(value(&set, "Dominant Colour"), keywords[i].name) != 0) {
            fail_msg("#%06x is called %s, not %s", keywords[i].rgb, value(&set, "Dominant Colour"),
                     keywords[i].name);
        }
        assert_true(confidence(&set, "Dominant Colour") == 100);
        assert_false(has(&set, "Second Colour"));
    }
}

static void thirds(int x, int y, uint8_t *pixel)
{
    static const uint8_t colours[3][3] = {{220, 20, 20}, {20, 60, 220}, {250, 230, 20}};

    (void)y;
    memcpy(pixel, colours[x < 300 ? 0 : x < 525 ? 1 : 2], 3);
}

/* 50 % red, 37.5 % blue, 12.5 % yellow: confidence is 50 at a tenth of the area and grows by one a
 * percent. */
static void orders_colours_by_area(void **state)
{
    struct label_set set = labels_of(image_paint(600, 300, 3, thirds), &plain_facts);

    (void)state;
    assert_string_equal(value(&set, "Dominant Colour"), "Red");
    assert_string_equal(value(&set, "Second Colour"), "Blue");
    assert_string_equal(value(&set, "Third Colour"), "Yellow");
    assert_float_equal(confidence(&set, "Dominant Colour"), 90, 1.5);
    assert_float_equal(confidence(&set, "Second Colour"), 77.5, 1.5);
    assert_float_equal(confidence(&set, "Third Colour"), 52.5, 1.5);
}

static void speck(int x, int y, uint8_t *pixel)
{
    (void)y;
    memcpy(pixel, x < 30 ? (uint8_t[]){255, 255, 0} : (uint8_t[]){20, 60, 220}, 3);
}

static void leaves_out_a_colour_of_little_area(void **state)
{
    struct label_set set =
        labels_of(image_paint(600, 300, 3, speck), &plain_facts); /* 5 % yellow */

    (void)state;
    assert_string_equal(value(&set, "Dominant Colour"), "Blue");
    assert_false(has(&set, "Second Colour"));
}

/* Tint */

static void ramp_grey(int x, int y, uint8_t *pixel)
{
    (void)y;
    pixel[0] = (uint8_t)(x * 255 / 511);
}

static void ramp_sepia(int x, int y, uint8_t *pixel)
{
    int light = x * 255 / 511;

    (void)y;
    pixel[0] = (uint8_t)MIN(255, light * 107 / 100 + 12);
    pixel[1] = (uint8_t)(light * 90 / 100);
    pixel[2] = (uint8_t)(light * 70 / 100);
}

static void tells_grey_from_tinted_from_colourful(void **state)
{
    struct label_set grey = labels_of(image_paint(512, 300, 1, ramp_grey), &plain_facts);
    struct label_set sepia = labels_of(image_paint(512, 300, 3, ramp_sepia), &plain_facts);
    struct label_set colourful = labels_of(image_paint(600, 300, 3, thirds), &plain_facts);

    (void)state;
    assert_true(confidence(&grey, "Black and White") == 100);
    assert_true(confidence(&grey, "Monochrome") == 100);
    assert_false(has(&sepia, "Black and White"));
    assert_true(has(&sepia, "Monochrome"));
    assert_false(has(&colourful, "Black and White"));
    assert_false(has(&colourful, "Monochrome"));
}

/* Light */

static void tells_dark_from_bright(void **state)
{
    struct label_set dark = labels_of(image_fill(300, 300, 0x101010), &plain_facts);
    struct label_set middle = labels_of(image_fill(300, 300, 0x808080), &plain_facts);
    struct label_set bright = labels_of(image_fill(300, 300, 0xf4f4f0), &plain_facts);

    (void)state;
    assert_true(confidence(&dark, "Dark") > 90 && !has(&dark, "Bright"));
    assert_true(!has(&middle, "Dark") && !has(&middle, "Bright"));
    assert_true(confidence(&bright, "Bright") > 90 && !has(&bright, "Dark"));
}

/* The confidence of Dark grows as the image gets darker: never the other way. */
static void confidence_is_monotone(void **state)
{
    double before = 101;

    (void)state;
    for (unsigned grey = 0; grey < 120; grey += 4) {
        struct label_set set = labels_of(image_fill(40, 40, grey * 0x010101), &plain_facts);
        double now = confidence(&set, "Dark");

        assert_true(now <= before);
        assert_true(now == 0 || (now >= 50 && now <= 100));
        before = now;
    }
    assert_true(before == 0);
}

static void checkers(int x, int y, uint8_t *pixel)
{
    memset(pixel, (x / 40 + y / 40) % 2 ? 255 : 0, 3);
}

static void pale_checkers(int x, int y, uint8_t *pixel)
{
    memset(pixel, (x / 40 + y / 40) % 2 ? 140 : 118, 3);
}

static void tells_high_contrast_from_low(void **state)
{
    struct label_set high = labels_of(image_paint(640, 480, 3, checkers), &plain_facts);
    struct label_set low = labels_of(image_paint(640, 480, 3, pale_checkers), &plain_facts);

    (void)state;
    assert_true(confidence(&high, "High Contrast") == 100 && !has(&high, "Low Contrast"));
    assert_true(confidence(&low, "Low Contrast") > 90 && !has(&low, "High Contrast"));
}

/* Focus */

/* Blocks of unlike grey, as edges are in a photograph: at all distances. */
static void blocks(int x, int y, uint8_t *pixel)
{
    unsigned seed = (unsigned)(x / 27) * 2654435761u ^ (unsigned)(y / 35) * 40503u;

    memset(pixel, (int)((seed ^ seed >> 13) % 200 + 30), 3);
}

static struct label_set blurred(double sigma, double scale)
{
    VipsImage *sharp = image_paint(768, 576, 3, blocks), *soft, *sized;

    assert_int_equal(vips_gaussblur(sharp, &soft, sigma, NULL), 0);
    assert_int_equal(vips_resize(soft, &sized, scale, NULL), 0);
    g_object_unref(sharp);
    g_object_unref(soft);
    return labels_of(sized, &plain_facts);
}

static void tells_sharp_from_blurry(void **state)
{
    struct label_set sharp = labels_of(image_paint(768, 576, 3, blocks), &plain_facts);
    struct label_set soft = blurred(10, 1);
    struct label_set flat = labels_of(image_fill(300, 300, 0x336699), &plain_facts);

    (void)state;
    assert_true(confidence(&sharp, "Sharp") > 90 && !has(&sharp, "Blurry"));
    assert_true(confidence(&soft, "Blurry") > 60 && !has(&soft, "Sharp"));
    assert_true(!has(&flat, "Sharp") && !has(&flat, "Blurry"));
}

/* Pipelines share a decode at some shrink factor: the labels must not depend on it. */
static void focus_does_not_depend_on_the_shrink(void **state)
{
    (void)state;
    for (int percent = 100; percent >= 40; percent -= 15) {
        double scale = percent / 100.0;
        struct label_set soft = blurred(10, scale), sharp = blurred(0.3, scale);

        assert_true(has(&soft, "Blurry"));
        assert_true(has(&sharp, "Sharp"));
    }
}

/* Alpha */

static void opaque(int x, int y, uint8_t *pixel)
{
    thirds(x, y, pixel);
    pixel[3] = 255;
}

static void half_clear(int x, int y, uint8_t *pixel)
{
    (void)y;
    memcpy(pixel, x < 301 ? (uint8_t[]){20, 60, 220, 255} : (uint8_t[]){255, 0, 0, 0}, 4);
}

static void clear(int x, int y, uint8_t *pixel)
{
    (void)x;
    (void)y;
    memset(pixel, 0, 4);
}

static void transparency_needs_pixels_that_can_be_seen_through(void **state)
{
    struct label_set full = labels_of(image_paint(600, 300, 4, opaque), &plain_facts);
    struct label_set half = labels_of(image_paint(600, 300, 4, half_clear), &plain_facts);

    (void)state;
    assert_false(has(&full, "Transparency"));
    assert_true(confidence(&half, "Transparency") == 100);
}

static void invisible_pixels_have_no_colour(void **state)
{
    struct label_set half = labels_of(image_paint(600, 300, 4, half_clear), &plain_facts);
    struct label_set none = labels_of(image_paint(64, 64, 4, clear), &plain_facts);

    (void)state;
    assert_string_equal(value(&half, "Dominant Colour"), "Blue");
    assert_true(confidence(&half, "Dominant Colour") == 100);
    assert_false(has(&half, "Second Colour"));
    assert_false(has(&none, "Dominant Colour"));
    assert_false(has(&none, "Dark"));
    assert_true(has(&none, "Transparency"));
}

/* Shape */

static struct label_set shaped(unsigned width, unsigned height, unsigned orientation)
{
    struct image_facts facts = plain_facts;

    facts.width = width;
    facts.height = height;
    facts.orientation = orientation;
    return labels_of(image_fill(32, 32, 0x336699), &facts);
}

static void shape_is_that_of_the_upright_image(void **state)
{
    static const struct {
        unsigned width, height, orientation;
        const char *shape;
        bool panorama;
    } cases[] = {
        {4000, 3000, 1, "Landscape", false}, {3000, 4000, 1, "Portrait", false},
        {4000, 3000, 6, "Portrait", false},  {3000, 4000, 8, "Landscape", false},
        {4000, 3000, 3, "Landscape", false}, {1000, 1000, 1, "Square", false},
        {1000, 1015, 1, "Square", false},    {1000, 1030, 1, "Portrait", false},
        {6000, 3000, 1, "Landscape", true},  {3000, 6000, 5, "Landscape", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct label_set set = shaped(cases[i].width, cases[i].height, cases[i].orientation);

        assert_true(confidence(&set, cases[i].shape) == 100);
        assert_int_equal(has(&set, "Landscape") + has(&set, "Portrait") + has(&set, "Square"), 1);
        assert_int_equal(has(&set, "Panorama"), cases[i].panorama);
    }
}

static void resolution_is_that_of_the_source(void **state)
{
    struct label_set high = shaped(6000, 4000, 1), middle = shaped(1600, 1200, 1),
                     low = shaped(320, 240, 1);

    (void)state;
    assert_true(has(&high, "High Resolution") && !has(&high, "Low Resolution"));
    assert_true(!has(&middle, "High Resolution") && !has(&middle, "Low Resolution"));
    assert_true(has(&low, "Low Resolution") && !has(&low, "High Resolution"));
}

static void strip_of_frames(int x, int y, uint8_t *pixel)
{
    (void)x;
    memcpy(pixel, y < 100 ? (uint8_t[]){255, 0, 0} : (uint8_t[]){0, 0, 255}, 3);
}

static void an_animation_is_its_first_frame(void **state)
{
    VipsImage *strip = image_paint(120, 300, 3, strip_of_frames);
    struct image_facts facts = plain_facts;

    (void)state;
    facts.frames = 3;
    vips_image_set_int(strip, VIPS_META_PAGE_HEIGHT, 100);
    struct label_set set = labels_of(strip, &facts);
    assert_true(has(&set, "Animated"));
    assert_string_equal(value(&set, "Dominant Colour"), "Red");
    assert_true(confidence(&set, "Dominant Colour") == 100);
}

/* EXIF */

struct field {
    const char *name, *text;
};

static struct label_set with_fields(const struct field *fields, size_t count)
{
    VipsImage *image = image_fill(32, 32, 0x336699);

    for (size_t i = 0; i < count; i++) {
        vips_image_set_string(image, fields[i].name, fields[i].text);
    }
    return labels_of(image, &plain_facts);
}

static struct label_set with_camera(const char *make, const char *model)
{
    struct field fields[2];
    size_t count = 0;

    if (make != NULL) {
        fields[count++] = (struct field){"exif-ifd0-Make", make};
    }
    if (model != NULL) {
        fields[count++] = (struct field){"exif-ifd0-Model", model};
    }
    return with_fields(fields, count);
}

/* The forms in which libvips hands out ASCII fields. */
static void names_the_camera(void **state)
{
    static const struct {
        const char *make, *model, *camera;
    } cases[] = {
        {"Canon (Canon, ASCII, 6 components, 6 bytes)",
         "Canon EOS 5D (Canon EOS 5D, ASCII, 13 components, 13 bytes)", "Canon EOS 5D"},
        {"NIKON CORPORATION (NIKON CORPORATION, ASCII, 18 components, 18 bytes)",
         "NIKON D850 (NIKON D850, ASCII, 11 components, 11 bytes)", "NIKON D850"},
        {"FUJIFILM (FUJIFILM, ASCII, 9 components, 9 bytes)",
         "X-T4 (X-T4, ASCII, 5 components, 5 bytes)", "FUJIFILM X-T4"},
        {"OLYMPUS IMAGING CORP. (OLYMPUS IMAGING CORP., ASCII, 22 components, 22 bytes)",
         "E-M1 (E-M1, ASCII, 5 components, 5 bytes)", "OLYMPUS E-M1"},
        {"Apple (Apple, ASCII, 6 components, 6 bytes)",
         "iPhone SE (2nd generation) (iPhone SE (2nd generation), ASCII, 27 components, 27 bytes)",
         "Apple iPhone SE 2nd generation"},
        {NULL, "Pixel 7 (Pixel 7, ASCII, 8 components, 8 bytes)", "Pixel 7"},
        {"Leica (Leica, ASCII, 6 components, 6 bytes)", NULL, "Leica"},
        {"Leica", "Leica Q2", "Leica Q2"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct label_set set = with_camera(cases[i].make, cases[i].model);

        assert_string_equal(value(&set, "Camera"), cases[i].camera);
        assert_true(confidence(&set, "Camera") == 100);
    }
}

static bool fits_tag(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 +-=._:/@";
    size_t length = strlen(text);

    return strspn(text, allowed) == length &&
           (length == 0 || (text[0] != ' ' && text[length - 1] != ' '));
}

/* Every name may be an S3 tag key (once in a set) and every value a tag value; best first, never
 * under 50. */
static void assert_well_formed(const struct label_set *set)
{
    assert_true(set->count <= LABELS_MAX);
    for (size_t i = 0; i < set->count; i++) {
        const struct label *label = &set->entries[i];

        assert_non_null(memchr(label->name, '\0', LABEL_NAME_MAX));
        assert_non_null(memchr(label->value, '\0', LABEL_VALUE_MAX));
        assert_true(label->name[0] != '\0' && fits_tag(label->name) && fits_tag(label->value));
        assert_true(label->confidence >= 50 && label->confidence <= 100);
        assert_true(i == 0 || set->entries[i - 1].confidence >= label->confidence);
        assert_ptr_equal(find(set, label->name), label);
    }
}

static void hostile_strings_become_valid_tags_or_nothing(void **state)
{
    static char endless[70000];
    static const struct {
        const char *model, *camera; /* camera NULL: no label */
    } cases[] = {
        {"", NULL},
        {"   ", NULL},
        {" (, ASCII, 1 components, 1 bytes)", NULL},
        {"\x01\x02\x1b[31m\x7f", "31m"},
        {"<script>alert('x')</script>", "script alert x /script"},
        {"a\r\nX-Header: b", "a X-Header: b"},
        {"\xf0\x9f\x93\xb7\xff\xfe", NULL},
        {"Kam\xc3\xa9ra {\"a\":1}&b=c", "Kam ra a :1 b=c"},
        {"x (, ASCII, , ASCII, ", "x"},
        {"((((((((((", NULL},
        {"%s%n%500d", "s n 500d"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct label_set set = with_camera(NULL, cases[i].model);

        assert_well_formed(&set);
        if (cases[i].camera == NULL) {
            assert_string_equal(value(&set, "Camera"), "(none)");
        } else {
            assert_string_equal(value(&set, "Camera"), cases[i].camera);
        }
    }
    memset(endless, 'A', sizeof(endless) - 1);
    struct label_set set = with_camera(endless, endless);
    assert_well_formed(&set);
    assert_int_equal(strlen(value(&set, "Camera")), LABEL_VALUE_MAX - 1);
    memset(endless + 1, ' ', sizeof(endless) - 3);
    set = with_camera(NULL, endless);
    assert_well_formed(&set);
}

static void a_field_of_another_type_is_passed_over(void **state)
{
    VipsImage *image = image_fill(32, 32, 0x336699);

    (void)state;
    vips_image_set_int(image, "exif-ifd0-Model", 7);
    vips_image_set_double(image, "exif-ifd2-DateTimeOriginal", 2019.5);
    struct label_set set = labels_of(image, &plain_facts);
    assert_false(has(&set, "Camera"));
    assert_false(has(&set, "Year"));
}

static void year_is_that_of_the_shot(void **state)
{
    static const struct {
        const char *date, *year;
    } cases[] = {
        {"2019:06:21 21:14:05 (2019:06:21 21:14:05, ASCII, 20 components, 20 bytes)", "2019"},
        {"1985:01:01 00:00:00", "1985"},
        {"0000:00:00 00:00:00", NULL},
        {"    :  :     :  :  ", NULL},
        {"19850101", NULL},
        {"99999:01:01", NULL},
        {"2019", NULL},
        {"-201:01:01", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct label_set set =
            with_fields(&(struct field){"exif-ifd2-DateTimeOriginal", cases[i].date}, 1);

        assert_string_equal(value(&set, "Year"), cases[i].year != NULL ? cases[i].year : "(none)");
    }
    struct label_set scanned =
        with_fields(&(struct field){"exif-ifd2-DateTimeDigitized", "2004:02:29 10:00:00"}, 1);
    assert_string_equal(value(&scanned, "Year"), "2004");
    struct label_set edited =
        with_fields(&(struct field){"exif-ifd0-DateTime", "2024:02:29 10:00:00"}, 1);
    assert_false(has(&edited, "Year"));
}

/* The tags say that there is a place, but not which one: others can read them. */
static void location_is_labelled_but_not_revealed(void **state)
{
    struct label_set set = with_fields(
        (struct field[]){
            {"exif-ifd3-GPSLatitude", "48/1 51/1 2988/100 (48, 51, 29.88, Rational, 3 components)"},
            {"exif-ifd3-GPSLatitudeRef", "N (N, ASCII, 2 components, 2 bytes)"},
            {"exif-ifd3-GPSLongitude", "2/1 17/1 4030/100 (2, 17, 40.30, Rational, 3 components)"},
            {"exif-ifd3-GPSLongitudeRef", "E (E, ASCII, 2 components, 2 bytes)"}},
        4);

    (void)state;
    assert_true(confidence(&set, "Has Location") == 100);
    for (size_t i = 0; i < set.count; i++) {
        assert_null(strstr(set.entries[i].value, "48"));
        assert_null(strstr(set.entries[i].value, "51"));
    }
    struct label_set half =
        with_fields(&(struct field){"exif-ifd3-GPSLatitude", "48/1 51/1 29/1"}, 1);
    assert_false(has(&half, "Has Location"));
}

static void flash_is_bit_0(void **state)
{
    struct label_set fired =
        with_fields(&(struct field){"exif-ifd2-Flash",
                                    "25 (Flash fired, auto mode, Short, 1 components, 2 bytes)"},
                    1);
    struct label_set off = with_fields(
        &(struct field){"exif-ifd2-Flash", "16 (Flash did not fire, Short, 1 components, 2 bytes)"},
        1);

    (void)state;
    assert_true(has(&fired, "Flash"));
    assert_false(has(&off, "Flash"));
}

/* Through a real file: what libvips writes and reads back. */
static void reads_the_fields_of_a_jpeg(void **state)
{
    VipsImage *image = image_fill(300, 200, 0x336699), *opened;
    void *bytes;
    size_t size;
    struct label_set set;
    struct error error;

    (void)state;
    vips_image_set_string(image, "exif-ifd0-Make", "Thumbwheel Ltd.");
    vips_image_set_string(image, "exif-ifd0-Model", "Camera 1");
    vips_image_set_string(image, "exif-ifd2-DateTimeOriginal", "2001:02:03 04:05:06");
    vips_image_set_string(image, "exif-ifd2-Flash", "1");
    assert_int_equal(vips_jpegsave_buffer(image, &bytes, &size, NULL), 0);
    opened = vips_image_new_from_buffer(bytes, size, "", NULL);
    assert_non_null(opened);
    assert_int_equal(labels_analyse(image, opened, &plain_facts, 0, &set, &error), 0);
    assert_string_equal(value(&set, "Camera"), "Thumbwheel Camera 1");
    assert_string_equal(value(&set, "Year"), "2001");
    assert_true(has(&set, "Flash"));
    g_object_unref(opened);
    g_object_unref(image);
    g_free(bytes);
}

/* The set */

static VipsImage *busy_image(void)
{
    VipsImage *image = image_paint(600, 300, 4, half_clear);

    vips_image_set_string(image, "exif-ifd0-Model", "Camera 1");
    vips_image_set_string(image, "exif-ifd2-DateTimeOriginal", "2001:02:03 04:05:06");
    vips_image_set_string(image, "exif-ifd2-Flash", "1");
    vips_image_set_string(image, "exif-ifd3-GPSLatitude", "1/1 0/1 0/1");
    vips_image_set_string(image, "exif-ifd3-GPSLongitude", "1/1 0/1 0/1");
    return image;
}

static void sets_are_sorted_valid_and_the_same_every_time(void **state)
{
    struct label_set first = labels_of(busy_image(), &plain_facts);
    struct label_set second = labels_of(busy_image(), &plain_facts);

    (void)state;
    assert_true(first.count >= 8);
    assert_well_formed(&first);
    assert_int_equal(first.count, second.count);
    assert_memory_equal(first.entries, second.entries, first.count * sizeof(first.entries[0]));
    assert_string_equal(first.entries[0].name,
                        "Landscape"); /* the first of the equals, by the table */
}

static void any_pixel_format_and_size_will_do(void **state)
{
    VipsImage *grey = image_paint(64, 64, 1, ramp_grey), *deep;

    (void)state;
    assert_int_equal(vips_colourspace(grey, &deep, VIPS_INTERPRETATION_RGB16, NULL), 0);
    g_object_unref(grey);
    struct label_set set = labels_of(deep, &plain_facts);
    assert_true(has(&set, "Black and White"));
    for (int side = 1; side <= 3; side++) {
        set = labels_of(image_fill(side, 1, 0xff0000), &plain_facts);
        assert_string_equal(value(&set, "Dominant Colour"), "Red");
        set = labels_of(image_fill(1, side * 3000, 0xff0000), &plain_facts);
        assert_string_equal(value(&set, "Dominant Colour"), "Red");
    }
}

static void a_truncated_image_is_corrupt(void **state)
{
    VipsImage *image = image_paint(1280, 960, 3, blocks), *opened;
    void *bytes;
    size_t size;
    struct label_set set;
    struct error error = {0};

    (void)state;
    assert_int_equal(vips_jpegsave_buffer(image, &bytes, &size, NULL), 0);
    opened = vips_image_new_from_buffer(bytes, size / 2, "", "fail_on", VIPS_FAIL_ON_TRUNCATED,
                                        "access", VIPS_ACCESS_SEQUENTIAL, NULL);
    assert_non_null(opened);
    assert_int_equal(labels_analyse(opened, opened, &plain_facts, 0, &set, &error), ERR_CORRUPT);
    assert_int_equal(error.code, ERR_CORRUPT);
    assert_int_equal(set.count, 0);
    assert_non_null(strstr(error.text, "check that the file is complete"));
    g_object_unref(opened);
    g_object_unref(image);
    g_free(bytes);
}

static int start(void **state)
{
    (void)state;
    struct error error;
    return pipelines_start("test_labels", &error);
}

static int stop(void **state)
{
    (void)state;
    pipelines_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_colours_of_css),
        cmocka_unit_test(orders_colours_by_area),
        cmocka_unit_test(leaves_out_a_colour_of_little_area),
        cmocka_unit_test(tells_grey_from_tinted_from_colourful),
        cmocka_unit_test(tells_dark_from_bright),
        cmocka_unit_test(confidence_is_monotone),
        cmocka_unit_test(tells_high_contrast_from_low),
        cmocka_unit_test(tells_sharp_from_blurry),
        cmocka_unit_test(focus_does_not_depend_on_the_shrink),
        cmocka_unit_test(transparency_needs_pixels_that_can_be_seen_through),
        cmocka_unit_test(invisible_pixels_have_no_colour),
        cmocka_unit_test(shape_is_that_of_the_upright_image),
        cmocka_unit_test(resolution_is_that_of_the_source),
        cmocka_unit_test(an_animation_is_its_first_frame),
        cmocka_unit_test(names_the_camera),
        cmocka_unit_test(hostile_strings_become_valid_tags_or_nothing),
        cmocka_unit_test(a_field_of_another_type_is_passed_over),
        cmocka_unit_test(year_is_that_of_the_shot),
        cmocka_unit_test(location_is_labelled_but_not_revealed),
        cmocka_unit_test(flash_is_bit_0),
        cmocka_unit_test(reads_the_fields_of_a_jpeg),
        cmocka_unit_test(sets_are_sorted_valid_and_the_same_every_time),
        cmocka_unit_test(any_pixel_format_and_size_will_do),
        cmocka_unit_test(a_truncated_image_is_corrupt),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
