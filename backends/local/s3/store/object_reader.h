/*
 * Reads a range of an object's body in pieces: from the database, from one blob, or from the blobs
 * of its parts. An open object stays readable if it is replaced meanwhile.
 *
 * It is opened and closed on the storage thread; in between, any thread may read it, but only one
 * at a time. Zeroed: closed.
 */
#ifndef THUMBWHEEL_LOCAL_OBJECT_READER_H
#define THUMBWHEEL_LOCAL_OBJECT_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "blob_segments.h"
#include "objects.h"

struct object_reader {
    struct blobs *blobs;
    bool open;
    uint64_t left;                  /* remaining bytes */
    struct blob_segments *segments; /* of an object with parts */
    size_t next;                    /* segment after the open one */
    int fd;
    uint64_t offset;    /* in the open file */
    uint64_t file_left; /* remaining bytes in it */
    struct bytes body;  /* a body from the database */
};

/* The range must be within the object. */
int object_reader_open(struct object_reader *reader, struct blobs *blobs,
                       const struct object *object, uint64_t first, uint64_t size,
                       struct error *error);
/* Whether the next bytes are in the page cache, as far as the kernel reports it without reading. */
bool object_reader_is_ready(const struct object_reader *reader);
/* Reads the next bytes into data; size is at most `left`. */
int object_reader_read(struct object_reader *reader, char *data, size_t size, struct error *error);
/* Moves the next bytes into a pipe without a copy: as many as fit, at least one. ERR_UNSUPPORTED:
 * the body is not a file, or its file system does not support it; nothing was moved. */
int object_reader_splice(struct object_reader *reader, int pipe, size_t *moved,
                         struct error *error);
/* A closed reader is allowed. */
void object_reader_close(struct object_reader *reader);
/* Any thread: closes it unless its object has parts, because their list belongs to the storage
 * thread. */
void object_reader_close_aside(struct object_reader *reader);

#endif
