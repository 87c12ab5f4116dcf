/*
 * Large blocks of memory that are used again.
 *
 * The kernel clears each page of a fresh block when it is first written to, which takes several
 * times as long as copying a photo into it. So a few released blocks are kept for the next photos, as long
 * as they are needed: one that was only for a rush is freed, or memory would grow with the largest rush
 * so far.
 *
 * Any thread.
 */
#ifndef THUMBWHEEL_LARGE_BLOCKS_H
#define THUMBWHEEL_LARGE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    LARGE_BLOCK_MIN = 64 * 1024, /* bytes: smaller and larger ones are not kept */
    LARGE_BLOCK_MAX = 4 * 1024 * 1024,
    LARGE_BLOCKS_MAX = 16,
    LARGE_BLOCKS_BYTES = 6 * 1024 * 1024, /* of all that are kept; more hardly saves time */
    LARGE_BLOCK_UNUSED_S = 10, /* then it is freed, as soon as another one is given back */
};

/* From now on, malloc() maps large blocks, and gives a larger free top of the heap back to the kernel, as
 * the memory budget assumes. Without this, glibc raises both thresholds with every large block that is
 * freed: photos then lie in the heap, between small blocks that stay, and the heap grows with the largest
 * rush. decodes: workers of this process decode photos; they have many blocks below a mebibyte, which
 * they use for one photo after another. Call it before other threads start. */
void large_blocks_map(bool decodes);

/* A block of at least `size` bytes, from malloc() or one that was given back; it may be passed to
 * realloc() and free(). NULL: memory is short. */
void *large_block_take(size_t size, size_t *capacity);
/* Keeps a block from malloc() for later, in place of smaller ones, or frees it; NULL: does nothing. */
void large_block_give(void *block);
/* Bytes of all that are kept. */
size_t large_blocks_kept(void);

#endif
