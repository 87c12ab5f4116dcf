/* Seeds for the decoder_reply target: writes the replies of an uncompromised process into the given
 * directory. */
#include <stdio.h>
#include <stdlib.h>

#include "decoder_pipelines.h"
#include "decoder_reply.h"
#include "vips_start.h"

static int write_seed(const char *folder, const char *name, const struct render_item *items)
{
    char path[4096];
    struct buffer out;
    buffer_init(&out, DECODER_META_MAX);
    buffer_append(&out, "\x00\x02", 2); /* 512 bytes of renditions */
    int code = decoder_reply_write(&out, items, DECODER_PIPELINES);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!code && file && fwrite(out.data, 1, out.size, file) != out.size)
        code = ERR_IO;
    code = !file || fclose(file) ? ERR_IO : code;
    buffer_free(&out);
    return code;
}

int main(int argc, char **argv)
{
    struct rendition made[] = {
        {.content_type = "image/png", .body.size = 300, .width = 40, .height = 27, .frames = 1},
        {.content_type = "image/jpeg", .body.size = 200, .width = 16, .height = 11, .frames = 1},
    };
    const struct image_facts facts = {120, 80, 3, 1, 6, IMAGE_INTACT, "jpeg"};
    const struct render_item done[] = {
        {.renditions = made, .rendition_count = 2, .facts = facts},
        {.facts = facts,
         .labels = {.entries = {{"Sharp", "", 90}, {"Colour", "Blue", 55.5}}, .count = 2}},
    };
    const struct render_item failed[] = {
        {.error = {ERR_CORRUPT, "the image is cut short"}, .facts = facts},
        {.error = {ERR_UNSUPPORTED, "not an image"}},
    };
    struct error error;
    if (argc != 2 || pipelines_start(argv[0], &error))
        return EXIT_FAILURE;
    return write_seed(argv[1], "done", done) || write_seed(argv[1], "failed", failed)
               ? EXIT_FAILURE
               : EXIT_SUCCESS;
}
