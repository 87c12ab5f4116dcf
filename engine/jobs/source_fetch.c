/* The GET of a source: started when there are a place and memory for it, and repeated once if the object is
 * missing or larger than stated in its event. */
#include <stdlib.h>
#include <string.h>

#include "focal_metadata.h"
#include "log.h"
#include "output_mark.h"
#include "source_private.h"

enum {
    SECOND_LOOK_MS = 2000,
    SIZE_GUESS = 8 * 1024 * 1024, /* assumed size if the event states none */
};

static void fetch_in_turn(struct source *source);

/* Wakes the claims that wait for the fetch. A woken claim may release itself, or wait again for its
 * render. */
static void wake_all(struct source *source)
{
    struct list woken;
    list_init(&woken);
    list_move_all(&woken, &source->waiting);
    source->claims++; /* a reference, so that the last release does not free the source here */
    struct list *l;
    while ((l = list_shift(&woken))) {
        struct source_claim *claim = container_of(l, struct source_claim, link);
        claim->waiting = false;
        claim->wake(claim);
    }
    if (source->stage == SOURCE_WAKING)
        source_enter(source, SOURCE_GATHERING);
    source_pump(source);
    if (--source->claims == 0)
        source_unused(source);
}

/* Stores without strong consistency may announce an object before all readers can see it. */
static void look_later(struct source *source)
{
    struct source_table *table = source->table;
    source_enter(source, SOURCE_GET_LAST);
    source_reserve(source, 0);
    source_ahead_leave(source);
    source_schedule(source, SOURCE_LOOKS_AGAIN, SECOND_LOOK_MS, fetch_in_turn);
    source_table_arm(table);
}

/* error may be the source's own; the source may have been freed when this returns. */
static void fetch_failed(struct source *source, const struct error *error)
{
    struct source_table *table = source->table;
    if (error->code == ERR_NOT_FOUND && source->stage == SOURCE_GET_FIRST) {
        look_later(source);
        return;
    }
    source_reserve(source, 0);
    source_ahead_leave(source);
    source->error = *error;
    source_enter(source, SOURCE_GAVE_UP);
    wake_all(source);
    source_table_arm(table);
}

static bool grew(struct source *source, const struct error *error)
{
    uint64_t most = source->table->options.limits.max_bytes;
    if (error->code != ERR_LIMIT || source->reserved >= most)
        return false;
    source->stated = most; /* larger than expected */
    source_reserve(source, 0);
    fetch_in_turn(source);
    return true;
}

/* Only pipelines that ask for a point are told that there is none. */
static void focal_take(struct source *source, const struct object_facts *facts)
{
    int code = focal_metadata_read(facts, &source->focal);
    if (source->focal.given || source->is_output || !source_needs_focal(source))
        return;
    if (code)
        log_warn(
            "x-amz-meta-focal is not two numbers from 0 to 1, such as 0.3,0.7; outputs are cut "
            "around the point in the pipeline file",
            LOG_TEXT("bucket", source->bucket), LOG_TEXT("key", source->key));
    else
        log_info("object has no x-amz-meta-focal; outputs are cut around the point in the pipeline "
                 "file",
                 LOG_TEXT("bucket", source->bucket), LOG_TEXT("key", source->key));
}

/* The source may have been freed when this returns. */
static void fetched(struct source *source)
{
    struct source_table *table = source->table;
    source_enter(source, SOURCE_WAKING);
    wake_all(source);
    source_table_arm(table);
}

static void tags_take(struct source *source, const struct object_pair *tags, size_t count)
{
    int code = focal_tags_read(tags, count, &source->tagged);
    if (source->tagged.given)
        return;
    if (code)
        log_warn("the tag focal is not two numbers from 0 to 1 with a colon, such as 0.3:0.7; "
                 "outputs are cut around the point in the pipeline file",
                 LOG_TEXT("bucket", source->bucket), LOG_TEXT("key", source->key));
    else
        log_info("object has no tag focal; outputs are cut around the point in the pipeline file",
                 LOG_TEXT("bucket", source->bucket), LOG_TEXT("key", source->key));
}

static void on_tags(const struct object_pair *tags, size_t count, const struct error *error,
                    void *user)
{
    struct source *source = user;
    source->get = NULL;
    if (error->code) {
        bytes_free(&source->body);
        fetch_failed(source, error);
        return;
    }
    tags_take(source, tags, count);
    fetched(source);
}

/* Tags cost a request, so only a pipeline that wants them causes it. False: none was started. */
static bool tags_ask(struct source *source)
{
    struct object_store *store = source->table->options.store;
    const struct object_name name = {source->bucket, source->key, source->version, &source->trace};
    if (source->is_output || !source_needs_tags(source))
        return false;
    int code = store->ops->get_tags(store, &name, on_tags, source, &source->get);
    if (code)
        log_warn("the tags of an object can't be requested; outputs are cut around the point in "
                 "the pipeline file",
                 LOG_TEXT("bucket", source->bucket), LOG_TEXT("key", source->key),
                 LOG_TEXT("error", error_name(code)));
    return code == 0;
}

static void on_got(struct bytes *body, const struct object_facts *facts, const struct error *error,
                   void *user)
{
    struct source *source = user;
    struct source_table *table = source->table;
    source->get = NULL;
    if (error->code && (grew(source, error) || source_denied_ask(source, error, fetch_failed)))
        return;
    if (error->code) {
        fetch_failed(source, error);
        return;
    }
    histogram_observe(&table->stats.fetch_s, (double)(uv_hrtime() - source->get_ns) / 1e9);
    source_reserve(source, body->size);
    source->error = (struct error){0};
    source->body = bytes_take(body);
    source->is_output = output_mark_present(facts);
    focal_take(source, facts);
    free(source->body_etag);
    source->body_etag =
        /* for the outputs' metadata; may remain unknown */
        facts->etag ? strdup(facts->etag) : NULL;
    if (!tags_ask(source))
        fetched(source);
}

static int get_start(struct source *source)
{
    struct source_table *table = source->table;
    struct object_name name = {source->bucket, source->key, source->version, &source->trace};
    table->stats.fetched++;
    source->get_ns = uv_hrtime();
    return table->options.store->ops->get(table->options.store, &name, (size_t)source->reserved,
                                          on_got, source, &source->get);
}

int source_fetch(struct source *source, struct worker_share *share)
{
    struct source_table *table = source->table;
    uint64_t most = table->options.limits.max_bytes;
    uint64_t bytes = source->stated ? source->stated : SIZE_GUESS;
    if (!source_ahead_ask(source, share, fetch_in_turn))
        return 0;
    if (bytes > most)
        bytes = most;
    if (!memory_ask(table->options.memory, &source->ticket, bytes))
        return 0;
    source->reserved = bytes;
    return get_start(source);
}

/* The source may have been freed when this returns. */
static void fetch_not_started(struct source *source, int code)
{
    struct source_table *table = source->table;
    source_reserve(source, 0);
    source_ahead_leave(source);
    source_enter(source, SOURCE_GAVE_UP);
    error_set(&source->error, code, "the fetch of s3://%s/%s could not be started (%s)",
              source->bucket, source->key, error_name(code));
    wake_all(source);
    source_table_arm(table);
}

void source_on_room(struct memory_ticket *ticket)
{
    struct source *source = container_of(ticket, struct source, ticket);
    source->reserved = ticket->bytes;
    int code = get_start(source);
    if (code)
        fetch_not_started(source, code);
}

/* It has a place, or asks for one. */
static void fetch_in_turn(struct source *source)
{
    int code = source_fetch(source, source_neediest(source));
    if (code)
        fetch_not_started(source, code);
}
