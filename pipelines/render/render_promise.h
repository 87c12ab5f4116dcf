/*
 * What a render will take, from the header and the plan, before any pixel exists: an upper bound
 * for photographs, in bytes, beside the image as it was given.
 */
#ifndef THUMBWHEEL_RENDER_PROMISE_H
#define THUMBWHEEL_RENDER_PROMISE_H

#include <stdint.h>

#include "render_private.h"

uint64_t render_promise(const struct render *r);

#endif
