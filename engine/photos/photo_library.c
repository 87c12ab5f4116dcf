/*
 * The parts of the photos, put together.
 *
 * Whoever changes the index names the photo to photo_library_touched; photo_touched.c passes it on. The
 * set of photos is compared by its revision, which comes back with every task. What is expected (an
 * upload, an event that was sent for a photo) is looked for (photo_expected.c) only without an engine in
 * this process, which tells sooner.
 *
 * Closing. The scan and the reader cancel their requests; tasks that are under way end in the
 * index, whose closing waits for them; then the handles are closed, and the memory is freed.
 */
#include "photo_library.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "log.h"
#include "photo_db.h"
#include "photo_details.h"
#include "photo_expected.h"
#include "photo_facts.h"
#include "photo_live.h"
#include "photo_names.h"
#include "photo_query.h"
#include "photo_scan.h"
#include "photo_touched.h"

enum {
    TICK_MS = 1000,
    VIEWS = 64, /* photos whose details somebody has lately asked for */
    VIEW_MS = 30000,
};

struct photo_library {
    struct photo_library_options options;
    struct photo_index *index;
    struct photo_scan scan;
    struct photo_reader reader;
    struct live_photos live;
    struct touched_photos touched;
    struct expected_photos expected;
    struct {
        uint64_t id, at_ms; /* uv_now; 0: none */
    } views[VIEWS];
    uv_timer_t tick;
    bool counting;      /* a task that compares the set is pending */
    bool moved, listed; /* the set may have changed; the scan has progressed */
    uint64_t revision;  /* that was told last */
    int64_t total;
    bool closing;
    unsigned handles;
    void (*closed)(void *user);
    void *closed_user;
};

/* ---- telling of photos ---- */

static void touched_found(json_t *photo, void *user)
{
    struct photo_library *photos = user;
    photo_library_overlay(photos, photo);
    expected_photos_settle(&photos->expected, photo);
    photos->options.changed(photo, photos->options.user);
}

void photo_library_touched(struct photo_library *photos, const char *bucket, const char *key)
{
    photos->moved = true;
    touched_photos_add(&photos->touched, bucket, key);
}

void photo_library_moved(struct photo_library *photos)
{
    photos->moved = true;
}

void photo_library_overlay(const struct photo_library *photos, json_t *photo)
{
    const char *bucket = json_string_value(json_object_get(photo, "bucket"));
    const char *key = json_string_value(json_object_get(photo, "key"));
    const struct live_photo *live =
        bucket && key ? live_photos_find(&photos->live, bucket, key) : NULL;
    if (!live)
        return;
    if (live->running)
        json_object_set_new(photo, "stage", json_string(live->step));
    json_object_set_new(photo, "state", json_string(live->running ? "working" : "retrying"));
    if (live->reason)
        json_object_set_new(photo, "detail", json_string(live->reason));
}

/* ---- telling of the set ---- */

struct photo_count {
    struct index_task task;
    struct photo_library *photos;
    int64_t total;
};

static int count_run(struct index_task *task, struct photo_db *db)
{
    return query_total(db, &container_of(task, struct photo_count, task)->total, &task->error);
}

static void count_done(struct index_task *task, int code)
{
    struct photo_count *count = container_of(task, struct photo_count, task);
    struct photo_library *photos = count->photos;
    const struct photo_library_options *options = &photos->options;
    photos->counting = false;
    if (!code && !photos->closing) {
        photos->total = count->total;
        if (photos->revision != task->revision)
            options->laid_out(task->revision, count->total, options->user);
        photos->revision = task->revision;
        if (photos->listed)
            options->progressed(photos->scan.phase == SCAN_RESTING, photos->scan.listed,
                                count->total, options->user);
        photos->listed = false;
    }
    free(count);
}

static void count_begin(struct photo_library *photos)
{
    struct photo_count *count =
        photos->moved && !photos->counting ? calloc(1, sizeof *count) : NULL;
    if (!count)
        return;
    count->task = (struct index_task){.run = count_run, .done = count_done};
    count->photos = photos;
    photos->moved = false;
    photos->counting = true;
    photo_index_submit(photos->index, &count->task);
}

/* ---- what is expected, and the tick ---- */

void photo_library_expect(struct photo_library *photos, const char *bucket, const char *key)
{
    if (!photos->options.informed(photos->options.user))
        expected_photos_add(&photos->expected, bucket, key);
}

static void on_tick(uv_timer_t *timer)
{
    struct photo_library *photos = container_of(timer, struct photo_library, tick);
    expected_photos_look(&photos->expected);
    count_begin(photos);
}

/* ---- what the parts report ---- */

/* Of the first scan, the pages learn as a whole: that the set has changed. */
static void scan_changed(const char *bucket, const char *key, bool recent, void *user)
{
    struct photo_library *photos = user;
    if (photos->scan.completed)
        photo_library_touched(photos, bucket, key);
    if (recent)
        photo_library_expect(photos, bucket, key);
}

static void scan_gone(const char *bucket, const char *key, void *user)
{
    struct photo_library *photos = user;
    photos->moved = true;
    photos->options.gone(bucket, key, photos->options.user);
}

static void scan_progressed(void *user)
{
    struct photo_library *photos = user;
    photos->moved = photos->listed = true;
    photo_reader_kick(&photos->reader);
}

static bool is_watched(void *user)
{
    struct photo_library *photos = user;
    return photos->options.watched(photos->options.user);
}

static bool is_informed(void *user)
{
    struct photo_library *photos = user;
    return photos->options.informed(photos->options.user);
}

static void reader_changed(const char *bucket, const char *key, bool exists, void *user)
{
    struct photo_library *photos = user;
    if (exists)
        photo_library_touched(photos, bucket, key);
    else if (!expected_photos_have(&photos->expected, bucket, key))
        scan_gone(bucket, key, photos);
}

static void index_rebuilt(void *user)
{
    struct photo_library *photos = user;
    photos->moved = true;
    photos->scan.completed = false;
    photo_scan_start(&photos->scan);
}

/* ---- the engine ---- */

static size_t pipeline_number(const struct photo_library *photos, const char *name)
{
    const struct photo_config *config = photo_index_config(photos->index);
    size_t i = 0;
    while (i < config->pipeline_count &&
           strcmp(config->ops->facts(config->pipelines[i])->name, name) != 0)
        i++;
    return i;
}

static void facts_stored(const char *bucket, const char *key, int code, void *user)
{
    struct photo_library *photos = user;
    if (code || photos->closing)
        return;
    photo_library_touched(photos, bucket, key);
    photo_reader_kick(&photos->reader);
}

/* Its size and ETag are not in the event that the engine has. */
static void begun_stored(const char *bucket, const char *key, int code, void *user)
{
    struct photo_library *photos = user;
    facts_stored(bucket, key, code, user);
    if (!code && !photos->closing)
        photo_reader_read(&photos->reader, bucket, key, DETAIL_ORIGINAL);
}

static bool is_photo(const struct photo_library *photos, const char *bucket, const char *key)
{
    return !photos->closing && photo_config_accepts(photo_index_config(photos->index), bucket, key);
}

void photo_library_step(struct photo_library *photos, const struct engine_step *step)
{
    bool begun;
    if (!is_photo(photos, step->bucket, step->key) ||
        !live_photos_step(&photos->live, step, pipeline_number(photos, step->pipeline), &begun))
        return;
    if (begun)
        photo_begun_submit(photos->index, step, begun_stored, photos);
    else
        photo_library_touched(photos, step->bucket, step->key);
}

void photo_library_record(struct photo_library *photos, const struct engine_record *record)
{
    const struct photo_config *config = photo_index_config(photos->index);
    if (!is_photo(photos, record->bucket, record->key))
        return;
    const size_t number = pipeline_number(photos, record->pipeline);
    const enum photo_live live = live_photos_record(&photos->live, record, number);
    const bool labels =
        number < config->pipeline_count && config->ops->facts(config->pipelines[number])->tags;
    if (photo_facts_submit(photos->index, record, live, labels, facts_stored, photos))
        log_warn("a photo's facts could not be stored in the gallery's index",
                 LOG_TEXT("error", "out of memory"));
}

/* ---- who looks ---- */

static uint64_t now_of(const struct photo_library *photos)
{
    return uv_now(photos->options.loop);
}

void photo_library_view(struct photo_library *photos, const char *bucket, const char *key)
{
    const uint64_t id = photo_name_id(bucket, key);
    const size_t place = id % VIEWS;
    if (photos->views[place].id == id && photos->views[place].at_ms &&
        now_of(photos) - photos->views[place].at_ms < VIEW_MS)
        return;
    photos->views[place].id = id;
    photos->views[place].at_ms = now_of(photos) + !now_of(photos);
    photo_reader_read(&photos->reader, bucket, key, 0);
}

void photo_library_watch(struct photo_library *photos)
{
    photo_scan_hurry(&photos->scan);
}

struct photo_index *photo_library_index(struct photo_library *photos)
{
    return photos->index;
}

/* ---- opening and closing ---- */

static void photo_library_free(struct photo_library *photos)
{
    touched_photos_clear(&photos->touched);
    expected_photos_clear(&photos->expected);
    live_photos_clear(&photos->live);
    free(photos);
}

static int sets_init(struct photo_library *photos)
{
    if (live_photos_init(&photos->live))
        return ERR_MEMORY;
    if (touched_photos_init(&photos->touched))
        return ERR_MEMORY;
    return expected_photos_init(&photos->expected);
}

static void parts_begin(struct photo_library *photos)
{
    const struct photo_library_options *options = &photos->options;
    photo_scan_init(&photos->scan, &(struct photo_scan_options){.loop = options->loop,
                                                                .store = options->store,
                                                                .index = photos->index,
                                                                .changed = scan_changed,
                                                                .gone = scan_gone,
                                                                .progressed = scan_progressed,
                                                                .watched = is_watched,
                                                                .informed = is_informed,
                                                                .user = photos});
    photo_reader_init(&photos->reader, &(struct photo_details_options){.loop = options->loop,
                                                                       .store = options->store,
                                                                       .index = photos->index,
                                                                       .changed = reader_changed,
                                                                       .user = photos});
    touched_photos_begin(
        &photos->touched,
        &(struct touched_photos_options){options->loop, photos->index, touched_found, photos});
    expected_photos_begin(&photos->expected, options->loop, &photos->reader);
    uv_timer_init(options->loop, &photos->tick);
    uv_timer_start(&photos->tick, on_tick, TICK_MS, TICK_MS);
    photo_scan_start(&photos->scan);
}

int photo_library_open(const struct photo_library_options *options, struct photo_config *config,
                       struct photo_library **out, struct error *error)
{
    struct photo_library *photos = calloc(1, sizeof *photos);
    *out = NULL;
    if (!photos || sets_init(photos)) {
        if (photos)
            photo_library_free(photos);
        photo_config_free(config);
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    photos->options = *options;
    photos->moved = true;
    const int code = photo_index_open(options->loop, options->index_path, config, index_rebuilt,
                                      photos, &photos->index, error);
    if (code) {
        photo_library_free(photos);
        return code;
    }
    parts_begin(photos);
    *out = photos;
    return 0;
}

void photo_library_configure(struct photo_library *photos, struct photo_config *config)
{
    photo_index_configure(photos->index, config);
    live_photos_clear(&photos->live); /* the pipelines may have other numbers */
    if (live_photos_init(&photos->live))
        log_warn("the gallery is short of memory", LOG_TEXT("error", "out of memory"));
    photo_scan_start(&photos->scan);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct photo_library *photos = handle->data;
    void (*closed)(void *user) = photos->closed;
    void *user = photos->closed_user;
    if (--photos->handles)
        return;
    photo_library_free(photos);
    closed(user);
}

/* No task is left. */
static void index_closed(void *user)
{
    struct photo_library *photos = user;
    uv_handle_t *const handles[] = {
        (uv_handle_t *)&photos->touched.timer, (uv_handle_t *)&photos->tick,
        (uv_handle_t *)&photos->scan.timer, (uv_handle_t *)&photos->reader.timer};
    photos->handles = sizeof handles / sizeof *handles;
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++) {
        handles[i]->data = photos;
        uv_close(handles[i], on_handle_closed);
    }
}

void photo_library_close(struct photo_library *photos, void (*closed)(void *user), void *user)
{
    photos->closing = true;
    photos->closed = closed;
    photos->closed_user = user;
    touched_photos_end(&photos->touched);
    uv_timer_stop(&photos->tick);
    photo_scan_end(&photos->scan);
    photo_reader_end(&photos->reader);
    photo_index_close(photos->index, index_closed, photos);
}
