/* How much memory this process may have, and how much it really used. Reads files of /proc and
 * /sys/fs/cgroup: at start and at the end. root stands before each path ("" but in tests). */
#ifndef THUMBWHEEL_MEMORY_LIMIT_H
#define THUMBWHEEL_MEMORY_LIMIT_H

#include <stdint.h>

enum { MEMORY_BUDGET_LEAST = 64 * 1024 * 1024 };

/* Bytes: the smallest limit of the process' control group and those above it (cgroup v2 memory.max,
 * v1 memory.limit_in_bytes), else the machine's memory. 0: nothing could be read. */
uint64_t memory_limit(const char *root);

/* The memory budget of a process that states none: half of its limit, so that there is as much for
 * the process itself, its decoders and what the kernel keeps for them. */
uint64_t memory_standard(void);

/* Bytes: the largest resident set that this process has had (VmHWM, proc(5)), without that of its
 * decoders. 0: unknown. */
uint64_t memory_resident_peak(const char *root);

/* Bytes: the most that its control group has used, with the decoders, the page cache and whatever
 * else runs in the group (cgroup v2 memory.peak, since Linux 5.19; v1 memory.max_usage_in_bytes).
 * 0: unknown. */
uint64_t memory_group_peak(const char *root);

#endif
