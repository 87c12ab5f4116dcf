#include "yajl_memory.h"

#include <stdlib.h>
#include <string.h>

/* Each block is preceded by its size, which realloc needs. */
static void *take(void *context, size_t size)
{
    enum { ALIGNMENT = YAJL_MEMORY_ALIGNMENT };
    struct yajl_memory *memory = context;
    size_t whole = (size + 2 * ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (whole < size || whole > memory->size - memory->used)
        abort();
    char *block = memory->start + memory->used + ALIGNMENT;
    memcpy(block - ALIGNMENT, &size, sizeof size);
    memory->used += whole;
    return block;
}

static void *grow(void *context, void *block, size_t size)
{
    size_t old = 0;
    if (block)
        memcpy(&old, (char *)block - YAJL_MEMORY_ALIGNMENT, sizeof old);
    void *grown = take(context, size);
    if (block)
        memcpy(grown, block, old < size ? old : size);
    return grown;
}

static void leave(void *context, void *block)
{
    (void)context;
    (void)block;
}

yajl_alloc_funcs yajl_memory_functions(struct yajl_memory *memory)
{
    return (yajl_alloc_funcs){take, grow, leave, memory};
}
