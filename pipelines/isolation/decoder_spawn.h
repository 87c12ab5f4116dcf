/* Starts a decoder process with its socket and shared memory. */
#ifndef THUMBWHEEL_DECODER_SPAWN_H
#define THUMBWHEEL_DECODER_SPAWN_H

#include <sys/types.h>

#include "error.h"

struct decoder_ends { /* the parent's; -1: none */
    /* pid of the process, which may be replaced by a sibling (decoder_layers.h) */
    pid_t group;
    int socket;
    int input;  /* memfd, written here */
    int output; /* memfd, written there */
};

int decoder_spawn(struct decoder_ends *out, struct error *error);
void decoder_ends_close(struct decoder_ends *ends); /* not the processes */

#endif
