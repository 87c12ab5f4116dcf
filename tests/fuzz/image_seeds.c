/*
 * Small images as seeds, one of each kind that a loader treats differently; made here, since the
 * repository carries no binary file. Usage: fuzz_image_seeds DIRECTORY
 */
#include <stdio.h>
#include <vips/vips.h>

enum { WIDTH = 24, HEIGHT = 16 };

static const struct kind {
    const char *file; /* with libvips' options for writing */
    enum { COLOUR, GREY, ALPHA, CMYK, DEEP, FRAMES } pixels;
    int orientation; /* EXIF; 0: none */
} kinds[] = {
    {"baseline.jpg[Q=70]", COLOUR, 0},
    {"progressive.jpg[interlace]", COLOUR, 6},
    {"restarts.jpg[Q=60,restart-interval=2,subsample-mode=off]", COLOUR, 3},
    {"profile.jpg[profile=p3]", COLOUR, 0},
    {"grey.jpg", GREY, 8},
    {"cmyk.jpg", CMYK, 0},
    {"plain.png", COLOUR, 0},
    {"alpha.png[interlace]", ALPHA, 0},
    {"palette.png[palette,bitdepth=2]", COLOUR, 0},
    {"deep.png", DEEP, 5},
    {"lossy.webp", COLOUR, 0},
    {"lossless.webp[lossless]", ALPHA, 2},
    {"frames.webp", FRAMES, 0},
    {"frames.gif", FRAMES, 0},
    {"still.gif", COLOUR, 0},
    {"strips.tif[compression=lzw]", COLOUR, 7},
    {"tiles.tif[tile,tile-width=16,tile-height=16,compression=deflate]", COLOUR, 0},
    {"jpeg.tif[compression=jpeg]", COLOUR, 0},
    {"pages.tif", FRAMES, 0},
    {"pages-big.tif[bigtiff,compression=lzw]", FRAMES, 0},
    {"bits.tif[bitdepth=1,compression=ccittfax4]", GREY, 0},
    {"deep.tif[bigtiff]", DEEP, 0},
    {"still.avif[effort=0]", COLOUR, 0},
    {"lossy.jxl[effort=3]", COLOUR, 0},
    {"lossless.jxl[lossless,effort=3]", ALPHA, 6},
    {"lossy.jp2[Q=40]", COLOUR, 0},
    {"lossless.jp2[lossless,tile-width=16,tile-height=16]", ALPHA, 0},
    {"deep.j2k[lossless]", DEEP, 0},
    {"plain.bmp", COLOUR, 0},
    {"grey.bmp", GREY, 0},
};

/* A coloured ramp: compresses well, and is not one colour; downwards, so that frames differ. */
static VipsImage *paint(const struct kind *kind)
{
    int bands = kind->pixels == GREY ? 1 : kind->pixels == ALPHA || kind->pixels == CMYK ? 4 : 3;
    int height = kind->pixels == FRAMES ? 2 * HEIGHT : HEIGHT;
    double factor[4] = {10, 3, 7, 4}, offset[4] = {0, 100, 30, 60};
    VipsImage *xy = NULL, *ramp = NULL, *image = NULL, *cast = NULL, *out = NULL;
    VipsBandFormat format = kind->pixels == DEEP ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR;
    VipsInterpretation space = kind->pixels == GREY   ? VIPS_INTERPRETATION_B_W
                               : kind->pixels == CMYK ? VIPS_INTERPRETATION_CMYK
                               : kind->pixels == DEEP ? VIPS_INTERPRETATION_RGB16
                                                      : VIPS_INTERPRETATION_sRGB;
    if (!vips_xyz(&xy, WIDTH, height, NULL) &&
        !vips_extract_band(xy, &ramp, kind->pixels == FRAMES, NULL) &&
        !vips_linear(ramp, &image, factor, offset, bands, NULL) &&
        !vips_cast(image, &cast, format, NULL))
        vips_copy(cast, &out, "interpretation", space, NULL);
    VIPS_UNREF(xy);
    VIPS_UNREF(ramp);
    VIPS_UNREF(image);
    VIPS_UNREF(cast);
    return out;
}

static int write_kind(const struct kind *kind, const char *directory)
{
    char path[4096];
    VipsImage *image = paint(kind);
    if (!image)
        return -1;
    if (kind->orientation)
        vips_image_set_int(image, VIPS_META_ORIENTATION, kind->orientation);
    if (kind->pixels == FRAMES)
        vips_image_set_int(image, VIPS_META_PAGE_HEIGHT, HEIGHT);
    snprintf(path, sizeof path, "%s/%s", directory, kind->file);
    int failed = vips_image_write_to_file(image, path, NULL);
    g_object_unref(image);
    return failed;
}

/* libvips writes none: one picture of 8 × 8 pixels, 32 bits each, and its mask. */
static int write_icon(const char *directory)
{
    enum { SIDE = 8, PIXELS = SIDE * SIDE * 4, MASK = SIDE * 4, HEADER = 40 };
    unsigned char icon[22 + HEADER + PIXELS + MASK] = {0,
                                                       0,
                                                       1,
                                                       0,
                                                       1,
                                                       0,
                                                       SIDE,
                                                       SIDE,
                                                       0,
                                                       0,
                                                       1,
                                                       0,
                                                       32,
                                                       0, /* the size of the data follows */
                                                       (HEADER + PIXELS + MASK) & 255,
                                                       (HEADER + PIXELS + MASK) >> 8,
                                                       0,
                                                       0,
                                                       22,
                                                       0,
                                                       0,
                                                       0,
                                                       HEADER,
                                                       0,
                                                       0,
                                                       0,
                                                       SIDE,
                                                       0,
                                                       0,
                                                       0,
                                                       2 * SIDE,
                                                       0,
                                                       0,
                                                       0,
                                                       1,
                                                       0,
                                                       32};
    char path[4096];
    for (int i = 0; i < PIXELS; i++)
        icon[22 + HEADER + i] = (unsigned char)(i * 7);
    snprintf(path, sizeof path, "%s/colours.ico", directory);
    FILE *file = fopen(path, "wb");
    if (!file)
        return -1;
    size_t done = fwrite(icon, sizeof icon, 1, file);
    return fclose(file) || done != 1;
}

/* Drawings, which libvips does not write. */
static int write_drawings(const char *directory)
{
    static const struct {
        const char *file, *text;
    } drawings[] = {
        {"shapes.svg",
         "<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY c \"#c81e3c\">]><svg "
         "xmlns=\"http://www.w3.org/2000/svg\" width=\"24\" height=\"16\"><defs><filter "
         "id=\"f\"><feGaussianBlur stdDeviation=\"1\"/></filter><linearGradient id=\"g\"><stop "
         "stop-color=\"red\"/><stop offset=\"1\"/></linearGradient></defs><rect width=\"9\" "
         "height=\"9\" fill=\"&c;\"/><circle cx=\"12\" cy=\"8\" r=\"5\" fill=\"url(#g)\" "
         "filter=\"url(#f)\"/></svg>"},
        {"text.svg",
         "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 24 16\"><style>text { fill: navy "
         "}</style><text y=\"12\" font-size=\"9\">abc</text><use href=\"#a\"/><path id=\"a\" "
         "d=\"M1 1L9 4Q3 3 1 9z\"/></svg>"},
        {"page.pdf",
         "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 "
         "R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 24 16]/Contents 4 0 "
         "R/Resources<</Font<</F 5 0 R>>>>>>endobj\n4 0 obj<</Length 60>>stream\nBT /F 9 Tf 2 4 Td "
         "(abc) Tj ET 0 0 1 rg 10 1 9 5 re f 1 2 3 4 5 6 c\nendstream endobj\n5 0 "
         "obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 "
         "R/Size 6>>\n%%EOF\n"},
    };
    char path[4096];
    for (size_t i = 0; i < sizeof drawings / sizeof drawings[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, drawings[i].file);
        FILE *file = fopen(path, "wb");
        if (!file)
            return -1;
        int failed = fputs(drawings[i].text, file) < 0;
        if (fclose(file) || failed)
            return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2 || vips_init(argv[0])) {
        fprintf(stderr, "usage: fuzz_image_seeds DIRECTORY\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (write_kind(&kinds[i], argv[1])) /* an encoder that this libvips lacks */
            printf("left out %s: %s", kinds[i].file, vips_error_buffer());
        vips_error_clear();
    }
    vips_shutdown();
    return write_icon(argv[1]) || write_drawings(argv[1]) ? 1 : 0;
}
