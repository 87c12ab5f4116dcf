/*
 * Where photos are, and what may be signed.
 *
 * The places are those of the options, or else the buckets and prefixes that the pipelines' match
 * names. An object is a photo if it is below a place and some pipeline accepts it.
 */
#include "gallery_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    STABLE_S = 30 * 60, /* a URL changes so often */
    STORE_ORIGINS_MAX = 64,
    POLICY_MAX = 16 * 1024,
};

/* ---- places ---- */

static bool place_is_known(const struct gallery *gallery, const char *bucket, const char *prefix)
{
    for (size_t i = 0; i < gallery->place_count; i++)
        if (strcmp(gallery->places[i].bucket, bucket) == 0 &&
            strcmp(gallery->places[i].prefix, prefix) == 0)
            return true;
    return false;
}

static void place_add(struct gallery *gallery, const char *bucket, const char *prefix)
{
    if (gallery->place_count < GALLERY_PLACES_MAX && !place_is_known(gallery, bucket, prefix))
        gallery->places[gallery->place_count++] = (struct gallery_place){bucket, prefix};
}

static void places_of_pipeline(struct gallery *gallery, const struct pipeline *pipeline)
{
    const struct pipeline_facts *facts = gallery->options.pipeline_ops->facts(pipeline);
    const char *bucket =
        facts->match_bucket ? facts->match_bucket : gallery->options.default_bucket;
    if (!bucket)
        return;
    if (!facts->match_prefix_count)
        place_add(gallery, bucket, "");
    for (size_t i = 0; i < facts->match_prefix_count; i++)
        place_add(gallery, bucket, facts->match_prefixes[i]);
}

void gallery_places_make(struct gallery *gallery)
{
    const struct gallery_options *options = &gallery->options;
    gallery->place_count = 0;
    for (size_t i = 0; i < options->place_count; i++)
        place_add(gallery, options->places[i].bucket, options->places[i].prefix);
    if (!options->place_count)
        for (size_t i = 0; i < gallery->pipeline_count; i++)
            places_of_pipeline(gallery, gallery->pipelines[i]);
}

size_t gallery_places(const struct gallery *gallery, struct gallery_place out[GALLERY_PLACES_MAX])
{
    memcpy(out, gallery->places, gallery->place_count * sizeof *out);
    return gallery->place_count;
}

static bool is_in_place(const struct gallery *gallery, const char *bucket, const char *key)
{
    for (size_t i = 0; i < gallery->place_count; i++) {
        const struct gallery_place *place = &gallery->places[i];
        if (strcmp(place->bucket, bucket) == 0 &&
            strncmp(place->prefix, key, strlen(place->prefix)) == 0)
            return true;
    }
    return false;
}

bool gallery_is_accepted(const struct gallery *gallery, const char *bucket, const char *key)
{
    for (size_t i = 0; i < gallery->pipeline_count; i++)
        if (gallery->options.pipeline_ops->matches(gallery->pipelines[i], bucket, key))
            return true;
    return false;
}

bool gallery_is_photo(const struct gallery *gallery, const char *bucket, const char *key)
{
    return is_in_place(gallery, bucket, key) && gallery_is_accepted(gallery, bucket, key);
}

/* ---- presigned URLs ---- */

int gallery_presign(const struct gallery *gallery, const char *bucket, const char *key,
                    const char *disposition, char **url, struct error *error)
{
    struct object_store *store = gallery->options.store;
    const struct object_presign what = {
        .method = "GET",
        .name = {.bucket = bucket, .key = key},
        .expires_s = 2 * STABLE_S,
        .stable_s = STABLE_S,
        .disposition = disposition,
    };
    return store->ops->presign(store, &what, url, NULL, error);
}

/* ---- the store's origins, for the Content-Security-Policy ---- */

/* "https://bucket.example.com" of a URL. */
static void origin_add(struct text_list *origins, const char *url)
{
    const char *host = strstr(url, "://");
    const size_t size = host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : 0;
    for (size_t i = 0; i < origins->count; i++)
        if (slice_equal_text((struct slice){url, size}, origins->items[i]))
            return;
    if (size && strcspn(url, " ;,\"'") >= size && origins->count < STORE_ORIGINS_MAX)
        text_list_take(origins, strndup(url, size));
}

static void bucket_add(const struct gallery *gallery, struct text_list *origins, const char *bucket)
{
    struct error error = {0};
    char *url = NULL;
    if (gallery_presign(gallery, bucket, "x", NULL, &url, &error) == 0)
        origin_add(origins, url);
    free(url);
}

static void output_buckets_add(const struct gallery *gallery, struct text_list *origins,
                               const struct pipeline *pipeline)
{
    const struct pipeline_ops *ops = gallery->options.pipeline_ops;
    const size_t count = ops->facts(pipeline)->output_count;
    for (size_t i = 0; i < count; i++) {
        const struct pipeline_output output = ops->output(pipeline, i);
        if (output.bucket)
            bucket_add(gallery, origins, output.bucket);
    }
}

static char *policy_make(const struct text_list *origins)
{
    struct buffer list, policy;
    buffer_init(&list, POLICY_MAX);
    buffer_init(&policy, POLICY_MAX);
    buffer_text(&list, "");
    for (size_t i = 0; i < origins->count; i++)
        buffer_format(&list, " %s", origins->items[i]);
    const char *store = list.size ? list.data : "";
    buffer_format(&policy,
                  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: "
                  "data:%s; connect-src 'self'%s; form-action 'none'; base-uri 'none'; "
                  "frame-ancestors 'none'; require-trusted-types-for 'script'",
                  store, store);
    buffer_free(&list);
    return buffer_take_text(&policy);
}

void gallery_policy_renew(struct gallery *gallery)
{
    struct text_list origins = {0};
    for (size_t i = 0; i < gallery->place_count; i++)
        bucket_add(gallery, &origins, gallery->places[i].bucket);
    for (size_t i = 0; i < gallery->pipeline_count; i++)
        output_buckets_add(gallery, &origins, gallery->pipelines[i]);
    char *policy = policy_make(&origins);
    text_list_clear(&origins);
    if (!policy)
        return; /* the one before is as strict */
    free(gallery->policy);
    gallery->policy = policy;
}
