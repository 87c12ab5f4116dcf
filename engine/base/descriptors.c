#include "descriptors.h"

#include <sys/resource.h>

enum { LIMIT_MAX = 1 << 20 };

void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    rlim_t wanted = limit.rlim_max < LIMIT_MAX ? limit.rlim_max : LIMIT_MAX;
    if (limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted;
    setrlimit(RLIMIT_NOFILE, &limit); /* on failure the limit stays unchanged */
}

unsigned descriptors_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 1024;
    return limit.rlim_cur < LIMIT_MAX ? (unsigned)limit.rlim_cur : LIMIT_MAX;
}
