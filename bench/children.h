/* The resources that child processes use. */
#ifndef THUMBWHEEL_BENCH_CHILDREN_H
#define THUMBWHEEL_BENCH_CHILDREN_H

double children_cpu_seconds(void);
/* The sum of a field of /proc/PID/status, as "VmHWM". Libraries, which processes share, count in
 * each. */
long children_status_kib(const char *field);
/* Of one process; "self" for this one. */
long process_status_kib(const char *process, const char *field);
/* Resets VmHWM, of this process and its children. */
void peaks_reset(void);

#endif
