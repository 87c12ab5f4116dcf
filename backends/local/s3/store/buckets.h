/*
 * S3 state: the buckets with their notification configurations are in memory (loop thread), all
 * object data is in SQLite and blob files (storage thread, objects.h).
 *
 * A change of a bucket is stored first; the state in memory changes when it is committed. A bucket
 * may be deleted during an operation, so operations keep its id, never the pointer.
 */
#ifndef THUMBWHEEL_LOCAL_BUCKETS_H
#define THUMBWHEEL_LOCAL_BUCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blobs.h"
#include "bucket_settings.h"
#include "error.h"
#include "notification.h"
#include "objects.h"
#include "storage.h"

struct cloud;
struct buckets;

enum { BUCKET_NAME_MIN = 3, BUCKET_NAME_MAX = 63 };

struct bucket { /* valid until the loop runs again */
    int64_t id;
    const char *name;
    int64_t created_ms;
    const char *region;
    const char *owner; /* the account that created it */
    const struct notification *notification;
    enum versioning versioning;
    const struct bucket_setting *settings; /* by kind */
};

extern const char buckets_schema[];

/* Loads the state; before the loop runs. cloud->storage must be open. */
int buckets_open(struct cloud *cloud, struct buckets **out, struct error *error);
/* Call it after storage has closed. */
void buckets_close(struct buckets *buckets);

/* Whether a name is valid ("Bucket naming rules", S3 User Guide). */
bool bucket_name_valid(const char *name);

/* False: no bucket has that name. */
bool buckets_find(const struct buckets *buckets, const char *name, struct bucket *out);
size_t buckets_count(const struct buckets *buckets);
struct bucket buckets_at(const struct buckets *buckets, size_t index); /* sorted by name */

/* Increases with each call and across starts: object ids, sequencers. */
uint64_t buckets_next_number(struct buckets *buckets);

/* The blob files, only for run(). */
struct blobs *buckets_blobs(struct buckets *buckets);
/* Recently read small objects. */
struct object_cache *buckets_cache(struct buckets *buckets);

/* Changes. done is called once, from the loop. ERR_MEMORY: done will not be called. */
typedef void bucket_done(int code, const struct error *error, void *user);
/* settings: by kind, taken on success; NULL: none. ERR_CONFLICT: the name is taken. */
int buckets_create(struct buckets *buckets, const char *name,
                   struct bucket_setting settings[BUCKET_SETTING_KINDS], bucket_done *done,
                   void *user);
/* Also deletes pending uploads. ERR_NO_CONTAINER; ERR_CONFLICT: it is not empty. */
int buckets_delete(struct buckets *buckets, const char *name, bucket_done *done, void *user);
/* Takes the notification. announce adds messages that are committed with the change; if it fails,
 * the change fails too, with all added messages. ERR_NO_CONTAINER. */
typedef int bucket_announce(const struct notification *notification, struct storage_unit *unit,
                            void *user);
int buckets_set_notification(struct buckets *buckets, const char *name,
                             struct notification *notification, bucket_announce *announce,
                             bucket_done *done, void *user);
/* Takes the settings, and sets those whose bits (1 << kind) are in kinds; one without a document
 * removes the current one. ERR_NO_CONTAINER. */
int buckets_set(struct buckets *buckets, const char *name, unsigned kinds,
                struct bucket_setting settings[BUCKET_SETTING_KINDS], bucket_done *done,
                void *user);
/* Makes a setting out of the current one. edit: storage thread; document is NULL if there is none;
 * without an error, an empty *setting removes it. With an error the bucket stays as it is and done
 * gets ERR_REFUSED: edit keeps its error in user. ERR_NO_CONTAINER. */
typedef enum s3_error bucket_edit(const char *document, struct bucket_setting *setting, void *user);
int buckets_edit(struct buckets *buckets, const char *name, enum bucket_setting_kind kind,
                 bucket_edit *edit, bucket_done *done, void *user);

#endif
