/*
 * Memory for yajl, which does not look whether it got any: a block that was taken beforehand, large
 * enough for all that a parser or generator can ask for. Nothing is given back but the block, by
 * who took it. One thread at a time.
 */
#ifndef THUMBWHEEL_YAJL_MEMORY_H
#define THUMBWHEEL_YAJL_MEMORY_H

#include <stddef.h>
#include <yajl/yajl_common.h>

enum { YAJL_MEMORY_ALIGNMENT = 16 }; /* of the block, too */

struct yajl_memory {
    char *start;
    size_t size, used;
};

/* Too small a block ends the process: there is no way on. *memory is borrowed as long as they are
 * used. */
yajl_alloc_funcs yajl_memory_functions(struct yajl_memory *memory);

#endif
