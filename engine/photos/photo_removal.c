#include "photo_removal.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "key_pattern.h"
#include "output_mark.h"
#include "photo_db.h"
#include "photo_rows.h"

enum { TARGETS_MAX = 4096 }; /* objects */

struct removal_target { /* an object, or a pattern of its key */
    char *bucket, *key;
};

struct photo_removal {
    struct index_task task;
    struct photo_removal_options options; /* strings are owned */
    struct removal_target *targets;
    size_t target_count, at;
    struct object_request *request;
    bool checked; /* the photo is still the same, or gone */
    bool mine;    /* the target under way was looked at, and is an output of this photo */
    bool emptied; /* only the index is left */
    bool cancelled;
    struct error error;
};

static void removal_next(struct photo_removal *removal);

static void removal_free(struct photo_removal *removal)
{
    for (size_t i = 0; i < removal->target_count; i++) {
        free(removal->targets[i].bucket);
        free(removal->targets[i].key);
    }
    free(removal->targets);
    free((char *)(uintptr_t)removal->options.bucket);
    free((char *)(uintptr_t)removal->options.key);
    free((char *)(uintptr_t)removal->options.etag);
    free(removal);
}

static void removal_end(struct photo_removal *removal)
{
    const struct photo_removal_options *options = &removal->options;
    if (!removal->cancelled)
        options->done(options->bucket, options->key, &removal->error, options->user);
    removal_free(removal);
}

static int target_add(struct photo_removal *removal, const char *bucket, const char *key)
{
    if (removal->target_count >= TARGETS_MAX)
        return ERR_LIMIT;
    if ((removal->target_count & (removal->target_count - 1)) == 0) { /* at powers of two */
        const size_t room = removal->target_count ? 2 * removal->target_count : 1;
        struct removal_target *grown = realloc(removal->targets, room * sizeof *removal->targets);
        if (!grown)
            return ERR_MEMORY;
        removal->targets = grown;
    }
    struct removal_target *target = &removal->targets[removal->target_count++];
    *target = (struct removal_target){strdup(bucket), strdup(key)};
    return target->bucket && target->key ? 0 : ERR_MEMORY;
}

/* ---- index thread ---- */

static int plan_each(const struct expected_output *output, void *user)
{
    struct photo_removal *removal = user;
    const int code = target_add(removal, output->bucket, output->pattern);
    if (code || !output->key || strcmp(output->key, output->pattern) == 0)
        return code;
    return target_add(removal, output->bucket, output->key);
}

static int plan_run(struct index_task *task, struct photo_db *db)
{
    struct photo_removal *removal = container_of(task, struct photo_removal, task);
    return row_each_output(db, removal->options.bucket, removal->options.key, plan_each, removal,
                           &task->error);
}

static int forget_run(struct index_task *task, struct photo_db *db)
{
    struct photo_removal *removal = container_of(task, struct photo_removal, task);
    bool removed;
    return row_photo_gone(db, removal->options.bucket, removal->options.key, &removed,
                          &task->error);
}

/* ---- loop thread ---- */

/* The scan finds out if the index could not be written. */
static void forget_done(struct index_task *task, int code)
{
    (void)code;
    removal_end(container_of(task, struct photo_removal, task));
}

static void plan_done(struct index_task *task, int code)
{
    struct photo_removal *removal = container_of(task, struct photo_removal, task);
    removal->error = task->error;
    if (code || removal->cancelled)
        removal_end(removal);
    else
        removal_next(removal);
}

static void fail(struct photo_removal *removal, const struct error *error)
{
    removal->error = *error;
    removal_end(removal);
}

static bool is_missing(const struct error *error)
{
    return error->code == ERR_NOT_FOUND || error->code == ERR_NO_CONTAINER;
}

static void on_checked(const struct object_facts *facts, const struct error *error, void *user)
{
    struct photo_removal *removal = user;
    const char *etag = removal->options.etag;
    removal->request = NULL;
    removal->checked = true;
    if (!error->code && etag && *etag && facts->etag && strcmp(etag, facts->etag) != 0)
        error_set(&removal->error, ERR_CONFLICT, "the photo was replaced, and was not deleted");
    else if (error->code && !is_missing(error))
        removal->error = *error;
    if (removal->error.code)
        removal_end(removal);
    else
        removal_next(removal);
}

static void on_looked(const struct object_facts *facts, const struct error *error, void *user)
{
    struct photo_removal *removal = user;
    removal->request = NULL;
    if (error->code && !is_missing(error)) {
        fail(removal, error);
        return;
    }
    removal->mine =
        !error->code && output_mark_is_of(facts, removal->options.bucket, removal->options.key);
    removal->at += !removal->mine;
    removal_next(removal);
}

static void on_removed(const struct error *error, void *user)
{
    struct photo_removal *removal = user;
    removal->request = NULL;
    if (error->code && !is_missing(error)) {
        fail(removal, error);
        return;
    }
    removal->emptied = removal->at == removal->target_count;
    removal->at++;
    removal->mine = false;
    removal_next(removal);
}

static void on_listed(const struct object_entry *entries, size_t count, bool more,
                      const struct error *error, void *user)
{
    struct photo_removal *removal = user;
    const struct removal_target pattern = removal->targets[removal->at++];
    int code = 0;
    (void)more; /* a photo has few sizes; what else begins like its outputs is not its own */
    removal->request = NULL;
    for (size_t i = 0; !error->code && !code && i < count; i++) {
        if (key_pattern_matches(pattern.key, entries[i].key))
            code = target_add(removal, pattern.bucket, entries[i].key);
    }
    if (error->code && !is_missing(error)) {
        fail(removal, error);
        return;
    }
    if (code) {
        error_set(&removal->error, code, "the outputs of the photo could not be gathered");
        removal_end(removal);
        return;
    }
    removal_next(removal);
}

static int target_begin(struct photo_removal *removal)
{
    struct object_store *store = removal->options.store;
    const struct removal_target *target = &removal->targets[removal->at];
    const struct object_name name = {.bucket = target->bucket, .key = target->key};
    const size_t literal = key_pattern_literal(target->key);
    if (removal->mine)
        return store->ops->remove(store, &name, on_removed, removal, &removal->request);
    if (!target->key[literal])
        return store->ops->head(store, &name, on_looked, removal, &removal->request);
    char *prefix = strndup(target->key, literal);
    const int code = prefix ? store->ops->list(store, target->bucket, prefix, NULL, on_listed,
                                               removal, &removal->request)
                            : ERR_MEMORY;
    free(prefix);
    return code;
}

static int request_begin(struct photo_removal *removal)
{
    struct object_store *store = removal->options.store;
    const struct object_name name = {.bucket = removal->options.bucket,
                                     .key = removal->options.key};
    if (!removal->checked)
        return store->ops->head(store, &name, on_checked, removal, &removal->request);
    if (removal->at < removal->target_count)
        return target_begin(removal);
    return store->ops->remove(store, &name, on_removed, removal, &removal->request);
}

static void removal_next(struct photo_removal *removal)
{
    if (removal->emptied) {
        removal->task = (struct index_task){.run = forget_run, .done = forget_done};
        photo_index_submit(removal->options.index, &removal->task);
        return;
    }
    const int code = request_begin(removal);
    if (!code)
        return;
    removal->request = NULL;
    error_set(&removal->error, code, "the photo could not be deleted (%s)", error_name(code));
    removal_end(removal);
}

struct photo_removal *photo_removal_start(const struct photo_removal_options *options)
{
    struct photo_removal *removal = calloc(1, sizeof *removal);
    if (!removal)
        return NULL;
    removal->options = *options;
    removal->options.bucket = strdup(options->bucket);
    removal->options.key = strdup(options->key);
    removal->options.etag = strdup(options->etag ? options->etag : "");
    if (!removal->options.bucket || !removal->options.key || !removal->options.etag) {
        removal_free(removal);
        return NULL;
    }
    removal->task = (struct index_task){.run = plan_run, .done = plan_done};
    photo_index_submit(options->index, &removal->task);
    return removal;
}

/* With a task under way, the task frees it. */
void photo_removal_cancel(struct photo_removal *removal)
{
    removal->cancelled = true;
    if (!removal->request)
        return;
    removal->options.store->ops->cancel(removal->request);
    removal_free(removal);
}
