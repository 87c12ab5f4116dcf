#include "harvest.h"

#include <stdlib.h>
#include <string.h>

#include "collector.h"

enum { DOWNLOADS = 8, SIDECAR_MAX = 1 << 20 };

struct harvest { /* the outputs of all photos, flat */
    struct ledger *ledger;
    const char *directory;
    struct collector *collector;
    struct ledger_output **outputs;
    struct collector_item *items; /* paths are owned until the ledger has them */
    size_t count;
    size_t largest;
    size_t fetched; /* or failed */
};

static char *output_path(const struct harvest *harvest, const struct ledger_output *output)
{
    if (strcmp(output->bucket, harvest->ledger->bucket) == 0)
        return collector_path(harvest->directory, output->key);
    char *bucket = collector_path(harvest->directory, output->bucket);
    char *path = bucket ? collector_path(bucket, output->key) : NULL;
    free(bucket);
    return path;
}

static void on_fetched(size_t index, uint64_t bytes, const struct error *error, void *user)
{
    struct harvest *harvest = user;
    struct ledger_output *output = harvest->outputs[index];
    harvest->fetched++;
    if (error->code) {
        output->problem = strdup(error->text);
        return;
    }
    output->bytes = bytes;
    output->path = (char *)harvest->items[index].path;
    harvest->items[index].path = NULL; /* the ledger's now */
}

static size_t outputs_count(const struct ledger *ledger)
{
    size_t count = 0;
    for (size_t i = 0; i < ledger->count; i++)
        for (size_t p = 0; p < ledger->photos[i].part_count; p++)
            count += ledger->photos[i].parts[p].output_count;
    return count;
}

static int part_add(struct harvest *harvest, struct ledger_part *part)
{
    for (size_t i = 0; i < part->output_count; i++) {
        struct ledger_output *output = &part->outputs[i];
        struct collector_item *item = &harvest->items[harvest->count];
        char *path = output_path(harvest, output);
        if (!path)
            return ERR_MEMORY;
        *item = (struct collector_item){output->bucket, output->key, path};
        harvest->outputs[harvest->count++] = output;
        if (output->bytes > harvest->largest)
            harvest->largest = (size_t)output->bytes;
    }
    return 0;
}

static int plan(struct harvest *harvest)
{
    struct ledger *ledger = harvest->ledger;
    size_t count = outputs_count(ledger);
    int err = 0;
    harvest->outputs = calloc(count ? count : 1, sizeof(struct ledger_output *));
    harvest->items = calloc(count ? count : 1, sizeof *harvest->items);
    if (!harvest->outputs || !harvest->items)
        return ERR_MEMORY;
    for (size_t i = 0; i < ledger->count && !err; i++)
        for (size_t p = 0; p < ledger->photos[i].part_count && !err; p++)
            err = part_add(harvest, &ledger->photos[i].parts[p]);
    return err;
}

static int collect(struct harvest *harvest, uv_loop_t *loop, struct object_store *store)
{
    const struct collector_options options = {
        .store = store,
        .items = harvest->items,
        .count = harvest->count,
        .max_bytes = harvest->largest,
        .in_flight = DOWNLOADS,
        .fetched = on_fetched,
        .user = harvest,
    };
    return collector_start(loop, &options, &harvest->collector);
}

int harvest_start(uv_loop_t *loop, struct object_store *store, struct ledger *ledger,
                  const char *directory, struct harvest **out)
{
    struct harvest *harvest = calloc(1, sizeof *harvest);
    *out = NULL;
    if (!harvest)
        return ERR_MEMORY;
    *harvest = (struct harvest){.ledger = ledger, .directory = directory, .largest = SIDECAR_MAX};
    int err = plan(harvest);
    if (!err)
        err = collect(harvest, loop, store);
    if (err)
        harvest_free(harvest);
    else
        *out = harvest;
    return err;
}

size_t harvest_fetched(const struct harvest *harvest, size_t *of)
{
    *of = harvest->count;
    return harvest->fetched;
}

bool harvest_done(const struct harvest *harvest)
{
    return collector_done(harvest->collector);
}

void harvest_free(struct harvest *harvest)
{
    if (!harvest)
        return;
    collector_free(harvest->collector);
    for (size_t i = 0; i < harvest->count; i++)
        free((char *)harvest->items[i].path);
    free(harvest->items);
    free(harvest->outputs);
    free(harvest);
}
