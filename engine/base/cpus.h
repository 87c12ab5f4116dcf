/* The number of processors that this process may use. */
#ifndef THUMBWHEEL_CPUS_H
#define THUMBWHEEL_CPUS_H

/* The smaller of the affinity mask and the quota of the control groups (version 2 cpu.max, version
 * 1 cpu.cfs_quota_us and cpu.cfs_period_us), rounded up, so that one worker runs with half a
 * processor. At least 1. Reads files, at start. root is a prefix for each path ("" except in
 * tests). */
unsigned cpus_available(const char *root);

#endif
