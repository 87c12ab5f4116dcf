#include "s3_copy_check.h"

#include "blob_damage.h"

static void note_done(struct s3_copy_check *check, uint64_t blob)
{
    if (check->done_count < BLOBS_CHECKED_MAX)
        check->done[check->done_count++] = blob;
}

/* whole: the copy will read all of it, and compare the MD5. */
static int open_single(struct s3_copy_check *check, struct blobs *blobs,
                       const struct object *object, uint64_t file, bool whole, struct error *error)
{
    check->blob = object->blob;
    bool is_known = blob_check_of_object(&check->current, object);
    if (!is_known || (whole && check->current.has_md5) ||
        blob_damage_was_checked(blobs, object->blob))
        return 0;
    return blob_check_open(&check->current, blobs, file ? file : object->blob, error);
}

/* The segments that the reader will use, from the open one on. */
static void choose_segments(struct s3_copy_check *check, const struct object_reader *reader)
{
    const struct blob_segments *segments = reader->segments;
    uint64_t left =
        reader->left - (reader->left < reader->file_left ? reader->left : reader->file_left);
    check->segments = segments;
    check->next = reader->next - 1;
    check->end = reader->next;
    while (left && check->end < segments->count) {
        uint64_t size = segments->list[check->end++].size;
        left -= left < size ? left : size;
    }
}

int s3_copy_check_open(struct s3_copy_check *check, const struct object_reader *reader,
                       const struct object *object, uint64_t file, struct error *error)
{
    bool whole = !file && reader->left == object->size;
    *check = (struct s3_copy_check){.current.fd = -1};
    if (reader->segments)
        choose_segments(check, reader);
    else if (object->blob)
        return open_single(check, reader->blobs, object, file, whole, error);
    return 0;
}

/* Their files stay while the reader is open. */
static int open_next(struct s3_copy_check *check, struct blobs *blobs, struct error *error)
{
    const struct blob_segment *segment = &check->segments->list[check->next++];
    check->blob = segment->blob;
    blob_check_of_part(&check->current, segment->size, segment->md5);
    return blob_check_open(&check->current, blobs, segment->blob, error);
}

int s3_copy_check_step(struct s3_copy_check *check, struct blobs *blobs, char *room, size_t size,
                       struct error *error)
{
    if (!check->current.open) {
        if (!check->segments || check->next == check->end)
            return 0;
        int code = open_next(check, blobs, error);
        if (code)
            return code;
    }
    int code = blob_check_step(&check->current, room, size, error);
    if (code)
        return code;
    note_done(check, check->blob);
    return 1;
}

void s3_copy_check_note(const struct s3_copy_check *check, struct blobs *blobs)
{
    for (size_t i = 0; i < check->done_count; i++)
        blob_damage_note_checked(blobs, check->done[i]);
}

void s3_copy_check_close(struct s3_copy_check *check)
{
    blob_check_close(&check->current);
}
