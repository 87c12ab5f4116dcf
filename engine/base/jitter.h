/* Random delays for retries. Loop thread. */
#ifndef THUMBWHEEL_JITTER_H
#define THUMBWHEEL_JITTER_H

#include <stdint.h>

/* Full jitter: uniform between 0 and min(cap, base × 2^attempts), in the unit of base and cap.
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog. */
uint64_t jitter_full(uint64_t base, uint64_t cap, unsigned attempts);

#endif
