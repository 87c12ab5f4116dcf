/*
 * Reads a file or standard input piece by piece, on a pool thread.
 *
 * The thread waits for input with poll(2), together with a descriptor that ends the wait, so that a
 * command can be interrupted while nobody types. Loop thread, except where noted.
 */
#ifndef THUMBWHEEL_BODY_READER_H
#define THUMBWHEEL_BODY_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "error.h"

struct body_reader;
typedef void body_read(struct body_reader *reader);

struct body_reader { /* embed it */
    uv_work_t work;
    const char *path; /* borrowed; "-": standard input */
    int fd;           /* -1: not open yet */
    int wake;         /* borrowed: reading ends when it is readable; -1: none */
    char *data;       /* borrowed while reading: where the next bytes go */
    size_t room;
    body_read *done;
    /* the result of a read */
    size_t size; /* less than room only at the end */
    bool end;    /* there is no more */
    struct error error;
};

void body_reader_init(struct body_reader *reader, const char *path, int wake);
/* Fills data unless the input ends before. */
void body_reader_start(struct body_reader *reader, uv_loop_t *loop, char *data, size_t room,
                       body_read *done);
/* Not while reading. */
void body_reader_close(struct body_reader *reader);

#endif
