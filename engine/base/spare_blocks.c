#include "spare_blocks.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* A block is a member of the class of its usable size, rounded down. */
enum {
    CLASS_STEP = 32,
    CLASSES = 129,
    BLOCK_MAX = (CLASSES - 1) * CLASS_STEP,
};

struct spare_block {
    struct spare_block *next;
};

static _Thread_local struct {
    size_t room; /* bytes that may still be kept */
    struct spare_block *first[CLASSES];
} spare;

void spare_blocks_keep(size_t max_bytes)
{
    spare.room = max_bytes;
    json_set_alloc_funcs(block_new, block_free);
}

void *block_new(size_t size)
{
    if (size > BLOCK_MAX)
        return malloc(size);
    size_t class = (size + CLASS_STEP - 1) / CLASS_STEP;
    struct spare_block *block = spare.first[class];
    if (!block)
        return malloc(class * CLASS_STEP);
    spare.first[class] = block->next;
    spare.room += class * CLASS_STEP;
    return block;
}

void *block_new_zeroed(size_t size)
{
    void *block = block_new(size);
    if (block)
        memset(block, 0, size);
    return block;
}

void *block_grow(void *block, size_t used, size_t size)
{
    if (size > BLOCK_MAX)
        return realloc(block, size);
    void *grown = block_new(size);
    if (!grown)
        return NULL;
    if (used)
        memcpy(grown, block, used);
    block_free(block);
    return grown;
}

void block_free(void *block)
{
    size_t class = malloc_usable_size(block) / CLASS_STEP;
    size_t size = class * CLASS_STEP;
    if (!class || class >= CLASSES || spare.room < size) {
        free(block);
        return;
    }
    struct spare_block *kept = block;
    kept->next = spare.first[class];
    spare.first[class] = kept;
    spare.room -= size;
}
