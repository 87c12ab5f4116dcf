/*
 * What a durable write costs at least on this disk: a bare loop that writes some bytes and syncs them
 * (fdatasync), as a commit to SQLite's write-ahead log does, with nothing around it.
 *
 * The bytes go into a ring of RING bytes, the size at which the embedded cloud begins its log anew, so
 * most writes replace bytes of a file that has its size already.
 *
 * Prints one JSON object: writes, seconds, and latencies in microseconds.
 *
 * usage: bench_disk --file PATH --size BYTES --seconds S; PATH is created, and deleted at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RING = 16 * 1024 * 1024, SAMPLES_MAX = 1000 * 1000 };

static uint32_t samples[SAMPLES_MAX];
static size_t sample_count;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_disk: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void write_one(int fd, const char *data, size_t size, off_t *at)
{
    if ((size_t)*at + size > RING)
        *at = 0;
    if (pwrite(fd, data, size, *at) != (ssize_t)size || fdatasync(fd))
        die("writing");
    *at += (off_t)size;
}

static uint64_t write_for(int fd, const char *data, size_t size, double seconds)
{
    uint64_t began = now_us(), end = began + (uint64_t)(seconds * 1e6), now = began;
    off_t at = 0;
    while (now < end && sample_count < SAMPLES_MAX) {
        uint64_t before = now;
        write_one(fd, data, size, &at);
        now = now_us();
        samples[sample_count++] = (uint32_t)(now - before);
    }
    return now - began;
}

static int compare_samples(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report(uint64_t took_us)
{
    size_t last = sample_count - 1;
    qsort(samples, sample_count, sizeof *samples, compare_samples);
    printf("{\"done\": %zu, \"seconds\": %.3f, \"p50_us\": %u, \"p99_us\": %u}\n", sample_count,
           (double)took_us / 1e6, samples[last / 2], samples[last * 99 / 100]);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"file", required_argument, NULL, 'f'},
                                            {"size", required_argument, NULL, 's'},
                                            {"seconds", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    const char *path = NULL;
    size_t size = 0;
    double seconds = 0;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'f')
            path = optarg;
        else if (option == 's')
            size = strtoul(optarg, NULL, 10);
        else if (option == 't')
            seconds = strtod(optarg, NULL);
        else
            return 2;
    }
    if (!path || !size || size > RING || seconds <= 0)
        die("--file, --size 1..16777216, --seconds");
    char *data = malloc(size);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (!data || fd < 0)
        die(path);
    memset(data, 'x', size);
    report(write_for(fd, data, size, seconds));
    unlink(path);
    close(fd);
    free(data);
    return 0;
}
