/* Cached objects either match the stored state or are not used. */
#include "bucket_world.h"

#include "object_cache.h"
#include "object_changes.h"

static char etag[] = "etag", type[] = "text/plain", none[] = "";

static struct object object_of(const char *body)
{
    return (struct object){.id = 1,
                           .size = strlen(body),
                           .modified_ms = 1000,
                           .etag = etag,
                           .content_type = type,
                           .headers = none,
                           .tags = none,
                           .checksum = none};
}

static struct object_cache *cache_of(struct fixture *f)
{
    return buckets_cache(f->cloud.buckets);
}

static uint32_t count_of(struct fixture *f, const char *key)
{
    return object_changes_count(&buckets_blobs(f->cloud.buckets)->changes, f->bucket, key);
}

static void keep(struct fixture *f, const char *key, const char *body)
{
    struct object object = object_of(body);
    object_cache_keep(cache_of(f), f->bucket, key, count_of(f, key), &object, slice_of(body));
}

static const struct cached_object *find(struct fixture *f, const char *key)
{
    return object_cache_find(cache_of(f), f->bucket, key);
}

static int put(struct fixture *f, void *key, struct error *error)
{
    struct object object = object_of("new");
    object.id = buckets_next_number(f->cloud.buckets);
    return objects_put(buckets_blobs(f->cloud.buckets), f->bucket, key, &object,
                       SLICE_LITERAL("new"), &(struct object_condition){0}, error);
}

static int put_in_vain(struct fixture *f, void *key, struct error *error)
{
    int code = put(f, key, error);
    return code ? code : error_set(error, ERR_IO, "its message could not be stored");
}

static int delete (struct fixture *f, void *key, struct error *error)
{
    struct object_removal removal = {.versioning = VERSIONING_NONE};
    return objects_delete(buckets_blobs(f->cloud.buckets), f->bucket, key, &removal, error);
}

static int delete_into_history(struct fixture *f, void *key, struct error *error)
{
    struct object_removal removal = {.versioning = VERSIONING_ENABLED,
                                     .number = buckets_next_number(f->cloud.buckets)};
    return objects_delete(buckets_blobs(f->cloud.buckets), f->bucket, key, &removal, error);
}

static int tag(struct fixture *f, void *key, struct error *error)
{
    return objects_set_tags(buckets_blobs(f->cloud.buckets), f->bucket, key,
                            (struct object_version){0}, "a=b", NULL, error);
}

static void a_cached_object_is_found_until_its_key_changes(void **state)
{
    static work *const changes[] = {put, tag, delete, put, delete_into_history, put};
    struct fixture *f = *state;
    char key[] = "a photo.jpg";
    assert_null(find(f, key));
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        keep(f, key, "body");
        const struct cached_object *cached = find(f, key);
        assert_non_null(cached);
        assert_true(slice_equal_text(cached->body, "body"));
        assert_string_equal(cached->object.etag, etag);
        assert_string_equal(cached->object.content_type, type);
        assert_ptr_not_equal(cached->object.etag, etag);
        assert_int_equal(on_storage(f, changes[i], key), 0);
        assert_null(find(f, key));
    }
}

/* Until the result of the change is known, the previous state must not be returned. */
static void a_change_that_is_undone_ends_it_too(void **state)
{
    struct fixture *f = *state;
    char key[] = "key";
    keep(f, key, "body");
    assert_int_equal(on_storage(f, put_in_vain, key), ERR_IO);
    assert_null(find(f, key));
}

/* Read before the change, and kept after it. */
static void an_object_read_before_a_change_is_not_cached(void **state)
{
    struct fixture *f = *state;
    char key[] = "key";
    struct object object = object_of("old");
    uint32_t read_at = count_of(f, key);
    assert_int_equal(on_storage(f, put, key), 0);
    object_cache_keep(cache_of(f), f->bucket, key, read_at, &object, slice_of("old"));
    assert_null(find(f, key));
}

static void keys_and_buckets_are_distinguished(void **state)
{
    struct fixture *f = *state;
    keep(f, "one", "1");
    keep(f, "other", "2");
    keep(f, "one", "3");
    assert_true(slice_equal_text(find(f, "one")->body, "3"));
    assert_true(slice_equal_text(find(f, "other")->body, "2"));
    assert_null(find(f, "on"));
    assert_null(object_cache_find(cache_of(f), f->bucket + 1, "one"));
}

static void the_least_used_go_when_it_is_full(void **state)
{
    enum { SIZE = 16 * 1024, COUNT = 2 * OBJECT_CACHE_BYTES / SIZE };
    struct fixture *f = *state;
    char key[32], *body = malloc(SIZE + 1);
    assert_non_null(body);
    memset(body, 'x', SIZE);
    body[SIZE] = '\0';
    keep(f, "used", body);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "%u", i);
        keep(f, key, body);
        assert_non_null(find(f, "used"));
        assert_in_range(cache_of(f)->lru.bytes, SIZE, OBJECT_CACHE_BYTES);
    }
    assert_non_null(find(f, key));
    assert_null(find(f, "0"));
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cached_object_is_found_until_its_key_changes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_change_that_is_undone_ends_it_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_object_read_before_a_change_is_not_cached, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(keys_and_buckets_are_distinguished, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_least_used_go_when_it_is_full, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
