/*
 * An upload in parts, after it has begun (gallery_uploads.c): presigned URLs for the parts, and its
 * end. What the page neither completes nor aborts stays in the store until a lifecycle rule of the
 * bucket removes it.
 */
#include <stdlib.h>
#include <string.h>

#include "gallery_photos.h"
#include "gallery_private.h"
#include "gallery_uploads.h"

enum { URLS_MAX = 100, EXPIRES_S = 6 * 60 * 60, UPLOAD_ID_MAX = 1024, ETAG_MAX = 128 };

/* The upload that the body names: of a photo, so that nothing else can be written. False: it has
 * refused the request. */
static bool upload_read(struct gallery_call *call, struct object_upload *out)
{
    *out = (struct object_upload){.bucket = gallery_body_text(call, "bucket", OBJECT_KEY_MAX),
                                  .only_new = true};
    if (!out->bucket || !(out->key = gallery_body_text(call, "key", OBJECT_KEY_MAX)) ||
        !(out->id = gallery_body_text(call, "upload", UPLOAD_ID_MAX)))
        return false;
    if (*out->id && gallery_is_photo(call->gallery, out->bucket, out->key))
        return true;
    gallery_refuse(call, 404, "not_found", "this is not an upload of a photo");
    return false;
}

/* ---- parts ---- */

static int url_add(struct gallery_call *call, const struct object_upload *upload, unsigned part,
                   json_t *urls, struct error *error)
{
    struct object_store *store = call->gallery->options.store;
    const struct object_presign what = {
        .method = "PUT",
        .name = {.bucket = upload->bucket, .key = upload->key},
        .expires_s = EXPIRES_S,
        .upload = upload->id,
        .part = part,
    };
    char *url;
    const int code = store->ops->presign(store, &what, &url, NULL, error);
    if (code)
        return code;
    json_array_append_new(urls, json_string(url));
    free(url);
    return 0;
}

void gallery_upload_parts(struct gallery_call *call)
{
    struct object_upload upload;
    struct error error = {0};
    const json_int_t from = json_integer_value(json_object_get(call->body, "from"));
    const json_int_t count = json_integer_value(json_object_get(call->body, "count"));
    if (!upload_read(call, &upload))
        return;
    if (from < 1 || count < 1 || count > URLS_MAX || from > OBJECT_PARTS_MAX - count + 1) {
        gallery_refuse(call, 400, "invalid_parameter",
                       "\"from\" must be from 1, and \"count\" from 1 to %d; an upload has at most "
                       "%d parts",
                       URLS_MAX, OBJECT_PARTS_MAX);
        return;
    }
    json_t *urls = json_array();
    for (json_int_t i = 0; i < count && !error.code; i++)
        url_add(call, &upload, (unsigned)(from + i), urls, &error);
    if (!error.code) {
        gallery_respond_json(call, 200, json_pack("{s:o, s:{}}", "urls", urls, "headers"));
        return;
    }
    json_decref(urls);
    gallery_refuse_error(call, &error);
}

/* ---- the end ---- */

static void on_ended(struct gallery_call *call, bool completed)
{
    (void)completed;
    if (call->state)
        call->gallery->options.store->ops->cancel(call->state);
}

static void on_done(const struct error *error, void *user)
{
    struct gallery_call *call = user;
    call->state = NULL;
    if (error->code == ERR_CONFLICT)
        gallery_refuse(call, 412, "exists", "there is a photo with this name already");
    else if (error->code)
        gallery_refuse_error(call, error);
    else
        gallery_respond_done(call);
}

/* After the request to the store was started, or not. */
static void await(struct gallery_call *call, int code, struct object_request *request)
{
    struct error error = {0};
    if (code) {
        error_set(&error, code, "the store could not be asked (%s); try again", error_name(code));
        gallery_refuse_error(call, &error);
        return;
    }
    call->state = request;
    call->ended = on_ended;
}

/* Without quotes. */
static char *etag_read(const json_t *value)
{
    const char *text = json_string_value(value);
    struct slice etag = slice_of(text);
    if (etag.size > 1 && etag.data[0] == '"' && etag.data[etag.size - 1] == '"')
        etag = (struct slice){etag.data + 1, etag.size - 2};
    if (!etag.size || etag.size > ETAG_MAX || memchr(etag.data, '"', etag.size))
        return NULL;
    return slice_dup(etag);
}

static bool etags_read(const json_t *list, struct text_list *out)
{
    if (!json_is_array(list) || !json_array_size(list) || json_array_size(list) > OBJECT_PARTS_MAX)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (text_list_take(out, etag_read(json_array_get(list, i))))
            return false;
    return true;
}

static void complete(struct gallery_call *call, const struct object_upload *upload,
                     const struct text_list *etags)
{
    struct object_store *store = call->gallery->options.store;
    struct object_request *request = NULL;
    const int code = store->ops->upload_complete(store, upload, etags->items, etags->count, on_done,
                                                 call, &request);
    if (!code)
        photo_library_expect(gallery_photos(call->gallery), upload->bucket, upload->key);
    await(call, code, request);
}

void gallery_upload_complete(struct gallery_call *call)
{
    struct object_upload upload;
    struct text_list etags = {0};
    if (!upload_read(call, &upload))
        return;
    photo_library_expect(gallery_photos(call->gallery), upload.bucket, upload.key);
    if (etags_read(json_object_get(call->body, "etags"), &etags))
        complete(call, &upload, &etags);
    else
        gallery_refuse(call, 400, "invalid_parameter",
                       "\"etags\" must be the ETags of all parts, in their order");
    text_list_clear(&etags);
}

void gallery_upload_abort(struct gallery_call *call)
{
    struct object_store *store = call->gallery->options.store;
    struct object_upload upload;
    struct object_request *request = NULL;
    if (!upload_read(call, &upload))
        return;
    const int code = store->ops->upload_abort(store, &upload, on_done, call, &request);
    await(call, code, request);
}
