/*
 * LifecycleConfiguration ("Managing the lifecycle of objects", S3 User Guide): parsed into a struct
 * lifecycle. A transition changes the storage class that is recorded with an object.
 *
 * A rule's days are counted from an object's time and rounded to the next midnight UTC, as in S3.
 * Immutable once parsed; any thread, except for the reference count (loop thread).
 */
#ifndef THUMBWHEEL_LOCAL_BUCKET_LIFECYCLE_H
#define THUMBWHEEL_LOCAL_BUCKET_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "bucket_settings.h"

enum { LIFECYCLE_RULES_MAX = 1000, LIFECYCLE_TAGS_MAX = 10, LIFECYCLE_TRANSITIONS_MAX = 12 };

struct lifecycle_tag {
    char *key, *value;
};

struct lifecycle_transition {
    const char *storage_class; /* static */
    int days;                  /* -1: at date_ms */
    int64_t date_ms;
    bool noncurrent; /* of versions that have been noncurrent for `days` */
    int kept;        /* of them, newer ones that stay */
};

struct lifecycle_rule {
    char *id;
    bool enabled;
    /* which objects */
    char *prefix; /* "": all */
    struct lifecycle_tag tags[LIFECYCLE_TAGS_MAX];
    size_t tag_count;
    int64_t larger, smaller; /* than this size in bytes; -1: any */
    /* their expiration; 0 days: none */
    int days;
    int64_t date_ms; /* 0: none */
    bool lone_markers;
    int noncurrent_days, noncurrent_kept;
    int abort_days; /* uploads under way */
    struct lifecycle_transition transitions[LIFECYCLE_TRANSITIONS_MAX];
    size_t transition_count;
};

struct lifecycle {
    unsigned holders;
    struct lifecycle_rule *rules;
    size_t count;
};

bucket_setting_reader bucket_lifecycle_read;
void bucket_lifecycle_free(void *lifecycle); /* releases */
struct lifecycle *lifecycle_retain(struct lifecycle *lifecycle);
void lifecycle_release(struct lifecycle *lifecycle);

bool lifecycle_is_active(const struct lifecycle *lifecycle); /* any rule is enabled; NULL: false */
/* Whether any rule filters by tags, so that they must be loaded. */
bool lifecycle_wants_tags(const struct lifecycle *lifecycle);

struct lifecycle_object { /* the properties of a version that rules use */
    const char *key;
    const char *tags; /* stored form (s3_tags.h) */
    uint64_t size;
    int64_t modified_ms;
};

enum { LIFECYCLE_NEVER = -1 };

/* When the current version expires, in Unix milliseconds, or LIFECYCLE_NEVER; *rule: the rule that
 * applies. */
int64_t lifecycle_expiry(const struct lifecycle *lifecycle, const struct lifecycle_object *object,
                         const struct lifecycle_rule **rule);
/* For a delete marker without remaining versions. */
bool lifecycle_marker_expired(const struct lifecycle *lifecycle,
                              const struct lifecycle_object *marker, int64_t now_ms);
/* For a version that became noncurrent at retired_ms; newer: the number of newer noncurrent
 * versions of its key. */
bool lifecycle_noncurrent_expired(const struct lifecycle *lifecycle,
                                  const struct lifecycle_object *object, int64_t retired_ms,
                                  unsigned newer, int64_t now_ms);
/* How old a version is: modified_ms counts unless it is noncurrent. */
struct lifecycle_age {
    bool noncurrent;
    int64_t retired_ms; /* when it became noncurrent */
    unsigned newer;     /* newer noncurrent versions of its key */
    int64_t now_ms;
};
/* The storage class that a version of a class moves to, or NULL. small_archived: objects below 128
 * KiB move to archives, too ("Transitioning objects using Amazon S3 Lifecycle", S3 User Guide). */
const char *lifecycle_new_class(const struct lifecycle *lifecycle,
                                const struct lifecycle_object *object, const char *storage_class,
                                const struct lifecycle_age *age, bool small_archived);
bool lifecycle_upload_expired(const struct lifecycle *lifecycle, const char *key,
                              int64_t created_ms, int64_t now_ms);

/* The next midnight (UTC). */
int64_t lifecycle_midnight_after(int64_t unix_ms);

#endif
