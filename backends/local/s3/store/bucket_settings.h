/*
 * Configurations of a bucket, one document each: stored as text in a row, and parsed in memory.
 * Each kind has its own parser; a kind without one is kept only as text. Loop thread, except for
 * the schema.
 */
#ifndef THUMBWHEEL_LOCAL_BUCKET_SETTINGS_H
#define THUMBWHEEL_LOCAL_BUCKET_SETTINGS_H

#include "bytes.h"
#include "s3_errors.h"

#define BUCKET_SETTINGS_SCHEMA                                                                     \
    "CREATE TABLE IF NOT EXISTS bucket_settings (bucket INTEGER NOT NULL, kind TEXT NOT NULL, "    \
    "document TEXT NOT NULL, PRIMARY KEY (bucket, kind)) WITHOUT ROWID;"

enum bucket_setting_kind {
    BUCKET_VERSIONING,
    BUCKET_CORS,
    BUCKET_TAGGING,
    BUCKET_POLICY,
    BUCKET_LIFECYCLE,
    BUCKET_ENCRYPTION,
    BUCKET_PUBLIC_ACCESS,
    BUCKET_OWNERSHIP,
    BUCKET_LOGGING,
    BUCKET_ACCELERATE,
    BUCKET_PAYER,
    BUCKET_LOCATION, /* its region, as text */
    BUCKET_OWNER,    /* the account that created it, as text */
    /* of the lifecycle: varies_by_storage_class; absent: all_storage_classes_128K */
    BUCKET_TRANSITION_SIZE,
    BUCKET_SETTING_KINDS,
};

struct bucket_setting {
    char *document; /* NULL: there is none */
    void *read;     /* parsed by the kind's reader */
};

/* The name of a kind's sub-resource, also used in the database; static. */
const char *bucket_setting_name(enum bucket_setting_kind kind);

/* Parses a document from a client: S3_OK, or an error with a message for the response (may be
 * NULL). setting->document is the document to store and return; NULL: an empty set of tags, which
 * is stored as none. */
enum { BUCKET_SETTING_MESSAGE_MAX = 256 };
enum s3_error bucket_setting_read(enum bucket_setting_kind kind, struct slice document,
                                  struct bucket_setting *setting,
                                  char message[BUCKET_SETTING_MESSAGE_MAX]);
void bucket_setting_clear(enum bucket_setting_kind kind, struct bucket_setting *setting);
/* One of each kind. */
void bucket_settings_clear(struct bucket_setting settings[BUCKET_SETTING_KINDS]);

/* The reader of a kind sets both members of *setting, or returns an error; the caller clears
 * *setting in any case. The document is a normalised form or a copy. */
typedef enum s3_error bucket_setting_reader(struct slice document, struct bucket_setting *setting,
                                            char message[BUCKET_SETTING_MESSAGE_MAX]);

#endif
