#include "cpus.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "control_group.h"

static unsigned affinity(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more processors than a cpu_set_t has room for */
    return online > 0 ? (unsigned)online : 1;
}

static uint64_t rounded_up(uint64_t quota, uint64_t period)
{
    return period ? quota / period + (quota % period != 0) : 0;
}

/* "50000 100000", or "max 100000" without a limit. */
static uint64_t version2_quota(const char *directory)
{
    char name[PATH_MAX + 16];
    unsigned long long quota = 0, period = 0;
    snprintf(name, sizeof name, "%s/cpu.max", directory);
    FILE *f = fopen(name, "re");
    if (!f)
        return 0;
    int fields = fscanf(f, "%llu %llu", &quota, &period);
    fclose(f);
    return fields == 2 ? rounded_up(quota, period) : 0;
}

/* The quota is -1 without a limit. */
static uint64_t version1_quota(const char *directory)
{
    return rounded_up(control_group_number(directory, "cpu.cfs_quota_us"),
                      control_group_number(directory, "cpu.cfs_period_us"));
}

unsigned cpus_available(const char *root)
{
    static const struct control_group_value quota = {"cpu", version1_quota, version2_quota};
    unsigned count = affinity();
    uint64_t limit = control_group_least(root, &quota);
    if (limit && limit < count)
        count = (unsigned)limit;
    return count ? count : 1;
}
