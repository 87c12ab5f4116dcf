/* What an output keeps of the metadata of its source. */
#include <stdlib.h>
#include <string.h>

#include "image_ops.h"
#include "metadata_edit.h"
#include "metadata_filter.h"
#include "pipeline_file.h"

enum { FILTERED_MAX = 128 * 1024 };

struct adoption {
    VipsImage *to;
    unsigned keep; /* bits of enum metadata_kept */
};

static bool has(const struct adoption *adoption, unsigned what)
{
    return adoption->keep & (what | KEEP_ALL);
}

static bool is_kept(const struct adoption *a, const char *name)
{
    static const struct {
        const char *prefix;
        unsigned keep;
    } groups[] = {{"icc-", KEEP_ICC},
                  {"xmp-", KEEP_XMP | KEEP_COPYRIGHT},
                  {"iptc-", KEEP_IPTC | KEEP_COPYRIGHT},
                  {"xres", KEEP_EXIF},
                  {"yres", KEEP_EXIF},
                  {"resolution-unit", KEEP_EXIF},
                  {"png-comment", 0}};
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (g_str_has_prefix(name, groups[i].prefix))
            return has(a, groups[i].keep);
    }
    return false;
}

static void *copy_field(VipsImage *from, const char *name, GValue *value, void *user)
{
    const struct adoption *adoption = user;
    (void)from;
    if (is_kept(adoption, name))
        vips_image_set(adoption->to, name, value);
    return NULL;
}

static struct slice blob(VipsImage *image, const char *name)
{
    const void *data;
    size_t size;
    if (!vips_image_get_typeof(image, name) || vips_image_get_blob(image, name, &data, &size))
        return (struct slice){0};
    return (struct slice){data, size};
}

/* Replaces a field, or removes it if there is nothing left of it. */
static void blob_set(VipsImage *image, const char *name, const void *data, size_t size)
{
    if (size)
        vips_image_set_blob_copy(image, name, data, size);
    else if (vips_image_get_typeof(image, name))
        vips_image_remove(image, name);
}

/* libvips makes a field of each tag when the block is set, and writes the block with the values of
 * the fields; so both lack what is not kept. */
static void adopt_exif(const struct adoption *a, VipsImage *from)
{
    struct slice exif = blob(from, VIPS_META_EXIF_NAME);
    char *copy = NULL;
    if (has(a, KEEP_EXIF | KEEP_COPYRIGHT | KEEP_GPS) && exif.size && (copy = malloc(exif.size))) {
        memcpy(copy, exif.data, exif.size);
        exif_drop_preview(copy, exif.size);
        if (!has(a, 0))
            exif_filter(copy, exif.size, a->keep);
        vips_image_set_blob_copy(a->to, VIPS_META_EXIF_NAME, copy, exif.size);
    }
    free(copy);
}

/* With the XMP, but without its positions. */
static void xmp_drop_gps(VipsImage *image, struct slice xmp)
{
    char *copy = malloc(xmp.size);
    if (copy)
        memcpy(copy, xmp.data, xmp.size);
    blob_set(image, VIPS_META_XMP_NAME, copy, copy && xmp_blank_gps(copy, xmp.size) ? xmp.size : 0);
    free(copy);
}

static void filter_xmp(const struct adoption *a)
{
    struct slice xmp = blob(a->to, VIPS_META_XMP_NAME);
    struct buffer rights;
    if (!xmp.size)
        return;
    if (xmp_has_gain_map(xmp) && has(a, KEEP_XMP))
        blob_set(a->to, VIPS_META_XMP_NAME, NULL, 0);
    else if (has(a, KEEP_XMP) && !has(a, KEEP_GPS))
        xmp_drop_gps(a->to, xmp);
    if (has(a, KEEP_XMP))
        return;
    buffer_init(&rights, FILTERED_MAX);
    xmp_rights(xmp, &rights);
    blob_set(a->to, VIPS_META_XMP_NAME, rights.data, rights.error ? 0 : rights.size);
    buffer_free(&rights);
}

static void filter_iptc(const struct adoption *a)
{
    struct slice iptc = iptc_records(blob(a->to, VIPS_META_IPTC_NAME));
    struct buffer kept;
    buffer_init(&kept, FILTERED_MAX);
    if (has(a, KEEP_IPTC))
        buffer_append(&kept, iptc.data, iptc.size);
    else
        iptc_rights(iptc, &kept);
    blob_set(a->to, VIPS_META_IPTC_NAME, kept.data, kept.error ? 0 : kept.size);
    buffer_free(&kept);
}

static void set_upright(VipsImage *image)
{
    vips_image_set_int(image, VIPS_META_ORIENTATION, 1);
    if (vips_image_get_typeof(image, "exif-ifd0-Orientation"))
        vips_image_remove(image, "exif-ifd0-Orientation");
}

int image_adopt_metadata(VipsImage **image, VipsImage *from, unsigned keep)
{
    VipsImage *made = NULL;
    /* A private copy, because the metadata of a shared image must not be changed. */
    int code = image_replace(image, vips_copy(*image, &made, NULL), &made);
    if (code)
        return code;
    struct adoption adoption = {*image, keep};
    vips_image_map(from, copy_field, &adoption);
    adopt_exif(&adoption, from);
    filter_xmp(&adoption);
    filter_iptc(&adoption);
    if (has(&adoption, KEEP_EXIF)) {
        (*image)->Xres = from->Xres;
        (*image)->Yres = from->Yres;
    }
    set_upright(*image);
    return 0;
}
