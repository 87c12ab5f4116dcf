/*
 * An arena for yajl, which does not check its allocations: one block, allocated beforehand, large
 * enough for all allocations of a parser or generator. Only the whole block is freed, by its owner.
 * One thread at a time.
 */
#ifndef THUMBWHEEL_YAJL_MEMORY_H
#define THUMBWHEEL_YAJL_MEMORY_H

#include <stddef.h>
#include <yajl/yajl_common.h>

enum { YAJL_MEMORY_ALIGNMENT = 16 }; /* size of the block */

struct yajl_memory {
    char *start;
    size_t size, used;
};

/* A block that is too small ends the process, since yajl cannot handle a failure. *memory is
 * borrowed while they are used. */
yajl_alloc_funcs yajl_memory_functions(struct yajl_memory *memory);

#endif
