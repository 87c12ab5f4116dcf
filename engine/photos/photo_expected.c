/* When an expected photo is looked for, and when no more. See photo_expected.h. */
#include "photo_expected.h"

#include <string.h>

#include "container_of.h"

enum {
    EXPECTED_MAX = 1000,
    LOOKS_MAX = 16, /* of them that are looked for at once */
    FIRST_MS = 1000,
    TRIES_MAX = 40,
    WAIT_MAX_MS = 15000,
};

static void photo_look(struct expected_photos *expected, struct named_photo *photo, uint64_t now_ms)
{
    const uint64_t wait_ms = FIRST_MS * (1 + photo->tries / 3);
    photo->due_ms = now_ms + (wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS);
    photo_reader_read(expected->reader, photo->bucket, photo->key,
                      DETAIL_ORIGINAL | DETAIL_OUTPUTS);
}

void expected_photos_look(struct expected_photos *expected)
{
    const uint64_t now_ms = uv_now(expected->loop);
    struct list *next;
    unsigned looks = 0;
    for (struct list *link = expected->names.order.next;
         link != &expected->names.order && looks < LOOKS_MAX; link = next) {
        struct named_photo *photo = container_of(link, struct named_photo, link);
        next = link->next;
        if (photo->due_ms > now_ms)
            continue;
        if (++photo->tries > TRIES_MAX) {
            name_set_take(&expected->names, photo);
            named_photo_free(photo);
            continue;
        }
        looks++;
        photo_look(expected, photo, now_ms);
    }
}

void expected_photos_add(struct expected_photos *expected, const char *bucket, const char *key)
{
    struct named_photo *photo =
        expected->names.count < EXPECTED_MAX ? name_set_add(&expected->names, bucket, key) : NULL;
    if (!photo)
        return;
    photo->tries = 0;
    photo->due_ms = uv_now(expected->loop) + FIRST_MS;
}

bool expected_photos_have(const struct expected_photos *expected, const char *bucket,
                          const char *key)
{
    return name_set_find(&expected->names, bucket, key) != NULL;
}

void expected_photos_settle(struct expected_photos *expected, const json_t *photo)
{
    const char *bucket = json_string_value(json_object_get(photo, "bucket"));
    const char *key = json_string_value(json_object_get(photo, "key"));
    const char *state = json_string_value(json_object_get(photo, "state"));
    struct named_photo *found = bucket && key ? name_set_find(&expected->names, bucket, key) : NULL;
    if (!found || !state || strcmp(state, "done") != 0)
        return;
    name_set_take(&expected->names, found);
    named_photo_free(found);
}

int expected_photos_init(struct expected_photos *expected)
{
    return name_set_init(&expected->names);
}

void expected_photos_clear(struct expected_photos *expected)
{
    name_set_clear(&expected->names);
}

void expected_photos_begin(struct expected_photos *expected, uv_loop_t *loop,
                           struct photo_reader *reader)
{
    expected->loop = loop;
    expected->reader = reader;
}
