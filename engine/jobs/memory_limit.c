#include "memory_limit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

struct hierarchy {
    const char *controller; /* its name in /proc/self/cgroup; "" is the unified one */
    const char *mount, *limit, *peak;
};

static const struct hierarchy hierarchies[] = {
    {"", "/sys/fs/cgroup", "memory.max", "memory.peak"},
    {"memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.max_usage_in_bytes"},
};

/* A file that begins with a number; 0: there is none ("max" among them). */
static uint64_t number_in(const char *name)
{
    unsigned long long number = 0;
    FILE *f = fopen(name, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%llu", &number) != 1)
        number = 0;
    fclose(f);
    return number;
}

/* Bytes: the line "LABEL: N kB" of a file of /proc; 0: there is none. */
static uint64_t labelled(const char *root, const char *file, const char *label)
{
    char name[PATH_BYTES], line[256];
    unsigned long long kib = 0;
    size_t size = strlen(label);
    snprintf(name, sizeof name, "%s%s", root, file);
    FILE *f = fopen(name, "re");
    if (!f)
        return 0;
    while (!kib && fgets(line, sizeof line, f)) {
        if (strncmp(line, label, size) != 0 || sscanf(line + size, ": %llu", &kib) != 1)
            kib = 0;
    }
    fclose(f);
    return kib * 1024;
}

/* A line of /proc/self/cgroup is "5:cpu,memory:/path", that of the unified hierarchy "0::/path". */
static bool names_controller(const char *line, const char *controller)
{
    size_t length = strlen(controller);
    const char *p = strchr(line, ':');
    while (p && *p != '\0') {
        p++;
        size_t size = strcspn(p, ",:");
        if (size == length && strncmp(p, controller, size) == 0)
            return true;
        p = p[size] == ',' ? p + size : NULL;
    }
    return false;
}

static bool group_path(const char *root, const char *controller, char path[PATH_BYTES])
{
    char name[PATH_BYTES], line[PATH_BYTES];
    bool found = false;
    snprintf(name, sizeof name, "%s/proc/self/cgroup", root);
    FILE *f = fopen(name, "re");
    while (f && !found && fgets(line, sizeof line, f)) {
        const char *at = strchr(line, '/');
        if (!at || !names_controller(line, controller))
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(path, PATH_BYTES, "%s", at);
        found = true;
    }
    if (f)
        fclose(f);
    return found;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return b && (!a || b < a) ? b : a;
}

static uint64_t number_of(const char *root, const struct hierarchy *h, const char *group,
                          const char *file)
{
    char name[3 * PATH_BYTES];
    snprintf(name, sizeof name, "%s%s%s/%s", root, h->mount, strcmp(group, "/") ? group : "", file);
    return number_in(name);
}

/* A group's parents bind it too. Within a container the path may be the host's, of which only the
 * root can be seen. */
static uint64_t limit_in(const char *root, const struct hierarchy *h)
{
    char path[PATH_BYTES];
    uint64_t limit = 0;
    if (!group_path(root, h->controller, path))
        return 0;
    for (;;) {
        limit = smaller(limit, number_of(root, h, path, h->limit));
        char *slash = strrchr(path, '/');
        if (path[1] == '\0' || !slash)
            return limit;
        slash[slash == path ? 1 : 0] = '\0';
    }
}

uint64_t memory_limit(const char *root)
{
    uint64_t limit =
        labelled(root, "/proc/meminfo",
                 "MemTotal"); /* version 1 says "no limit" by a number without meaning */
    for (size_t i = 0; i < sizeof hierarchies / sizeof hierarchies[0]; i++)
        limit = smaller(limit, limit_in(root, &hierarchies[i]));
    return limit;
}

uint64_t memory_standard(void)
{
    uint64_t half = memory_limit("") / 2;
    return half > MEMORY_BUDGET_LEAST ? half : MEMORY_BUDGET_LEAST;
}

uint64_t memory_resident_peak(const char *root)
{
    return labelled(root, "/proc/self/status", "VmHWM");
}

/* The path may be the host's (see above): then the group's files stand at the root. */
uint64_t memory_group_peak(const char *root)
{
    uint64_t peak = 0;
    for (size_t i = 0; i < sizeof hierarchies / sizeof hierarchies[0] && !peak; i++) {
        const struct hierarchy *h = &hierarchies[i];
        char path[PATH_BYTES];
        if (!group_path(root, h->controller, path))
            continue;
        peak = number_of(root, h, path, h->peak);
        if (!peak)
            peak = number_of(root, h, "/", h->peak);
    }
    return peak;
}
