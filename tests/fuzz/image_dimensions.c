/*
 * The header of an image: the result depends only on its first bytes, whatever follows them.
 */
#include "image_dimensions.h"

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_quiet();
    return 0;
}

static bool read_copy(struct slice text, uint32_t *width, uint32_t *height)
{
    char *copy = fuzz_copy(text);
    bool found = image_dimensions((struct slice){copy, text.size}, width, height);
    free(copy);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data, size};
    uint32_t width, height, again_width, again_height;
    size_t cut = fuzz_choice(&rest);
    struct slice first = {rest.data, rest.size < cut ? rest.size : cut};
    bool found = read_copy(rest, &width, &height);
    if (!read_copy(first, &again_width, &again_height))
        return 0;
    require(found && width == again_width && height == again_height);
    return 0;
}
