/* The sandbox of a decoder process, which an image may take control of. */
#ifndef THUMBWHEEL_DECODER_SANDBOX_H
#define THUMBWHEEL_DECODER_SANDBOX_H

#include <stdint.h>

#include "error.h"

/* With a sanitizer a process' memory is mostly the sanitizer's. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DECODER_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define DECODER_SANITIZED 1
#endif
#endif
#ifndef DECODER_SANITIZED
#define DECODER_SANITIZED 0
#endif

/* The calling process gives up all capabilities, and the way to get any, for ever. While it has one
 * thread: a thread has its own. ERR_UNSUPPORTED where the kernel refuses. */
int decoder_privileges_drop(struct error *error);

/* For the calling process, all its threads, for ever. memory: bytes that it may hold. Privileges
 * must have been dropped. ERR_UNSUPPORTED where the kernel refuses. */
int decoder_sandbox_enter(uint64_t memory, struct error *error);

#endif
