#include "gallery_photos.h"

#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "gallery_deletions.h"

enum { LOOKED_AT_MS = 60000 };

struct gallery_photos {
    struct gallery *gallery;
    struct photo_library *photos;
    struct gallery_deletions *deletions;
    struct list tag_changes; /* of gallery_tags.c */
    struct list retries;     /* of gallery_retry.c */
    uint64_t looked_at_ms;   /* uv_now; 0: never */
    /* Events for nobody: see is_followed. */
    uint64_t followed_ms, followers;
    bool silent;
};

struct photo_library *gallery_photos(const struct gallery *gallery)
{
    return gallery->photos->photos;
}

struct gallery_deletions *gallery_photos_deletions(const struct gallery *gallery)
{
    return gallery->photos->deletions;
}

struct list *gallery_photos_tag_changes(const struct gallery *gallery)
{
    return &gallery->photos->tag_changes;
}

struct list *gallery_photos_retries(const struct gallery *gallery)
{
    return &gallery->photos->retries;
}

/* ---- photos for the page ---- */

static void url_set(const struct gallery *gallery, json_t *into, const char *name,
                    const json_t *object)
{
    const char *bucket = gallery_photo_bucket(object), *key = gallery_photo_key(object);
    struct error error = {0};
    char *url = NULL;
    if (bucket && key)
        gallery_presign(gallery, bucket, key, NULL, &url, &error);
    json_object_set_new(into, name, url ? json_string(url) : json_null());
    free(url);
}

void gallery_photo_finish(const struct gallery *gallery, json_t *photo, bool whole)
{
    json_t *renditions = json_object_get(photo, "renditions"), *rendition;
    size_t i;
    photo_library_overlay(gallery->photos->photos, photo);
    url_set(gallery, photo, "thumb", json_object_get(photo, "shown"));
    json_object_del(photo, "shown");
    if (!whole)
        return;
    url_set(gallery, photo, "original", photo);
    json_array_foreach(renditions, i, rendition)
    {
        url_set(gallery, rendition, "url", rendition);
    }
}

/* ---- events ---- */

/* Whether events of photos are to be published. A page that has left may come back and go on where it
 * was; when none has followed for a while, the events are left out, and those that come back start
 * anew. */
static bool is_followed(struct gallery_photos *photos)
{
    struct gallery *gallery = photos->gallery;
    const uint64_t now = uv_now(gallery->loop), followers = gallery_followers(gallery);
    if (gallery_watchers(gallery) || followers != photos->followers) {
        photos->followers = followers;
        photos->followed_ms = now;
        photos->silent = false;
    }
    if (now - photos->followed_ms < LOOKED_AT_MS)
        return true;
    if (!photos->silent)
        gallery_events_reset(gallery);
    photos->silent = true;
    return false;
}

static void on_changed(json_t *photo, void *user)
{
    struct gallery_photos *photos = user;
    if (!is_followed(photos))
        return;
    gallery_photo_finish(photos->gallery, photo, false);
    gallery_publish(photos->gallery, "photo", json_incref(photo));
}

static void on_gone(const char *bucket, const char *key, void *user)
{
    struct gallery_photos *photos = user;
    gallery_publish(photos->gallery, "removed",
                    json_pack("{s:s, s:s}", "bucket", bucket, "key", key));
}

static void on_laid_out(uint64_t revision, int64_t total, void *user)
{
    struct gallery_photos *photos = user;
    gallery_publish(
        photos->gallery, "layout",
        json_pack("{s:I, s:I}", "revision", (json_int_t)revision, "total", (json_int_t)total));
}

static void on_progressed(bool done, uint64_t listed, int64_t total, void *user)
{
    struct gallery_photos *photos = user;
    gallery_publish(photos->gallery, "index",
                    json_pack("{s:b, s:I, s:I}", "done", done, "listed", (json_int_t)listed,
                              "total", (json_int_t)total));
}

static bool is_watched(void *user)
{
    const struct gallery_photos *photos = user;
    const uint64_t now = uv_now(photos->gallery->loop);
    return gallery_watchers(photos->gallery) ||
           (photos->looked_at_ms && now - photos->looked_at_ms < LOOKED_AT_MS);
}

static bool is_informed(void *user)
{
    const struct gallery_photos *photos = user;
    return *photos->gallery->options.engine != NULL;
}

void gallery_photos_looked_at(struct gallery *gallery)
{
    struct gallery_photos *photos = gallery->photos;
    photos->looked_at_ms = uv_now(gallery->loop);
    photo_library_watch(photos->photos);
}

/* ---- the engine ---- */

void gallery_photos_record(struct gallery *gallery, const struct engine_record *record)
{
    photo_library_record(gallery->photos->photos, record);
}

void gallery_photos_step(struct gallery *gallery, const struct engine_step *step)
{
    photo_library_step(gallery->photos->photos, step);
}

/* ---- opening and closing ---- */

static struct photo_config *config_make(const struct gallery *gallery)
{
    struct photo_place places[GALLERY_PLACES_MAX];
    struct photo_config *config;
    for (size_t i = 0; i < gallery->place_count; i++)
        places[i] = (struct photo_place){gallery->places[i].bucket, gallery->places[i].prefix};
    photo_config_make(gallery->options.pipeline_ops, gallery->pipelines, gallery->pipeline_count,
                      places, gallery->place_count, &config);
    return config;
}

static int index_open(struct gallery_photos *photos, struct error *error)
{
    const struct gallery *gallery = photos->gallery;
    struct photo_config *config = config_make(gallery);
    char *path = path_join(gallery->options.data_dir, "index.sqlite");
    int code = ERR_MEMORY;
    const struct photo_library_options options = {.loop = gallery->loop,
                                                  .store = gallery->options.store,
                                                  .index_path = path,
                                                  .changed = on_changed,
                                                  .gone = on_gone,
                                                  .laid_out = on_laid_out,
                                                  .progressed = on_progressed,
                                                  .watched = is_watched,
                                                  .informed = is_informed,
                                                  .user = photos};
    if (path && config)
        code = photo_library_open(&options, config, &photos->photos, error);
    else
        photo_config_free(config);
    free(path);
    return code;
}

int gallery_photos_open(struct gallery *gallery, struct error *error)
{
    struct gallery_photos *photos = calloc(1, sizeof *photos);
    struct gallery_deletions *deletions = gallery_deletions_make(gallery);
    int code = ERR_MEMORY;
    if (photos && deletions) {
        photos->gallery = gallery;
        photos->deletions = deletions;
        list_init(&photos->tag_changes);
        list_init(&photos->retries);
        gallery->photos = photos;
        code = index_open(photos, error);
    }
    if (code) {
        gallery->photos = NULL;
        gallery_deletions_free(deletions);
        free(photos);
        return error_set(error, code, "%s", code == ERR_MEMORY ? "out of memory" : error->text);
    }
    gallery_deletions_begin(deletions);
    return 0;
}

void gallery_photos_reload(struct gallery *gallery)
{
    struct photo_config *config = config_make(gallery);
    if (config)
        photo_library_configure(gallery->photos->photos, config);
}

void gallery_photos_drain(struct gallery *gallery)
{
    gallery_deletions_drain(gallery->photos->deletions);
}

static void on_all_closed(void *user)
{
    struct gallery_photos *photos = user;
    struct gallery *gallery = photos->gallery;
    gallery->photos = NULL;
    free(photos);
    gallery_part_closed(gallery);
}

/* No task refers to a deletion any more. */
static void on_index_closed(void *user)
{
    struct gallery_photos *photos = user;
    gallery_deletions_close(photos->deletions, on_all_closed, photos);
}

void gallery_photos_close(struct gallery *gallery)
{
    struct gallery_photos *photos = gallery->photos;
    gallery_deletions_end(photos->deletions);
    gallery_tags_end(&photos->tag_changes);
    gallery_retries_end(&photos->retries);
    photo_library_close(photos->photos, on_index_closed, photos);
}
