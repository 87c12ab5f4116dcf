/*
 * The upper limit: the image work alone, without queues, HTTP or the loop.
 *
 * Every photo of a directory goes through every pipeline, on several threads, each taking the next
 * free photo. Three modes can be measured on the same photos:
 *
 *   shared     as in the engine: all pipelines in one render, one decode
 *   alone      one render per pipeline, as if each had fetched the photo
 *   thumbnail  vips_thumbnail_buffer and a JPEG for each output, as most services do
 *
 * Prints one JSON object.
 *
 * usage: bench_render [--threads N] [--rounds N | --seconds S]
 *        [--mode shared|alone|thumbnail] PHOTO_DIR PIPELINE.yaml...
 */
#include <dirent.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "pipelines.h"
#include "render_thumbnail.h"
#include "vips_start.h"

enum { FILES_MAX = 4096, PIPELINES_MAX = 16, THREADS_MAX = 256 };
enum mode { MODE_SHARED, MODE_ALONE, MODE_THUMBNAIL };

static const char *const mode_names[] = {"shared", "alone", "thumbnail"};

struct render_photo {
    char key[300];
    void *data;
    size_t size;
};

static struct {
    struct render_photo photos[FILES_MAX];
    size_t photo_count;
    struct pipeline *pipelines[PIPELINES_MAX];
    size_t pipeline_count;
    enum mode mode;
    size_t rounds;
    double seconds; /* 0: rounds decide */
    double begun;
    atomic_size_t next;
    atomic_size_t sources, renditions, failed;
    atomic_ullong bytes_in, bytes_out;
} b;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_render: %s\n", what);
    exit(2);
}

static void read_photo(const char *directory, const char *name)
{
    char path[1024];
    struct render_photo *photo = &b.photos[b.photo_count];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    snprintf(photo->key, sizeof photo->key, "ingest/%s", name);
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        die(path);
    photo->size = (size_t)ftell(file);
    photo->data = malloc(photo->size + 1);
    rewind(file);
    if (!photo->data || fread(photo->data, 1, photo->size, file) != photo->size)
        die(path);
    fclose(file);
    b.photo_count++;
}

static int by_key(const void *left, const void *right)
{
    return strcmp(((const struct render_photo *)left)->key,
                  ((const struct render_photo *)right)->key);
}

static void read_photos(const char *path)
{
    DIR *directory = opendir(path);
    if (!directory)
        die(path);
    for (struct dirent *entry; (entry = readdir(directory)) && b.photo_count < FILES_MAX;) {
        if (entry->d_type == DT_REG && entry->d_name[0] != '.')
            read_photo(path, entry->d_name);
    }
    closedir(directory);
    if (!b.photo_count)
        die("there are no photos in the directory");
    qsort(b.photos, b.photo_count, sizeof b.photos[0], by_key);
}

static void count_items(struct render_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        b.failed += items[i].error.code != 0;
        b.renditions += items[i].rendition_count;
        for (size_t k = 0; k < items[i].rendition_count; k++)
            b.bytes_out += items[i].renditions[k].body.size;
        render_item_clear(&items[i]);
    }
}

static void render_together(const struct render_source *source, struct pipeline *const *pipelines,
                            size_t count)
{
    static const struct pipeline_limits defaults;
    struct render_item items[PIPELINES_MAX] = {0};
    for (size_t i = 0; i < count; i++)
        items[i].pipeline = pipelines[i];
    vips_pipeline_ops.render(source, &defaults, items, count);
    count_items(items, count);
}

static void render_thumbnails(const struct render_source *source)
{
    for (size_t i = 0; i < b.pipeline_count; i++) {
        size_t made = 0, bytes = 0;
        b.failed += render_thumbnail(source->image, b.pipelines[i], &made, &bytes) != 0;
        b.renditions += made;
        b.bytes_out += bytes;
    }
}

static void process(const struct render_photo *photo)
{
    struct render_source source = {
        .bucket = "photos", .key = photo->key, .etag = "", .image = {photo->data, photo->size}};
    if (b.mode == MODE_SHARED)
        render_together(&source, b.pipelines, b.pipeline_count);
    else if (b.mode == MODE_THUMBNAIL)
        render_thumbnails(&source);
    for (size_t i = 0; b.mode == MODE_ALONE && i < b.pipeline_count; i++)
        render_together(&source, &b.pipelines[i], 1);
    b.sources++;
    b.bytes_in += photo->size;
}

static void *work(void *unused)
{
    for (;;) {
        size_t at = atomic_fetch_add(&b.next, 1);
        bool over = b.seconds > 0 ? now() - b.begun >= b.seconds : at >= b.rounds * b.photo_count;
        if (over)
            break;
        process(&b.photos[at % b.photo_count]);
    }
    vips_pipeline_ops.thread_end();
    return unused;
}

static void report(size_t threads, double wall)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    printf("{\"mode\": \"%s\", \"threads\": %zu, \"photos\": %zu, \"pipelines\": %zu, ",
           mode_names[b.mode], threads, b.photo_count, b.pipeline_count);
    printf("\"sources\": %zu, \"renditions\": %zu, \"failed\": %zu, ", b.sources, b.renditions,
           b.failed);
    printf("\"seconds\": %.3f, \"cpu_seconds\": %.3f, ", wall, cpu);
    printf("\"sources_per_second\": %.2f, \"sources_per_cpu_second\": %.2f, ",
           (double)b.sources / wall, (double)b.sources / cpu);
    printf("\"bytes_in\": %llu, \"bytes_out\": %llu, \"peak_rss_bytes\": %lld}\n", b.bytes_in,
           b.bytes_out, (long long)usage.ru_maxrss * 1024);
}

static enum mode mode_of(const char *name)
{
    for (int mode = MODE_SHARED; mode <= MODE_THUMBNAIL; mode++) {
        if (strcmp(name, mode_names[mode]) == 0)
            return (enum mode)mode;
    }
    die("--mode is shared, alone or thumbnail");
    return MODE_SHARED;
}

static void load_pipelines(char **paths, int count)
{
    struct error error = {0};
    for (int i = 0; i < count && i < PIPELINES_MAX; i++) {
        if (pipeline_load(paths[i], &b.pipelines[b.pipeline_count++], &error))
            die(error.text);
    }
}

static void run(size_t threads)
{
    pthread_t handles[THREADS_MAX];
    b.begun = now();
    for (size_t i = 0; i < threads; i++) {
        if (pthread_create(&handles[i], NULL, work, NULL))
            die("no thread");
    }
    for (size_t i = 0; i < threads; i++)
        pthread_join(handles[i], NULL);
    report(threads, now() - b.begun);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"threads", required_argument, NULL, 't'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {"mode", required_argument, NULL, 'm'},
                                            {0}};
    struct error error = {0};
    size_t threads = 1;
    b.rounds = 1;
    for (int c; (c = getopt_long(argc, argv, "t:r:s:m:", options, NULL)) != -1;) {
        if (c == 't')
            threads = strtoul(optarg, NULL, 10);
        else if (c == 'r')
            b.rounds = strtoul(optarg, NULL, 10);
        else if (c == 's')
            b.seconds = strtod(optarg, NULL);
        else if (c == 'm')
            b.mode = mode_of(optarg);
        else
            return 2;
    }
    if (argc - optind < 2 || threads < 1 || threads > THREADS_MAX)
        die("usage: bench_render [--threads N] [--rounds N | --seconds S] "
            "[--mode shared|alone|thumbnail] PHOTO_DIR PIPELINE.yaml...");
    if (pipelines_start(argv[0], &error))
        die(error.text);
    read_photos(argv[optind]);
    load_pipelines(argv + optind + 1, argc - optind - 1);
    run(threads);
    return b.failed ? 1 : 0;
}
