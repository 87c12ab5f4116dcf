#include "output_downloads.h"

#include <stdlib.h>
#include <string.h>

#include "object_downloader.h"

enum { DOWNLOADS = 8, SIDECAR_MAX = 1 << 20 };

struct output_downloads { /* the outputs of all photos in one array */
    struct photo_results *results;
    const char *directory;
    struct object_downloader *downloader;
    struct output_result **outputs;
    struct object_download *items; /* paths are owned until they move to the results */
    size_t count;
    size_t largest;
    size_t fetched; /* or failed */
};

static char *output_path(const struct output_downloads *downloads,
                         const struct output_result *output)
{
    if (strcmp(output->bucket, downloads->results->bucket) == 0)
        return object_download_path(downloads->directory, output->key);
    char *bucket = object_download_path(downloads->directory, output->bucket);
    char *path = bucket ? object_download_path(bucket, output->key) : NULL;
    free(bucket);
    return path;
}

static void on_fetched(size_t index, uint64_t bytes, const struct error *error, void *user)
{
    struct output_downloads *downloads = user;
    struct output_result *output = downloads->outputs[index];
    downloads->fetched++;
    if (error->code) {
        output->problem = strdup(error->text);
        return;
    }
    output->bytes = bytes;
    output->path = (char *)downloads->items[index].path;
    downloads->items[index].path = NULL; /* now owned by the results */
}

static size_t outputs_count(const struct photo_results *results)
{
    size_t count = 0;
    for (size_t i = 0; i < results->count; i++)
        for (size_t p = 0; p < results->photos[i].part_count; p++)
            count += results->photos[i].parts[p].output_count;
    return count;
}

static int part_add(struct output_downloads *downloads, struct pipeline_result *part)
{
    for (size_t i = 0; i < part->output_count; i++) {
        struct output_result *output = &part->outputs[i];
        struct object_download *item = &downloads->items[downloads->count];
        char *path = output_path(downloads, output);
        if (!path)
            return ERR_MEMORY;
        *item = (struct object_download){output->bucket, output->key, path};
        downloads->outputs[downloads->count++] = output;
        if (output->bytes > downloads->largest)
            downloads->largest = (size_t)output->bytes;
    }
    return 0;
}

static int plan(struct output_downloads *downloads)
{
    struct photo_results *results = downloads->results;
    size_t count = outputs_count(results);
    int code = 0;
    downloads->outputs = calloc(count ? count : 1, sizeof *downloads->outputs);
    downloads->items = calloc(count ? count : 1, sizeof *downloads->items);
    if (!downloads->outputs || !downloads->items)
        return ERR_MEMORY;
    for (size_t i = 0; i < results->count && !code; i++)
        for (size_t p = 0; p < results->photos[i].part_count && !code; p++)
            code = part_add(downloads, &results->photos[i].parts[p]);
    return code;
}

static int collect(struct output_downloads *downloads, uv_loop_t *loop, struct object_store *store)
{
    const struct object_downloader_options options = {
        .store = store,
        .items = downloads->items,
        .count = downloads->count,
        .max_bytes = downloads->largest,
        .in_flight = DOWNLOADS,
        .fetched = on_fetched,
        .user = downloads,
    };
    return object_downloader_start(loop, &options, &downloads->downloader);
}

int output_downloads_start(uv_loop_t *loop, struct object_store *store,
                           struct photo_results *results, const char *directory,
                           struct output_downloads **out)
{
    struct output_downloads *downloads = calloc(1, sizeof *downloads);
    *out = NULL;
    if (!downloads)
        return ERR_MEMORY;
    *downloads = (struct output_downloads){
        .results = results, .directory = directory, .largest = SIDECAR_MAX};
    int code = plan(downloads);
    if (!code)
        code = collect(downloads, loop, store);
    if (code)
        output_downloads_free(downloads);
    else
        *out = downloads;
    return code;
}

size_t output_downloads_fetched(const struct output_downloads *downloads, size_t *of)
{
    *of = downloads->count;
    return downloads->fetched;
}

bool output_downloads_done(const struct output_downloads *downloads)
{
    return object_downloader_done(downloads->downloader);
}

void output_downloads_free(struct output_downloads *downloads)
{
    if (!downloads)
        return;
    object_downloader_free(downloads->downloader);
    for (size_t i = 0; i < downloads->count; i++)
        free((char *)downloads->items[i].path);
    free(downloads->items);
    free(downloads->outputs);
    free(downloads);
}
