/* How much memory this process may have. Reads files: at start. */
#ifndef THUMBWHEEL_MEMORY_LIMIT_H
#define THUMBWHEEL_MEMORY_LIMIT_H

#include <stdint.h>

enum { MEMORY_BUDGET_LEAST = 64 * 1024 * 1024 };

/* Bytes: the smallest limit of the process' control group and those above it (cgroup v2 memory.max,
 * v1 memory.limit_in_bytes), else the machine's memory. root stands before each path ("" but in
 * tests). 0: nothing could be read. */
uint64_t memory_limit(const char *root);

/* The memory budget of a process that states none: half of its limit, so that there is as much for
 * the process itself, its decoders and what the kernel keeps for them. */
uint64_t memory_standard(void);

#endif
