/*
 * Compares the memory that renders request with the memory that they use: for each photo, in a new
 * process, the growth of its resident memory between the header and the end. The factors in
 * pipelines/render/render_promise.c come from this program.
 *
 * usage: bench_promise PHOTO_DIR PIPELINE.yaml...
 */
#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "children.h"
#include "container_of.h"
#include "pipelines.h"
#include "vips_start.h"

enum { PIPELINES_MAX = 16, IMAGE_MAX = 256 * 1024 * 1024 };

struct meter {
    struct render_gate gate;
    uint64_t promise;
    long before_kib;
};

static int begin(struct render_gate *gate, uint64_t bytes)
{
    struct meter *meter = container_of(gate, struct meter, gate);
    meter->promise = bytes;
    malloc_trim(0);
    peaks_reset();
    meter->before_kib = process_status_kib("self", "VmRSS");
    return 0;
}

static struct slice image_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *data = malloc(IMAGE_MAX);
    if (!file || !data)
        exit(1);
    size_t size = fread(data, 1, IMAGE_MAX, file);
    fclose(file);
    return (struct slice){data, size};
}

static int measure(const char *folder, const char *name, char **files, size_t count)
{
    struct pipeline *pipelines[PIPELINES_MAX];
    struct render_item items[PIPELINES_MAX] = {0};
    struct meter meter = {.gate = {begin}};
    struct error error;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (pipelines_start("bench_promise", &error))
        return 1;
    for (size_t i = 0; i < count; i++) {
        if (pipeline_load(files[i], &pipelines[i], &error))
            return 1;
        items[i].pipeline = pipelines[i];
    }
    const struct pipeline_limits limits = {.max_bytes = IMAGE_MAX};
    const struct render_source source = {.bucket = "photos",
                                         .key = name,
                                         .etag = "etag",
                                         .image = image_read(path),
                                         .audience = pipelines,
                                         .audience_count = count,
                                         .gate = &meter.gate};
    vips_pipeline_ops.render(&source, &limits, items, count);
    long grown = process_status_kib("self", "VmHWM") - meter.before_kib;
    double promised = (double)meter.promise / 1024.0;
    printf("%-24s %5u x %5u  promised %7.1f MiB  took %7.1f MiB  %5.0f %%%s\n", name,
           items[0].facts.width, items[0].facts.height, promised / 1024, (double)grown / 1024,
           (double)grown / promised * 100, items[0].error.code ? "  FAILED" : "");
    return (double)grown > promised;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_photo(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    struct dirent **photos;
    if (argc < 3 || argc > 2 + PIPELINES_MAX) {
        fprintf(stderr, "usage: bench_promise PHOTO_DIR PIPELINE.yaml...\n");
        return 2;
    }
    int count = scandir(argv[1], &photos, is_photo, by_name);
    int broken = count < 1;
    for (int i = 0; i < count; i++) {
        int status = 1;
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            status = measure(argv[1], photos[i]->d_name, argv + 2, (size_t)argc - 2);
            fflush(stdout);
            _exit(status);
        }
        waitpid(pid, &status, 0);
        broken += status != 0;
        free(photos[i]);
    }
    printf("%d of %d took more than they promised\n", broken, count);
    return broken != 0;
}
