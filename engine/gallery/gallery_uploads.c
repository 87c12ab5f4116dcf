/*
 * Uploads: the browser sends the bytes straight to the store, with what is presigned here.
 *
 * A small file is one PUT of exactly its size that replaces nothing (If-None-Match). If there is an
 * object with the key already, the store answers 412 and the page asks again, for the next name. A
 * large file is an upload in parts (gallery_multipart.c): whether its name is free is looked up
 * before, so that nothing is sent in vain, and checked again when it is completed.
 *
 * One request of the page is a batch. Its single PUTs are made at once; uploads in parts begin one
 * after another.
 */
#include <stdlib.h>
#include <string.h>

#include "gallery_photos.h"
#include "gallery_private.h"
#include "gallery_uploads.h"
#include "json_text.h"
#include "upload_name.h"

enum { FILES_MAX = 100, EXPIRES_S = 60 * 60, PATH_BYTES_MAX = 4096 };

struct upload_batch {
    struct gallery_call *call;
    json_t *results; /* an array, in the order of the files */
    size_t next;     /* the file that comes next */
    struct object_request *request;
    char key[UPLOAD_KEY_SIZE]; /* of the upload in parts that is beginning */
    const char *type;          /* static, or the body's */
    uint64_t size;
};

static void batch_run(struct upload_batch *batch);

static void on_ended(struct gallery_call *call, bool completed)
{
    struct upload_batch *batch = call->state;
    (void)completed;
    if (batch->request)
        call->gallery->options.store->ops->cancel(batch->request);
    json_decref(batch->results);
    free(batch);
}

/* ---- results ---- */

static void add_error(struct upload_batch *batch, const char *code, const char *message)
{
    json_array_append_new(batch->results,
                          json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message));
}

static void add_failure(struct upload_batch *batch, const struct error *error)
{
    add_error(batch, error_name(error->code), error->text);
}

static const struct gallery_place *place_of(const struct upload_batch *batch)
{
    return &batch->call->gallery->places[0];
}

/* ---- a file in one piece ---- */

static void add_put(struct upload_batch *batch)
{
    struct object_store *store = batch->call->gallery->options.store;
    const char *bucket = place_of(batch)->bucket;
    struct error error = {0};
    char *url;
    const struct object_presign what = {
        .method = "PUT",
        .name = {.bucket = bucket, .key = batch->key},
        .expires_s = EXPIRES_S,
        .content_type = batch->type,
        .sized = true,
        .size = batch->size,
        .only_new = true,
    };
    if (store->ops->presign(store, &what, &url, NULL, &error)) {
        add_failure(batch, &error);
        return;
    }
    json_array_append_new(batch->results,
                          json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "bucket", bucket, "key",
                                    batch->key, "url", url, "headers", "Content-Type", batch->type,
                                    "If-None-Match", "*"));
    photo_library_expect(gallery_photos(batch->call->gallery), bucket, batch->key);
    free(url);
}

/* ---- a file in parts ---- */

static void on_begun(const char *upload, const struct error *error, void *user)
{
    struct upload_batch *batch = user;
    const json_int_t size = (json_int_t)batch->size;
    batch->request = NULL;
    if (error->code)
        add_failure(batch, error);
    else
        json_array_append_new(batch->results, json_pack("{s:s, s:s, s:{s:s, s:I, s:I}}", "bucket",
                                                        place_of(batch)->bucket, "key", batch->key,
                                                        "multipart", "upload", upload, "partBytes",
                                                        (json_int_t)GALLERY_PART_BYTES, "parts",
                                                        (size - 1) / GALLERY_PART_BYTES + 1));
    batch_run(batch);
}

static void begin(struct upload_batch *batch)
{
    struct object_store *store = batch->call->gallery->options.store;
    const struct object_upload upload = {.bucket = place_of(batch)->bucket, .key = batch->key};
    const int code =
        store->ops->upload_begin(store, &upload, batch->type, on_begun, batch, &batch->request);
    if (!code)
        return;
    add_error(batch, error_name(code), "the upload could not begin; try again");
    batch_run(batch);
}

static void on_looked(const struct object_facts *facts, const struct error *error, void *user)
{
    struct upload_batch *batch = user;
    (void)facts;
    batch->request = NULL;
    if (error->code == ERR_NOT_FOUND) {
        begin(batch);
        return;
    }
    if (error->code)
        add_failure(batch, error);
    else
        add_error(batch, "exists", "there is a photo with this name already");
    batch_run(batch);
}

/* False: it has added an error. */
static bool look(struct upload_batch *batch)
{
    struct object_store *store = batch->call->gallery->options.store;
    const struct object_name name = {.bucket = place_of(batch)->bucket, .key = batch->key};
    const int code = store->ops->head(store, &name, on_looked, batch, &batch->request);
    if (code)
        add_error(batch, error_name(code), "the store could not be asked; try again");
    return !code;
}

/* ---- the batch ---- */

static bool name_read(struct upload_batch *batch, const json_t *file)
{
    const char *path = json_text_in(file, "path");
    const json_t *attempt = json_object_get(file, "attempt");
    const json_int_t number = attempt ? json_integer_value(attempt) : 1;
    if (!path || strlen(path) > PATH_BYTES_MAX || number < 1 || number > UPLOAD_ATTEMPTS_MAX) {
        add_error(batch, "invalid_file", "the file has no usable name");
        return false;
    }
    const int code = upload_name_make(place_of(batch)->prefix, path, (unsigned)number, batch->key);
    if (!code && gallery_is_accepted(batch->call->gallery, place_of(batch)->bucket, batch->key))
        return true;
    add_error(batch, code == ERR_LIMIT ? "name_too_long" : "not_accepted",
              code == ERR_LIMIT ? "the name is too long: shorten it, or the names of its folders"
                                : "no pipeline takes files with this name");
    return false;
}

static bool size_read(struct upload_batch *batch, const json_t *file)
{
    const size_t most = batch->call->gallery->options.limits.max_bytes;
    const json_int_t size = json_integer_value(json_object_get(file, "size"));
    if (size > 0 && (uint64_t)size <= (most ? most : PIPELINE_MAX_BYTES)) {
        batch->size = (uint64_t)size;
        return true;
    }
    add_error(batch, size > 0 ? "too_large" : "empty",
              size > 0 ? "the file is larger than photos may be here (--max-bytes)"
                       : "the file is empty");
    return false;
}

/* True: a request is under way, and calls batch_run again. */
static bool file_start(struct upload_batch *batch, const json_t *file)
{
    const char *type = json_text_in(file, "type");
    if (!name_read(batch, file) || !size_read(batch, file))
        return false;
    batch->type = upload_type(type ? type : "");
    if (batch->size >= GALLERY_MULTIPART_FROM)
        return look(batch);
    add_put(batch);
    return false;
}

static void batch_run(struct upload_batch *batch)
{
    const json_t *files = json_object_get(batch->call->body, "files");
    while (batch->next < json_array_size(files))
        if (file_start(batch, json_array_get(files, batch->next++)))
            return;
    gallery_respond_json(batch->call, 200, json_pack("{s:O}", "uploads", batch->results));
}

void gallery_upload(struct gallery_call *call)
{
    const json_t *files = json_object_get(call->body, "files");
    if (!json_is_array(files) || json_array_size(files) > FILES_MAX) {
        gallery_refuse(call, 400, "invalid_parameter",
                       "\"files\" must be a list of at most %d files", FILES_MAX);
        return;
    }
    if (!call->gallery->place_count) {
        gallery_refuse(call, 409, "no_place",
                       "the pipelines name no place for photos; start the gallery with --photos");
        return;
    }
    struct upload_batch *batch = calloc(1, sizeof *batch);
    if (!batch) {
        gallery_refuse(call, 503, "out_of_memory", "the server is short of memory; try again");
        return;
    }
    *batch = (struct upload_batch){.call = call, .results = json_array()};
    call->state = batch;
    call->ended = on_ended;
    batch_run(batch);
}
