/*
 * The request to a decoder process: malformed bytes are refused, and an accepted request names a
 * pipeline for everything in it.
 */
#include "decoder_request.h"

#include "error.h"
#include "fuzz.h"
#include "pipeline_file.h"
#include "vips_start.h"

/* libfyaml 0.7: see pipeline.c. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml\n";
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct error error;
    (void)argc;
    fuzz_quiet();
    require(!pipelines_start(**argv, &error));
    return 0;
}

static bool is_fraction(double value)
{
    return value >= 0 && value <= 1;
}

static void check(const struct decoder_request *request)
{
    require(is_fraction(request->source.focal.x) && is_fraction(request->source.focal.y));
    require(is_fraction(request->source.tagged.x) && is_fraction(request->source.tagged.y));
    require(request->count <= DECODER_ITEMS_MAX);
    require(request->source.audience_count <= DECODER_AUDIENCE_MAX);
    for (size_t i = 0; i < request->count; i++)
        require(*pipeline_output(request->items[i].pipeline, 0).key ||
                request->items[i].pipeline->labels.given);
    for (size_t i = 0; i < request->source.audience_count; i++)
        require(request->source.audience[i]->name);
}

/* Two requests to one process, as far as there are bytes: the second may use what the first one
 * brought. The first two bytes are the first one's size. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct decoder_request request;
    struct pipeline *slots[DECODER_SLOTS] = {0};
    struct slice rest = {(const char *)data, size};
    size_t first = fuzz_choice(&rest);
    first |= (size_t)fuzz_choice(&rest) << 8;
    if (first > rest.size)
        first = rest.size;
    const struct slice parts[] = {{rest.data, first}, {rest.data + first, rest.size - first}};
    for (size_t i = 0; i < 2; i++) {
        char *copy = fuzz_copy(parts[i]);
        struct slice text = {copy, parts[i].size};
        if (!decoder_request_read(text, (struct slice){"image", 5}, slots, &request))
            check(&request);
        decoder_request_clear(&request);
        free(copy);
    }
    for (size_t i = 0; i < DECODER_SLOTS; i++)
        pipeline_release(slots[i]);
    return 0;
}
