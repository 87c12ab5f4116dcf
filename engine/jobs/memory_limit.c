#include "memory_limit.h"

#include <stdio.h>
#include <string.h>

#include "control_group.h"

enum { PATH_BYTES = 4096 };

static uint64_t version1_limit(const char *directory)
{
    return control_group_number(directory, "memory.limit_in_bytes");
}

static uint64_t version2_limit(const char *directory)
{
    return control_group_number(directory, "memory.max");
}

static uint64_t version1_peak(const char *directory)
{
    return control_group_number(directory, "memory.max_usage_in_bytes");
}

static uint64_t version2_peak(const char *directory)
{
    return control_group_number(directory, "memory.peak");
}

/* The value, in bytes, of the line "LABEL: N kB" in a file of /proc; 0: not found. */
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

/* Version 1 represents "no limit" by a number larger than any machine's memory. */
uint64_t memory_limit(const char *root)
{
    static const struct control_group_value limit = {"memory", version1_limit, version2_limit};
    uint64_t machine = labelled(root, "/proc/meminfo", "MemTotal");
    uint64_t group = control_group_least(root, &limit);
    return group && (!machine || group < machine) ? group : machine;
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

uint64_t memory_group_peak(const char *root)
{
    static const struct control_group_value peak = {"memory", version1_peak, version2_peak};
    return control_group_own(root, &peak);
}
