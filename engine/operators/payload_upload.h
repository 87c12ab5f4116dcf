/*
 * Stores a payload of any size, from memory or from a reader, without holding more than one part of
 * it (8 MiB): one PutObject if it fits into a part, else an upload in parts. An upload that fails is
 * aborted, so that no parts stay behind. Loop thread.
 */
#ifndef THUMBWHEEL_PAYLOAD_UPLOAD_H
#define THUMBWHEEL_PAYLOAD_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "body_reader.h"
#include "hash.h"
#include "object_store.h"

enum { PAYLOAD_PART = 8 * 1024 * 1024 };

struct payload_upload;

struct payload_upload_options {
    uv_loop_t *loop;
    struct object_store *store;
    const char *bucket, *key; /* borrowed until the callback */
    struct body_reader
        *reader;         /* the rest after `first`; NULL: none. Borrowed until the callback */
    struct slice first;  /* copied; at most a part */
    uint64_t max;        /* bytes; more is ERR_LIMIT */
    const bool *stopped; /* once true, the upload ends as soon as it can; NULL: never */
};

struct payload_facts {
    uint64_t size;
    uint8_t sha256[SHA256_SIZE];
};

/* From a fresh loop callback. */
typedef void payload_uploaded(const struct payload_facts *facts, const struct error *error,
                              void *user);

/* ERR_MEMORY: done is not called. */
int payload_upload_start(const struct payload_upload_options *options, payload_uploaded *done,
                         void *user);

#endif
