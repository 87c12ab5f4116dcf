/*
 * The request log: one JSON line per request.
 *
 *     {"time":"2026-01-02T03:04:05.678Z","service":"sqs","operation":"SendMessage","resource":"web-queue",
 *      "key":"","status":200,"microseconds":412}
 *
 * Lines are buffered on the loop thread and written by the storage thread, so that no request waits
 * for the file; a line is written within one turn of storage, and all lines are written when the
 * log is closed. Loop thread.
 */
#ifndef THUMBWHEEL_REQUEST_LOG_H
#define THUMBWHEEL_REQUEST_LOG_H

#include <stdint.h>

#include "error.h"
#include "storage.h"

struct request_log;

struct request_line {
    const char *service, *operation, *resource, *key;
    int status;        /* 0: the peer disconnected before the response */
    const char *fault; /* the injected fault; NULL: none, and the line has no such member */
    uint64_t microseconds;
};

/* Appends to the file, which is created if absent. Blocking: at start. */
int request_log_open(struct storage *storage, const char *path, struct request_log **out,
                     struct error *error);
void request_log_add(struct request_log *log, const struct request_line *line);
/* Passes the last buffered lines to storage. Call it before storage is closed. */
void request_log_stop(struct request_log *log);
/* Call it after storage is closed. */
void request_log_close(struct request_log *log);

#endif
