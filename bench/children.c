#include "children.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CHILDREN_MAX = 256 };

static size_t thread_children(const char *thread, int *pids, size_t count)
{
    char path[300];
    snprintf(path, sizeof path, "/proc/self/task/%s/children", thread);
    FILE *file = fopen(path, "r");
    while (file && count < CHILDREN_MAX && fscanf(file, "%d", &pids[count]) == 1)
        count++;
    if (file)
        fclose(file);
    return count;
}

static size_t children(int *pids)
{
    size_t count = 0;
    struct dirent *entry;
    DIR *threads = opendir("/proc/self/task");
    while (threads && (entry = readdir(threads)))
        if (entry->d_name[0] != '.')
            count = thread_children(entry->d_name, pids, count);
    if (threads)
        closedir(threads);
    return count;
}

double children_cpu_seconds(void)
{
    int pids[CHILDREN_MAX];
    size_t count = children(pids);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        clockid_t clock;
        struct timespec used;
        if (clock_getcpuclockid(pids[i], &clock) == 0 && clock_gettime(clock, &used) == 0)
            sum += (double)used.tv_sec + (double)used.tv_nsec / 1e9;
    }
    return sum;
}

long process_status_kib(const char *process, const char *field)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%s/status", process);
    FILE *status = fopen(path, "r");
    while (status && fgets(line, sizeof line, status)) {
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtol(line + strlen(field) + 1, NULL, 10);
    }
    if (status)
        fclose(status);
    return kib;
}

long children_status_kib(const char *field)
{
    int pids[CHILDREN_MAX];
    size_t count = children(pids);
    long sum = 0;
    for (size_t i = 0; i < count; i++) {
        char process[16];
        snprintf(process, sizeof process, "%d", pids[i]);
        sum += process_status_kib(process, field);
    }
    return sum;
}

static void peak_reset(const char *process)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/clear_refs", process);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "5", 1) != 1)
        fprintf(stderr, "cannot reset the peak memory; it includes earlier use\n");
    if (fd >= 0)
        close(fd);
}

void peaks_reset(void)
{
    int pids[CHILDREN_MAX];
    size_t count = children(pids);
    peak_reset("self");
    for (size_t i = 0; i < count; i++) {
        char process[16];
        snprintf(process, sizeof process, "%d", pids[i]);
        peak_reset(process);
    }
}
