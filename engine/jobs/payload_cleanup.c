#include "payload_cleanup.h"

#include <stdlib.h>
#include <string.h>

enum { LOG_EVERY_MS = 60000 };

struct payload_removal {
    struct payload_cleanup *cleanup;
    struct list link; /* in cleanup->pending */
    struct object_request *request;
    char *bucket, *key;
};

void payload_cleanup_init(struct payload_cleanup *cleanup, uv_loop_t *loop,
                          struct object_store *store, void (*ended)(void *user), void *user)
{
    *cleanup = (struct payload_cleanup){.loop = loop, .store = store, .ended = ended, .user = user};
    list_init(&cleanup->pending);
}

static void removal_free(struct payload_removal *removal)
{
    free(removal->bucket);
    free(removal->key);
    free(removal);
}

void payload_cleanup_close(struct payload_cleanup *cleanup)
{
    struct list *link;
    while ((link = list_shift(&cleanup->pending))) {
        struct payload_removal *removal = container_of(link, struct payload_removal, link);
        cleanup->store->ops->cancel(removal->request);
        removal_free(removal);
    }
    cleanup->count = 0;
}

struct payload_removal *payload_removal_new(struct payload_cleanup *cleanup, const char *bucket,
                                            const char *key)
{
    struct payload_removal *removal = calloc(1, sizeof *removal);
    if (!removal)
        return NULL;
    removal->cleanup = cleanup;
    removal->bucket = strdup(bucket);
    removal->key = strdup(key);
    if (removal->bucket && removal->key)
        return removal;
    removal_free(removal);
    return NULL;
}

static void log_failure(const struct payload_removal *removal, const char *why)
{
    struct payload_cleanup *cleanup = removal->cleanup;
    if (log_gate_open(&cleanup->failures, uv_now(cleanup->loop), LOG_EVERY_MS))
        log_warn("payload of a deleted message could not be removed from its bucket; it stays",
                 LOG_TEXT("bucket", removal->bucket), LOG_TEXT("key", removal->key),
                 LOG_TEXT("error", why), LOG_SUPPRESSED(&cleanup->failures));
}

static void on_removed(const struct error *error, void *user)
{
    struct payload_removal *removal = user;
    struct payload_cleanup *cleanup = removal->cleanup;
    if (error->code)
        log_failure(removal, error->text);
    list_remove(&removal->link);
    cleanup->count--;
    removal_free(removal);
    cleanup->ended(cleanup->user);
}

void payload_removal_end(void *user, bool deleted)
{
    struct payload_removal *removal = user;
    struct payload_cleanup *cleanup = removal->cleanup;
    const struct object_name name = {.bucket = removal->bucket, .key = removal->key};
    int code = ERR_CANCELLED;
    if (deleted) {
        code = cleanup->store->ops->remove(cleanup->store, &name, on_removed, removal,
                                           &removal->request);
        if (code)
            log_failure(removal, error_name(code));
    }
    if (code) {
        removal_free(removal);
        return;
    }
    list_push(&cleanup->pending, &removal->link);
    cleanup->count++;
}
