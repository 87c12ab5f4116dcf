/* The number of processors that this process may use. */
#ifndef THUMBWHEEL_CPUS_H
#define THUMBWHEEL_CPUS_H

/* The smaller of the affinity mask and the control group's quota (cgroup v2 cpu.max, rounded up);
 * at least 1. Reads files: at start. */
unsigned cpus_available(void);

#endif
