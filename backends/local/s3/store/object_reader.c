#include "object_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "blob_check.h"
#include "blob_damage.h"
#include "upload_parts.h"

enum { ALWAYS_READY = 64 * 1024 }; /* reading less is faster than asking the kernel */

/* Opens a blob for `size` bytes from an offset; whole: its size, which the file must have. */
static int open_file(struct object_reader *reader, uint64_t blob, uint64_t offset, uint64_t size,
                     uint64_t whole, struct error *error)
{
    struct stat facts;
    reader->offset = offset;
    reader->file_left = size;
    int code = blob_read_open(reader->blobs, blob, &reader->fd, error);
    if (code)
        return code;
    if (fstat(reader->fd, &facts) || (uint64_t)facts.st_size == whole)
        return 0;
    return error_set(error, ERR_CORRUPT,
                     "the file of the object has %" PRId64 " bytes instead of %" PRIu64,
                     (int64_t)facts.st_size, whole);
}

static void close_file(struct object_reader *reader)
{
    if (reader->fd >= 0)
        close(reader->fd);
    reader->fd = -1;
}

/* Whether those from one to an end in the object are marked as damaged. */
static int check_segments(struct object_reader *reader, const struct blob_segment *segment,
                          uint64_t end, struct error *error)
{
    const struct blob_segment *last = &reader->segments->list[reader->segments->count - 1];
    int code = 0;
    for (; reader->blobs->any_damaged && segment <= last && segment->start < end && !code;
         segment++)
        code = blob_damage_check(reader->blobs, segment->blob, error);
    return code;
}

static int open_segments(struct object_reader *reader, uint64_t owner, uint64_t first,
                         struct error *error)
{
    int code = upload_parts_acquire(reader->blobs, owner, &reader->segments, error);
    if (code)
        return code;
    reader->next = blob_segments_at(reader->segments, first);
    const struct blob_segment *segment = &reader->segments->list[reader->next++];
    uint64_t offset = first - segment->start;
    code = check_segments(reader, segment, first + reader->left, error);
    if (code)
        return code;
    return open_file(reader, segment->blob, offset, segment->size - offset, segment->size, error);
}

static int load_body(struct object_reader *reader, const struct object *object, uint64_t first,
                     struct error *error)
{
    struct buffer body;
    buffer_init(&body, OBJECT_INLINE_MAX);
    int code = objects_read_inline(reader->blobs->storage, object->id, &body, error);
    if (!code)
        code = blob_check_body(object, buffer_slice(&body), error);
    if (code)
        buffer_free(&body);
    else
        reader->body = buffer_take(&body);
    reader->offset = first;
    return code;
}

static int open_blob(struct object_reader *reader, const struct object *object, uint64_t first,
                     struct error *error)
{
    int code = blob_damage_check(reader->blobs, object->blob, error);
    return code ? code : open_file(reader, object->blob, first, reader->left, object->size, error);
}

int object_reader_open(struct object_reader *reader, struct blobs *blobs,
                       const struct object *object, uint64_t first, uint64_t size,
                       struct error *error)
{
    int code;
    *reader = (struct object_reader){.blobs = blobs, .open = true, .left = size, .fd = -1};
    if (object->owner)
        code = open_segments(reader, object->owner, first, error);
    else if (object->blob)
        code = open_blob(reader, object, first, error);
    else
        code = load_body(reader, object, first, error);
    if (code)
        object_reader_close(reader);
    return code;
}

/* Checks only the first byte, as an estimate for those that follow. */
bool object_reader_is_ready(const struct object_reader *reader)
{
    char byte;
    struct iovec part = {&byte, 1};
    if (reader->fd < 0 || reader->file_left < ALWAYS_READY)
        return true;
    return preadv2(reader->fd, &part, 1, (off_t)reader->offset, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

static int read_file(struct object_reader *reader, char *data, size_t size, struct error *error)
{
    while (size) {
        ssize_t count = pread(reader->fd, data, size, (off_t)reader->offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return error_set(error, ERR_IO, "reading an object's file failed: %s",
                             count ? strerror(errno) : "it is too short");
        data += count;
        size -= (size_t)count;
        reader->offset += (uint64_t)count;
        reader->file_left -= (uint64_t)count;
    }
    return 0;
}

static int too_short(struct error *error)
{
    return error_set(error, ERR_IO, "an object's files are too short");
}

static int next_file(struct object_reader *reader, struct error *error)
{
    close_file(reader);
    if (!reader->segments || reader->next == reader->segments->count)
        return too_short(error);
    const struct blob_segment *segment = &reader->segments->list[reader->next++];
    return open_file(reader, segment->blob, 0, segment->size, segment->size, error);
}

static int read_files(struct object_reader *reader, char *data, size_t size, struct error *error)
{
    int code = 0;
    while (size && !code) {
        size_t piece = size < reader->file_left ? size : (size_t)reader->file_left;
        code = piece ? read_file(reader, data, piece, error) : next_file(reader, error);
        data += piece;
        size -= piece;
    }
    return code;
}

int object_reader_read(struct object_reader *reader, char *data, size_t size, struct error *error)
{
    int code = 0;
    if (reader->fd >= 0) {
        code = read_files(reader, data, size, error);
    } else if (size) {
        memcpy(data, (const char *)reader->body.data + reader->offset, size);
        reader->offset += size;
    }
    reader->left -= size;
    return code;
}

/* The number of bytes moved, 0 when the pipe is full, or a code. */
static ssize_t splice_file(struct object_reader *reader, int pipe, struct error *error)
{
    size_t size = reader->file_left < reader->left ? reader->file_left : reader->left;
    loff_t offset = (loff_t)reader->offset;
    ssize_t count;
    do
        count = splice(reader->fd, &offset, pipe, NULL, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    while (count < 0 && errno == EINTR);
    if (count < 0 && errno == EAGAIN)
        return 0;
    if (count < 0 && errno == EINVAL)
        return error_set(error, ERR_UNSUPPORTED, "the file system does not support splice");
    if (count < 0)
        return error_set(error, ERR_IO, "reading an object's file failed: %s", strerror(errno));
    reader->offset += (uint64_t)count;
    reader->file_left -= (uint64_t)count;
    reader->left -= (uint64_t)count;
    return count ? count : too_short(error);
}

int object_reader_splice(struct object_reader *reader, int pipe, size_t *moved, struct error *error)
{
    *moved = 0;
    if (reader->fd < 0)
        return error_set(error, ERR_UNSUPPORTED, "the body is not a file");
    while (reader->left) {
        int code = reader->file_left ? 0 : next_file(reader, error);
        ssize_t count = code ? code : splice_file(reader, pipe, error);
        if (count < 0)
            return (int)count;
        if (!count)
            return 0;
        *moved += (size_t)count;
    }
    return 0;
}

void object_reader_close(struct object_reader *reader)
{
    if (!reader->open)
        return;
    close_file(reader);
    if (reader->segments)
        blob_segments_release(reader->segments);
    bytes_free(&reader->body);
    *reader = (struct object_reader){0};
}

void object_reader_close_aside(struct object_reader *reader)
{
    if (!reader->segments)
        object_reader_close(reader);
}
