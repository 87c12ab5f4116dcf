#include "image_text.h"

#include <dlfcn.h>
#include <fontconfig/fontconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_ops.h"
#include "overlay_pictures.h"
#include "vips_start.h"

enum { MARKUP_MAX = 6 }; /* bytes of an escaped character */

/* Pango would interpret it as markup. For free(). */
static char *escape(const char *text)
{
    char *out = malloc(strlen(text) * MARKUP_MAX + 1), *next = out;
    for (; out && *text; text++) {
        const char *name = *text == '&'   ? "&amp;"
                           : *text == '<' ? "&lt;"
                           : *text == '>' ? "&gt;"
                                          : NULL;
        if (name)
            next += sprintf(next, "%s", name);
        else
            *next++ = *text;
    }
    if (out)
        *next = '\0';
    return out;
}

/* Without any font, Pango draws a box for each letter. It has loaded fontconfig by now; if it has
 * not, it finds its fonts in another way. */
static bool lacks_fonts(void)
{
    FcFontSet *(*get)(FcConfig *, FcSetName) = NULL;
    void *library = dlopen("libfontconfig.so.1", RTLD_LAZY | RTLD_NOLOAD);
    if (!library)
        return false;
    void *function = dlsym(library, "FcConfigGetFonts");
    memcpy(&get, &function, sizeof get);
    const FcFontSet *fonts = get ? get(NULL, FcSetSystem) : NULL;
    dlclose(library);
    return get && (!fonts || fonts->nfont == 0);
}

/* The coverage of the letters. */
static VipsImage *letters(const struct overlay_config *overlay)
{
    enum { DPI = 72 }; /* so that a point is a pixel */
    VipsImage *made = NULL;
    char font[256], *text = escape(overlay->text);
    snprintf(font, sizeof font, "%s %d", overlay->font, overlay->size);
    if (text && vips_text(&made, text, "font", font, "dpi", DPI, NULL))
        vips_error_clear();
    free(text);
    return made;
}

static int colour_letters(VipsImage **image, const struct colour *colour)
{
    double ink[] = {colour->red, colour->green, colour->blue};
    double none[] = {0, 0, 0};
    VipsImage *plain = NULL, *made = NULL;
    int failed = vips_linear(*image, &plain, none, ink, 3, "uchar", TRUE, NULL);
    if (failed)
        return image_replace(image, failed, &made);
    plain->Type = VIPS_INTERPRETATION_sRGB;
    failed = vips_bandjoin2(plain, *image, &made, NULL);
    g_object_unref(plain);
    return image_replace(image, failed, &made);
}

static int encode(VipsImage *image, struct bytes *out)
{
    void *data = NULL;
    size_t size = 0;
    if (vips_pngsave_buffer(image, &data, &size, NULL)) {
        vips_error_clear();
        return ERR_UNSUPPORTED;
    }
    *out = (struct bytes){data, size, g_free};
    return 0;
}

int image_text_draw(const struct overlay_config *overlay, struct bytes *out, struct error *error)
{
    int code = pipelines_start("thumbwheel", error);
    if (code)
        return code;
    VipsImage *image = letters(overlay);
    if (!image)
        return error_set(error, ERR_UNSUPPORTED,
                         "can't be drawn: this machine's libvips has no Pango; use a file");
    if (lacks_fonts())
        code =
            error_set(error, ERR_UNSUPPORTED,
                      "can't be drawn: there is no font on this machine; install one (on Debian: "
                      "apt-get install fonts-dejavu-core), or use a file");
    else if (image->Xsize > OVERLAY_SIDE_MAX || image->Ysize > OVERLAY_SIDE_MAX)
        code = error_set(error, ERR_LIMIT, "is %d × %d pixels large; the limit is %d", image->Xsize,
                         image->Ysize, OVERLAY_SIDE_MAX);
    else if ((code = colour_letters(&image, &overlay->colour)) || (code = encode(image, out)))
        error_set(error, code, "can't be drawn");
    g_object_unref(image);
    return code;
}
