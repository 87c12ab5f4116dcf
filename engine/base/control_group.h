/*
 * The control groups of this process (cgroups(7)): its own and those above it, whose limits apply too.
 *
 * Version 2 has one hierarchy at /sys/fs/cgroup. Version 1 has one per controller, for example
 * /sys/fs/cgroup/memory. A machine may have both. Within a container, /proc/self/cgroup may name the
 * path on the host, which can't be seen there: then only the root of the mount is found, and that is
 * the container's own group.
 *
 * Reads files in /proc and /sys, only at start and at the end. root is a prefix for each path; it
 * is "" outside of tests.
 */
#ifndef THUMBWHEEL_CONTROL_GROUP_H
#define THUMBWHEEL_CONTROL_GROUP_H

#include <stdint.h>

/* A value of one group. directory is that of the group; 0: it has no such value. */
typedef uint64_t (*control_group_reader)(const char *directory);

/* A value in both versions. */
struct control_group_value {
    const char *controller; /* of version 1 */
    control_group_reader version1, version2;
};

/* The smallest value of the process's group and its ancestors, in either version. 0: none. */
uint64_t control_group_least(const char *root, const struct control_group_value *value);

/* The value of the process's own group. 0: none. */
uint64_t control_group_own(const char *root, const struct control_group_value *value);

/* The number at the beginning of directory/file. 0: there is no such file, or it begins with a word
 * ("max") or a negative number. */
uint64_t control_group_number(const char *directory, const char *file);

#endif
