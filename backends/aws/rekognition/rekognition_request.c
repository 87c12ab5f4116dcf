#include "rekognition_request.h"

#include <jansson.h>

#include "base64.h"
#include "json_write.h"

enum { AROUND_MAX = 16 * 1024, DIGITS = 6 };

/* json_t would check and copy the text of several megabytes once more. */
static int bytes_append(struct slice image, struct buffer *out)
{
    size_t size = BASE64_TEXT_SIZE(image.size);
    buffer_text(out, "{\"Bytes\":\"");
    int code = buffer_reserve(out, size);
    if (code)
        return code;
    base64_write(image.data, image.size, out->data + out->size);
    out->size += size - 1; /* without the NUL */
    return buffer_text(out, "\"}");
}

static int object_append(const struct object_name *name, struct buffer *out)
{
    json_t *object = json_pack("{s:{s:s, s:s, s:s*}}", "S3Object", "Bucket", name->bucket, "Name",
                               name->key, "Version", name->version);
    int code = object ? json_write(object, out) : ERR_MEMORY;
    json_decref(object);
    return code;
}

int rekognition_request_write(const struct label_input *input, struct slice image,
                              struct buffer *out)
{
    buffer_init(out, BASE64_TEXT_SIZE(REKOGNITION_BYTES_MAX) + AROUND_MAX);
    if (image.size > REKOGNITION_BYTES_MAX)
        return out->error = ERR_LIMIT;
    buffer_text(out, "{\"Image\":");
    int code = image.size ? bytes_append(image, out) : object_append(input->name, out);
    if (code)
        return code;
    buffer_format(out, ",\"MaxLabels\":%u,\"MinConfidence\":%.*g}", input->settings->max, DIGITS,
                  input->settings->min_confidence);
    return out->error;
}
