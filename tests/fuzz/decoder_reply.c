/*
 * The reply of a decoder process, which a hostile image may have compromised. For any reply, the
 * engine gets as many renditions as the pipeline has outputs, with names that it chose itself and
 * data within the received bytes, or it refuses the whole reply.
 */
#include "decoder_reply.h"

#include "decoder_pipelines.h"
#include "error.h"
#include "fuzz.h"
#include "image_format.h"
#include "vips_start.h"

static struct pipeline *pipelines[DECODER_PIPELINES];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct error error;
    (void)argc;
    fuzz_quiet();
    require(!pipelines_start(**argv, &error));
    for (size_t i = 0; i < DECODER_PIPELINES; i++) {
        pipelines[i] = decoder_pipeline(i);
        require(pipelines[i]);
    }
    return 0;
}

static uint64_t check_done(const struct render_item *item)
{
    const struct pipeline *pipeline = item->pipeline;
    uint64_t bytes = 0;
    require(item->rendition_count == pipeline->outputs.count);
    for (size_t i = 0; i < item->rendition_count; i++) {
        const struct rendition *made = &item->renditions[i];
        require(made->key && made->width && made->height && made->frames && made->content_type);
        require(!made->bucket == !pipeline->outputs.entries[i].bucket);
        require(i == 0 ? strcmp(made->key, "web/a b.jpg") == 0
                       : made->bucket && strcmp(made->bucket, "other") == 0);
        bytes += made->body.size;
    }
    require(item->labels.count <= (pipeline->labels.given ? (size_t)pipeline->labels.max : 0));
    require(item->write_tags == pipeline->labels.given);
    if (pipeline->labels.given)
        require(strcmp(item->sidecar_key, "tags/a b.jpg.json") == 0);
    return bytes;
}

/* The first two bytes are the bytes of all renditions. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct render_item items[DECODER_PIPELINES], *const every[] = {&items[0], &items[1]};
    struct slice rest = {(const char *)data, size};
    uint64_t most = fuzz_choice(&rest), bytes = 0;
    most |= (uint64_t)fuzz_choice(&rest) << 8;
    char *copy = fuzz_copy(rest);
    for (size_t i = 0; i < DECODER_PIPELINES; i++)
        items[i] = (struct render_item){.pipeline = pipelines[i]};
    int code = decoder_reply_read((struct slice){copy, rest.size}, most, &decoder_source, every,
                                  DECODER_PIPELINES);
    require(code == 0 || code == ERR_PROTOCOL);
    for (size_t i = 0; !code && i < DECODER_PIPELINES; i++)
        bytes += items[i].error.code ? 0 : check_done(&items[i]);
    require(code || bytes <= most);
    for (size_t i = 0; i < DECODER_PIPELINES; i++)
        render_item_clear(&items[i]);
    free(copy);
    return 0;
}
