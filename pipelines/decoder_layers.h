/*
 * More walls behind the filter, where the kernel and the container allow them: none is required,
 * and nothing is said where one is missing.
 */
#ifndef THUMBWHEEL_DECODER_LAYERS_H
#define THUMBWHEEL_DECODER_LAYERS_H

#include <stdbool.h>

/* User, mount, network, IPC, host name and control group namespaces of its own. While the process
 * has one thread, before its privileges are dropped. Whether it has them. */
bool decoder_namespaces_enter(void);
/* In a mount namespace of its own: leaves the whole file system for an empty one. Whether it did.
 */
bool decoder_files_leave(void);
/* Landlock: no file, no TCP port, no signal to others. Whether there is Landlock. */
bool decoder_landlock_enter(void);

#endif
