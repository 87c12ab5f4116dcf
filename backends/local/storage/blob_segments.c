#include "blob_segments.h"
#include "container_of.h"

#include <stdlib.h>

struct blob_segments *blob_segments_share(const struct blobs *blobs, uint64_t owner)
{
    const struct list *head = &blobs->segments;
    for (struct list *link = head->next; link != head; link = link->next) {
        struct blob_segments *segments = container_of(link, struct blob_segments, link);
        if (segments->owner == owner) {
            segments->readers++;
            return segments;
        }
    }
    return NULL;
}

struct blob_segments *blob_segments_new(struct blobs *blobs, uint64_t owner, size_t capacity)
{
    struct blob_segments *segments =
        calloc(1, sizeof *segments + capacity * sizeof *segments->list);
    if (!segments)
        return NULL;
    segments->blobs = blobs;
    segments->owner = owner;
    segments->capacity = capacity;
    segments->readers = 1;
    list_push(&blobs->segments, &segments->link);
    return segments;
}

bool blob_segments_add(struct blob_segments *segments, struct blob_segment segment)
{
    if (segments->count == segments->capacity)
        return false;
    const struct blob_segment *last = segments->count ? &segments->list[segments->count - 1] : NULL;
    segment.start = last ? last->start + last->size : 0;
    segments->list[segments->count++] = segment;
    return true;
}

void blob_segments_release(struct blob_segments *segments)
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

size_t blob_segments_at(const struct blob_segments *segments, uint64_t offset)
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

const struct blob_segment *blob_segments_part(const struct blob_segments *segments, unsigned number)
{
    for (size_t i = 0; i < segments->count; i++) {
        if (segments->list[i].number == number)
            return &segments->list[i];
    }
    return NULL;
}

bool blob_segments_defer(struct blobs *blobs, uint64_t blob)
{
    const struct list *head = &blobs->segments;
    for (struct list *link = head->next; link != head; link = link->next) {
        struct blob_segments *segments = container_of(link, struct blob_segments, link);
        for (size_t i = 0; i < segments->count; i++) {
            if (segments->list[i].blob == blob)
                return segments->list[i].dropped = true;
        }
    }
    return false;
}
