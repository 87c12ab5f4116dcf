/* Creates images, and reads the results of a render. */
#ifndef THUMBWHEEL_TESTS_IMAGE_SUPPORT_H
#define THUMBWHEEL_TESTS_IMAGE_SUPPORT_H

#include "pipeline_support.h"

#include <math.h>
#include <vips/vips.h>

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if (call)                                                                                  \
            fail_msg("%s: %s", #call, vips_error_buffer());                                        \
    } while (0)

VipsImage *swap(VipsImage *old, VipsImage *made);

/* A picture of one colour; bands are 1 to 4. */
VipsImage *plain(int width, int height, int bands, const double *colour);
void fill(VipsImage *image, double r, double g, double b, int x, int y, int w, int h);

/* Four distinct corners: red, green / blue, white. */
VipsImage *four_corners(int width, int height);

/* Resembles a photograph to a resizer: soft areas, texture, sensor noise, and hard edges at all
 * angles. */
VipsImage *photograph(int width, int height);

/* suffix with options, as libvips has them: ".jpg[Q=90]". Takes the image. */
struct bytes encode(VipsImage *image, const char *suffix);

VipsImage *decode(const struct bytes *body);
void render_for(struct slice image, struct pipeline *const *audience, size_t audience_count,
                struct render_item *items, size_t count);
void render_items(struct slice image, struct render_item *items, size_t count);
struct slice view(const struct bytes *bytes);

/* One output of a pipeline with one output, whose settings are given. Takes the source. */
struct render_item render_with(struct bytes source, const char *settings);
void item_free(struct render_item *item);

VipsImage *only_output(struct render_item *item);

/* The rendered picture. Takes the source. */
VipsImage *rendered(struct bytes source, const char *settings);
void assert_pixel(VipsImage *image, int x, int y, const double *expected, int bands,
                  double tolerance);
void assert_size(VipsImage *image, int width, int height);

/* Decibels; 99 for equal pictures. */
double psnr(VipsImage *a, VipsImage *b);

#endif
