#include "photo_live.h"

#include <stdlib.h>
#include <string.h>

#include "photo_names.h"

int live_photos_init(struct live_photos *photos)
{
    *photos = (struct live_photos){.count = 0};
    list_init(&photos->order);
    return id_table_init(&photos->table);
}

static void photo_drop(struct live_photos *photos, struct live_photo *photo)
{
    id_table_remove(&photos->table, &photo->entry);
    list_remove(&photo->link);
    photos->count--;
    free(photo->bucket);
    free(photo->key);
    free(photo->reason);
    free(photo);
}

void live_photos_clear(struct live_photos *photos)
{
    while (!list_empty(&photos->order))
        photo_drop(photos, container_of(photos->order.next, struct live_photo, link));
    id_table_free(&photos->table);
}

static struct live_photo *find(const struct live_photos *photos, const char *bucket,
                               const char *key)
{
    struct id_entry *entry = id_table_find(&photos->table, photo_name_id(bucket, key));
    for (; entry; entry = id_table_next(entry)) {
        struct live_photo *photo = container_of(entry, struct live_photo, entry);
        if (strcmp(photo->bucket, bucket) == 0 && strcmp(photo->key, key) == 0)
            return photo;
    }
    return NULL;
}

const struct live_photo *live_photos_find(const struct live_photos *photos, const char *bucket,
                                          const char *key)
{
    return find(photos, bucket, key);
}

static struct live_photo *photo_add(struct live_photos *photos, const char *bucket, const char *key)
{
    struct live_photo *photo = calloc(1, sizeof *photo);
    if (!photo)
        return NULL;
    photo->bucket = strdup(bucket);
    photo->key = strdup(key);
    if (!photo->bucket || !photo->key) {
        free(photo->bucket);
        free(photo->key);
        free(photo);
        return NULL;
    }
    if (photos->count >= LIVE_PHOTOS_MAX)
        photo_drop(photos, container_of(photos->order.next, struct live_photo, link));
    photo->entry.id = photo_name_id(bucket, key);
    id_table_add(&photos->table, &photo->entry);
    list_push(&photos->order, &photo->link);
    photos->count++;
    return photo;
}

static uint64_t bit_of(size_t pipeline)
{
    return UINT64_C(1) << (pipeline < LIVE_PIPELINES_MAX ? pipeline : LIVE_PIPELINES_MAX - 1);
}

static void reason_set(struct live_photo *photo, const char *reason)
{
    free(photo->reason);
    photo->reason = reason ? strdup(reason) : NULL;
}

struct live_photo *live_photos_step(struct live_photos *photos, const struct engine_step *step,
                                    size_t pipeline, bool *begun)
{
    struct live_photo *photo = find(photos, step->bucket, step->key);
    *begun = !photo || !photo->running;
    if (!photo && !(photo = photo_add(photos, step->bucket, step->key)))
        return NULL;
    photo->running |= bit_of(pipeline);
    photo->retrying &= ~bit_of(pipeline);
    photo->step = step->step;
    list_remove(&photo->link);
    list_push(&photos->order, &photo->link);
    if (!photo->retrying)
        reason_set(photo, NULL);
    return photo;
}

enum photo_live live_photos_record(struct live_photos *photos, const struct engine_record *record,
                                   size_t pipeline)
{
    struct live_photo *photo = find(photos, record->bucket, record->key);
    if (!photo)
        return LIVE_NONE;
    photo->running &= ~bit_of(pipeline);
    if (record->outcome == OUTCOME_RETRY && !record->handed_back) {
        photo->retrying |= bit_of(pipeline);
        reason_set(photo, *record->detail ? record->detail : record->reason);
    }
    if (photo->running)
        return LIVE_WORKING;
    if (photo->retrying)
        return LIVE_RETRYING;
    photo_drop(photos, photo);
    return LIVE_NONE;
}
