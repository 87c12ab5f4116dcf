#include "image_kind.h"

#include <stdbool.h>
#include <string.h>

#include "tiff_header.h"

/* ---- JPEG: ITU-T T.81, B.2 ---- */

struct frame { /* what a JPEG says of its pixels */
    unsigned process;
    unsigned precision, components;
    bool ycbcr; /* it is marked as such, or subsampled */
};

static unsigned byte_at(struct slice s, size_t at)
{
    return at < s.size ? (unsigned char)s.data[at] : 0;
}

static bool is_frame(unsigned marker)
{
    enum { HUFFMAN_TABLES = 0xc4, EXTENSION = 0xc8, ARITHMETIC = 0xcc };
    return marker >= 0xc0 && marker <= 0xcf && marker != HUFFMAN_TABLES && marker != EXTENSION &&
           marker != ARITHMETIC;
}

static void read_segment(struct slice jpeg, size_t at, unsigned marker, struct frame *out)
{
    enum { APP0 = 0xe0, APP14 = 0xee, TRANSFORM = 15, SAMPLING = 11, SQUARE = 0x11 };
    if (is_frame(marker)) {
        out->process = marker & 15;
        out->precision = byte_at(jpeg, at + 4);
        out->components = byte_at(jpeg, at + 9);
        out->ycbcr |= out->components == 3 && byte_at(jpeg, at + SAMPLING) != SQUARE;
    }
    if (at + TRANSFORM >= jpeg.size)
        return;
    out->ycbcr |= marker == APP0 && memcmp(jpeg.data + at + 4, "JFIF", 4) == 0;
    out->ycbcr |= marker == APP14 && memcmp(jpeg.data + at + 4, "Adobe", 5) == 0 &&
                  byte_at(jpeg, at + TRANSFORM) == 1;
}

/* Reads up to the frame header. false: there is none. */
static bool read_frame(struct slice jpeg, struct frame *out)
{
    enum { SCAN = 0xda, FILL = 0xff };
    *out = (struct frame){.process = 0};
    for (size_t at = 2; at + 4 <= jpeg.size;) {
        unsigned marker = byte_at(jpeg, at + 1);
        if (byte_at(jpeg, at) != FILL || marker == FILL) {
            at++;
            continue;
        }
        if (marker == SCAN)
            return false;
        read_segment(jpeg, at, marker, out);
        if (is_frame(marker))
            return true;
        at += 2 + (byte_at(jpeg, at + 2) << 8 | byte_at(jpeg, at + 3));
    }
    return false;
}

static const char *jpeg_unsupported(struct slice image)
{
    struct frame frame;
    if (!read_frame(image, &frame))
        return NULL;
    if (frame.process == 3 || frame.process == 11)
        return "lossless JPEG";
    if (frame.process == 5 || frame.process == 6 || frame.process == 7 || frame.process > 11)
        return "hierarchical JPEG";
    return frame.precision > 8 ? "JPEG with more than 8 bits" : NULL;
}

/* ---- TIFF ---- */

static bool is_any_of(uint32_t value, const uint32_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == value)
            return true;
    }
    return false;
}

#define IS_ANY_OF(value, list) is_any_of(value, list, sizeof(list) / sizeof *(list))

/* Bits, for each form of samples. */
static const char *samples_unsupported(const struct tiff_header *tiff)
{
    static const uint32_t whole[] = {1, 2, 4, 8, 16, 32, 64}, floats[] = {32, 64};
    if (tiff->form == TIFF_FLOAT)
        return IS_ANY_OF(tiff->bits, floats) ? NULL : "floating-point samples of less than 32 bits";
    return tiff->form > TIFF_FLOAT || IS_ANY_OF(tiff->bits, whole)
               ? NULL
               : "samples that are not 1, 2, 4, 8, 16 or 32 bits long";
}

/* In libtiff: none, CCITT, LZW, JPEG, Deflate, PackBits, and rarer ones. */
static bool is_known_compression(uint32_t compression)
{
    static const uint32_t known[] = {1,     2,     3,     4,     5,     7,     8,     32766,
                                     32771, 32773, 32809, 32908, 32909, 32946, 34661, 34676,
                                     34677, 34887, 34925, 50000, 50001, 33003, 33004, 33005};
    return IS_ANY_OF(compression, known);
}

static const char *colours_unsupported(const struct tiff_header *tiff)
{
    static const uint32_t known[] = {0, 1, 2, 3, 5, 6, 8, 32844, 32845};
    struct frame frame;
    bool jpeg = tiff->compression == TIFF_JPEG;
    if (tiff->photometric == TIFF_YCBCR && (!jpeg || tiff->planes != 1))
        return "YCbCr samples that are not compressed as JPEG";
    if (jpeg && tiff->photometric == TIFF_RGB && read_frame(tiff->pixels, &frame) && frame.ycbcr)
        return "JPEG data in YCbCr that is marked as RGB";
    if (jpeg && tiff->photometric == TIFF_CIELAB)
        return "JPEG data in Lab";
    return IS_ANY_OF(tiff->photometric, known) ? NULL : "an uncommon kind of colours";
}

static const char *tiff_unsupported(struct slice image, unsigned page)
{
    struct tiff_header tiff;
    if (!tiff_header_read(image, page, &tiff))
        return NULL;
    if (tiff.compression == TIFF_OLD_JPEG)
        return "the old form of JPEG compression";
    if (!is_known_compression(tiff.compression))
        return "an uncommon compression";
    const char *found = samples_unsupported(&tiff);
    return found ? found : colours_unsupported(&tiff);
}

const char *image_kind_unsupported(struct slice image, enum image_format format, unsigned page)
{
    if (format == FORMAT_JPEG)
        return jpeg_unsupported(image);
    return format == FORMAT_TIFF ? tiff_unsupported(image, page) : NULL;
}
