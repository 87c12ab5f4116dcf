/* What the page asks first: who has logged in, and what it can do here. */
#include "gallery_private.h"

#include <stdlib.h>
#include <string.h>

#include "gallery_uploads.h"
#include "text_list.h"

static json_t *places_show(const struct gallery *gallery)
{
    json_t *list = json_array();
    for (size_t i = 0; i < gallery->place_count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "bucket", gallery->places[i].bucket,
                                              "prefix", gallery->places[i].prefix));
    return list;
}

static json_t *pipelines_show(const struct gallery *gallery)
{
    json_t *list = json_array();
    for (size_t i = 0; i < gallery->pipeline_count; i++)
        json_array_append_new(
            list, json_pack("{s:s}", "name",
                            gallery->options.pipeline_ops->facts(gallery->pipelines[i])->name));
    return list;
}

static bool extension_is_accepted(const struct gallery *gallery, const char *extension)
{
    char key[OBJECT_KEY_MAX + 1];
    for (size_t i = 0; i < gallery->place_count; i++) {
        const struct gallery_place *place = &gallery->places[i];
        snprintf(key, sizeof key, "%sx%s", place->prefix, extension);
        if (gallery_is_accepted(gallery, place->bucket, key))
            return true;
    }
    return false;
}

/* Of the endings that photos have, those that some pipeline accepts. */
static json_t *extensions_show(const struct gallery *gallery)
{
    static const char *const known[] = {".jpg",  ".jpeg", ".png",  ".webp", ".tif",
                                        ".tiff", ".gif",  ".avif", ".heic", ".heif",
                                        ".jxl",  ".jp2",  ".bmp",  ".ico",  ".svg"};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (extension_is_accepted(gallery, known[i]))
            json_array_append_new(list, json_string(known[i]));
    return list;
}

void gallery_session_show(struct gallery_call *call)
{
    const struct gallery *gallery = call->gallery;
    const bool can_upload = gallery->place_count > 0;
    json_t *features =
        json_pack("{s:b, s:b, s:b, s:b, s:b}", "upload", can_upload, "edit", 1, "delete", 1,
                  "engine", *gallery->options.engine != NULL, "savePipelines", gallery->can_save);
    const size_t most = gallery->options.limits.max_bytes;
    gallery_respond_json(
        call, 200,
        json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", "user", call->session.user,
                  "version", THUMBWHEEL_VERSION, "features", features, "places",
                  places_show(gallery), "accept", extensions_show(gallery), "maxBytes",
                  (json_int_t)(most ? most : PIPELINE_MAX_BYTES), "partBytes",
                  (json_int_t)GALLERY_PART_BYTES, "multipartFrom",
                  (json_int_t)GALLERY_MULTIPART_FROM, "pipelines", pipelines_show(gallery)));
}
