#include "large_blocks.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    WASTE_MAX = 8,              /* a block may be so many times as large as needed */
    FREE_TOP_MAX = 1024 * 1024, /* bytes */
    MAPPED = 256 * 1024,        /* blocks of so many bytes, or more */
    MAPPED_BY_DECODERS = 1024 * 1024,
};

struct spare_large {
    void *block;
    size_t size;
    time_t given_s; /* of the monotonic clock */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    struct spare_large blocks[LARGE_BLOCKS_MAX + 1]; /* one more while one is added */
    size_t count, bytes;
} spare;

static time_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void *remove_at(size_t i)
{
    void *block = spare.blocks[i].block;
    spare.bytes -= spare.blocks[i].size;
    spare.count--;
    memmove(&spare.blocks[i], &spare.blocks[i + 1], (spare.count - i) * sizeof *spare.blocks);
    return block;
}

/* A larger one also serves smaller photos. */
static void *remove_smallest(void)
{
    size_t smallest = 0;
    for (size_t i = 1; i < spare.count; i++) {
        if (spare.blocks[i].size < spare.blocks[smallest].size)
            smallest = i;
    }
    return remove_at(smallest);
}

/* The first is the one that has been unused for the longest time. */
static bool first_is_old(time_t now)
{
    return spare.count > 0 && now - spare.blocks[0].given_s >= LARGE_BLOCK_UNUSED_S;
}

/* A small photo must not take the place of a large one. */
static bool is_fitting(size_t block, size_t size)
{
    return block >= size && block / WASTE_MAX <= size;
}

/* The smallest that is large enough. Of equal ones, the one that was used last: so those that are seldom
 * needed become old. */
static void *take_fitting(size_t size, size_t *capacity)
{
    size_t best = spare.count;
    for (size_t i = 0; i < spare.count; i++) {
        if (is_fitting(spare.blocks[i].size, size) &&
            (best == spare.count || spare.blocks[i].size <= spare.blocks[best].size))
            best = i;
    }
    if (best == spare.count)
        return NULL;
    *capacity = spare.blocks[best].size;
    return remove_at(best);
}

/* In steps of at most a quarter, so that photos of different sizes can use the same blocks. What lies
 * beyond a photo takes no memory until a larger one uses it. */
static size_t rounded(size_t size)
{
    size_t step = LARGE_BLOCK_MIN / 4;
    while (8 * step < size)
        step *= 2;
    return (size + step - 1) / step * step;
}

void *large_block_take(size_t size, size_t *capacity)
{
    *capacity = size;
    if (size < LARGE_BLOCK_MIN)
        return malloc(size);
    pthread_mutex_lock(&lock);
    void *block = take_fitting(size, capacity);
    pthread_mutex_unlock(&lock);
    if (block)
        return block;
    if (size <= LARGE_BLOCK_MAX)
        *capacity = rounded(size);
    return malloc(*capacity);
}

void large_blocks_map(bool decodes)
{
    mallopt(M_MMAP_THRESHOLD, decodes ? MAPPED_BY_DECODERS : MAPPED);
    mallopt(M_TRIM_THRESHOLD, FREE_TOP_MAX);
}

size_t large_blocks_kept(void)
{
    pthread_mutex_lock(&lock);
    size_t bytes = spare.bytes;
    pthread_mutex_unlock(&lock);
    return bytes;
}

void large_block_give(void *block)
{
    void *surplus[LARGE_BLOCKS_MAX + 1];
    size_t size = block ? malloc_usable_size(block) : 0, count = 0;
    if (size < LARGE_BLOCK_MIN || size > LARGE_BLOCK_MAX + LARGE_BLOCK_MIN) {
        free(block);
        return;
    }
    const time_t now = now_s();
    pthread_mutex_lock(&lock);
    spare.blocks[spare.count++] = (struct spare_large){block, size, now};
    spare.bytes += size;
    while (first_is_old(now))
        surplus[count++] = remove_at(0);
    while (spare.count > LARGE_BLOCKS_MAX || spare.bytes > LARGE_BLOCKS_BYTES)
        surplus[count++] = remove_smallest();
    pthread_mutex_unlock(&lock);
    while (count > 0)
        free(surplus[--count]);
}
