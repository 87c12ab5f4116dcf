/* Looking at photos: layout, pages, one photo, the tags that there are, links. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "container_of.h"
#include "gallery_photos.h"
#include "photo_db.h"
#include "photo_filter.h"
#include "photo_query.h"
#include "photo_rows.h"

enum {
    PAGE_MAX = 200,
    TAGS_MAX = 100,
    ASPECTS_MAX = 16 * 1024 * 1024, /* photos that a layout shows */
    SHARE_S = 24 * 60 * 60,
    DISPOSITION_MAX = 4096,
};

struct browse_request {
    struct gallery_task task;
    struct photo_filter filter;
    int64_t first, count;
    char *bucket, *key;
    bool download, share;
    /* the response */
    struct buffer aspects;
    json_t *json;
    int64_t total;
    bool allowed;
};

static void request_free(struct browse_request *request)
{
    photo_filter_clear(&request->filter);
    buffer_free(&request->aspects);
    json_decref(request->json);
    free(request->bucket);
    free(request->key);
    free(request);
}

static struct browse_request *request_make(struct gallery_call *call)
{
    struct browse_request *request = calloc(1, sizeof *request);
    if (!request) {
        gallery_refuse_error(call, &(struct error){ERR_MEMORY, "out of memory"});
        return NULL;
    }
    buffer_init(&request->aspects, ASPECTS_MAX);
    gallery_photos_looked_at(call->gallery);
    return request;
}

/* Parameters that are no conditions belong to the handler. */
static bool filter_read(struct gallery_call *call, struct photo_filter *filter)
{
    for (size_t i = 0; i + 1 < call->query.count; i += 2) {
        struct error error = {0};
        bool known;
        if (photo_filter_add(filter, call->query.items[i], call->query.items[i + 1], &known,
                             &error) == 0)
            continue;
        gallery_refuse(call, error.code == ERR_MEMORY ? 503 : 400, "invalid_parameter", "%s",
                       error.text);
        return false;
    }
    return true;
}

/* ---- layout ---- */

static int layout_run(struct index_task *task, struct photo_db *db)
{
    struct browse_request *request = container_of(task, struct browse_request, task.task);
    return query_layout(db, &request->filter, &request->aspects, &task->error);
}

static json_t *layout_json(const struct browse_request *request)
{
    const struct buffer *aspects = &request->aspects;
    char *text = malloc(BASE64_TEXT_SIZE(aspects->size));
    if (!text)
        return NULL;
    base64_write(aspects->data, aspects->size, text);
    json_t *json = json_pack("{s:I, s:I, s:s}", "revision", (json_int_t)request->task.task.revision,
                             "total", (json_int_t)aspects->size, "aspects", text);
    free(text);
    return json;
}

static void layout_done(struct index_task *task, int code)
{
    struct browse_request *request = container_of(task, struct browse_request, task.task);
    struct gallery_call *call = gallery_task_end(&request->task, code);
    if (call)
        gallery_respond_json(call, 200, layout_json(request));
    request_free(request);
}

void gallery_layout_show(struct gallery_call *call)
{
    struct browse_request *request = request_make(call);
    if (request && filter_read(call, &request->filter))
        gallery_task_submit(&request->task, call, layout_run, layout_done);
    else if (request)
        request_free(request);
}

/* ---- pages ---- */

static int page_run(struct index_task *task, struct photo_db *db)
{
    struct browse_request *request = container_of(task, struct browse_request, task.task);
    const int code = query_page(db, &request->filter, request->first, request->count,
                                &request->json, &task->error);
    return code ? code : query_count(db, &request->filter, &request->total, &task->error);
}

static void page_done(struct index_task *task, int code)
{
    struct browse_request *request = container_of(task, struct browse_request, task.task);
    struct gallery_call *call = gallery_task_end(&request->task, code);
    json_t *photo;
    size_t i;
    if (call) {
        json_array_foreach(request->json, i, photo)
        {
            gallery_photo_finish(call->gallery, photo, false);
        }
        gallery_respond_json(call, 200,
                             json_pack("{s:I, s:I, s:O}", "revision", (json_int_t)task->revision,
                                       "total", (json_int_t)request->total, "photos",
                                       request->json));
    }
    request_free(request);
}

void gallery_photos_list(struct gallery_call *call)
{
    struct browse_request *request = request_make(call);
    if (!request)
        return;
    if (filter_read(call, &request->filter) &&
        gallery_query_number(call, "first", 0, INT32_MAX, 0, &request->first) &&
        gallery_query_number(call, "count", 1, PAGE_MAX, 100, &request->count))
        gallery_task_submit(&request->task, call, page_run, page_done);
    else
        request_free(request);
}

/* ---- tags ---- */

static int tags_run(struct index_task *task, struct photo_db *db)
{
    struct browse_request *request = container_of(task, struct browse_request, task.task);
    return query_tags(db, TAGS_MAX, &request->json, &task->error);
}

static void tags_done(struct index_task *task, int code)
{
    struct browse_request *request = container_of(task, struct browse_request, task.task);
    struct gallery_call *call = gallery_task_end(&request->task, code);
    if (call)
        gallery_respond_json(call, 200, json_pack("{s:O}", "tags", request->json));
    request_free(request);
}

void gallery_tags_list(struct gallery_call *call)
{
    struct browse_request *request = request_make(call);
    if (request)
        gallery_task_submit(&request->task, call, tags_run, tags_done);
}

/* ---- one photo, and links ---- */

/* What a link may lead to: a photo, or an output of one. */
static int one_run(struct index_task *task, struct photo_db *db)
{
    struct browse_request *request = container_of(task, struct browse_request, task.task);
    if (photo_config_accepts(db->config, request->bucket, request->key)) {
        const int code =
            query_photo(db, request->bucket, request->key, &request->json, &task->error);
        request->allowed = !code && request->json;
        if (code || request->allowed)
            return code;
    }
    if (!request->share && !request->download)
        return 0;
    return row_is_output(db, request->bucket, request->key, &request->allowed, &task->error);
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

/* 'attachment; filename*=UTF-8''name' (RFC 6266, RFC 8187); for free(), or NULL. */
static char *disposition_of(const char *key)
{
    const char *slash = strrchr(key, '/');
    struct buffer text;
    buffer_init(&text, DISPOSITION_MAX);
    buffer_text(&text, "attachment; filename*=UTF-8''");
    for (const char *c = slash ? slash + 1 : key; *c; c++) {
        if (is_plain(*c))
            buffer_byte(&text, *c);
        else
            buffer_format(&text, "%%%02X", (unsigned char)*c);
    }
    return buffer_take_text(&text);
}

static void download_respond(struct gallery_call *call, const struct browse_request *request)
{
    struct error error = {ERR_MEMORY, "out of memory"};
    char *disposition = disposition_of(request->key), *url = NULL;
    const int code = disposition ? gallery_presign(call->gallery, request->bucket, request->key,
                                                   disposition, &url, &error)
                                 : ERR_MEMORY;
    free(disposition);
    if (code)
        gallery_refuse_error(call, &error);
    else
        gallery_respond_json(call, 200, json_pack("{s:s}", "url", url));
    free(url);
}

static void share_respond(struct gallery_call *call, const struct browse_request *request)
{
    struct object_store *store = call->gallery->options.store;
    const struct object_presign what = {.method = "GET",
                                        .name = {.bucket = request->bucket, .key = request->key},
                                        .expires_s = SHARE_S};
    struct object_validity valid = {.expires_s = 0};
    struct error error = {0};
    char *url = NULL;
    if (store->ops->presign(store, &what, &url, &valid, &error)) {
        gallery_refuse_error(call, &error);
        return;
    }
    int64_t expires_s = valid.expires_s;
    if (valid.credentials_expire_s && valid.credentials_expire_s < expires_s)
        expires_s = valid.credentials_expire_s;
    gallery_respond_json(
        call, 200, json_pack("{s:s, s:I}", "url", url, "expires", (json_int_t)expires_s * 1000));
    free(url);
}

static void one_done(struct index_task *task, int code)
{
    struct browse_request *request = container_of(task, struct browse_request, task.task);
    struct gallery_call *call = gallery_task_end(&request->task, code);
    if (call && !request->allowed) {
        gallery_refuse(call, 404, "not_found",
                       "there is no such photo: it was deleted, or has not been found yet");
    } else if (call && request->share) {
        share_respond(call, request);
    } else if (call && request->download) {
        download_respond(call, request);
    } else if (call) {
        gallery_photo_finish(call->gallery, request->json, true);
        photo_library_view(gallery_photos(call->gallery), request->bucket, request->key);
        gallery_respond_json(call, 200, json_incref(request->json));
    }
    request_free(request);
}

static void one_begin(struct gallery_call *call, const char *bucket, const char *key, bool share,
                      bool download)
{
    struct browse_request *request = request_make(call);
    if (!request)
        return;
    request->bucket = strdup(bucket);
    request->key = strdup(key);
    request->share = share;
    request->download = download;
    if (request->bucket && request->key) {
        gallery_task_submit(&request->task, call, one_run, one_done);
        return;
    }
    request_free(request);
    gallery_refuse_error(call, &(struct error){ERR_MEMORY, "out of memory"});
}

void gallery_photo_show(struct gallery_call *call)
{
    const char *download = gallery_query(call, "download");
    one_begin(call, gallery_segment(call, 0), gallery_segment(call, 1), false,
              download && strcmp(download, "1") == 0);
}

void gallery_photo_share(struct gallery_call *call)
{
    const char *bucket = gallery_body_text(call, "bucket", OBJECT_KEY_MAX);
    const char *key = bucket ? gallery_body_text(call, "key", OBJECT_KEY_MAX) : NULL;
    if (key)
        one_begin(call, bucket, key, true, false);
}
