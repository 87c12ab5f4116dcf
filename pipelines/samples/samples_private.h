/* What the table of samples (samples.c) and their encoding (samples_encode.c) share. */
#ifndef THUMBWHEEL_SAMPLES_PRIVATE_H
#define THUMBWHEEL_SAMPLES_PRIVATE_H

#include <stddef.h>

#include "scenes.h"

enum sample_format {
    SAMPLE_JPEG,
    SAMPLE_JPEG_PROGRESSIVE,
    SAMPLE_JPEG_P3, /* the colours are meant in Display P3, so the strongest lie outside sRGB */
    SAMPLE_JPEG_CMYK,
    SAMPLE_JPEG_GREY,
    SAMPLE_PNG_ALPHA,
    SAMPLE_PNG_16,
    SAMPLE_WEBP,
    SAMPLE_TIFF,
    SAMPLE_GIF, /* animated with more than one frame */
};

struct sample_shot { /* what a camera would have written; all NULL for none */
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
    int enlarge;       /* the file has this many times the width and height */
    int frames;
    int orientation; /* EXIF, 1–8: how the file's pixels are turned against the picture */
    struct sample_shot shot;
};

/* Paints and encodes. *bytes is to be g_freed. ERR_MEMORY, or ERR_UNSUPPORTED when libvips cannot
 * write the format. */
int sample_encode(const struct sample *sample, void **bytes, size_t *size);

#endif
