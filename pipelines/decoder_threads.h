/* How many threads a decoder may have. */
#ifndef THUMBWHEEL_DECODER_THREADS_H
#define THUMBWHEEL_DECODER_THREADS_H

#include <stdint.h>

#include "error.h"

/* Codecs start one for each processor, at most. */
enum { DECODER_THREADS_MAX = 256 };

/* The child's: from now on its parent decides. Sends one message. Where the kernel can't, nothing
 * changes. ERR_IO: the parent is gone. */
int decoder_threads_hand_over(void);

/* The parent's: reads that message. *fd becomes readable when the child wants a thread; -1: it does
 * not ask. ERR_IO: it sent something else. */
int decoder_threads_receive(int socket, int *fd);
/* threads: that the child has. */
void decoder_threads_decide(int fd, uint64_t threads);

#endif
