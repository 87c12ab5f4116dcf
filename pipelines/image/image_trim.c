#include "image_trim.h"

#include <stdlib.h>
#include <string.h>

enum { BANDS_MAX = 5 }; /* CMYK and alpha */

struct scan {
    int width, bands, threshold;
    bool alpha;
    bool begun;
    int corner[BANDS_MAX];
    int line;                     /* the next one */
    int left, right, top, bottom; /* of the content: first and last */
};

/* As it shows: colours weighted by alpha. */
static int value_at(const struct scan *s, const VipsPel *pixel, int band)
{
    int last = s->bands - 1;
    return s->alpha && band < last ? pixel[band] * pixel[last] / 255 : pixel[band];
}

static bool is_content(const struct scan *s, const VipsPel *pixel)
{
    for (int band = 0; band < s->bands; band++) {
        if (abs(value_at(s, pixel, band) - s->corner[band]) > s->threshold)
            return true;
    }
    return false;
}

static void scan_begin(struct scan *s, const VipsPel *pixel)
{
    for (int band = 0; band < s->bands; band++)
        s->corner[band] = value_at(s, pixel, band);
    s->begun = true;
}

/* What lies between the sides that are already known needs no look, except to find out whether the
 * line has content at all. */
static void scan_line(void *user, const VipsPel *line)
{
    struct scan *s = user;
    int left = 0, right = s->width - 1;
    if (!s->begun)
        scan_begin(s, line);
    while (left < s->width && !is_content(s, line + (size_t)left * (size_t)s->bands))
        left++;
    if (left < s->width) {
        while (right > s->right && !is_content(s, line + (size_t)right * (size_t)s->bands))
            right--;
        s->left = left < s->left ? left : s->left;
        s->right = right > s->right ? right : s->right;
        s->top = s->line < s->top ? s->line : s->top;
        s->bottom = s->line;
    }
    s->line++;
}

static int scan(VipsImage *image, struct scan *s)
{
    s->width = image->Xsize;
    s->bands = image->Bands;
    s->alpha = vips_image_hasalpha(image);
    s->left = image->Xsize;
    s->top = image->Ysize;
    s->right = s->bottom = -1;
    return s->bands > BANDS_MAX ? ERR_UNSUPPORTED : image_pull_lines(image, scan_line, s);
}

int image_find_content(VipsImage *image, int threshold, struct plan_box *out)
{
    struct scan s = {.threshold = threshold};
    VipsImage *bytes = g_object_ref(image);
    int code = bytes->BandFmt == VIPS_FORMAT_UCHAR ? 0 : image_to_srgb(&bytes, false);
    if (!code)
        code = scan(bytes, &s);
    g_object_unref(bytes);
    if (code)
        return code;
    *out = (struct plan_box){{0, 0}, {(unsigned)image->Xsize, (unsigned)image->Ysize}};
    if (s.right >= 0)
        *out =
            (struct plan_box){{(unsigned)s.left, (unsigned)s.top},
                              {(unsigned)(s.right - s.left + 1), (unsigned)(s.bottom - s.top + 1)}};
    return 0;
}
