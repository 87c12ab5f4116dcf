/* The process' limit of file descriptors. */
#ifndef THUMBWHEEL_DESCRIPTORS_H
#define THUMBWHEEL_DESCRIPTORS_H

/* Once, at start: takes what the hard limit allows (getrlimit(2), RLIMIT_NOFILE). The soft limit of
 * 1024 that most systems start with is there for programs that use select(2), and this is none. */
void descriptors_raise(void);

/* The current limit, at most 1 << 20. */
unsigned descriptors_limit(void);

#endif
