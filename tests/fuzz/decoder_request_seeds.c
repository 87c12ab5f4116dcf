/* Seeds for the decoder_request target: writes an engine's requests into the given directory. */
#include <stdio.h>
#include <stdlib.h>

#include "decoder_pipelines.h"
#include "decoder_request.h"
#include "vips_start.h"

static int request_append(struct buffer *out, struct pipeline **pipelines, bool audience,
                          struct decoder_slots *slots)
{
    const struct pipeline_limits limits = {
        .max_pixels = 1000000, .max_bytes = 1000000, .max_frames = 10};
    struct render_item items[] = {{.pipeline = pipelines[0]}, {.pipeline = pipelines[1]}};
    struct render_item *const every[] = {&items[0], &items[1]};
    struct render_source source = decoder_source;
    source.audience = pipelines;
    source.audience_count = audience ? DECODER_PIPELINES : 0;
    return decoder_request_write(out, &source, &limits, every, DECODER_PIPELINES, slots);
}

/* Two requests: the second one finds the pipelines there already. */
static int write_seed(const char *folder, const char *name, bool audience)
{
    char path[4096];
    static struct decoder_slots slots;
    struct pipeline *pipelines[] = {decoder_pipeline(0), decoder_pipeline(1)};
    struct buffer out;
    buffer_init(&out, DECODER_META_MAX);
    slots = (struct decoder_slots){0};
    buffer_append(&out, "\0\0", 2);
    int code = request_append(&out, pipelines, audience, &slots);
    if (!code) {
        ((unsigned char *)out.data)[0] = (unsigned char)((out.size - 2) & 0xff);
        ((unsigned char *)out.data)[1] = (unsigned char)((out.size - 2) >> 8);
        code = request_append(&out, pipelines, !audience, &slots);
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!code && file && fwrite(out.data, 1, out.size, file) != out.size)
        code = ERR_IO;
    code = !file || fclose(file) ? ERR_IO : code;
    buffer_free(&out);
    for (size_t i = 0; i < DECODER_PIPELINES; i++)
        pipeline_release(pipelines[i]);
    return code;
}

int main(int argc, char **argv)
{
    struct error error;
    if (argc != 2 || pipelines_start(argv[0], &error))
        return EXIT_FAILURE;
    return write_seed(argv[1], "alone", false) || write_seed(argv[1], "shared", true)
               ? EXIT_FAILURE
               : EXIT_SUCCESS;
}
