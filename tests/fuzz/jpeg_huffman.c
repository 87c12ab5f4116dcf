/*
 * The coded data of a JPEG: what our Huffman decoder accepts, libjpeg accepts as well, with the same
 * coefficients.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "pipelines/jpeg_blocks.h"

enum { BLOCKS_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice file = {(const char *)data, size};
    struct jpeg_blocks ours, theirs;
    if (!jpeg_blocks_read(file, true, BLOCKS_MAX, &ours))
        return 0;
    require(jpeg_blocks_read(file, false, BLOCKS_MAX, &theirs));
    require(jpeg_blocks_same(&ours, &theirs));
    free(ours.values);
    free(theirs.values);
    return 0;
}
