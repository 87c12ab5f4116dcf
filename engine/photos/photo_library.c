/*
 * The parts of the photos, put together.
 *
 * Whoever changes the index names the photo to photo_library_touched. The names are collected for a
 * moment, loaded in one task, and passed on: a photo that changes ten times at once is told once.
 * The set of photos is compared by its revision, which comes back with every task.
 *
 * What is expected (an upload, an event that was sent for a photo) is looked for by the reader,
 * first after a second, then less and less often; only without an engine in this process, which
 * tells sooner.
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
#include "photo_facts.h"
#include "photo_live.h"
#include "photo_names.h"
#include "photo_query.h"
#include "photo_scan.h"

enum {
    FLUSH_MS = 100,
    FLUSH_MAX = 64, /* photos that a task loads */
    TICK_MS = 1000,
    TOUCHED_MAX = 5000, /* names that wait; who watches loads all anew if there are more */
    EXPECTED_MAX = 1000,
    LOOKS_MAX = 16, /* of them that are looked for in a tick */
    VIEWS = 64,     /* photos whose details somebody has lately asked for */
    VIEW_MS = 30000,
    EXPECT_TRIES = 40,
    EXPECT_MAX_MS = 15000,
};

struct photo_library {
    struct photo_library_options options;
    struct photo_index *index;
    struct photo_scan scan;
    struct photo_reader reader;
    struct live_photos live;
    struct name_set touched, expected;
    struct {
        uint64_t id, at_ms; /* uv_now; 0: none */
    } views[VIEWS];
    uv_timer_t flush, tick;
    bool loading;       /* a task that loads touched photos is pending */
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

struct photo_load {
    struct index_task task;
    struct photo_library *photos;
    struct named_photo *names[FLUSH_MAX];
    json_t *found[FLUSH_MAX];
    size_t count;
};

static int load_run(struct index_task *task, struct photo_db *db)
{
    struct photo_load *load = container_of(task, struct photo_load, task);
    for (size_t i = 0; i < load->count; i++) {
        const int code = query_photo(db, load->names[i]->bucket, load->names[i]->key,
                                     &load->found[i], &task->error);
        if (code)
            return code;
    }
    return 0;
}

static void flush_arm(struct photo_library *photos);
static void expected_settle(struct photo_library *photos, const json_t *photo);

static void load_done(struct index_task *task, int code)
{
    struct photo_load *load = container_of(task, struct photo_load, task);
    struct photo_library *photos = load->photos;
    photos->loading = false;
    for (size_t i = 0; i < load->count; i++) {
        if (!code && load->found[i] && !photos->closing) {
            photo_library_overlay(photos, load->found[i]);
            expected_settle(photos, load->found[i]);
            photos->options.changed(load->found[i], photos->options.user);
        }
        json_decref(load->found[i]);
        named_photo_free(load->names[i]);
    }
    free(load);
    flush_arm(photos);
}

static void on_flush(uv_timer_t *timer)
{
    struct photo_library *photos = container_of(timer, struct photo_library, flush);
    struct photo_load *load = photos->loading ? NULL : calloc(1, sizeof *load);
    if (!load)
        return;
    load->task = (struct index_task){.run = load_run, .done = load_done};
    load->photos = photos;
    while (photos->touched.count && load->count < FLUSH_MAX) {
        struct named_photo *photo =
            container_of(photos->touched.order.next, struct named_photo, link);
        name_set_take(&photos->touched, photo);
        load->names[load->count++] = photo;
    }
    photos->loading = true;
    photo_index_submit(photos->index, &load->task);
}

static void flush_arm(struct photo_library *photos)
{
    if (photos->touched.count && !photos->loading && !photos->closing &&
        !uv_is_active((uv_handle_t *)&photos->flush))
        uv_timer_start(&photos->flush, on_flush, FLUSH_MS, 0);
}

void photo_library_touched(struct photo_library *photos, const char *bucket, const char *key)
{
    photos->moved = true;
    if (photos->closing || photos->touched.count >= TOUCHED_MAX)
        return;
    name_set_add(&photos->touched, bucket, key);
    flush_arm(photos);
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

/* ---- what is expected ---- */

static uint64_t now_of(const struct photo_library *photos)
{
    return uv_now(photos->options.loop);
}

static void expected_look(struct photo_library *photos)
{
    struct list *next;
    unsigned looks = 0;
    for (struct list *link = photos->expected.order.next;
         link != &photos->expected.order && looks < LOOKS_MAX; link = next) {
        struct named_photo *photo = container_of(link, struct named_photo, link);
        next = link->next;
        if (photo->due_ms > now_of(photos))
            continue;
        if (++photo->tries > EXPECT_TRIES) {
            name_set_take(&photos->expected, photo);
            named_photo_free(photo);
            continue;
        }
        looks++;
        const uint64_t wait_ms = TICK_MS * (1 + photo->tries / 3);
        photo->due_ms = now_of(photos) + (wait_ms < EXPECT_MAX_MS ? wait_ms : EXPECT_MAX_MS);
        photo_reader_read(&photos->reader, photo->bucket, photo->key,
                          DETAIL_ORIGINAL | DETAIL_OUTPUTS);
    }
}

void photo_library_expect(struct photo_library *photos, const char *bucket, const char *key)
{
    if (photos->options.informed(photos->options.user) || photos->expected.count >= EXPECTED_MAX)
        return;
    struct named_photo *photo = name_set_add(&photos->expected, bucket, key);
    if (!photo)
        return;
    photo->tries = 0;
    photo->due_ms = now_of(photos) + TICK_MS;
}

/* A photo that is done is not looked for any more. */
static void expected_settle(struct photo_library *photos, const json_t *photo)
{
    const char *bucket = json_string_value(json_object_get(photo, "bucket"));
    const char *key = json_string_value(json_object_get(photo, "key"));
    const char *state = json_string_value(json_object_get(photo, "state"));
    struct named_photo *expected =
        bucket && key ? name_set_find(&photos->expected, bucket, key) : NULL;
    if (!expected || !state || strcmp(state, "done") != 0)
        return;
    name_set_take(&photos->expected, expected);
    named_photo_free(expected);
}

static void on_tick(uv_timer_t *timer)
{
    struct photo_library *photos = container_of(timer, struct photo_library, tick);
    expected_look(photos);
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
    else if (!name_set_find(&photos->expected, bucket, key))
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
    name_set_clear(&photos->touched);
    name_set_clear(&photos->expected);
    live_photos_clear(&photos->live);
    free(photos);
}

static int sets_init(struct photo_library *photos)
{
    if (live_photos_init(&photos->live))
        return ERR_MEMORY;
    if (name_set_init(&photos->touched))
        return ERR_MEMORY;
    return name_set_init(&photos->expected);
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
    uv_timer_init(options->loop, &photos->flush);
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
    uv_handle_t *const handles[] = {(uv_handle_t *)&photos->flush, (uv_handle_t *)&photos->tick,
                                    (uv_handle_t *)&photos->scan.timer,
                                    (uv_handle_t *)&photos->reader.timer};
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
    uv_timer_stop(&photos->flush);
    uv_timer_stop(&photos->tick);
    photo_scan_end(&photos->scan);
    photo_reader_end(&photos->reader);
    photo_index_close(photos->index, index_closed, photos);
}
