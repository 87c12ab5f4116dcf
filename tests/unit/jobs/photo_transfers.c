/* Local files to objects and back: finding, naming and transferring photos.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "container_of.h"
#include "files.h"
#include "object_downloader.h"
#include "photo_uploader.h"
#include "photos.h"

enum { OBJECTS_MAX = 64 };

/* ---- a store in memory ---- */

struct object_request {
    uv_timer_t timer;
    struct memory_store *store;
    struct object_put put;
    char key[64];
    void (*finish)(struct object_request *request);
    object_done *done;
    object_got *got;
    void *user;
};

struct stored {
    char key[64], type[64];
    char *body;
    size_t size;
};

struct memory_store {
    struct object_store seam;
    uv_loop_t *loop;
    struct stored objects[OBJECTS_MAX];
    size_t count, active, most_active;
    const char *refuse; /* this key fails */
    const char *refuse_at_once;
};

static void free_request(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct object_request, timer));
}

static void on_timer(uv_timer_t *timer)
{
    struct object_request *request = container_of(timer, struct object_request, timer);
    request->store->active--;
    request->finish(request);
    uv_close((uv_handle_t *)timer, free_request);
}

static struct object_request *request_start(struct object_store *seam,
                                            void (*finish)(struct object_request *))
{
    struct object_request *request = calloc(1, sizeof *request);
    struct memory_store *store = container_of(seam, struct memory_store, seam);
    assert_non_null(request);
    request->store = store;
    request->finish = finish;
    if (++store->active > store->most_active)
        store->most_active = store->active;
    uv_timer_init(store->loop, &request->timer);
    uv_timer_start(&request->timer, on_timer, 1, 0);
    return request;
}

static void finish_put(struct object_request *request)
{
    struct memory_store *store = request->store;
    struct error error = {0};
    if (store->refuse && strcmp(store->refuse, request->key) == 0) {
        error_set(&error, ERR_DENIED, "not for you");
    } else {
        struct stored *object = &store->objects[store->count++];
        snprintf(object->key, sizeof object->key, "%s", request->key);
        snprintf(object->type, sizeof object->type, "%s", request->put.content_type);
        object->size = request->put.body_size;
        object->body = malloc(object->size + 1);
        assert_non_null(object->body);
        memcpy(object->body, request->put.body, object->size);
    }
    request->done(&error, request->user);
}

static int memory_put(struct object_store *seam, const struct object_put *put, object_done *done,
                      void *user, struct object_request **out)
{
    struct memory_store *store = container_of(seam, struct memory_store, seam);
    if (store->refuse_at_once && strcmp(store->refuse_at_once, put->key) == 0)
        return ERR_MEMORY;
    struct object_request *request = request_start(seam, finish_put);
    request->put = *put;
    snprintf(request->key, sizeof request->key, "%s", put->key);
    request->done = done;
    request->user = user;
    *out = request;
    return 0;
}

static void finish_get(struct object_request *request)
{
    struct memory_store *store = request->store;
    struct error error = {0};
    struct bytes body = {0};
    for (size_t i = 0; i < store->count; i++)
        if (strcmp(store->objects[i].key, request->key) == 0)
            body = bytes_borrow(store->objects[i].body, store->objects[i].size);
    if (!body.data)
        error_set(&error, ERR_NOT_FOUND, "no such key");
    request->got(&body, NULL, &error, request->user);
}

static int memory_get(struct object_store *seam, const struct object_name *name, size_t max_size,
                      object_got *done, void *user, struct object_request **out)
{
    (void)max_size;
    struct object_request *request = request_start(seam, finish_get);
    snprintf(request->key, sizeof request->key, "%s", name->key);
    request->got = done;
    request->user = user;
    *out = request;
    return 0;
}

static const struct object_store_ops memory_ops = {.put = memory_put, .get = memory_get};

/* ---- fixture: a directory, a loop, a store ---- */

struct fixture {
    char directory[64];
    uv_loop_t loop;
    struct memory_store store;
    size_t ended;
    int codes[OBJECTS_MAX];
    uint64_t sizes[OBJECTS_MAX];
    char last_text[ERROR_TEXT_MAX];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    strcpy(f->directory, "/tmp/thumbwheel-test-XXXXXX");
    if (!mkdtemp(f->directory) || uv_loop_init(&f->loop))
        return -1;
    f->store.seam.ops = &memory_ops;
    f->store.loop = &f->loop;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < f->store.count; i++)
        free(f->store.objects[i].body);
    int busy = uv_loop_close(&f->loop);
    directory_remove(f->directory, NULL);
    free(f);
    return busy;
}

static char *make(struct fixture *f, const char *name, const char *content, char *path)
{
    snprintf(path, 256, "%s/%s", f->directory, name);
    assert_int_equal(file_write(path, content, strlen(content), NULL), 0);
    return path;
}

static void note(struct fixture *f, size_t index, uint64_t size, const struct error *error)
{
    f->codes[index] = error->code;
    f->sizes[index] = size;
    if (error->code)
        snprintf(f->last_text, sizeof f->last_text, "%s", error->text);
    f->ended++;
}

static void on_sent(size_t index, uint64_t bytes, const struct error *error, void *user)
{
    note(user, index, bytes, error);
}

/* ---- names ---- */

static void directories_are_searched_and_names_kept_apart(void **state)
{
    struct fixture *f = *state;
    struct photos photos = {0};
    char path[256];
    make(f, "b.jpg", "1", path);
    make(f, "a/b.jpg", "2", path);
    make(f, "c/d/b.jpg", "3", path);
    make(f, "c/notes.txt", "no image", path);
    make(f, ".hidden.jpg", "4", path);
    make(f, "Ü + 1%.PNG", "5", path);
    snprintf(path, sizeof path, "%s/c/loop", f->directory);
    assert_int_equal(symlink("..", path), 0);

    assert_int_equal(photos_add(&photos, f->directory, NULL), 0);
    assert_int_equal(photos.count, 4);
    assert_string_equal(photos.items[0].name, "b.jpg");
    assert_true(strstr(photos.items[0].path, "/a/b.jpg") != NULL);
    assert_string_equal(photos.items[1].name, "b-2.jpg");
    assert_string_equal(photos.items[2].name, "b-3.jpg");
    assert_string_equal(photos.items[3].name, "Ü + 1%.PNG");
    assert_int_equal(photos.skipped.count, 1);
    assert_true(strstr(photos.skipped.items[0], "notes.txt") != NULL);
    photos_clear(&photos);
}

static void a_chosen_name_is_free_too(void **state)
{
    struct fixture *f = *state;
    struct photos photos = {0};
    char path[256];
    assert_int_equal(photos_add(&photos, make(f, "1/x-2.jpg", "", path), NULL), 0);
    assert_int_equal(photos_add(&photos, make(f, "2/x.jpg", "", path), NULL), 0);
    assert_int_equal(photos_add(&photos, make(f, "3/x.jpg", "", path), NULL), 0);
    assert_int_equal(photos_add(&photos, make(f, "4/none", "", path), NULL), 0);
    assert_int_equal(photos_add(&photos, make(f, "5/none", "", path), NULL), 0);
    assert_string_equal(photos.items[2].name, "x-3.jpg");
    assert_string_equal(photos.items[4].name, "none-2");
    photos_clear(&photos);
}

static void named_files_are_sent_whatever_their_type(void **state)
{
    struct fixture *f = *state;
    struct photos photos = {0};
    struct error error = {0};
    char path[256];
    assert_int_equal(photos_add(&photos, make(f, "notes.txt", "", path), &error), 0);
    assert_int_equal(photos.count, 1);
    snprintf(path, sizeof path, "%s/missing.jpg", f->directory);
    assert_int_equal(photos_add(&photos, path, &error), ERR_NOT_FOUND);
    assert_non_null(strstr(error.text, "missing.jpg"));
    snprintf(path, sizeof path, "%s/pipe.jpg", f->directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(photos_add(&photos, path, &error), ERR_INVALID);
    photos_clear(&photos);
}

static void names_without_utf8_become_utf8(void **state)
{
    struct fixture *f = *state;
    struct photos photos = {0};
    char path[256];
    assert_int_equal(photos_add(&photos, make(f, "caf\xe9\033[31m.jpg", "", path), NULL), 0);
    assert_string_equal(photos.items[0].name, "caf??[31m.jpg");
    photos_clear(&photos);
}

static void types_follow_extensions(void **state)
{
    (void)state;
    assert_string_equal(photo_content_type("a.JPG"), "image/jpeg");
    assert_string_equal(photo_content_type("ingest/a.b.webp"), "image/webp");
    assert_string_equal(photo_content_type("a"), "application/octet-stream");
    assert_string_equal(photo_content_type("a.txt"), "application/octet-stream");
}

/* ---- uploads ---- */

static void files_arrive_whole_and_a_few_at_a_time(void **state)
{
    struct fixture *f = *state;
    enum { FILES = 20 };
    static char paths[FILES][256], keys[FILES][32];
    struct photo_upload items[FILES];
    struct photo_uploader *uploader;
    for (int i = 0; i < FILES; i++) {
        char name[32], content[32];
        snprintf(name, sizeof name, "%d.jpg", i);
        snprintf(content, sizeof content, "%.*s", i, "xxxxxxxxxxxxxxxxxxxx");
        snprintf(keys[i], sizeof keys[i], "ingest/%d.jpg", i);
        make(f, name, content, paths[i]);
        items[i] = (struct photo_upload){paths[i], keys[i]};
    }
    const struct photo_uploader_options options = {.store = &f->store.seam,
                                                   .bucket = "photos",
                                                   .items = items,
                                                   .count = FILES,
                                                   .max_bytes = 100,
                                                   .in_flight = 3,
                                                   .sent = on_sent,
                                                   .user = f};
    assert_int_equal(photo_uploader_start(&f->loop, &options, &uploader), 0);
    assert_false(photo_uploader_done(uploader));
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(photo_uploader_done(uploader));
    assert_int_equal(f->ended, FILES);
    assert_int_equal(f->store.count, FILES);
    assert_in_range(f->store.most_active, 1, 3);
    for (size_t i = 0; i < FILES; i++) {
        assert_int_equal(f->codes[i], 0);
        assert_int_equal(f->sizes[i], i);
        assert_string_equal(f->store.objects[i].type, "image/jpeg");
    }
    photo_uploader_free(uploader);
}

static void a_photo_that_cannot_be_sent_stops_nothing_else(void **state)
{
    struct fixture *f = *state;
    char good[256], large[256], missing[256], refused[256], unlucky[256];
    struct photo_uploader *uploader;
    snprintf(missing, sizeof missing, "%s/gone.jpg", f->directory);
    f->store.refuse = "refused";
    f->store.refuse_at_once = "unlucky";
    const struct photo_upload items[] = {
        {make(f, "large.jpg", "0123456789", large), "large"},
        {missing, "missing"},
        {make(f, "refused.jpg", "x", refused), "refused"},
        {make(f, "unlucky.jpg", "x", unlucky), "unlucky"},
        {make(f, "good.jpg", "123456789", good), "good"},
    };
    const struct photo_uploader_options options = {.store = &f->store.seam,
                                                   .bucket = "photos",
                                                   .items = items,
                                                   .count = 5,
                                                   .max_bytes = 9,
                                                   .in_flight = 1,
                                                   .sent = on_sent,
                                                   .user = f};
    assert_int_equal(photo_uploader_start(&f->loop, &options, &uploader), 0);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    const int expected[] = {ERR_LIMIT, ERR_NOT_FOUND, ERR_DENIED, ERR_MEMORY, 0};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(f->codes[i], expected[i]);
    assert_int_equal(f->store.count, 1);
    photo_uploader_free(uploader);
}

static void a_stopped_feeder_begins_no_more(void **state)
{
    struct fixture *f = *state;
    char path[256];
    struct photo_uploader *uploader;
    struct photo_upload items[10];
    make(f, "a.jpg", "x", path);
    for (size_t i = 0; i < 10; i++)
        items[i] = (struct photo_upload){path, "key"};
    const struct photo_uploader_options options = {.store = &f->store.seam,
                                                   .bucket = "photos",
                                                   .items = items,
                                                   .count = 10,
                                                   .max_bytes = 9,
                                                   .in_flight = 2,
                                                   .sent = on_sent,
                                                   .user = f};
    assert_int_equal(photo_uploader_start(&f->loop, &options, &uploader), 0);
    photo_uploader_stop(uploader);
    assert_false(photo_uploader_done(uploader));
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(photo_uploader_done(uploader));
    assert_int_equal(f->ended, 2);
    photo_uploader_free(uploader);
}

/* ---- downloads ---- */

static void on_fetched(size_t index, uint64_t bytes, const struct error *error, void *user)
{
    note(user, index, bytes, error);
}

static void objects_become_files(void **state)
{
    struct fixture *f = *state;
    struct object_downloader *downloader;
    struct bytes content = {0};
    f->store.objects[f->store.count++] =
        (struct stored){.key = "web/a.jpg", .body = strdup("hello"), .size = 5};
    char *path = object_download_path(f->directory, "web/a.jpg");
    const struct object_download items[] = {{"photos", "web/a.jpg", path},
                                            {"photos", "none", path}};
    const struct object_downloader_options options = {.store = &f->store.seam,
                                                      .items = items,
                                                      .count = 2,
                                                      .max_bytes = 100,
                                                      .in_flight = 1,
                                                      .fetched = on_fetched,
                                                      .user = f};
    assert_int_equal(object_downloader_start(&f->loop, &options, &downloader), 0);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(object_downloader_done(downloader));
    assert_int_equal(f->codes[0], 0);
    assert_int_equal(f->codes[1], ERR_NOT_FOUND);
    assert_int_equal(file_read(path, 100, &content, NULL), 0); /* the failure left it alone */
    assert_int_equal(content.size, 5);
    assert_memory_equal(content.data, "hello", 5);
    bytes_free(&content);
    object_downloader_free(downloader);
    free(path);
}

static void assert_path(const char *key, const char *expected)
{
    char *path = object_download_path("out", key);
    assert_string_equal(path, expected);
    free(path);
}

static void no_key_leads_out_of_the_directory(void **state)
{
    (void)state;
    assert_path("web/a.jpg", "out/web/a.jpg");
    assert_path("../../etc/passwd", "out/_/_/etc/passwd");
    assert_path("/etc/passwd", "out/_/etc/passwd");
    assert_path("a//b/./c/..", "out/a/_/b/_/c/_");
    assert_path("", "out/_");
    assert_path("..a/...", "out/..a/...");
}

static void long_names_stay_files(void **state)
{
    (void)state;
    char key[400] = "web/";
    for (size_t i = 0; i < 190; i++)
        strcat(key, "ü"); /* 380 bytes */
    strcat(key, ".jpg");
    char *one = object_download_path("out", key);
    key[4] = 'x'; /* the second byte of the first ü follows: not UTF-8, but another name */
    char *other = object_download_path("out", key);
    const char *name = strrchr(one, '/') + 1;
    assert_in_range(strlen(name), 200, 255);
    assert_string_equal(name + strlen(name) - 4, ".jpg");
    assert_string_not_equal(one, other);
    free(one);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(directories_are_searched_and_names_kept_apart, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_chosen_name_is_free_too, setup, teardown),
        cmocka_unit_test_setup_teardown(named_files_are_sent_whatever_their_type, setup, teardown),
        cmocka_unit_test_setup_teardown(names_without_utf8_become_utf8, setup, teardown),
        cmocka_unit_test(types_follow_extensions),
        cmocka_unit_test_setup_teardown(files_arrive_whole_and_a_few_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_photo_that_cannot_be_sent_stops_nothing_else, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_stopped_feeder_begins_no_more, setup, teardown),
        cmocka_unit_test_setup_teardown(objects_become_files, setup, teardown),
        cmocka_unit_test(no_key_leads_out_of_the_directory),
        cmocka_unit_test(long_names_stay_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
