#include "gallery_draft.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 256 * 1024 };

/* That of the first pipeline file. */
static char *folder_of(const struct gallery *gallery)
{
    if (!gallery->pipeline_count)
        return strdup(gallery->options.data_dir);
    const char *file = gallery->options.pipeline_ops->facts(gallery->pipelines[0])->file;
    const char *slash = strrchr(file, '/');
    return slash ? strndup(file, (size_t)(slash - file) + (slash == file)) : strdup(".");
}

static bool fill(const struct gallery *gallery, const char *text, struct pipeline_draft *out)
{
    out->text = strdup(text);
    out->folder = folder_of(gallery);
    out->other_folder = strdup(gallery->options.data_dir);
    out->others = calloc(gallery->pipeline_count + 1, sizeof *out->others);
    if (!out->text || !out->folder || !out->other_folder || !out->others)
        return false;
    for (size_t i = 0; i < gallery->pipeline_count; i++)
        out->others[out->other_count++] =
            gallery->options.pipeline_ops->retain(gallery->pipelines[i]);
    return true;
}

bool gallery_draft_read(struct gallery_call *call, struct pipeline_draft *out)
{
    *out = (struct pipeline_draft){.rules = call->gallery->options.rules};
    const char *text = gallery_body_text(call, "text", TEXT_MAX);
    if (!text)
        return false;
    if (fill(call->gallery, text, out))
        return true;
    gallery_refuse(call, 503, "out_of_memory", "the server is short of memory; try again");
    return false;
}
