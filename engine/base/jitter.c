#include "jitter.h"

#include <sys/random.h>
#include <time.h>

/* SplitMix64, seeded from the kernel: sufficient to spread retries, but not for secrets. */
static uint64_t next_random(void)
{
    static uint64_t state;
    if (state == 0 && getrandom(&state, sizeof state, GRND_NONBLOCK) != (ssize_t)sizeof state)
        state = (uint64_t)time(NULL);
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t jitter_full(uint64_t base, uint64_t cap, unsigned attempts)
{
    uint64_t ceiling = base;
    while (attempts-- > 0 && ceiling < cap)
        ceiling *= 2;
    if (ceiling > cap)
        ceiling = cap;
    return next_random() % (ceiling + 1);
}
