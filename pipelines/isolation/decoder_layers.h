/*
 * Additional sandbox layers besides the filter, if the kernel and the container allow them. None is
 * required, and a missing one is not reported.
 */
#ifndef THUMBWHEEL_DECODER_LAYERS_H
#define THUMBWHEEL_DECODER_LAYERS_H

#include <stdbool.h>

/* Enters new user, mount, network, IPC, host name and control group namespaces, and a PID namespace
 * if possible: then this returns in a new process, a child of the caller's parent and in the
 * caller's process group, and the caller exits with 0. Call it while the process has one thread,
 * before its privileges are dropped. fonts: decoder_files_leave will be called with it. Returns
 * whether it succeeded. */
bool decoder_namespaces_enter(bool fonts);
/* In its mount namespace: replaces the whole file system with an empty one, or with one that has
 * only the machine's fonts, to be read. Returns whether it succeeded. */
bool decoder_files_leave(bool fonts);
/* Landlock: denies files (except fonts, if wanted), TCP ports and signals to other processes.
 * Returns whether it succeeded. */
bool decoder_landlock_enter(bool fonts);

#endif
