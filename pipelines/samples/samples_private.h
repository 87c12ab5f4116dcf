/* Shared by the table of samples (samples.c) and their encoding (samples_encode.c). */
#ifndef THUMBWHEEL_SAMPLES_PRIVATE_H
#define THUMBWHEEL_SAMPLES_PRIVATE_H

#include <stddef.h>

#include "scenes.h"

enum sample_format {
    SAMPLE_JPEG,
    SAMPLE_JPEG_PROGRESSIVE,
    SAMPLE_JPEG_P3, /* the colours are in Display P3, so the strongest are outside sRGB */
    SAMPLE_JPEG_CMYK,
    SAMPLE_JPEG_GREY,
    SAMPLE_PNG_ALPHA,
    SAMPLE_PNG_16,
    SAMPLE_WEBP,
    SAMPLE_TIFF,
    SAMPLE_GIF, /* animated with more than one frame */
};

struct sample_shot { /* metadata of a camera; all NULL: none */
    const char *model;
    const char *taken;            /* "YYYY:MM:DD hh:mm:ss" */
    const char *latitude, *north; /* "35/1 39/1 30/1", "N" */
    const char *longitude, *east;
};

struct sample {
    const char *name;
    scene *paint;
    enum sample_format format;
    int width, height; /* as painted, upright */
    int enlarge;       /* factor for the width and height of the file */
    int frames;
    int orientation; /* EXIF orientation, 1–8, of the file's pixels */
    struct sample_shot shot;
};

/* Paints and encodes. Free *bytes with g_free. ERR_MEMORY, or ERR_UNSUPPORTED: libvips cannot write
 * the format. */
int sample_encode(const struct sample *sample, void **bytes, size_t *size);

#endif
