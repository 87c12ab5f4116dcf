#include "image_support.h"

VipsImage *swap(VipsImage *old, VipsImage *made)
{
    g_object_unref(old);
    return made;
}

VipsImage *plain(int width, int height, int bands, const double *colour)
{
    VipsImage *black = NULL, *image = NULL, *cast = NULL;
    double zero[4] = {0};
    MUST(vips_black(&black, width, height, "bands", bands, NULL));
    MUST(vips_linear(black, &image, zero, colour, bands, NULL));
    MUST(vips_cast(image, &cast, VIPS_FORMAT_UCHAR, NULL));
    cast->Type = bands < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
    g_object_unref(black);
    return swap(image, cast);
}

void fill(VipsImage *image, double r, double g, double b, int x, int y, int w, int h)
{
    double ink[3] = {r, g, b};
    MUST(vips_draw_rect(image, ink, image->Bands < 3 ? 1 : 3, x, y, w, h, "fill", TRUE, NULL));
}

VipsImage *four_corners(int width, int height)
{
    const double black[3] = {0};
    VipsImage *image = plain(width, height, 3, black);
    image = swap(image, vips_image_copy_memory(image));
    fill(image, 255, 0, 0, 0, 0, width / 2, height / 2);
    fill(image, 0, 255, 0, width / 2, 0, width - width / 2, height / 2);
    fill(image, 0, 0, 255, 0, height / 2, width / 2, height - height / 2);
    fill(image, 255, 255, 255, width / 2, height / 2, width, height);
    return image;
}

static VipsImage *noise_band(int width, int height, int seed)
{
    VipsImage *t[5];
    MUST(vips_perlin(&t[0], width, height, "cell_size", 200, "uchar", TRUE, "seed", seed, NULL));
    MUST(vips_perlin(&t[1], width, height, "cell_size", 24, "uchar", TRUE, "seed", seed + 7, NULL));
    MUST(vips_linear1(t[0], &t[2], 0.6, 40, NULL));
    MUST(vips_linear1(t[1], &t[3], 0.3, -20, NULL));
    MUST(vips_gaussnoise(&t[4], width, height, "mean", 0.0, "sigma", 5.0, "seed", seed, NULL));
    VipsImage *sum = NULL, *all = NULL;
    MUST(vips_add(t[2], t[3], &sum, NULL));
    MUST(vips_add(sum, t[4], &all, NULL));
    for (int i = 0; i < 5; i++)
        g_object_unref(t[i]);
    return swap(sum, all);
}

VipsImage *photograph(int width, int height)
{
    VipsImage *bands[3], *joined = NULL, *cast = NULL;
    for (int i = 0; i < 3; i++)
        bands[i] = noise_band(width, height, 11 * i + 1);
    MUST(vips_bandjoin(bands, &joined, 3, NULL));
    MUST(vips_cast(joined, &cast, VIPS_FORMAT_UCHAR, NULL));
    for (int i = 0; i < 3; i++)
        g_object_unref(bands[i]);
    g_object_unref(joined);
    cast->Type = VIPS_INTERPRETATION_sRGB;
    cast = swap(cast, vips_image_copy_memory(cast));
    for (int i = 0; i < 12; i++) {
        double ink[3] = {20.0 * i, 255 - 20.0 * i, i % 3 * 100.0};
        MUST(vips_draw_circle(cast, ink, 3, width * (i + 1) / 13, height * (i * 5 % 12 + 1) / 13,
                              height / 15, "fill", TRUE, NULL));
        MUST(vips_draw_line(cast, ink, 3, 0, height * i / 12, width, height * (11 - i) / 12, NULL));
    }
    return cast;
}

struct bytes encode(VipsImage *image, const char *suffix)
{
    void *data = NULL;
    size_t size = 0;
    MUST(vips_image_write_to_buffer(image, suffix, &data, &size, NULL));
    g_object_unref(image);
    return (struct bytes){data, size, g_free};
}

VipsImage *decode(const struct bytes *body)
{
    VipsImage *image = vips_image_new_from_buffer(body->data, body->size, "", NULL);
    if (!image)
        fail_msg("an output that can't be read: %s", vips_error_buffer());
    VipsImage *memory = vips_image_copy_memory(image);
    assert_non_null(memory);
    return swap(image, memory);
}

void render_for(struct slice image, struct pipeline *const *audience, size_t audience_count,
                struct render_item *items, size_t count)
{
    static const struct pipeline_limits defaults;
    struct render_source source = {.bucket = "photos",
                                   .key = "ingest/a b.jpg",
                                   .etag = "etag",
                                   .image = image,
                                   .audience = audience,
                                   .audience_count = audience_count,
                                   .labeler_reads = true};
    vips_pipeline_ops.render(&source, &defaults, items, count);
}

void render_items(struct slice image, struct render_item *items, size_t count)
{
    render_for(image, NULL, 0, items, count);
}

struct slice view(const struct bytes *bytes)
{
    return (struct slice){bytes->data, bytes->size};
}

struct render_item render_with(struct bytes source, const char *settings)
{
    char text[600];
    snprintf(text, sizeof text, "name: x\nqueue: q\noutputs: [{key: 'o/{name}'%s%s}]\n",
             *settings ? ", " : "", settings);
    struct render_item item = {.pipeline = pipeline_of(text)};
    render_items(view(&source), &item, 1);
    bytes_free(&source);
    return item;
}

void item_free(struct render_item *item)
{
    struct pipeline *pipeline = (struct pipeline *)(uintptr_t)item->pipeline;
    render_item_clear(item);
    vips_pipeline_ops.release(pipeline);
}

VipsImage *only_output(struct render_item *item)
{
    if (item->error.code)
        fail_msg("%s", item->error.text);
    assert_int_equal(item->rendition_count, 1);
    return decode(&item->renditions[0].body);
}

VipsImage *rendered(struct bytes source, const char *settings)
{
    struct render_item item = render_with(source, settings);
    VipsImage *image = only_output(&item);
    item_free(&item);
    return image;
}

void assert_pixel(VipsImage *image, int x, int y, const double *expected, int bands,
                  double tolerance)
{
    double *found = NULL;
    int n = 0;
    MUST(vips_getpoint(image, &found, &n, x, y, NULL));
    bool right = n == bands;
    for (int i = 0; right && i < bands; i++)
        right = fabs(found[i] - expected[i]) <= tolerance;
    if (!right)
        fail_msg("pixel %d,%d of %d bands: %.0f %.0f %.0f %.0f, expected %d bands: %.0f %.0f %.0f",
                 x, y, n, found[0], n > 1 ? found[1] : 0, n > 2 ? found[2] : 0,
                 n > 3 ? found[3] : 0, bands, expected[0], bands > 1 ? expected[1] : 0,
                 bands > 2 ? expected[2] : 0);
    g_free(found);
}

void assert_size(VipsImage *image, int width, int height)
{
    if (image->Xsize != width || image->Ysize != height)
        fail_msg("%d × %d, expected %d × %d", image->Xsize, image->Ysize, width, height);
}

double psnr(VipsImage *a, VipsImage *b)
{
    VipsImage *difference = NULL, *square = NULL;
    double mean;
    MUST(vips_subtract(a, b, &difference, NULL));
    MUST(vips_multiply(difference, difference, &square, NULL));
    MUST(vips_avg(square, &mean, NULL));
    g_object_unref(difference);
    g_object_unref(square);
    return mean > 0 ? 10 * log10(255 * 255 / mean) : 99;
}
