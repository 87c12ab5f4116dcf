/*
 * Small blocks of memory that stay with the thread that frees them.
 *
 * glibc keeps seven free blocks of each size for a thread, and none above 1 KiB. The loop thread of a
 * server has hundreds of requests in progress, whose blocks would be merged and split again and
 * again: that took a sixth of its time. A thread that calls spare_blocks_keep keeps what it frees
 * here, up to a total size, and gets it back from block_new.
 *
 * The blocks are those of malloc: free() and realloc() may take them, and block_free takes any. In
 * other threads these functions are malloc and free.
 */
#ifndef THUMBWHEEL_SPARE_BLOCKS_H
#define THUMBWHEEL_SPARE_BLOCKS_H

#include <stddef.h>

/* For the rest of the thread's life, with at most max_bytes of free blocks. Once per thread. JSON values
 * use these functions from now on, in all threads. */
void spare_blocks_keep(size_t max_bytes);

/* NULL: out of memory. */
void *block_new(size_t size);
void *block_new_zeroed(size_t size);
/* Takes the block, which has `used` bytes of content, and returns a larger one. NULL: out of memory,
 * and the block stays as it is. */
void *block_grow(void *block, size_t used, size_t size);
void block_free(void *block); /* NULL: nothing */

#endif
