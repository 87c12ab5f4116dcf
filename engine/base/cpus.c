#include "cpus.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CGROUP_PATH_MAX = 4096 };

static unsigned affinity(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more processors than a cpu_set_t has room for */
    return online > 0 ? (unsigned)online : 1;
}

/* "0::/path" in /proc/self/cgroup is the group in the unified hierarchy. */
static bool cgroup_path(char *path)
{
    char line[CGROUP_PATH_MAX];
    bool found = false;
    FILE *f = fopen("/proc/self/cgroup", "re");
    if (!f)
        return false;
    while (!found && fgets(line, sizeof line, f)) {
        if (strncmp(line, "0::/", 4) != 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(path, CGROUP_PATH_MAX, "%s", line + 3);
        found = true;
    }
    fclose(f);
    return found;
}

/* The quota of one group in processors, rounded up; 0 if it has none. */
static unsigned quota_of(const char *path)
{
    char name[CGROUP_PATH_MAX + 64];
    double quota, period;
    snprintf(name, sizeof name, "/sys/fs/cgroup%s/cpu.max", strcmp(path, "/") == 0 ? "" : path);
    FILE *f = fopen(name, "re");
    if (!f)
        return 0;
    int fields = fscanf(f, "%lf %lf", &quota, &period); /* "max 100000" has no number first */
    fclose(f);
    if (fields != 2 || quota <= 0 || period <= 0)
        return 0;
    unsigned whole = (unsigned)(quota / period);
    return (double)whole * period < quota ? whole + 1 : whole;
}

unsigned cpus_available(void)
{
    char path[CGROUP_PATH_MAX];
    unsigned count = affinity();
    if (!cgroup_path(path))
        return count ? count : 1;
    for (;;) { /* a parent's quota also limits its children */
        unsigned quota = quota_of(path);
        if (quota && quota < count)
            count = quota;
        char *slash = strrchr(path, '/');
        if (path[1] == '\0' || !slash)
            break;
        slash[slash == path ? 1 : 0] = '\0';
    }
    return count ? count : 1;
}
