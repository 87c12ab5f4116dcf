/*
 * A trial runs the text of a pipeline file on one photo and stores nothing. The photo is fetched, and
 * a thread of libuv's pool checks the text and renders, with the engine's limits and in its decoder
 * processes. One trial at a time: a second one is refused. The renditions are kept in memory, at most
 * KEPT_BYTES for KEPT_MS, the oldest trials first to go.
 */
#include "gallery_trial.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "gallery_draft.h"
#include "gallery_work.h"
#include "hex.h"

enum {
    KEPT_BYTES = 64 << 20,
    KEPT_MS = 10 * 60 * 1000,
    ID_SIZE = 33,
    RETRY_S = 3,
};

struct trial { /* the renditions of one */
    struct list link;
    char id[ID_SIZE];
    struct rendition *renditions;
    size_t count, bytes;
    uint64_t until_ms; /* uv_now */
};

struct gallery_trials {
    struct list kept; /* struct trial, the oldest first */
    size_t bytes;
    bool busy;
};

struct trial_work {
    struct gallery_work work;
    struct pipeline_draft draft;
    char *bucket, *key, *etag;
    struct pipeline_limits limits;
    struct bytes image;
    struct object_request *request; /* while the photo is fetched; NULL: none */
    /* the worker's */
    struct render_item item;
    uint64_t nanoseconds;
    struct error error;
};

/* ---- what is kept ---- */

/* It is not in the list any more. */
static void trial_drop(struct gallery_trials *trials, struct trial *trial)
{
    struct render_item item = {.renditions = trial->renditions, .rendition_count = trial->count};
    render_item_clear(&item);
    trials->bytes -= trial->bytes;
    free(trial);
}

static void forget(struct gallery_trials *trials, uint64_t now_ms)
{
    while (!list_empty(&trials->kept)) {
        const struct trial *oldest = container_of(trials->kept.next, struct trial, link);
        if (oldest->until_ms > now_ms && trials->bytes <= KEPT_BYTES)
            return;
        trial_drop(trials, container_of(list_shift(&trials->kept), struct trial, link));
    }
}

/* Takes the renditions. NULL: out of memory, or no random bytes. */
static const struct trial *keep(struct gallery *gallery, struct render_item *item)
{
    struct gallery_trials *trials = gallery->trials;
    uint8_t random[ID_SIZE / 2];
    struct trial *trial = calloc(1, sizeof *trial);
    if (!trial || getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        free(trial);
        return NULL;
    }
    hex_write(random, sizeof random, trial->id);
    trial->renditions = item->renditions;
    trial->count = item->rendition_count;
    trial->until_ms = uv_now(gallery->loop) + KEPT_MS;
    item->renditions = NULL;
    item->rendition_count = 0;
    for (size_t i = 0; i < trial->count; i++)
        trial->bytes += trial->renditions[i].body.size;
    trials->bytes += trial->bytes;
    list_push(&trials->kept, &trial->link);
    return trial;
}

static const struct trial *find(const struct gallery_trials *trials, const char *id)
{
    for (const struct list *link = trials->kept.next; link != &trials->kept; link = link->next) {
        const struct trial *trial = container_of(link, struct trial, link);
        if (strcmp(trial->id, id) == 0)
            return trial;
    }
    return NULL;
}

/* The bytes are copied, since the trial may be dropped before they have been sent. */
void gallery_trial_get(struct gallery_call *call)
{
    forget(call->gallery->trials, uv_now(call->gallery->loop));
    const struct trial *trial = find(call->gallery->trials, gallery_segment(call, 0));
    const char *number = gallery_segment(call, 1);
    char *end;
    const unsigned long index = strtoul(number, &end, 10);
    const bool is_number = number[0] >= '0' && number[0] <= '9' && !*end;
    if (!trial || !is_number || index >= trial->count) {
        gallery_refuse(call, 404, "not_found", "the trial is not kept any more; try again");
        return;
    }
    const struct rendition *rendition = &trial->renditions[index];
    char *copy = slice_dup((struct slice){rendition->body.data, rendition->body.size});
    struct bytes body = bytes_give(copy, copy ? rendition->body.size : 0);
    const struct http_header headers[] = {{"Content-Type", rendition->content_type},
                                          {"Cache-Control", "private, max-age=600"}};
    gallery_respond(call, copy ? 200 : 503, headers, 2, &body);
}

/* ---- the result ---- */

static const char *format_of(const struct rendition *rendition)
{
    const char *slash = strchr(rendition->content_type, '/');
    return slash ? slash + 1 : rendition->content_type;
}

static json_t *renditions_show(const struct trial *trial)
{
    json_t *list = json_array();
    for (size_t i = 0; i < trial->count; i++) {
        const struct rendition *one = &trial->renditions[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:i, s:i, s:I, s:f, s:s, s:o}", "key", one->key,
                                        "width", (int)one->width, "height", (int)one->height,
                                        "bytes", (json_int_t)one->body.size, "milliseconds",
                                        one->milliseconds, "format", format_of(one), "url",
                                        json_sprintf("/api/trials/%s/%zu", trial->id, i)));
    }
    return list;
}

static json_t *labels_show(const struct label_set *labels)
{
    json_t *list = json_array();
    for (size_t i = 0; i < labels->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:f}", "name", labels->entries[i].name,
                                              "value", labels->entries[i].value, "confidence",
                                              labels->entries[i].confidence));
    return list;
}

static json_t *original_show(const struct trial_work *work, const char *url)
{
    const struct image_facts *facts = &work->item.facts;
    const bool turned = facts->orientation >= 5 && facts->orientation <= 8;
    return json_pack("{s:s, s:i, s:i, s:I, s:s}", "url", url, "width",
                     (int)(turned ? facts->height : facts->width), "height",
                     (int)(turned ? facts->width : facts->height), "bytes",
                     (json_int_t)work->image.size, "format", facts->format);
}

static void respond_done(struct trial_work *work, struct gallery_call *call)
{
    char *url;
    struct error error = {0};
    if (gallery_presign(call->gallery, work->bucket, work->key, NULL, &url, &error)) {
        gallery_refuse_error(call, &error);
        return;
    }
    const struct trial *trial = keep(call->gallery, &work->item);
    if (trial)
        gallery_respond_json(call, 200,
                             json_pack("{s:o, s:o, s:o, s:o, s:f}", "original",
                                       original_show(work, url), "renditions",
                                       renditions_show(trial), "labels",
                                       labels_show(&work->item.labels), "problems",
                                       pipeline_draft_problems(&work->draft), "milliseconds",
                                       (double)work->nanoseconds / 1e6));
    else
        gallery_refuse(call, 503, "out_of_memory", "the server is short of memory; try again");
    free(url);
    forget(call->gallery->trials, uv_now(call->gallery->loop));
}

static void respond(struct trial_work *work, struct gallery_call *call)
{
    if (work->error.code)
        gallery_refuse_error(call, &work->error);
    else if (work->draft.problems.errors)
        gallery_respond_json(call, 200,
                             json_pack("{s:o}", "problems", pipeline_draft_problems(&work->draft)));
    else if (work->item.error.code)
        gallery_refuse(call, 422, "not_rendered", "%s", work->item.error.text);
    else
        respond_done(work, call);
}

static void work_free(struct trial_work *work)
{
    pipeline_draft_clear(&work->draft);
    render_item_clear(&work->item);
    bytes_free(&work->image);
    free(work->bucket);
    free(work->key);
    free(work->etag);
    free(work);
}

static void on_rendered(struct gallery_work *base)
{
    struct trial_work *work = container_of(base, struct trial_work, work);
    if (base->gallery->trials) /* NULL: the gallery closes */
        base->gallery->trials->busy = false;
    if (base->call)
        respond(work, base->call);
    work_free(work);
}

/* ---- rendering ---- */

/* On a pool thread. */
static void render(struct gallery_work *base)
{
    struct trial_work *work = container_of(base, struct trial_work, work);
    const struct pipeline_ops *ops = work->draft.rules.ops;
    if (pipeline_draft_load(&work->draft, &work->error) || work->draft.problems.errors)
        return;
    work->item.pipeline = work->draft.pipeline;
    const struct render_source source = {.bucket = work->bucket,
                                         .key = work->key,
                                         .etag = work->etag,
                                         .image = {work->image.data, work->image.size}};
    const uint64_t began = uv_hrtime();
    ops->render(&source, &work->limits, &work->item, 1);
    work->nanoseconds = uv_hrtime() - began;
    ops->thread_end();
}

/* ---- the photo ---- */

/* The page has left. */
static void on_fetch_ended(struct gallery_call *call, bool completed)
{
    struct trial_work *work = call->state;
    (void)completed;
    call->gallery->options.store->ops->cancel(work->request);
    call->gallery->trials->busy = false;
    work_free(work);
}

static void fail(struct trial_work *work, struct gallery_call *call, const struct error *error)
{
    call->ended = NULL;
    call->gallery->trials->busy = false;
    work_free(work);
    gallery_refuse_error(call, error);
}

static void on_fetched(struct bytes *body, const struct object_facts *facts,
                       const struct error *error, void *user)
{
    struct gallery_call *call = user;
    struct trial_work *work = call->state;
    work->request = NULL;
    if (error->code) {
        fail(work, call, error);
        return;
    }
    work->image = bytes_take(body);
    work->etag = strdup(facts->etag ? facts->etag : "");
    gallery_work_start(&work->work, call);
}

static void fetch(struct trial_work *work, struct gallery_call *call)
{
    struct object_store *store = call->gallery->options.store;
    const struct object_name name = {.bucket = work->bucket, .key = work->key};
    const size_t most = work->limits.max_bytes ? work->limits.max_bytes : PIPELINE_MAX_BYTES;
    struct error error = {0};
    call->state = work;
    call->gallery->trials->busy = true;
    const int code = store->ops->get(store, &name, most, on_fetched, call, &work->request);
    if (!code) {
        call->ended = on_fetch_ended;
        return;
    }
    error_set(&error, code, "the photo could not be fetched (%s); try again", error_name(code));
    fail(work, call, &error);
}

static struct trial_work *work_make(struct gallery_call *call, const char *bucket, const char *key)
{
    struct trial_work *work = calloc(1, sizeof *work);
    if (!work) {
        gallery_refuse(call, 503, "out_of_memory", "the server is short of memory; try again");
        return NULL;
    }
    work->work = (struct gallery_work){.run = render, .done = on_rendered};
    work->limits = call->gallery->options.limits;
    work->bucket = strdup(bucket);
    work->key = strdup(key);
    if (work->bucket && work->key && gallery_draft_read(call, &work->draft))
        return work;
    if (!work->bucket || !work->key)
        gallery_refuse(call, 503, "out_of_memory", "the server is short of memory; try again");
    work_free(work);
    return NULL;
}

void gallery_pipeline_try(struct gallery_call *call)
{
    const char *bucket = gallery_body_text(call, "bucket", OBJECT_KEY_MAX);
    const char *key = bucket ? gallery_body_text(call, "key", OBJECT_KEY_MAX) : NULL;
    if (!key)
        return;
    if (!gallery_is_photo(call->gallery, bucket, key)) {
        gallery_refuse(call, 404, "not_found", "this is not a photo of the gallery");
        return;
    }
    if (call->gallery->trials->busy) {
        gallery_refuse_for(call, 503, "busy", RETRY_S,
                           "another trial is running; try again when it has ended");
        return;
    }
    struct trial_work *work = work_make(call, bucket, key);
    if (work)
        fetch(work, call);
}

/* ---- opening and closing ---- */

int gallery_trials_open(struct gallery *gallery, struct error *error)
{
    struct gallery_trials *trials = calloc(1, sizeof *trials);
    if (!trials)
        return error_set(error, ERR_MEMORY, "out of memory");
    list_init(&trials->kept);
    gallery->trials = trials;
    return 0;
}

void gallery_trials_close(struct gallery *gallery)
{
    forget(gallery->trials, UINT64_MAX);
    free(gallery->trials);
    gallery->trials = NULL;
    gallery_part_closed(gallery);
}
