#include "payload_upload.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"

enum { CAPACITY_FIRST = 16 };

struct payload_upload {
    struct payload_upload_options options;
    payload_uploaded *done;
    void *user;
    uv_timer_t later; /* an error that is known at once is still reported from the loop */
    char *part;
    size_t part_size;
    bool last; /* the part is the last one */
    char *id;  /* of an upload in parts; NULL: there is none */
    char **etags;
    size_t count, capacity;
    struct hash hash;
    struct payload_facts facts;
    struct error error;
};

static const char content_type[] = "application/octet-stream";

static struct object_upload name_of(const struct payload_upload *upload)
{
    return (struct object_upload){
        .bucket = upload->options.bucket, .key = upload->options.key, .id = upload->id};
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct payload_upload *upload =
        container_of((uv_timer_t *)handle, struct payload_upload, later);
    for (size_t i = 0; i < upload->count; i++)
        free(upload->etags[i]);
    free(upload->etags);
    free(upload->id);
    free(upload->part);
    upload->done(&upload->facts, &upload->error, upload->user);
    free(upload);
}

static void finish(struct payload_upload *upload)
{
    if (!upload->error.code)
        hash_finish(&upload->hash, upload->facts.sha256);
    uv_close((uv_handle_t *)&upload->later, on_closed);
}

/* If it fails too, the bucket's lifecycle rule for incomplete uploads removes the parts. */
static void on_aborted(const struct error *error, void *user)
{
    (void)error;
    finish(user);
}

static void fail(struct payload_upload *upload, int code, const char *why)
{
    const struct object_upload name = name_of(upload);
    struct object_request *request;
    error_set(&upload->error, code, "%s", why);
    if (!upload->id || upload->options.store->ops->upload_abort(upload->options.store, &name,
                                                                on_aborted, upload, &request))
        finish(upload);
}

static void fail_start(struct payload_upload *upload, int code)
{
    fail(upload, code, "the upload of the payload could not be started");
}

static void on_stored(const struct error *error, void *user)
{
    struct payload_upload *upload = user;
    if (error->code)
        fail(upload, error->code, error->text);
    else
        finish(upload);
}

/* ---- parts ---- */

static void part_next(struct payload_upload *upload);

static void complete(struct payload_upload *upload)
{
    const struct object_upload name = name_of(upload);
    struct object_store *store = upload->options.store;
    struct object_request *request;
    int code = store->ops->upload_complete(store, &name, upload->etags, upload->count, on_stored,
                                           upload, &request);
    if (code)
        fail_start(upload, code);
}

static int etag_keep(struct payload_upload *upload, const char *etag)
{
    if (upload->count == upload->capacity) {
        size_t capacity = upload->capacity ? 2 * upload->capacity : CAPACITY_FIRST;
        char **more = realloc(upload->etags, capacity * sizeof *more);
        if (!more)
            return ERR_MEMORY;
        upload->etags = more;
        upload->capacity = capacity;
    }
    char *copy = strdup(etag);
    if (!copy)
        return ERR_MEMORY;
    upload->etags[upload->count++] = copy;
    return 0;
}

static void on_part(const char *etag, const struct error *error, void *user)
{
    struct payload_upload *upload = user;
    if (error->code)
        fail(upload, error->code, error->text);
    else if (etag_keep(upload, etag))
        fail(upload, ERR_MEMORY, "out of memory");
    else if (upload->last)
        complete(upload);
    else
        part_next(upload);
}

static void part_send(struct payload_upload *upload)
{
    const struct object_upload name = name_of(upload);
    struct object_store *store = upload->options.store;
    struct object_request *request;
    int code = store->ops->upload_part(store, &name, (unsigned)upload->count + 1,
                                       (struct slice){upload->part, upload->part_size}, on_part,
                                       upload, &request);
    if (code)
        fail_start(upload, code);
}

static void on_begun(const char *id, const struct error *error, void *user)
{
    struct payload_upload *upload = user;
    if (error->code) {
        fail(upload, error->code, error->text);
        return;
    }
    upload->id = strdup(id);
    if (upload->id)
        part_send(upload);
    else
        fail(upload, ERR_MEMORY, "out of memory");
}

static int upload_begin(struct payload_upload *upload)
{
    const struct object_upload name = name_of(upload);
    struct object_store *store = upload->options.store;
    struct object_request *request;
    return store->ops->upload_begin(store, &name, content_type, on_begun, upload, &request);
}

static int put_whole(struct payload_upload *upload)
{
    struct object_store *store = upload->options.store;
    struct object_request *request;
    const struct object_put put = {.bucket = upload->options.bucket,
                                   .key = upload->options.key,
                                   .body = upload->part,
                                   .body_size = upload->part_size,
                                   .content_type = content_type};
    return store->ops->put(store, &put, on_stored, upload, &request);
}

/* The part is complete. */
static void part_ready(struct payload_upload *upload)
{
    int code = 0;
    upload->facts.size += upload->part_size;
    if (upload->facts.size > upload->options.max) {
        fail(upload, ERR_LIMIT, "the payload is larger than the extended clients allow (2 GB)");
        return;
    }
    hash_update(&upload->hash, upload->part, upload->part_size);
    if (upload->id)
        part_send(upload);
    else
        code = upload->last ? put_whole(upload) : upload_begin(upload);
    if (code)
        fail_start(upload, code);
}

static void on_read(struct body_reader *reader)
{
    struct payload_upload *upload = reader->work.data;
    upload->part_size += reader->size;
    upload->last = reader->end;
    if (reader->error.code)
        fail(upload, reader->error.code, reader->error.text);
    else if (upload->last && upload->part_size == 0 && upload->id)
        complete(upload); /* the last part was full */
    else
        part_ready(upload);
}

static void part_read(struct payload_upload *upload)
{
    struct body_reader *reader = upload->options.reader;
    if (!reader || reader->end) {
        upload->last = true;
        part_ready(upload);
        return;
    }
    reader->work.data = upload;
    body_reader_start(reader, upload->options.loop, upload->part + upload->part_size,
                      PAYLOAD_PART - upload->part_size, on_read);
}

static void part_next(struct payload_upload *upload)
{
    upload->part_size = 0;
    if (upload->options.stopped && *upload->options.stopped)
        fail(upload, ERR_CANCELLED, "interrupted");
    else
        part_read(upload);
}

/* ---- interface ---- */

static void on_later(uv_timer_t *timer)
{
    part_read(container_of(timer, struct payload_upload, later));
}

int payload_upload_start(const struct payload_upload_options *options, payload_uploaded *done,
                         void *user)
{
    struct payload_upload *upload = calloc(1, sizeof *upload);
    /* What fits into memory already needs no more. */
    size_t room = options->reader ? PAYLOAD_PART : options->first.size + 1;
    if (!upload || options->first.size > PAYLOAD_PART || !(upload->part = malloc(room))) {
        free(upload);
        return ERR_MEMORY;
    }
    upload->options = *options;
    upload->done = done;
    upload->user = user;
    memcpy(upload->part, options->first.data, options->first.size);
    upload->part_size = options->first.size;
    hash_start(&upload->hash, HASH_SHA256);
    uv_timer_init(options->loop, &upload->later);
    uv_timer_start(&upload->later, on_later, 0, 0);
    return 0;
}
