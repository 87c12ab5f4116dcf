/* The photos of the gallery over a store in memory: the scan, the index, what the engine reports, failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "container_of.h"
#include "files.h"
#include "key_pattern.h"
#include "list.h"
#include "output_mark.h"
#include "photo_db.h"
#include "photo_library.h"
#include "photo_match.h"
#include "photo_query.h"
#include "photo_removal.h"

/* ---- pipelines: "NAME/{name}", or with sizes "NAME/{stem}-{width}.jpg" ---- */

struct pipeline {
    struct pipeline_facts facts;
    const char *folder, *template;
};

static struct pipeline *retain(struct pipeline *pipeline)
{
    return pipeline;
}

static void release(struct pipeline *pipeline)
{
    (void)pipeline;
}

static const struct pipeline_facts *facts_of(const struct pipeline *pipeline)
{
    return &pipeline->facts;
}

static bool matches(const struct pipeline *pipeline, const char *bucket, const char *key)
{
    (void)pipeline;
    return strcmp(bucket, "photos") == 0 && strncmp(key, "ingest/", 7) == 0 && strlen(key) > 4 &&
           strcmp(key + strlen(key) - 4, ".jpg") == 0;
}

static struct pipeline_output output_of(const struct pipeline *pipeline, size_t index)
{
    return (struct pipeline_output){.key = index ? NULL : pipeline->template};
}

static int output_key(const struct pipeline *pipeline, size_t index, const char *bucket,
                      const char *key, char **out)
{
    char text[OBJECT_KEY_MAX + 64];
    const char *name = strrchr(key, '/') + 1;
    (void)bucket;
    if (strstr(pipeline->template, "{width}"))
        snprintf(text, sizeof text, "%s/%.*s-" PIPELINE_NUMBER ".jpg", pipeline->folder,
                 (int)strlen(name) - 4, name);
    else
        snprintf(text, sizeof text, "%s/%s", pipeline->folder, name);
    *out = index ? NULL : strdup(text);
    return 0;
}

static const struct pipeline_ops ops = {.retain = retain,
                                        .release = release,
                                        .facts = facts_of,
                                        .matches = matches,
                                        .output = output_of,
                                        .output_key = output_key};

static struct pipeline web = {{.name = "web", .output_count = 1}, "web", "web/{name}"};
static struct pipeline twin = {{.name = "twin", .output_count = 1}, "web", "web/{name}"};
static struct pipeline small = {
    {.name = "small", .output_count = 1, .tags = true}, "small", "small/{stem}-{width}.jpg"};

/* ---- the store: objects of one bucket, sorted by key ---- */

enum { STORED_MAX = 45000, PAGE = 1000 };

struct stored {
    char *key;
    int64_t modified_s;
    uint64_t size;
    const char *of; /* source of an output; NULL: none */
};

struct object_request {
    struct list link;
    uv_timer_t timer;
    void (*answer)(struct object_request *request);
    char *key, *after;
    union {
        object_listed *listed;
        object_head_done *head;
        object_tags_got *tags;
        object_done *done;
    } call;
    void *user;
};

static struct {
    uv_loop_t loop;
    struct object_store store;
    struct stored objects[STORED_MAX];
    size_t count;
    struct list pending;
    unsigned lists, heads, removes;
    char first_after[OBJECT_KEY_MAX]; /* of the first listing that began behind a key; "": none */
    int list_code, remove_code;       /* what requests fail with; 0: they succeed */
    const char *list_refused;         /* the prefix whose listing fails; NULL: any */
    unsigned failing;                 /* how many listings fail */

    char directory[64], path[96];
    struct pipeline *pipelines[3];
    size_t pipeline_count;
    struct photo_library *library;
    bool closed, informed;
    unsigned changed, gone, laid_out, scans;
    int64_t total;
    char states[4096]; /* of the photos that were told of */
} w;

static size_t place_of(const char *key)
{
    size_t low = 0, high = w.count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (strcmp(w.objects[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct stored *find(const char *key)
{
    const size_t place = place_of(key);
    return place < w.count && strcmp(w.objects[place].key, key) == 0 ? &w.objects[place] : NULL;
}

static struct stored *put(const char *key, const char *of)
{
    struct stored *object = find(key);
    if (!object) {
        const size_t place = place_of(key);
        assert_true(w.count < STORED_MAX);
        memmove(&w.objects[place + 1], &w.objects[place], (w.count - place) * sizeof *w.objects);
        w.count++;
        object = &w.objects[place];
        object->key = strdup(key);
    }
    object->modified_s = 1000000;
    object->size = strlen(key);
    object->of = of;
    return object;
}

static void drop(const char *key)
{
    struct stored *object = find(key);
    assert_non_null(object);
    free(object->key);
    const size_t place = (size_t)(object - w.objects);
    memmove(object, object + 1, (--w.count - place) * sizeof *w.objects);
}

static void request_closed(uv_handle_t *handle)
{
    struct object_request *request =
        container_of((uv_timer_t *)handle, struct object_request, timer);
    free(request->key);
    free(request->after);
    free(request);
}

static void request_end(struct object_request *request)
{
    list_remove(&request->link);
    uv_close((uv_handle_t *)&request->timer, request_closed);
}

static void on_answer(uv_timer_t *timer)
{
    struct object_request *request = container_of(timer, struct object_request, timer);
    request_end(request);
    request->answer(request);
}

static struct object_request *request_make(const char *key, void *user,
                                           void (*answer)(struct object_request *request),
                                           struct object_request **out)
{
    struct object_request *request = calloc(1, sizeof *request);
    request->key = strdup(key ? key : "");
    request->user = user;
    request->answer = answer;
    list_push(&w.pending, &request->link);
    uv_timer_init(&w.loop, &request->timer);
    uv_timer_start(&request->timer, on_answer, 1, 0);
    *out = request;
    return request;
}

static const struct error none = {0};

static void list_answer(struct object_request *request)
{
    static struct object_entry entries[PAGE];
    size_t count = 0, at = place_of(request->key);
    if (w.list_code && w.failing &&
        (!w.list_refused || strcmp(w.list_refused, request->key) == 0)) {
        const struct error error = {w.list_code, "the test says no"};
        w.failing--;
        request->call.listed(NULL, 0, false, &error, request->user);
        return;
    }
    if (request->after && strcmp(request->after, request->key) > 0)
        at = place_of(request->after) + (find(request->after) != NULL);
    for (; at < w.count && count < PAGE &&
           strncmp(w.objects[at].key, request->key, strlen(request->key)) == 0;
         at++)
        entries[count++] = (struct object_entry){w.objects[at].key, w.objects[at].size, "etag",
                                                 w.objects[at].modified_s * 1000};
    const bool more = count == PAGE && at < w.count &&
                      strncmp(w.objects[at].key, request->key, strlen(request->key)) == 0;
    request->call.listed(entries, count, more, &none, request->user);
}

static int store_list(struct object_store *store, const char *bucket, const char *prefix,
                      const char *after, object_listed *done, void *user,
                      struct object_request **out)
{
    (void)store;
    assert_string_equal(bucket, "photos");
    struct object_request *request = request_make(prefix, user, list_answer, out);
    request->after = after ? strdup(after) : NULL;
    request->call.listed = done;
    w.lists++;
    if (after && !*w.first_after)
        snprintf(w.first_after, sizeof w.first_after, "%s", after);
    return 0;
}

static void head_answer(struct object_request *request)
{
    const struct error missing = {ERR_NOT_FOUND, "no such key"};
    const struct stored *object = find(request->key);
    const struct object_pair marks[] = {
        {OUTPUT_MARK_BUCKET, "photos"},
        {OUTPUT_MARK_SOURCE, object && object->of ? object->of : ""},
        {OUTPUT_MARK_SIZE, "320x240"},
        {OUTPUT_MARK_IMAGE, "4000x3000"},
        {"colour", "#aa2211"}};
    if (!object) {
        request->call.head(NULL, &missing, request->user);
        return;
    }
    const struct object_facts facts = {.size = object->size,
                                       .etag = "etag",
                                       .modified_s = object->modified_s,
                                       .metadata = marks,
                                       .metadata_count = object->of ? 5 : 0};
    request->call.head(&facts, &none, request->user);
}

static int store_head(struct object_store *store, const struct object_name *name,
                      object_head_done *done, void *user, struct object_request **out)
{
    (void)store;
    w.heads++;
    request_make(name->key, user, head_answer, out)->call.head = done;
    return 0;
}

static void tags_answer(struct object_request *request)
{
    const struct object_pair tags[] = {{"Dominant Colour", "Blue"}, {"trip", "Norway"}};
    request->call.tags(tags, 2, &none, request->user);
}

static int store_tags(struct object_store *store, const struct object_name *name,
                      object_tags_got *done, void *user, struct object_request **out)
{
    (void)store;
    request_make(name->key, user, tags_answer, out)->call.tags = done;
    return 0;
}

static void remove_answer(struct object_request *request)
{
    const struct error error = {w.remove_code, "the test says no"};
    if (!w.remove_code && find(request->key))
        drop(request->key);
    request->call.done(&error, request->user);
}

static int store_remove(struct object_store *store, const struct object_name *name,
                        object_done *done, void *user, struct object_request **out)
{
    (void)store;
    w.removes++;
    request_make(name->key, user, remove_answer, out)->call.done = done;
    return 0;
}

static const struct object_store_ops store_ops = {.list = store_list,
                                                  .head = store_head,
                                                  .get_tags = store_tags,
                                                  .remove = store_remove,
                                                  .cancel = request_end};

/* ---- the library ---- */

static void on_changed(json_t *photo, void *user)
{
    (void)user;
    const size_t used = strlen(w.states);
    w.changed++;
    snprintf(w.states + used, sizeof w.states - used, "%s:%s ",
             json_string_value(json_object_get(photo, "name")),
             json_string_value(json_object_get(photo, "state")));
}

static void on_gone(const char *bucket, const char *key, void *user)
{
    (void)bucket;
    (void)key;
    (void)user;
    w.gone++;
}

static void on_laid_out(uint64_t revision, int64_t total, void *user)
{
    (void)revision;
    (void)user;
    w.laid_out++;
    w.total = total;
}

static void on_progressed(bool done, uint64_t listed, int64_t total, void *user)
{
    (void)listed;
    (void)user;
    w.scans += done;
    w.total = total;
}

static bool is_watched(void *user)
{
    (void)user;
    return true;
}

static bool is_informed(void *user)
{
    (void)user;
    return w.informed;
}

static struct photo_config *config_make(void)
{
    static const struct photo_place place = {"photos", "ingest/"};
    struct photo_config *config;
    assert_int_equal(photo_config_make(&ops, w.pipelines, w.pipeline_count, &place, 1, &config), 0);
    return config;
}

static void library_open(void)
{
    struct error error = {0};
    const struct photo_library_options options = {.loop = &w.loop,
                                                  .store = &w.store,
                                                  .index_path = w.path,
                                                  .changed = on_changed,
                                                  .gone = on_gone,
                                                  .laid_out = on_laid_out,
                                                  .progressed = on_progressed,
                                                  .watched = is_watched,
                                                  .informed = is_informed};
    w.scans = 0;
    assert_int_equal(photo_library_open(&options, config_make(), &w.library, &error), 0);
}

static void on_closed(void *user)
{
    *(bool *)user = true;
}

#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        while (!(condition))                                                                       \
            uv_run(&w.loop, UV_RUN_ONCE);                                                          \
    } while (0)

static void library_close(void)
{
    if (!w.library)
        return;
    w.closed = false;
    photo_library_close(w.library, on_closed, &w.closed);
    UNTIL(w.closed);
    w.library = NULL;
}

static int setup(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    uv_loop_init(&w.loop);
    list_init(&w.pending);
    w.store.ops = &store_ops;
    strcpy(w.directory, "/tmp/thumbwheel-photos-XXXXXX");
    assert_non_null(mkdtemp(w.directory));
    snprintf(w.path, sizeof w.path, "%s/index.sqlite", w.directory);
    w.pipelines[0] = &web;
    w.pipelines[1] = &small;
    w.pipeline_count = 2;
    return 0;
}

static int teardown(void **state)
{
    struct error error;
    (void)state;
    library_close();
    assert_true(list_empty(&w.pending));
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w.loop), 0); /* no handle is left behind */
    while (w.count)
        drop(w.objects[w.count - 1].key);
    return directory_remove(w.directory, &error);
}

/* ---- questions ---- */

struct question {
    struct index_task task;
    struct photo_filter filter;
    int64_t first, count, total;
    json_t *photos;
    struct buffer aspects;
    bool done;
    int code;
};

static int question_run(struct index_task *task, struct photo_db *db)
{
    struct question *q = container_of(task, struct question, task);
    int code = query_page(db, &q->filter, q->first, q->count, &q->photos, &task->error);
    if (code)
        return code;
    code = query_layout(db, &q->filter, &q->aspects, &task->error);
    return code ? code : query_count(db, &q->filter, &q->total, &task->error);
}

static void question_done(struct index_task *task, int code)
{
    struct question *q = container_of(task, struct question, task);
    q->code = code;
    q->done = true;
}

/* conditions: name, value, …, NULL. */
static struct question *ask(int64_t first, int64_t count, const char *const *conditions)
{
    static struct question q;
    json_decref(q.photos);
    buffer_free(&q.aspects);
    photo_filter_clear(&q.filter);
    memset(&q, 0, sizeof q);
    q.first = first;
    q.count = count;
    buffer_init(&q.aspects, 1 << 20);
    for (; conditions && *conditions; conditions += 2) {
        bool known;
        struct error error;
        assert_int_equal(photo_filter_add(&q.filter, conditions[0], conditions[1], &known, &error),
                         0);
        assert_true(known);
    }
    q.task = (struct index_task){.run = question_run, .done = question_done};
    photo_index_submit(photo_library_index(w.library), &q.task);
    UNTIL(q.done);
    assert_int_equal(q.code, 0);
    assert_int_equal(q.aspects.size, q.total);
    return &q;
}

#define ASK(first, count, ...) ask(first, count, (const char *const[]){__VA_ARGS__, NULL, NULL})

static const char *text_of(const struct question *q, size_t index, const char *member)
{
    return json_string_value(json_object_get(json_array_get(q->photos, index), member));
}

static void ask_end(void)
{
    struct question *q = ASK(0, 1, "sort", "name");
    json_decref(q->photos);
    q->photos = NULL;
    buffer_free(&q->aspects);
    photo_filter_clear(&q->filter);
}

static void seed(unsigned count)
{
    char photo[64], output[64];
    for (unsigned i = 0; i < count; i++) {
        snprintf(photo, sizeof photo, "ingest/%u/IMG_%05u.jpg", i % 10, i);
        snprintf(output, sizeof output, "web/IMG_%05u.jpg", i);
        put(photo, NULL)->modified_s = 900000 + i;
        put(output, "x");
    }
}

/* ---- the scan ---- */

static void twenty_thousand_photos_are_listed_counted_and_found(void **state)
{
    (void)state;
    const unsigned count = 20000;
    char name[32];
    w.pipeline_count = 1;
    seed(count);
    put("ingest/readme.txt", NULL);
    put("ingest/line\nbreak.jpg", NULL); /* cannot be named in a request */
    put("private/x.jpg", NULL);
    library_open();
    UNTIL(w.scans);
    assert_int_equal(w.total, count);
    assert_int_equal(ASK(0, 1, "state", "done")->total, count);
    for (unsigned first = 0; first < count; first += 4999) {
        struct question *q = ASK(first, 3, "sort", "name");
        assert_int_equal(q->total, count);
        for (unsigned i = 0; i < json_array_size(q->photos); i++) {
            snprintf(name, sizeof name, "IMG_%05u.jpg", first + i);
            assert_string_equal(text_of(q, i, "name"), name);
        }
    }
    assert_string_equal(text_of(ASK(0, 1, "sort", "newest"), 0, "name"), "IMG_19999.jpg");
    assert_string_equal(text_of(ASK(0, 1, "sort", "oldest"), 0, "name"), "IMG_00000.jpg");
    assert_int_equal(json_array_size(ASK(count, 10, "sort", "name")->photos), 0);
    assert_int_equal(ASK(0, 1, "q", "img_0123")->total, 10);
    assert_int_equal(ASK(0, 1, "q", "img 777 0")->total, 21);
    ask_end();
}

static void what_is_gone_from_the_store_leaves_the_index(void **state)
{
    (void)state;
    seed(1500);
    library_open();
    UNTIL(w.scans);
    drop("ingest/3/IMG_00003.jpg");
    drop("web/IMG_00004.jpg");
    put("ingest/0/new.jpg", NULL);
    UNTIL(w.gone == 1 && w.scans > 1);
    struct question *q = ASK(0, 2000, "sort", "name");
    assert_int_equal(q->total, 1500);
    assert_string_equal(text_of(q, 3, "name"), "IMG_00004.jpg");
    assert_int_equal(json_array_size(json_object_get(json_array_get(q->photos, 3), "renditions")),
                     0);
    assert_int_equal(ASK(0, 1, "q", "new.jpg")->total, 1);
    ask_end();
}

static void a_store_that_is_down_is_asked_again(void **state)
{
    (void)state;
    seed(100);
    w.list_code = ERR_NETWORK;
    w.failing = 5;
    library_open();
    UNTIL(w.scans);
    assert_int_equal(w.failing, 0);
    assert_int_equal(ASK(0, 1, "sort", "name")->total, 100);
    ask_end();
}

static void nothing_is_removed_because_a_listing_was_refused(void **state)
{
    (void)state;
    seed(100);
    w.pipeline_count = 1;
    library_open();
    UNTIL(w.scans);
    w.list_code = ERR_DENIED;
    w.failing = 100;
    w.list_refused = "web/";
    const unsigned scans = w.scans;
    drop("ingest/3/IMG_00003.jpg");
    UNTIL(w.scans > scans + 2 && w.gone);
    assert_int_equal(ASK(0, 1, "state", "done")->total, 99);
    w.list_refused = "ingest/";
    drop("ingest/4/IMG_00004.jpg");
    const unsigned later = w.scans;
    UNTIL(w.scans > later + 2);
    assert_int_equal(ASK(0, 1, "state", "done")->total, 99);
    ask_end();
}

static void an_interrupted_scan_goes_on_where_it_was(void **state)
{
    (void)state;
    seed(8000);
    library_open();
    UNTIL(w.lists == 5);
    library_close();
    w.first_after[0] = '\0';
    w.lists = 0;
    library_open();
    UNTIL(w.scans);
    assert_true(*w.first_after);
    assert_in_range(w.lists, 1, 8 + 8 + 8 - 4 + 1);
    assert_int_equal(ASK(0, 1, "sort", "name")->total, 8000);
    ask_end();
}

static void other_pipelines_build_the_index_anew(void **state)
{
    (void)state;
    seed(50);
    library_open();
    UNTIL(w.scans);
    assert_int_equal(ASK(0, 1, "state", "done")->total, 0); /* those of "small" are missing */
    w.pipeline_count = 1;
    w.scans = 0;
    photo_library_configure(w.library, config_make());
    UNTIL(w.scans > 1);
    assert_int_equal(ASK(0, 1, "state", "done")->total, 50);
    library_close();
    w.pipeline_count = 2;
    library_open();
    UNTIL(w.scans);
    assert_int_equal(ASK(0, 1, "state", "waiting")->total, 50);
    ask_end();
}

static void without_a_disk_the_index_is_in_memory(void **state)
{
    (void)state;
    seed(50);
    snprintf(w.path, sizeof w.path, "%s/missing/index.sqlite", w.directory);
    library_open();
    UNTIL(w.scans);
    assert_int_equal(ASK(0, 1, "sort", "name")->total, 50);
    ask_end();
}

/* ---- outputs ---- */

static void keys_with_sizes_lead_back_to_their_photo(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *key;
        bool found;
    } rows[] = {
        {"small/a-" PIPELINE_NUMBER ".jpg", "small/a-640.jpg", true},
        {"small/IMG_12-" PIPELINE_NUMBER "x" PIPELINE_NUMBER ".jpg", "small/IMG_12-640x480.jpg",
         true},
        {PIPELINE_NUMBER "/2026/IMG_12.jpg", "640/2026/IMG_12.jpg", true},
        {"s" PIPELINE_NUMBER "1.jpg", "s6401.jpg", true},
        {"web/a1.jpg", "web/a1.jpg", true},
        {"small/a-" PIPELINE_NUMBER ".jpg", "small/b-640.jpg", false},
        {"small/a-" PIPELINE_NUMBER ".jpg", "small/a-.jpg", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t hashes[PHOTO_MATCH_MAX];
        const uint64_t wanted = photo_match_hash(7, "b", rows[i].pattern);
        const size_t count = photo_match_candidates(7, "b", rows[i].key, true, hashes);
        bool found = false;
        for (size_t j = 0; j < count; j++)
            found |= hashes[j] == wanted;
        assert_int_equal(found, rows[i].found);
        assert_int_equal(key_pattern_matches(rows[i].pattern, rows[i].key), rows[i].found);
    }
    char digits[OBJECT_KEY_MAX + 1] = {0};
    uint64_t hashes[PHOTO_MATCH_MAX];
    memset(digits, '7', OBJECT_KEY_MAX);
    assert_int_equal(photo_match_candidates(7, "b", digits, true, hashes), PHOTO_MATCH_MAX);
}

static void details_are_read_from_the_newest_photo_on(void **state)
{
    (void)state;
    put("ingest/IMG_7.jpg", NULL);
    put("web/IMG_7.jpg", "ingest/IMG_7.jpg");
    put("small/IMG_7-64.jpg", "ingest/IMG_7.jpg");
    library_open();
    UNTIL(strstr(w.states, "IMG_7.jpg:done"));
    struct question *q = NULL;
    while (!q || !q->total)
        q = ASK(0, 1, "tag", "trip:Norway", "colour", "#aa2010");
    const json_t *photo = json_array_get(q->photos, 0);
    assert_int_equal(json_integer_value(json_object_get(photo, "width")), 4000);
    const json_t *renditions = json_object_get(photo, "renditions");
    assert_int_equal(json_array_size(renditions), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(renditions, 1), "height")),
                     240);
    assert_int_equal((unsigned char)q->aspects.data[0], query_aspect(4000, 3000));
    ask_end();
}

/* ---- the engine ---- */

static char output_name[32];

static void engine_tells(enum outcome outcome, const char *reason)
{
    struct rendition rendition = {.key = output_name, .width = 320, .height = 240};
    const struct image_facts image = {.width = 3000, .height = 4000, .orientation = 6};
    const struct engine_record record = {.pipeline = "web",
                                         .message = "m",
                                         .bucket = "photos",
                                         .key = "ingest/a.jpg",
                                         .outcome = outcome,
                                         .reason = reason,
                                         .detail = reason,
                                         .renditions = &rendition,
                                         .rendition_count = outcome == OUTCOME_ACK,
                                         .image = &image};
    photo_library_record(w.library, &record);
}

static void engine_steps(const char *name)
{
    const struct engine_step step = {
        .pipeline = "web", .message = "m", .bucket = "photos", .key = "ingest/a.jpg", .step = name};
    photo_library_step(w.library, &step);
}

static void the_engine_tells_what_happens_to_a_photo(void **state)
{
    (void)state;
    strcpy(output_name, "web/a.jpg");
    w.pipeline_count = 1;
    w.informed = true;
    library_open();
    UNTIL(w.scans);
    put("ingest/a.jpg", NULL);
    engine_steps("fetching");
    UNTIL(strstr(w.states, "a.jpg:working"));
    engine_tells(OUTCOME_RETRY, "timeout");
    UNTIL(strstr(w.states, "a.jpg:retrying"));
    engine_steps("fetching");
    engine_tells(OUTCOME_REJECT, "corrupt");
    UNTIL(strstr(w.states, "a.jpg:rejected"));
    engine_steps("fetching");
    engine_tells(OUTCOME_ACK, "");
    UNTIL(strstr(w.states, "a.jpg:done"));
    struct question *q = ASK(0, 1, "state", "done");
    const json_t *photo = json_array_get(q->photos, 0);
    assert_int_equal(json_integer_value(json_object_get(photo, "width")), 4000);
    assert_int_equal(json_array_size(json_object_get(photo, "renditions")), 1);
    ask_end();
}

/* The extension of `format: auto` is known only to the engine. */
static void an_output_may_have_another_extension_than_expected(void **state)
{
    (void)state;
    strcpy(output_name, "web/a.webp");
    w.pipeline_count = 1;
    w.informed = true;
    library_open();
    UNTIL(w.scans);
    put("ingest/a.jpg", NULL);
    put("web/a.webp", "ingest/a.jpg");
    engine_steps("fetching");
    engine_tells(OUTCOME_ACK, "");
    UNTIL(strstr(w.states, "a.jpg:done"));
    const unsigned scans = w.scans;
    UNTIL(w.scans > scans + 1);
    assert_int_equal(ASK(0, 1, "state", "done")->total, 1); /* a scan does not forget it */
    ask_end();
}

/* ---- removal ---- */

static struct error removed;
static bool removal_done;

static void on_removed(const char *bucket, const char *key, const struct error *error, void *user)
{
    (void)bucket;
    (void)key;
    (void)user;
    removed = *error;
    removal_done = true;
}

static int removal_of(const char *key, const char *etag)
{
    removal_done = false;
    assert_non_null(
        photo_removal_start(&(struct photo_removal_options){.store = &w.store,
                                                            .index = photo_library_index(w.library),
                                                            .bucket = "photos",
                                                            .key = key,
                                                            .etag = etag,
                                                            .done = on_removed}));
    UNTIL(removal_done);
    return removed.code;
}

static void a_photo_is_removed_with_its_own_outputs(void **state)
{
    (void)state;
    w.pipelines[2] = &twin; /* writes the same output as "web" */
    w.pipeline_count = 3;
    put("ingest/a.jpg", NULL);
    put("web/a.jpg", "ingest/a.jpg");
    put("small/a-64.jpg", "ingest/a.jpg");
    put("small/a-32.jpg", "ingest/a.jpg"); /* of an earlier size */
    put("small/a-16.jpg", "ingest/other.jpg");
    put("small/a-8.jpg", NULL);
    put("small/a-big.jpg", "ingest/a.jpg");
    library_open();
    UNTIL(w.scans);
    assert_int_equal(removal_of("ingest/a.jpg", "another"), ERR_CONFLICT);
    assert_int_equal(w.count, 7);
    w.remove_code = ERR_SERVER;
    assert_int_equal(removal_of("ingest/a.jpg", "etag"), ERR_SERVER);
    assert_int_equal(w.count, 7);
    w.remove_code = 0;
    assert_int_equal(removal_of("ingest/a.jpg", "etag"), 0);
    assert_int_equal(w.count, 3);
    assert_non_null(find("small/a-16.jpg"));
    assert_non_null(find("small/a-8.jpg"));
    assert_non_null(find("small/a-big.jpg"));
    assert_int_equal(ASK(0, 1, "sort", "name")->total, 0);
    ask_end();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(twenty_thousand_photos_are_listed_counted_and_found),
        CASE(what_is_gone_from_the_store_leaves_the_index),
        CASE(a_store_that_is_down_is_asked_again),
        CASE(nothing_is_removed_because_a_listing_was_refused),
        CASE(an_interrupted_scan_goes_on_where_it_was),
        CASE(other_pipelines_build_the_index_anew),
        CASE(without_a_disk_the_index_is_in_memory),
        CASE(keys_with_sizes_lead_back_to_their_photo),
        CASE(details_are_read_from_the_newest_photo_on),
        CASE(the_engine_tells_what_happens_to_a_photo),
        CASE(an_output_may_have_another_extension_than_expected),
        CASE(a_photo_is_removed_with_its_own_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
