#include "image_dimensions.h"

static uint32_t number_at(struct slice image, size_t at, size_t size)
{
    uint32_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | (unsigned char)image.data[at + i];
    return number;
}

static bool png_dimensions(struct slice image, uint32_t *width, uint32_t *height)
{
    if (image.size < 24 || !slice_starts_with((struct slice){image.data + 12, 4}, "IHDR"))
        return false;
    *width = number_at(image, 16, 4);
    *height = number_at(image, 20, 4);
    return true;
}

static bool is_frame(uint32_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* RSTn and TEM have no length. */
static bool is_alone(uint32_t marker)
{
    return marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/* Reads segment by segment up to the frame header; the scans after it are ignored. */
static bool jpeg_dimensions(struct slice image, uint32_t *width, uint32_t *height)
{
    size_t at = 2;
    while (at + 9 <= image.size && number_at(image, at, 1) == 0xff) {
        uint32_t marker = number_at(image, at + 1, 1);
        if (marker == 0xff) {
            at++;
        } else if (is_frame(marker)) {
            *height = number_at(image, at + 5, 2);
            *width = number_at(image, at + 7, 2);
            return *height > 0; /* 0: defined by a later marker */
        } else if (is_alone(marker)) {
            at += 2;
        } else if (marker == 0xd9 || marker == 0xda) {
            return false;
        } else {
            at += 2 + number_at(image, at + 2, 2);
        }
    }
    return false;
}

bool image_dimensions(struct slice image, uint32_t *width, uint32_t *height)
{
    if (slice_starts_with(image, "\x89PNG\r\n\x1a\n"))
        return png_dimensions(image, width, height);
    return slice_starts_with(image, "\xff\xd8") && jpeg_dimensions(image, width, height);
}
