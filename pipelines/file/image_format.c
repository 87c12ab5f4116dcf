#include "image_format.h"

#include <string.h>
#include <strings.h>

#include "svg_text.h"

static const struct image_format_facts formats[] = {
    [FORMAT_KEEP] = {.name = "keep"},
    [FORMAT_JPEG] = {"jpeg", "jpg", "image/jpeg", 65500, .cmyk = true, .grey = true,
                     .profiles = true, .quality = 80},
    [FORMAT_PNG] = {"png", "png", "image/png", 1000000, .alpha = true, .deep = true, .grey = true,
                    .profiles = true},
    [FORMAT_WEBP] = {"webp", "webp", "image/webp", 16383, .alpha = true, .moves = true,
                     .profiles = true, .quality = 80},
    [FORMAT_AVIF] = {"avif", "avif", "image/avif", 16384, .alpha = true, .profiles = true,
                     .quality = 50},
    [FORMAT_TIFF] = {"tiff", "tif", "image/tiff", 1000000, .alpha = true, .deep = true,
                     .cmyk = true, .grey = true, .profiles = true},
    [FORMAT_GIF] = {"gif", "gif", "image/gif", 65535, .alpha = true, .moves = true},
    [FORMAT_HEIF] = {"heif", "heic", "image/heic", 16384, .alpha = true, .profiles = true,
                     .quality = 50},
    [FORMAT_JXL] = {"jxl", "jxl", "image/jxl", 65535, .alpha = true, .deep = true, .grey = true,
                    .profiles = true, .quality = 80},
    [FORMAT_AUTO] = {.name = "auto"},
    [FORMAT_JP2] = {"jp2", "jp2", "image/jp2", 0, .alpha = true, .deep = true, .grey = true,
                    .profiles = true},
    [FORMAT_BMP] = {"bmp", "bmp", "image/bmp", 0, .alpha = true},
    [FORMAT_ICO] = {"ico", "ico", "image/vnd.microsoft.icon", 0, .alpha = true},
    [FORMAT_SVG] = {"svg", "svg", "image/svg+xml", 0, .alpha = true, .drawn = true},
    [FORMAT_PDF] = {"pdf", "pdf", "application/pdf", 0, .drawn = true},
};

unsigned image_format_module(enum image_format format)
{
    if (format == FORMAT_AVIF || format == FORMAT_HEIF)
        return MODULE_HEIF;
    if (format == FORMAT_BMP || format == FORMAT_ICO)
        return MODULE_MAGICK;
    if (format == FORMAT_PDF)
        return MODULE_DRAWINGS | MODULE_POPPLER;
    if (format == FORMAT_SVG)
        return MODULE_DRAWINGS;
    return format == FORMAT_JXL ? MODULE_JXL : 0;
}

enum image_format image_format_kept(enum image_format source)
{
    if (source == FORMAT_BMP || source == FORMAT_ICO || formats[source].drawn)
        return FORMAT_PNG;
    return source == FORMAT_HEIF || source >= FORMAT_COUNT ? FORMAT_JPEG : source;
}

const struct image_format_facts *image_format_facts(enum image_format format)
{
    return &formats[format];
}

static const char *const exts[][6] = {
    [FORMAT_KEEP] = {NULL},
    [FORMAT_JPEG] = {"jpg", "jpeg", "jpe", "jfif", NULL},
    [FORMAT_PNG] = {"png", NULL},
    [FORMAT_WEBP] = {"webp", NULL},
    [FORMAT_AVIF] = {"avif", NULL},
    [FORMAT_TIFF] = {"tif", "tiff", NULL},
    [FORMAT_GIF] = {"gif", NULL},
    [FORMAT_HEIF] = {"heic", "heif", NULL},
    [FORMAT_JXL] = {"jxl", NULL},
    [FORMAT_AUTO] = {NULL},
    [FORMAT_JP2] = {"jp2", "j2k", "jpx", "jpf", "j2c", NULL},
    [FORMAT_BMP] = {"bmp", "dib", NULL},
    [FORMAT_ICO] = {"ico", NULL},
    [FORMAT_SVG] = {"svg", NULL},
    [FORMAT_PDF] = {"pdf", NULL},
};

const char *image_format_ext(enum image_format format, size_t index)
{
    return exts[format][index];
}

enum image_format image_format_of_ext(struct slice ext)
{
    for (enum image_format format = FORMAT_JPEG; format < FORMAT_INPUT_COUNT; format++) {
        for (size_t i = 0; exts[format][i]; i++) {
            if (strlen(exts[format][i]) == ext.size &&
                strncasecmp(exts[format][i], (const char *)ext.data, ext.size) == 0)
                return format;
        }
    }
    return FORMAT_KEEP;
}

enum image_format image_format_of_type(const char *content_type)
{
    for (enum image_format format = FORMAT_JPEG; format < FORMAT_COUNT; format++) {
        const char *known = formats[format].content_type;
        if (known && strcmp(known, content_type) == 0)
            return format;
    }
    return FORMAT_KEEP;
}

struct slice image_format_key_ext(struct slice key)
{
    const char *text = (const char *)key.data;
    size_t at = key.size;
    while (at > 0 && text[at - 1] != '.' && text[at - 1] != '/')
        at--;
    if (at < 2 || text[at - 1] != '.' || text[at - 2] == '/')
        return (struct slice){text + key.size, 0};
    return (struct slice){text + at, key.size - at};
}

struct magic {
    size_t offset;
    struct slice bytes;
};

#define MAGIC(at, text)                                                                            \
    {                                                                                              \
        at,                                                                                        \
        {                                                                                          \
            text, sizeof(text) - 1                                                                 \
        }                                                                                          \
    }

static bool has_magic(struct slice image, const struct magic *magic)
{
    return image.size >= magic->offset + magic->bytes.size &&
           memcmp(image.data + magic->offset, magic->bytes.data, magic->bytes.size) == 0;
}

static const struct {
    struct magic magic;
    enum image_format format;
} known[] = {
    {MAGIC(0, "\xff\xd8\xff"), FORMAT_JPEG},
    {MAGIC(0, "\x89PNG\r\n\x1a\n"), FORMAT_PNG},
    {MAGIC(0, "GIF87a"), FORMAT_GIF},
    {MAGIC(0, "GIF89a"), FORMAT_GIF},
    {MAGIC(0, "II*\0"), FORMAT_TIFF},
    {MAGIC(0, "MM\0*"), FORMAT_TIFF},
    {MAGIC(0, "II+\0"), FORMAT_TIFF},
    {MAGIC(0, "MM\0+"), FORMAT_TIFF},
    {MAGIC(8, "WEBPVP8"), FORMAT_WEBP},
    {MAGIC(4, "ftypavif"), FORMAT_AVIF},
    {MAGIC(4, "ftypavis"), FORMAT_AVIF},
    {MAGIC(4, "ftypheic"), FORMAT_HEIF},
    {MAGIC(4, "ftypheix"), FORMAT_HEIF},
    {MAGIC(4, "ftypheim"), FORMAT_HEIF},
    {MAGIC(4, "ftypheis"), FORMAT_HEIF},
    {MAGIC(4, "ftyphevc"), FORMAT_HEIF},
    {MAGIC(4, "ftyphevx"), FORMAT_HEIF},
    {MAGIC(0, "\xff\x0a"), FORMAT_JXL},
    {MAGIC(0, "\0\0\0\x0cJXL \r\n\x87\n"), FORMAT_JXL},
    {MAGIC(0, "\xff\x4f\xff\x51"), FORMAT_JP2},
    {MAGIC(0, "\0\0\0\x0cjP  \r\n\x87\n"), FORMAT_JP2},
    {MAGIC(0, "%PDF-"), FORMAT_PDF},
};

/* A brand of the ISO base media format that is identified only by its list of compatible brands. */
static enum image_format sniff_brands(struct slice image)
{
    static const struct magic generic = MAGIC(4, "ftypmif1");
    size_t end = image.size < 64 ? image.size : 64;
    if (!has_magic(image, &generic))
        return FORMAT_KEEP;
    for (size_t at = 16; at + 4 <= end; at += 4) {
        if (memcmp(image.data + at, "avif", 4) == 0)
            return FORMAT_AVIF;
    }
    return FORMAT_HEIF;
}

/* Two letters are little: the header is looked at, too. */
static bool is_bmp(struct slice image)
{
    static const struct magic magic = MAGIC(0, "BM"), sizes = MAGIC(15, "\0\0\0");
    return has_magic(image, &magic) && has_magic(image, &sizes);
}

static bool is_icon(struct slice image)
{
    static const struct magic magic = MAGIC(0, "\0\0\1\0");
    return has_magic(image, &magic) && image.size >= 22 && (image.data[4] || image.data[5]) &&
           image.data[9] == 0;
}

enum image_format image_format_sniff(struct slice image)
{
    if (is_bmp(image) || is_icon(image))
        return is_bmp(image) ? FORMAT_BMP : FORMAT_ICO;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (has_magic(image, &known[i].magic))
            return known[i].format;
    }
    return svg_is(image) ? FORMAT_SVG : sniff_brands(image);
}

static const struct {
    struct magic magic;
    const char *what;
} strangers[] = {
    {MAGIC(0, "8BPS"), "a Photoshop document"},
    {MAGIC(0, "\0\0\0\x0cjP  "), "a JPEG 2000 image"},
    {MAGIC(0, "\0\0\0\x0cJXL "), "a JPEG XL image"},
    {MAGIC(4, "ftyp"), "a video"},
    {MAGIC(0, "\x1a\x45\xdf\xa3"), "a video"},
    {MAGIC(8, "AVI "), "a video"},
    {MAGIC(0, "PK\3\4"), "a ZIP archive"},
    {MAGIC(0, "\x1f\x8b"), "a gzip archive"},
    {MAGIC(0, "\x7f"
              "ELF"),
     "a program"},
    {MAGIC(0, "MZ"), "a program"},
};

/* No control characters, and no byte that never occurs in UTF-8. */
static bool is_text(struct slice image)
{
    size_t end = image.size < 512 ? image.size : 512;
    for (size_t i = 0; i < end; i++) {
        unsigned char c = (unsigned char)image.data[i];
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f || c > 0xf4)
            return false;
    }
    return true;
}

static const char *guess_text(struct slice image)
{
    char head[513];
    size_t size = image.size < sizeof head - 1 ? image.size : sizeof head - 1;
    memcpy(head, image.data, size);
    head[size] = '\0';
    if (strcasestr(head, "<html") || strcasestr(head, "<!doctype"))
        return "an HTML page";
    if (strncmp(head, "<?xml", 5) == 0)
        return "an XML document";
    return "text";
}

const char *image_format_guess(struct slice image)
{
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        if (has_magic(image, &strangers[i].magic))
            return strangers[i].what;
    }
    return is_text(image) ? guess_text(image) : "unknown";
}
