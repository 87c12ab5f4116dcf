/* The structure that embeds a member, such as a libuv handle or request. */
#ifndef THUMBWHEEL_CONTAINER_OF_H
#define THUMBWHEEL_CONTAINER_OF_H

#include <stddef.h>

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#endif
