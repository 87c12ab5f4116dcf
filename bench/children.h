/* What the processes that this one has started use. */
#ifndef THUMBWHEEL_BENCH_CHILDREN_H
#define THUMBWHEEL_BENCH_CHILDREN_H

double children_cpu_seconds(void);
/* The sum of a field of /proc/PID/status, as "VmHWM". Libraries, which processes share, count in
 * each. */
long children_status_kib(const char *field);
/* Of one process; "self" for this one. */
long process_status_kib(const char *process, const char *field);
/* VmHWM begins anew, here and there. */
void peaks_reset(void);

#endif
