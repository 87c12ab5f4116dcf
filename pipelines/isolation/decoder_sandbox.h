/* The sandbox of a decoder process, which a malicious image may take over. */
#ifndef THUMBWHEEL_DECODER_SANDBOX_H
#define THUMBWHEEL_DECODER_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

/* With a sanitizer, most of a process's memory belongs to the sanitizer. */
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

/* Permanently drops all capabilities of the calling process, and the ability to gain any. Call it
 * while the process has one thread, because capabilities are per thread. ERR_UNSUPPORTED: the
 * kernel refuses. */
int decoder_privileges_drop(struct error *error);

/* Permanent, for all threads of the calling process. memory: limit in bytes. fonts: files may be
 * opened to be read, because another layer leaves only fonts (decoder_layers.h). Privileges must
 * have been dropped. ERR_UNSUPPORTED: the kernel refuses. */
int decoder_sandbox_enter(uint64_t memory, bool fonts, struct error *error);

#endif
