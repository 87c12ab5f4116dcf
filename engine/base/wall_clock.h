/* The time of day. It may jump: durations are measured with uv_hrtime or uv_now. Any thread. */
#ifndef THUMBWHEEL_WALL_CLOCK_H
#define THUMBWHEEL_WALL_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Unix time in milliseconds. */
static inline int64_t wall_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
