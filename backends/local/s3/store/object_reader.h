/*
 * Reads a range of an object's body in pieces, wherever it lies: in the database, in one blob, or
 * over the blobs of its parts. What was opened stays readable if the object is replaced meanwhile.
 *
 * It is opened and closed on the storage thread; in between it may be read on any, one at a time.
 * Zeroed: closed.
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
    uint64_t left;                  /* bytes still to read */
    struct blob_segments *segments; /* of an object with parts */
    size_t next;                    /* segment after the open one */
    int fd;
    uint64_t offset;    /* in the open file */
    uint64_t file_left; /* bytes to read from it */
    struct bytes body;  /* one from the database */
};

/* The range must lie in the object. */
int object_reader_open(struct object_reader *reader, struct blobs *blobs,
                       const struct object *object, uint64_t first, uint64_t size,
                       struct error *error);
/* Whether the next bytes are in memory already, as far as the kernel tells without reading. */
bool object_reader_is_ready(const struct object_reader *reader);
/* Fills data with the next bytes; size is at most `left`. */
int object_reader_read(struct object_reader *reader, char *data, size_t size, struct error *error);
/* Moves the next bytes into a pipe, without a copy: as many as it has room for, at least one.
 * ERR_UNSUPPORTED: the body is no file, or its file system cannot; nothing has been moved. */
int object_reader_splice(struct object_reader *reader, int pipe, size_t *moved,
                         struct error *error);
/* Safe on a closed one. */
void object_reader_close(struct object_reader *reader);
/* On any thread: closes it unless its object has parts, whose list is the storage thread's. */
void object_reader_close_aside(struct object_reader *reader);

#endif
