/* The process's limit of file descriptors. */
#ifndef THUMBWHEEL_DESCRIPTORS_H
#define THUMBWHEEL_DESCRIPTORS_H

/* Raises the soft limit to the hard limit (getrlimit(2), RLIMIT_NOFILE). Call it once, at start.
 * The usual soft limit of 1024 exists for programs that use select(2), which this one does not. */
void descriptors_raise(void);

/* The current limit, at most 1 << 20. */
unsigned descriptors_limit(void);

#endif
