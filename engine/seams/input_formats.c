#include "input_formats.h"

#include <string.h>

static const char *const names[] = {"jpeg", "png", "webp", "avif", "tiff", "gif", "heif",
                                    "jxl",  "jp2", "bmp",  "ico",  "svg",  "pdf"};
static const char all[] = "jpeg, png, webp, avif, tiff, gif, heif, jxl, jp2, bmp, ico, svg, pdf";

static unsigned bit_of(const char *name, size_t length)
{
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0)
            return 1U << i;
    }
    return 0;
}

static bool is_change(const char *name)
{
    return *name == '+' || *name == '-';
}

static int change(const char *name, size_t length, unsigned *set, struct error *error)
{
    size_t sign = is_change(name);
    unsigned bit = bit_of(name + sign, length - sign);
    if (!bit)
        return error_set(error, ERR_INVALID,
                         "\"%.*s\" is not a format that can be read; the formats are %s",
                         (int)(length - sign), name + sign, all);
    if (*name == '-')
        *set &= ~bit;
    else
        *set |= bit;
    return 0;
}

static int change_all(const char *text, unsigned *set, struct error *error)
{
    for (const char *name = text;; name++) {
        const char *end = strchrnul(name, ',');
        int code = change(name, (size_t)(end - name), set, error);
        if (code)
            return code;
        if (!*end)
            return 0;
        name = end;
    }
}

int input_formats_parse(const char *text, unsigned *out, struct error *error)
{
    unsigned set = 0;
    if (is_change(text))
        change_all(INPUT_FORMATS_DEFAULT, &set, NULL);
    int code = change_all(text, &set, error);
    if (code)
        return code;
    if (!set)
        return error_set(error, ERR_INVALID, "no format is left");
    *out = set;
    return 0;
}

bool input_formats_has(unsigned formats, const char *name)
{
    if (!formats)
        change_all(INPUT_FORMATS_DEFAULT, &formats, NULL);
    return (formats & bit_of(name, strlen(name))) != 0;
}
