/* What a decoder process uses, from /proc/PID/status. */
#include "decoder_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STATUS_MAX = 8192, /* bytes of /proc/PID/status */
    STAT_BLOCK = 512,  /* bytes, on any file system */
};

int decoder_status_open(pid_t pid)
{
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* Empty if the process has ended. */
static void status_read(const struct decoder *d, char out[static STATUS_MAX])
{
    ssize_t size = pread(d->status_file, out, STATUS_MAX - 1, 0);
    out[size > 0 ? size : 0] = '\0';
}

bool decoder_is_stopped(const struct decoder *d)
{
    char status[STATUS_MAX];
    status_read(d, status);
    return strstr(status, "\nState:\tT") != NULL;
}

/* A value in the status file; the name precedes the number. Missing values are 0. */
static uint64_t status_number(const char *status, const char *name)
{
    const char *line = strstr(status, name);
    return line ? strtoull(line + strlen(name), NULL, 10) : 0;
}

static uint64_t status_bytes(const char *status, const char *name)
{
    return status_number(status, name) * 1024; /* they are in kB */
}

struct decoder_usage decoder_usage(const struct decoder *d)
{
    char status[STATUS_MAX];
    struct stat output = {0};
    status_read(d, status);
    uint64_t own = status_bytes(status, "\nRssAnon:") + status_bytes(status, "\nVmPTE:") +
                   status_bytes(status, "\nVmSwap:");
    uint64_t written = fstat(d->ends.output, &output) ? 0 : (uint64_t)output.st_blocks * STAT_BLOCK;
    return (struct decoder_usage){own, own + status_bytes(status, "\nRssFile:") + written,
                                  status_number(status, "\nThreads:")};
}
