/* What a decoder process may still do once an image can speak through it. */
#ifndef THUMBWHEEL_DECODER_SANDBOX_H
#define THUMBWHEEL_DECODER_SANDBOX_H

#include <stdint.h>

#include "error.h"

/* For the calling process, all its threads, for ever. memory: bytes that it may allocate, and write
 * to a file. ERR_UNSUPPORTED where the kernel refuses. */
int decoder_sandbox_enter(uint64_t memory, struct error *error);

#endif
