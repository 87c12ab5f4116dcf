/* Returns the structure that embeds a member, as is usual for libuv's handles and requests. */
#ifndef THUMBWHEEL_CONTAINER_OF_H
#define THUMBWHEEL_CONTAINER_OF_H

#include <stddef.h>

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#endif
