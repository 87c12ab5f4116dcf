/*
 * The request log: one JSON line for each request that was answered.
 *
 *     {"time":"2026-01-02T03:04:05.678Z","service":"sqs","operation":"SendMessage","resource":"web-queue",
 *      "key":"","status":200,"microseconds":412}
 *
 * Lines are gathered on the loop thread and written by the storage thread, so that no request waits
 * for the file; a line is in the file within one turn of storage, and all of them are when the log
 * is closed. Loop thread.
 */
#ifndef THUMBWHEEL_REQUEST_LOG_H
#define THUMBWHEEL_REQUEST_LOG_H

#include <stdint.h>

#include "error.h"
#include "storage.h"

struct request_log;

struct request_line {
    const char *service, *operation, *resource, *key;
    int status;        /* 0: the peer went away unanswered */
    const char *fault; /* of the plan; NULL: none, and the line has no such member */
    uint64_t microseconds;
};

/* Appends to the file, which is made if absent. Blocking: at start. */
int request_log_open(struct storage *storage, const char *path, struct request_log **out,
                     struct error *error);
void request_log_add(struct request_log *log, const struct request_line *line);
/* Hands what was gathered to storage, for the last time. Before storage is closed. */
void request_log_stop(struct request_log *log);
/* After storage is closed. */
void request_log_close(struct request_log *log);

#endif
