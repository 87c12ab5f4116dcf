/* Finding and reading the object of a GetObject or HeadObject. */
#include "s3_get.h"

#include <stdio.h>
#include <stdlib.h>

#include "blob_segments.h"
#include "container_of.h"
#include "object_archive.h"
#include "object_changes.h"
#include "s3_time.h"
#include "upload_parts.h"

enum {
    PIECE = 256 * 1024,
    PIPED_MIN = 32 * 1024, /* a pipe does not pay off for shorter bodies */
};

/* False: the piece must be read into memory. */
static bool pipe_wanted(struct s3_get *get)
{
    if (get->pipe.open)
        return true;
    if (!get->takes_pipe || get->range.size < PIPED_MIN)
        return false;
    get->takes_pipe = false; /* a pipe is requested only once */
    return body_pipe_open(get->pipes, &get->pipe);
}

static int copy_piece(struct s3_get *get, struct error *error)
{
    struct object_reader *reader = &get->reader;
    size_t size = reader->left < PIECE ? (size_t)reader->left : PIECE;
    char *data = malloc(size ? size : 1);
    if (!data)
        return error_set(error, ERR_MEMORY, "out of memory");
    get->piece = bytes_give(data, size);
    return object_reader_read(reader, data, size, error);
}

static int read_piece(struct s3_get *get, struct error *error)
{
    int code = ERR_UNSUPPORTED;
    get->piped = 0;
    if (pipe_wanted(get))
        code = object_reader_splice(&get->reader, get->pipe.write, &get->piped, error);
    if (code == ERR_UNSUPPORTED) {
        body_pipe_close(get->pipes, &get->pipe);
        code = copy_piece(get, error);
    }
    get->last = !get->reader.left;
    return code;
}

static int find_part_checksum(struct s3_get *get, struct error *error)
{
    struct part part;
    int code =
        upload_parts_next(get->blobs->storage, get->object.owner, get->part - 1, &part, error);
    if (code == 1)
        snprintf(get->part_checksum, sizeof get->part_checksum, "%s", part.checksum);
    return code < 0 ? code : 0;
}

/* An object that was not uploaded in parts is its own first part. */
static int choose_part(struct s3_get *get, struct error *error)
{
    struct blob_segments *segments;
    struct s3_range *range = &get->range;
    *range = (struct s3_range){.partial = true, .size = get->object.size};
    if (!get->object.owner) {
        get->verdict = get->part == 1 ? S3_OK : S3_INVALID_PART_NUMBER;
        return 0;
    }
    int code = upload_parts_acquire(get->blobs, get->object.owner, &segments, error);
    if (code)
        return code;
    const struct blob_segment *segment = blob_segments_part(segments, get->part);
    get->part_count = segments->count;
    get->verdict = segment ? S3_OK : S3_INVALID_PART_NUMBER;
    if (segment)
        *range = (struct s3_range){.partial = true, .first = segment->start, .size = segment->size};
    blob_segments_release(segments);
    return get->verdict ? 0 : find_part_checksum(get, error);
}

static int choose_range(struct s3_get *get, struct error *error)
{
    if (get->part)
        return choose_part(get, error);
    get->verdict = s3_range_parse(slice_of(get->range_text), get->object.size, &get->range);
    return 0;
}

static int find_object(struct s3_get *get, struct storage *storage)
{
    const char *key = get->request->key;
    get->change = object_changes_count(&get->blobs->changes, get->bucket, key);
    return objects_find_version(storage, get->bucket, key, get->version, &get->object,
                                &get->task.error);
}

/* Evaluates the conditions and the range. */
int s3_get_decide(struct s3_get *get)
{
    const struct object *object = &get->object;
    if (object->marker) {
        get->verdict = get->version.given ? S3_METHOD_NOT_ALLOWED : S3_NO_SUCH_KEY;
        return 0;
    }
    get->verdict =
        s3_preconditions_check(&get->conditions, object->etag, object->modified_ms, &get->failed);
    if (!get->verdict && !get->head && object_is_archived(object, s3_time_now_ms()))
        get->verdict = S3_INVALID_OBJECT_STATE;
    return get->verdict ? 0 : choose_range(get, &get->task.error);
}

static int open_body(struct s3_get *get)
{
    int code = object_reader_open(&get->reader, get->blobs, &get->object, get->range.first,
                                  get->range.size, &get->task.error);
    get->cold = !code && !object_reader_is_ready(&get->reader);
    return code;
}

int s3_get_lookup_run(struct storage_task *task, struct storage *storage)
{
    struct s3_get *get = container_of(task, struct s3_get, task);
    int code = find_object(get, storage);
    if (code)
        return code;
    code = s3_get_decide(get);
    if (code || get->verdict || get->head)
        return code;
    code = open_body(get);
    if (code || get->cold)
        return code;
    code = read_piece(get, &task->error);
    if (code || get->last)
        object_reader_close(&get->reader);
    return code;
}

int s3_get_read_run(struct storage_task *task, struct storage *storage)
{
    struct s3_get *get = container_of(task, struct s3_get, task);
    (void)storage;
    int code = read_piece(get, &task->error);
    if (code || get->last)
        object_reader_close_aside(&get->reader);
    return code;
}

int s3_get_close_run(struct storage_task *task, struct storage *storage)
{
    (void)storage;
    object_reader_close(&container_of(task, struct s3_get, task)->reader);
    return 0;
}
