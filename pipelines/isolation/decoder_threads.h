/* Limits the number of a decoder's threads. */
#ifndef THUMBWHEEL_DECODER_THREADS_H
#define THUMBWHEEL_DECODER_THREADS_H

#include <stdint.h>
#include <sys/types.h>

#include "error.h"

/* Codecs start at most one per processor. */
enum { DECODER_THREADS_MAX = 256 };

/* For the child: from now on the parent must allow each new thread. Sends one message. No effect if
 * the kernel does not support it. ERR_IO: the parent has exited. */
int decoder_threads_hand_over(void);

/* For the parent: reads that message. *fd becomes readable when the child requests a thread; -1: it
 * makes no requests. *sender is the sender's PID, from the kernel. ERR_IO: it sent something
 * else. */
int decoder_threads_receive(int socket, int *fd, pid_t *sender);
/* threads: the child's current number. */
void decoder_threads_decide(int fd, uint64_t threads);

#endif
