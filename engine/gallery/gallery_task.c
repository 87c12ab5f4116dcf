/* Requests that wait for the index, or for the store. */
#include "gallery_photos.h"

#include <string.h>

#include "container_of.h"

/* call->state is the address of the pointer that refers to the call. */
static void on_call_ended(struct gallery_call *call, bool completed)
{
    struct gallery_call **pointer = call->state;
    (void)completed;
    if (pointer)
        *pointer = NULL;
}

void gallery_call_bind(struct gallery_call *call, struct gallery_call **pointer)
{
    *pointer = call;
    call->state = pointer;
    call->ended = on_call_ended;
}

void gallery_call_unbind(struct gallery_call **pointer)
{
    struct gallery_call *call = *pointer;
    if (!call)
        return;
    call->state = NULL;
    call->ended = NULL;
    *pointer = NULL;
}

void gallery_task_submit(struct gallery_task *task, struct gallery_call *call,
                         int (*run)(struct index_task *task, struct photo_db *db),
                         void (*done)(struct index_task *task, int code))
{
    task->task.run = run;
    task->task.done = done;
    gallery_call_bind(call, &task->call);
    photo_index_submit(photo_library_index(gallery_photos(call->gallery)), &task->task);
}

struct gallery_call *gallery_task_end(struct gallery_task *task, int code)
{
    struct gallery_call *call = task->call;
    gallery_call_unbind(&task->call);
    if (!call || !code)
        return call;
    gallery_refuse_error(call, &task->task.error);
    return NULL;
}

const char *gallery_photo_bucket(const json_t *photo)
{
    return json_string_value(json_object_get(photo, "bucket"));
}

const char *gallery_photo_key(const json_t *photo)
{
    return json_string_value(json_object_get(photo, "key"));
}

bool gallery_body_photos(struct gallery_call *call, json_t **photos)
{
    json_t *photo;
    size_t i;
    *photos = json_object_get(call->body, "photos");
    if (!json_is_array(*photos) || !json_array_size(*photos) ||
        json_array_size(*photos) > GALLERY_PHOTOS_MAX) {
        gallery_refuse(call, 400, "invalid_parameter",
                       "\"photos\" must be a list of 1 to %d photos, each with bucket and key",
                       (int)GALLERY_PHOTOS_MAX);
        return false;
    }
    json_array_foreach(*photos, i, photo)
    {
        const char *bucket = gallery_photo_bucket(photo), *key = gallery_photo_key(photo);
        if (bucket && key && gallery_is_photo(call->gallery, bucket, key))
            continue;
        gallery_refuse(call, 404, "not_found",
                       "entry %zu of \"photos\" is not a photo of this gallery", i);
        return false;
    }
    return true;
}
