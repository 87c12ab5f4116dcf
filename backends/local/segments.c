#include "segments.h"

#include <stdlib.h>

#include "parts.h"

static struct segments *find(const struct blobs *blobs, uint64_t owner)
{
    const struct list *head = &blobs->segments;
    for (struct list *link = head->next; link != head; link = link->next) {
        struct segments *segments = container_of(link, struct segments, link);
        if (segments->owner == owner)
            return segments;
    }
    return NULL;
}

static int count_parts(struct storage *storage, uint64_t owner, size_t *count, struct error *error)
{
    sqlite3_stmt *select = storage_statement(storage, "SELECT count(*) FROM parts WHERE owner = ?");
    sqlite3_bind_int64(select, 1, (sqlite3_int64)owner);
    int status = storage_step(storage, select, error);
    *count = status == 1 ? (size_t)sqlite3_column_int64(select, 0) : 0;
    sqlite3_reset(select);
    if (status < 0)
        return status;
    return *count ? 0 : error_set(error, ERR_NOT_FOUND, "an object's parts are missing");
}

static int load(struct segments *segments, size_t count, struct error *error)
{
    struct storage *storage = segments->blobs->storage;
    sqlite3_stmt *select = storage_statement(
        storage, "SELECT number, blob, size FROM parts WHERE owner = ? ORDER BY number");
    uint64_t start = 0;
    int status;
    sqlite3_bind_int64(select, 1, (sqlite3_int64)segments->owner);
    while ((status = storage_step(storage, select, error)) == 1 && segments->count < count) {
        struct segment *segment = &segments->list[segments->count++];
        segment->number = (unsigned)sqlite3_column_int(select, 0);
        segment->blob = (uint64_t)sqlite3_column_int64(select, 1);
        segment->size = (uint64_t)sqlite3_column_int64(select, 2);
        segment->start = start;
        start += segment->size;
    }
    sqlite3_reset(select);
    return status < 0 ? status : 0;
}

static int create(struct blobs *blobs, uint64_t owner, struct segments **out, struct error *error)
{
    size_t count;
    int status = count_parts(blobs->storage, owner, &count, error);
    if (status)
        return status;
    struct segments *segments = calloc(1, sizeof(*segments) + count * sizeof(*segments->list));
    if (!segments)
        return error_set(error, ERR_MEMORY, "out of memory");
    segments->blobs = blobs;
    segments->owner = owner;
    status = load(segments, count, error);
    if (status) {
        free(segments);
        return status;
    }
    list_push(&blobs->segments, &segments->link);
    *out = segments;
    return 0;
}

int segments_acquire(struct blobs *blobs, uint64_t owner, struct segments **out,
                     struct error *error)
{
    *out = find(blobs, owner);
    int status = *out ? 0 : create(blobs, owner, out, error);
    if (!status)
        (*out)->readers++;
    return status;
}

void segments_release(struct segments *segments)
{
    if (--segments->readers)
        return;
    for (size_t i = 0; i < segments->count; i++) {
        if (segments->list[i].dropped)
            blob_unlink(segments->blobs, segments->list[i].blob);
    }
    list_remove(&segments->link);
    free(segments);
}

size_t segments_at(const struct segments *segments, uint64_t offset)
{
    size_t low = 0, high = segments->count - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (offset < segments->list[middle].start + segments->list[middle].size)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

const struct segment *segments_part(const struct segments *segments, unsigned number)
{
    for (size_t i = 0; i < segments->count; i++) {
        if (segments->list[i].number == number)
            return &segments->list[i];
    }
    return NULL;
}

bool segments_defer(struct blobs *blobs, uint64_t blob)
{
    const struct list *head = &blobs->segments;
    for (struct list *link = head->next; link != head; link = link->next) {
        struct segments *segments = container_of(link, struct segments, link);
        for (size_t i = 0; i < segments->count; i++) {
            if (segments->list[i].blob == blob)
                return segments->list[i].dropped = true;
        }
    }
    return false;
}
