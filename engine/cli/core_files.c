#include "core_files.h"

#include <sys/resource.h>

#include "log.h"

/* The limit is one byte, not zero: only a limit of 1 also keeps the kernel from piping the dump to a
 * program (core(5), kernel.core_pattern). */
void core_files_forbid(void)
{
    const struct rlimit limit = {.rlim_cur = 1, .rlim_max = 1};
    if (setrlimit(RLIMIT_CORE, &limit))
        log_warn("core files could not be disabled");
}
