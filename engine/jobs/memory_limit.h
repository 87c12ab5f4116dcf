/* The memory limit of this process, and its actual usage. Reads files in /proc and /sys/fs/cgroup
 * at start and at the end. root is a prefix for each path ("" except in tests). */
#ifndef THUMBWHEEL_MEMORY_LIMIT_H
#define THUMBWHEEL_MEMORY_LIMIT_H

#include <stdint.h>

enum { MEMORY_BUDGET_LEAST = 64 * 1024 * 1024 };

/* In bytes: the smallest limit of the process's control group and its ancestors (cgroup v2
 * memory.max, v1 memory.limit_in_bytes), else the machine's memory. 0: unknown. */
uint64_t memory_limit(const char *root);

/* The default memory budget: half of the limit, which leaves the other half for the process itself,
 * its decoders and the kernel's memory for them. */
uint64_t memory_standard(void);

/* In bytes: the peak resident set of this process (VmHWM, proc(5)), without its decoders. 0:
 * unknown. */
uint64_t memory_resident_peak(const char *root);

/* In bytes: the peak usage of its control group, including the decoders, the page cache and other
 * processes in the group (cgroup v2 memory.peak, since Linux 5.19; v1 memory.max_usage_in_bytes).
 * 0: unknown. */
uint64_t memory_group_peak(const char *root);

#endif
