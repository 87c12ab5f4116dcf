/* Objects on disk: the index, listing, blob files, and recovery after a crash. */
#include "bucket_world.h"

#include <inttypes.h>

struct thing {
    const char *key;
    const char *body;
    uint64_t id;
    bool as_blob;
    int fails_with; /* after all has been done */
    struct object_condition condition;
};

static int put(struct fixture *f, void *argument, struct error *error)
{
    struct thing *thing = argument;
    char etag[40], none[] = "", type[] = "image/jpeg";
    snprintf(etag, sizeof(etag), "etag-%" PRIu64, thing->id);
    struct object object = {.id = thing->id,
                            .size = strlen(thing->body),
                            .modified_ms = 1000,
                            .blob = thing->as_blob ? thing->id : 0,
                            .etag = etag,
                            .content_type = type,
                            .headers = none,
                            .tags = none,
                            .checksum = none};
    int code = thing->as_blob ? write_blob(f, thing->id, thing->body, error) : 0;
    if (code)
        return code;
    code = objects_put(blobs_of(f), f->bucket, thing->key, &object, slice_of(thing->body),
                       &thing->condition, error);
    if (code)
        return code;
    return thing->fails_with;
}

static int put_thing(struct fixture *f, const char *key, const char *body, bool as_blob)
{
    struct thing thing = {
        .key = key, .body = body, .id = buckets_next_number(f->cloud.buckets), .as_blob = as_blob};
    return on_storage(f, put, &thing);
}

struct found {
    const char *key;
    struct buffer body;
};

static int read_blob(struct fixture *f, uint64_t id, struct buffer *out, struct error *error)
{
    int fd;
    char data[4096];
    int code = blob_read_open(blobs_of(f), id, &fd, error);
    if (code)
        return code;
    for (ssize_t size; (size = read(fd, data, sizeof(data))) > 0;)
        buffer_append(out, data, (size_t)size);
    close(fd);
    return 0;
}

static int get(struct fixture *f, void *argument, struct error *error)
{
    struct found *found = argument;
    struct object object;
    int code = objects_find(f->cloud.storage, f->bucket, found->key, &object, error);
    if (code)
        return code;
    code = object.blob ? read_blob(f, object.blob, &found->body, error)
                       : objects_read_inline(f->cloud.storage, object.id, &found->body, error);
    object_clear(&object);
    return code;
}

/* The content, or NULL if there is no such object. Static. */
static const char *content(struct fixture *f, const char *key)
{
    static char text[65536];
    struct found found = {.key = key};
    buffer_init(&found.body, sizeof(text) - 1);
    int code = on_storage(f, get, &found);
    assert_true(code == 0 || code == ERR_NOT_FOUND);
    snprintf(text, sizeof(text), "%s", found.body.data ? found.body.data : "");
    buffer_free(&found.body);
    return code ? NULL : text;
}

static void a_stored_object_is_found(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_thing(f, "small", "row", false), 0);
    assert_int_equal(put_thing(f, "large", "file", true), 0);
    assert_string_equal(content(f, "small"), "row");
    assert_string_equal(content(f, "large"), "file");
    assert_null(content(f, "other"));
    close_state(f);
    open_state(f);
    assert_string_equal(content(f, "small"), "row");
    assert_string_equal(content(f, "large"), "file");
}

static void replacing_and_deleting_leave_no_file(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_thing(f, "k", "one", true), 0);
    assert_int_equal(put_thing(f, "k", "two", true), 0);
    assert_int_equal(put_thing(f, "k2", "three", true), 0);
    settle(f);
    assert_int_equal(files_in(f, "blobs"), 2);
    assert_string_equal(content(f, "k"), "two");
    assert_int_equal(put_thing(f, "k", "row now", false), 0);
    assert_int_equal(delete_key(f, "k2"), 0);
    assert_int_equal(delete_key(f, "k2"), ERR_NOT_FOUND);
    settle(f);
    assert_int_equal(files_in(f, "blobs"), 0);
    assert_int_equal(files_in(f, "incoming"), 0);
    assert_string_equal(content(f, "k"), "row now");
}

/* A unit that fails late: the old object stays, and the new file is still the uploader's to
 * discard. */
static void an_undone_put_changes_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_thing(f, "k", "old", true), 0);
    struct thing thing = {.key = "k",
                          .body = "new",
                          .id = buckets_next_number(f->cloud.buckets),
                          .as_blob = true,
                          .fails_with = ERR_MEMORY};
    assert_int_equal(on_storage(f, put, &thing), ERR_MEMORY);
    assert_string_equal(content(f, "k"), "old");
    assert_int_equal(files_in(f, "incoming"), 1);
    close_state(f);
    open_state(f); /* as after a crash: what nothing names is deleted */
    assert_int_equal(files_in(f, "incoming"), 0);
    assert_string_equal(content(f, "k"), "old");
}

/* As if the process had died between the commit and the rename. */
static void a_committed_file_in_incoming_is_adopted(void **state)
{
    struct fixture *f = *state;
    char from[512], to[128];
    uint64_t id = buckets_next_number(f->cloud.buckets) + 1;
    assert_int_equal(put_thing(f, "k", "kept", true), 0);
    settle(f);
    snprintf(to, sizeof(to), "%s/incoming/%016" PRIx64, f->directory, id);
    snprintf(from, sizeof(from), "mv %s/blobs/*/%016" PRIx64 " %s", f->directory, id, to);
    assert_int_equal(system(from), 0);
    assert_string_equal(content(f, "k"), "kept"); /* readers look there too */
    close_state(f);
    open_state(f);
    assert_int_equal(files_in(f, "incoming"), 0);
    assert_int_equal(files_in(f, "blobs"), 1);
    assert_string_equal(content(f, "k"), "kept");
}

static void an_open_blob_outlives_its_object(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    char text[8] = "";
    int fd;
    uint64_t id = buckets_next_number(f->cloud.buckets) + 1;
    assert_int_equal(put_thing(f, "k", "still", true), 0);
    settle(f);
    assert_int_equal(blob_read_open(blobs_of(f), id, &fd, &error), 0);
    assert_int_equal(delete_key(f, "k"), 0);
    settle(f);
    assert_int_equal(files_in(f, "blobs"), 0);
    assert_int_equal(read(fd, text, sizeof(text)), 5);
    assert_string_equal(text, "still");
    close(fd);
}

static void conditions_guard_a_write(void **state)
{
    struct fixture *f = *state;
    struct thing thing = {.key = "k",
                          .body = "1",
                          .id = buckets_next_number(f->cloud.buckets),
                          .condition = {.if_absent = true}};
    assert_int_equal(on_storage(f, put, &thing), 0);
    char etag[40];
    snprintf(etag, sizeof(etag), "etag-%" PRIu64, thing.id);
    thing.id = buckets_next_number(f->cloud.buckets);
    assert_int_equal(on_storage(f, put, &thing), ERR_CONFLICT);
    thing.condition = (struct object_condition){.if_match = "other"};
    assert_int_equal(on_storage(f, put, &thing), ERR_CONFLICT);
    thing.condition = (struct object_condition){.if_match = etag};
    assert_int_equal(on_storage(f, put, &thing), 0);
}

/* Buckets. */

static void buckets_survive_and_must_be_empty_to_go(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(create_bucket(f, "photos"), ERR_CONFLICT);
    assert_int_equal(create_bucket(f, "another"), 0);
    assert_int_equal(put_thing(f, "k", "v", false), 0);
    buckets_delete(f->cloud.buckets, "photos", on_bucket, f);
    assert_int_equal(await(f), ERR_CONFLICT);
    buckets_delete(f->cloud.buckets, "nowhere", on_bucket, f);
    assert_int_equal(await(f), ERR_NO_CONTAINER);
    close_state(f);
    open_state(f);
    assert_int_equal(buckets_count(f->cloud.buckets), 2);
    assert_string_equal(buckets_at(f->cloud.buckets, 0).name, "another");
    assert_int_equal(delete_key(f, "k"), 0);
    buckets_delete(f->cloud.buckets, "photos", on_bucket, f);
    assert_int_equal(await(f), 0);
    assert_int_equal(put_thing(f, "k", "v", false), ERR_NO_CONTAINER);
}

static void numbers_rise_across_openings(void **state)
{
    struct fixture *f = *state;
    uint64_t last = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10; i++) {
            uint64_t number = buckets_next_number(f->cloud.buckets);
            assert_true(number > last);
            last = number;
        }
        close_state(f);
        open_state(f);
    }
}

static int no_messages(const struct notification *notification, struct storage_unit *unit,
                       void *user)
{
    (void)notification;
    (void)unit;
    (void)user;
    return 0;
}

static void notifications_survive(void **state)
{
    struct fixture *f = *state;
    struct notification notification = {0};
    struct notification_rule *rule = notification_add(&notification);
    struct bucket bucket;
    *rule = (struct notification_rule){.id = strdup("id"),
                                       .target = strdup("arn:aws:sns:r:a:t"),
                                       .topic = true,
                                       .events = strdup("s3:ObjectCreated:* s3:ObjectRemoved:*"),
                                       .prefix = strdup("in/"),
                                       .suffix = strdup("")};
    assert_int_equal(buckets_set_notification(f->cloud.buckets, "photos", &notification,
                                              no_messages, on_bucket, f),
                     0);
    assert_int_equal(await(f), 0);
    for (int round = 0; round < 2; round++) {
        assert_true(buckets_find(f->cloud.buckets, "photos", &bucket));
        assert_int_equal(bucket.notification->count, 1);
        assert_string_equal(bucket.notification->rules[0].target, "arn:aws:sns:r:a:t");
        assert_true(notification_rule_matches(&bucket.notification->rules[0],
                                              "s3:ObjectRemoved:Delete", "in/x"));
        close_state(f);
        open_state(f);
    }
}

/* Listing. */

struct listing {
    struct object_listing what;
    struct object_page page;
};

static int list(struct fixture *f, void *argument, struct error *error)
{
    struct listing *listing = argument;
    return objects_list(f->cloud.storage, f->bucket, &listing->what, &listing->page, error);
}

/* Pages of `max`, joined by spaces; common prefixes in brackets. */
static void assert_listed(struct fixture *f, const char *prefix, const char *delimiter,
                          const char *after, unsigned max, const char *expected)
{
    struct buffer out;
    char position[64];
    bool more = true;
    buffer_init(&out, 4096);
    buffer_text(&out, "");
    snprintf(position, sizeof(position), "%s", after);
    while (more) {
        struct listing l = {.what = {.prefix = slice_of(prefix),
                                     .delimiter = slice_of(delimiter),
                                     .after = slice_of(position),
                                     .max = max}};
        assert_int_equal(on_storage(f, list, &l), 0);
        assert_true(l.page.count <= max);
        more = l.page.truncated;
        for (size_t i = 0; i < l.page.count; i++) {
            struct object_listed *entry = &l.page.entries[i];
            buffer_format(&out, entry->common ? "[%s] " : "%s ", entry->key);
            snprintf(position, sizeof(position), "%s", entry->key);
        }
        object_page_free(&l.page);
    }
    assert_string_equal(out.data, expected);
    buffer_free(&out);
}

static void listing_follows_the_bytes_of_keys(void **state)
{
    struct fixture *f = *state;
    const char *const keys[] = {"b/2", "a", "b/1", "b0", "B", "b/x/1", "b/x/2", "ü", "b-", "c/"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        assert_int_equal(put_thing(f, keys[i], "", false), 0);
    for (unsigned max = 1; max < 12; max++) {
        assert_listed(f, "", "", "", max, "B a b- b/1 b/2 b/x/1 b/x/2 b0 c/ ü ");
        assert_listed(f, "", "/", "", max, "B a b- [b/] b0 [c/] ü ");
        assert_listed(f, "b/", "/", "", max, "b/1 b/2 [b/x/] ");
        assert_listed(f, "b", "", "", max, "b- b/1 b/2 b/x/1 b/x/2 b0 ");
        assert_listed(f, "b", "x/", "", max, "b- b/1 b/2 [b/x/] b0 ");
        assert_listed(f, "", "", "b/2", max, "b/x/1 b/x/2 b0 c/ ü ");
        assert_listed(f, "b/", "", "a", max, "b/1 b/2 b/x/1 b/x/2 ");
        assert_listed(f, "b/", "", "c", max, "");
        assert_listed(f, "nothing", "/", "", max, "");
    }
    assert_listed(f, "", "", "", 0, "");
}

/* The victim: puts small and large objects, one after the other, over a few keys. */

static void put_round(struct fixture *f, unsigned i)
{
    char key[16], body[64];
    snprintf(key, sizeof(key), "k%u", i % 8);
    snprintf(body, sizeof(body), "%u", i);
    if (put_thing(f, key, body, i % 3 != 0))
        _exit(1);
}

/* One upload may have been committed and not been told; each key has that one or the last that was
 * told. */
static void check_after_kill(struct fixture *f, unsigned last)
{
    open_state(f);
    for (unsigned k = 0; k < 8 && k <= last; k++) {
        char key[16];
        snprintf(key, sizeof(key), "k%u", k);
        const char *text = content(f, key);
        assert_non_null(text);
        unsigned value = (unsigned)strtoul(text, NULL, 10);
        unsigned expected = last - (last - k) % 8;
        assert_true(value == expected || (value == last + 1 && value % 8 == k));
    }
    assert_files_are_rows(f, "SELECT count(*) FROM objects WHERE blob <> 0");
    close_state(f);
}

static void a_killed_process_loses_no_object_and_leaks_no_file(void **state)
{
    struct fixture *f = *state;
    close_state(f);
    srand((unsigned)getpid());
    for (int round = 0; round < 6; round++)
        check_after_kill(f, run_and_kill(f, put_round, 8 + (unsigned)(rand() % 60), 0));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_stored_object_is_found),
        CASE(replacing_and_deleting_leave_no_file),
        CASE(an_undone_put_changes_nothing),
        CASE(a_committed_file_in_incoming_is_adopted),
        CASE(an_open_blob_outlives_its_object),
        CASE(conditions_guard_a_write),
        CASE(buckets_survive_and_must_be_empty_to_go),
        CASE(numbers_rise_across_openings),
        CASE(notifications_survive),
        CASE(listing_follows_the_bytes_of_keys),
        CASE(a_killed_process_loses_no_object_and_leaks_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
