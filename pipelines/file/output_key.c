/* Where a pipeline stores its outputs of a source that has not been read. */
#include "image_format.h"
#include "key_template.h"
#include "pipeline_file.h"

static enum image_format preferred(unsigned candidates)
{
    static const enum image_format order[] = {FORMAT_AVIF, FORMAT_JXL,  FORMAT_HEIF,
                                              FORMAT_WEBP, FORMAT_JPEG, FORMAT_PNG};
    size_t i = 0;
    while (!(candidates & 1u << order[i]) && order[i] != FORMAT_PNG)
        i++;
    return order[i];
}

/* As rendition.c chooses it, from the key instead of the bytes. */
static enum image_format format_of(const struct pipeline *pipeline, size_t index, const char *key)
{
    enum image_format format = (enum image_format)pipeline->outputs.entries[index].format;
    if (format == FORMAT_AUTO) /* not known before; the one that is usually the smallest */
        return preferred((unsigned)pipeline->outputs.entries[index].candidates);
    if (format == FORMAT_KEEP)
        format = image_format_of_ext(image_format_key_ext(slice_of(key)));
    return format == FORMAT_KEEP ? FORMAT_JPEG : image_format_kept(format);
}

int pipeline_output_key(const struct pipeline *pipeline, size_t index, const char *bucket,
                        const char *key, char **out)
{
    const struct pipeline_output output = pipeline_output(pipeline, index);
    struct key_values values = {
        .bucket = bucket, .key = key, .pipeline = pipeline->name, .number = PIPELINE_NUMBER};
    *out = NULL;
    if (!output.key)
        return 0;
    values.ext = index < pipeline->outputs.count
                     ? image_format_facts(format_of(pipeline, index, key))->ext
                     : "json";
    return key_template_expand(output.key, &values, out, NULL);
}
