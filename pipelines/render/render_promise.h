/*
 * Estimates a render's memory from the header and the plan, before decoding: an upper bound for
 * photographs, in bytes, in addition to the compressed image.
 */
#ifndef THUMBWHEEL_RENDER_PROMISE_H
#define THUMBWHEEL_RENDER_PROMISE_H

#include <stdint.h>

#include "render_private.h"

/* With its other pages. */
uint64_t render_promise(const struct render *first);

#endif
