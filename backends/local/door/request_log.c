#include "request_log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "container_of.h"
#include "files.h"
#include "log.h"

enum {
    PENDING_MAX = 8 * 1024 * 1024
}; /* buffer limit for a stalled disk; further lines are dropped and counted */

struct request_log {
    struct storage *storage;
    struct storage_task task; /* pending while busy */
    int fd;
    bool busy, stopped;
    uint64_t dropped;
    struct buffer pending; /* loop thread */
    struct buffer writing; /* used by the task while busy */
};

/* A log that cannot be written must not roll back other tasks, so this task succeeds and done
 * reports the error. */
static int lines_run(struct storage_task *task, struct storage *storage)
{
    (void)storage;
    struct request_log *log = container_of(task, struct request_log, task);
    if (file_write_all(log->fd, log->writing.data, log->writing.size))
        error_set(&task->error, ERR_IO, "%s", strerror(errno));
    return 0;
}

static void lines_submit(struct request_log *log);

static void lines_done(struct storage_task *task, int code)
{
    (void)code;
    struct request_log *log = container_of(task, struct request_log, task);
    if (task->error.code)
        log_warn("request log not written", LOG_TEXT("error", task->error.text));
    log->busy = false;
    buffer_clear(&log->writing);
    if (!log->stopped)
        lines_submit(log);
}

static void lines_submit(struct request_log *log)
{
    if (log->busy || log->pending.size == 0)
        return;
    struct buffer empty = log->writing;
    log->writing = log->pending;
    log->pending = empty;
    log->busy = true;
    log->task = (struct storage_task){.run = lines_run, .done = lines_done};
    storage_submit(log->storage, &log->task);
}

int request_log_open(struct storage *storage, const char *path, struct request_log **out,
                     struct error *error)
{
    struct request_log *log = calloc(1, sizeof *log);
    if (!log)
        return error_set(error, ERR_MEMORY, "out of memory");
    log->storage = storage;
    log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log->fd < 0) {
        error_set(error, ERR_IO, "cannot open the request log %s: %s", path, strerror(errno));
        free(log);
        return ERR_IO;
    }
    buffer_init(&log->pending, PENDING_MAX);
    buffer_init(&log->writing, PENDING_MAX);
    *out = log;
    return 0;
}

static json_t *time_json(void)
{
    struct timespec now;
    struct tm parts;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    return json_sprintf("%s.%03ldZ", text, now.tv_nsec / 1000000);
}

static char *line_text(const struct request_line *line)
{
    json_t *json = json_pack("{s:o, s:s, s:s, s:s, s:s, s:i, s:I, s:s*}", "time", time_json(),
                             "service", line->service, "operation", line->operation, "resource",
                             line->resource, "key", line->key, "status", line->status,
                             "microseconds", (json_int_t)line->microseconds, "fault", line->fault);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}

void request_log_add(struct request_log *log, const struct request_line *line)
{
    char *text = line_text(line);
    size_t size = text ? strlen(text) : 0;
    if (text && !buffer_reserve(&log->pending, size + 1)) {
        buffer_append(&log->pending, text, size);
        buffer_byte(&log->pending, '\n');
    } else {
        log->dropped++;
        log->pending.error = 0;
    }
    free(text);
    if (!log->stopped)
        lines_submit(log);
}

void request_log_stop(struct request_log *log)
{
    lines_submit(log);
    log->stopped = true;
}

void request_log_close(struct request_log *log)
{
    if (log->pending.size && file_write_all(log->fd, log->pending.data, log->pending.size))
        log->dropped++;
    if (log->dropped)
        log_warn("request log incomplete", LOG_INT("requests", log->dropped));
    close(log->fd);
    buffer_free(&log->pending);
    buffer_free(&log->writing);
    free(log);
}
