/*
 * Configurations of a bucket, one document each: stored as text in a row, and parsed in memory.
 * Each kind has its own parser; a kind without one is kept only as text. Loop thread, but for the
 * schema.
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
    BUCKET_SETTING_KINDS,
};

struct bucket_setting {
    char *document; /* NULL: there is none */
    void *read;     /* by the kind's reader */
};

/* The name of a kind's sub-resource, under which it is also stored; static. */
const char *bucket_setting_name(enum bucket_setting_kind kind);

/* Reads a document as a client sent it: S3_OK, or the error, with a message for the response
 * (it may be NULL). setting->document is what is to be stored and answered. */
enum { BUCKET_SETTING_MESSAGE_MAX = 256 };
enum s3_error bucket_setting_read(enum bucket_setting_kind kind, struct slice document,
                                  struct bucket_setting *setting,
                                  char message[BUCKET_SETTING_MESSAGE_MAX]);
void bucket_setting_clear(enum bucket_setting_kind kind, struct bucket_setting *setting);

/* A reader of one kind fills both members of *setting, or returns why not; what it leaves there is
 * cleared by the caller. The document is what the reader makes of it, or a copy. */
typedef enum s3_error bucket_setting_reader(struct slice document, struct bucket_setting *setting,
                                            char message[BUCKET_SETTING_MESSAGE_MAX]);

#endif
