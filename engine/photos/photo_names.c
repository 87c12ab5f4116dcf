#include "photo_names.h"

#include <stdlib.h>
#include <string.h>

uint64_t photo_name_id(const char *bucket, const char *key)
{
    return id_of_text(id_of_text(id_seed(), bucket), key);
}

struct named_photo *name_set_find(const struct name_set *set, const char *bucket, const char *key)
{
    struct id_entry *entry = id_table_find(&set->table, photo_name_id(bucket, key));
    for (; entry; entry = id_table_next(entry)) {
        struct named_photo *photo = container_of(entry, struct named_photo, entry);
        if (strcmp(photo->bucket, bucket) == 0 && strcmp(photo->key, key) == 0)
            return photo;
    }
    return NULL;
}

void named_photo_free(struct named_photo *photo)
{
    free(photo->bucket);
    free(photo->key);
    free(photo);
}

struct named_photo *name_set_add(struct name_set *set, const char *bucket, const char *key)
{
    struct named_photo *photo = name_set_find(set, bucket, key);
    if (photo || !(photo = calloc(1, sizeof *photo)))
        return photo;
    photo->bucket = strdup(bucket);
    photo->key = strdup(key);
    if (!photo->bucket || !photo->key) {
        named_photo_free(photo);
        return NULL;
    }
    photo->entry.id = photo_name_id(bucket, key);
    id_table_add(&set->table, &photo->entry);
    list_push(&set->order, &photo->link);
    set->count++;
    return photo;
}

void name_set_take(struct name_set *set, struct named_photo *photo)
{
    id_table_remove(&set->table, &photo->entry);
    list_remove(&photo->link);
    set->count--;
}

void name_set_clear(struct name_set *set)
{
    while (set->order.next && !list_empty(&set->order)) {
        struct named_photo *photo = container_of(set->order.next, struct named_photo, link);
        name_set_take(set, photo);
        named_photo_free(photo);
    }
    id_table_free(&set->table);
}

int name_set_init(struct name_set *set)
{
    *set = (struct name_set){.count = 0};
    list_init(&set->order);
    return id_table_init(&set->table);
}
