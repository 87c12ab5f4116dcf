#include "huffman_code.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

/* The standard adds a symbol with the count one, so that no real symbol gets a code of only ones. */
enum { LEAVES = HUFFMAN_SYMBOLS + 1, NODES = 2 * LEAVES, LONGEST = 32 };

/* The trees that are not joined yet, ordered by the count, and of equal ones the tree with the larger
 * symbol first. A joined tree keeps the symbol of its rarer part. */
struct forest {
    struct tree {
        uint64_t order; /* count, then the symbol, counted downwards */
        unsigned node;
    } trees[LEAVES];
    unsigned tree_count;
    unsigned parents[NODES]; /* leaves come first, in the order of their symbols */
    unsigned node_count;
    unsigned symbols[LEAVES]; /* of the leaves */
};

static const uint64_t COUNT_ONE = 1 << 9;

static uint64_t order_of(uint64_t count, unsigned symbol)
{
    return count * COUNT_ONE + (HUFFMAN_SYMBOLS - symbol);
}

static int by_order(const void *left, const void *right)
{
    const struct tree *a = left, *b = right;
    return a->order < b->order ? -1 : a->order > b->order;
}

static void leaf_add(struct forest *f, uint64_t count, unsigned symbol)
{
    f->symbols[f->node_count] = symbol;
    f->trees[f->tree_count++] = (struct tree){order_of(count, symbol), f->node_count++};
}

static void forest_begin(struct forest *f, const uint32_t *counts)
{
    f->tree_count = f->node_count = 0;
    for (unsigned symbol = 0; symbol < HUFFMAN_SYMBOLS; symbol++) {
        if (counts[symbol])
            leaf_add(f, counts[symbol], symbol);
    }
    leaf_add(f, 1, HUFFMAN_SYMBOLS);
    qsort(f->trees, f->tree_count, sizeof f->trees[0], by_order);
}

/* Joins the two rarest trees. */
static void join(struct forest *f, unsigned first)
{
    const struct tree rarer = f->trees[first], other = f->trees[first + 1];
    struct tree joined = {rarer.order + other.order / COUNT_ONE * COUNT_ONE, f->node_count++};
    f->parents[rarer.node] = f->parents[other.node] = joined.node;
    unsigned at = first + 1;
    for (; at + 1 < f->tree_count && f->trees[at + 1].order < joined.order; at++)
        f->trees[at] = f->trees[at + 1];
    f->trees[at] = joined;
}

/* The lengths of the leaves' codes: their distance from the root. */
static int depths_of(const struct forest *f, unsigned leaves, uint8_t *depths)
{
    uint8_t all[NODES] = {0};
    for (unsigned node = f->node_count - 1; node-- > 0;) {
        unsigned depth = all[f->parents[node]] + 1u;
        if (depth > LONGEST)
            return ERR_LIMIT;
        all[node] = (uint8_t)depth;
    }
    memcpy(depths, all, leaves);
    return 0;
}

/* K.3: two of the longest codes become one of one bit less, and a shorter code is made longer to take
 * the other. Then removes the symbol that was added, which has one of the longest codes. */
static void shorten(unsigned lengths[LONGEST + 1])
{
    unsigned longest = LONGEST;
    for (; longest > HUFFMAN_LENGTH_MAX; longest--) {
        while (lengths[longest] > 0) {
            unsigned split = longest - 2;
            while (!lengths[split])
                split--;
            lengths[longest] -= 2;
            lengths[longest - 1]++;
            lengths[split + 1] += 2;
            lengths[split]--;
        }
    }
    while (!lengths[longest])
        longest--;
    lengths[longest]--;
}

static void lengths_write(const uint8_t *depths, unsigned leaves,
                          uint8_t out[HUFFMAN_LENGTH_MAX + 1])
{
    unsigned lengths[LONGEST + 1] = {0};
    for (unsigned leaf = 0; leaf < leaves; leaf++)
        lengths[depths[leaf]]++;
    shorten(lengths);
    for (unsigned i = 1; i <= HUFFMAN_LENGTH_MAX; i++)
        out[i] = (uint8_t)lengths[i];
}

/* The order of their depths, before codes were shortened; all but the added one, which is last. */
static void symbols_write(const struct forest *f, const uint8_t *depths, unsigned leaves,
                          uint8_t *out)
{
    for (unsigned depth = 1; depth <= LONGEST; depth++) {
        for (unsigned leaf = 0; leaf + 1 < leaves; leaf++) {
            if (depths[leaf] == depth)
                *out++ = (uint8_t)f->symbols[leaf];
        }
    }
}

int huffman_code_make(const uint32_t counts[HUFFMAN_SYMBOLS], struct huffman_code *out)
{
    struct forest f;
    uint8_t depths[LEAVES];
    memset(out, 0, sizeof *out);
    forest_begin(&f, counts);
    const unsigned leaves = f.node_count;
    if (leaves == 1)
        return 0;
    for (unsigned first = 0; first + 1 < leaves; first++)
        join(&f, first);
    if (depths_of(&f, leaves, depths))
        return ERR_LIMIT;
    lengths_write(depths, leaves, out->lengths);
    symbols_write(&f, depths, leaves, out->symbols);
    return 0;
}
