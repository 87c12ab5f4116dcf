#include "ended_sessions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container_of.h"
#include "files.h"
#include "log.h"

enum { LINE_MAX_BYTES = SESSION_ID_SIZE + 24, FILE_MAX = ENDED_SESSIONS_MAX * LINE_MAX_BYTES };

/* ---- the list ---- */

static void remove_at(struct ended_sessions *ended, size_t index)
{
    ended->items[index] = ended->items[--ended->count];
}

static void forget_over(struct ended_sessions *ended, int64_t now_s)
{
    for (size_t i = ended->count; i-- > 0;)
        if (ended->items[i].expires_s <= now_s)
            remove_at(ended, i);
}

static size_t first_to_end(const struct ended_sessions *ended)
{
    size_t first = 0;
    for (size_t i = 1; i < ended->count; i++)
        if (ended->items[i].expires_s < ended->items[first].expires_s)
            first = i;
    return first;
}

static int put(struct ended_sessions *ended, const char *id, int64_t expires_s)
{
    if (ended->count == ENDED_SESSIONS_MAX)
        remove_at(ended, first_to_end(ended));
    struct ended_session *items = realloc(ended->items, (ended->count + 1) * sizeof *items);
    if (!items)
        return ERR_MEMORY;
    ended->items = items;
    struct ended_session *item = &items[ended->count++];
    snprintf(item->id, sizeof item->id, "%s", id);
    item->expires_s = expires_s;
    return 0;
}

bool ended_sessions_has(const struct ended_sessions *ended, const char *id)
{
    for (size_t i = 0; i < ended->count; i++)
        if (strcmp(ended->items[i].id, id) == 0)
            return true;
    return false;
}

/* ---- the file: one line for each, "ID TIME" ---- */

static int lines_read(struct ended_sessions *ended, const char *text)
{
    char id[SESSION_ID_SIZE];
    int64_t expires_s;
    int used;
    while (sscanf(text, "%32[0-9a-f] %" SCNd64 "\n%n", id, &expires_s, &used) == 2) {
        if (put(ended, id, expires_s))
            return ERR_MEMORY;
        text += used;
    }
    return 0;
}

static char *lines_make(const struct ended_sessions *ended)
{
    struct buffer text;
    buffer_init(&text, FILE_MAX);
    for (size_t i = 0; i < ended->count; i++)
        buffer_format(&text, "%s %" PRId64 "\n", ended->items[i].id, ended->items[i].expires_s);
    return buffer_take_text(&text);
}

/* On a pool thread. */
static void write_file(uv_work_t *work)
{
    struct ended_sessions *ended = container_of(work, struct ended_sessions, work);
    const struct file_options options = {.mode = 0600, .durable = true};
    file_write_as(ended->path, slice_of(ended->text), &options, &ended->error);
}

static void write_start(struct ended_sessions *ended);

static void finish(struct ended_sessions *ended)
{
    void (*closed)(void *user) = ended->closed;
    free(ended->items);
    free(ended->path);
    closed(ended->closed_user);
}

static void on_written(uv_work_t *work, int code)
{
    struct ended_sessions *ended = container_of(work, struct ended_sessions, work);
    (void)code;
    free(ended->text);
    ended->text = NULL;
    ended->writing = false;
    if (ended->error.code)
        log_error("a log-out could not be written: its session begins again after a restart",
                  LOG_TEXT("error", ended->error.text));
    if (ended->changed)
        write_start(ended);
    if (ended->closed && !ended->writing)
        finish(ended);
}

static void write_start(struct ended_sessions *ended)
{
    ended->changed = true;
    if (ended->writing)
        return;
    ended->error = (struct error){0};
    ended->text = lines_make(ended);
    ended->changed = false;
    if (ended->text && uv_queue_work(ended->loop, &ended->work, write_file, on_written) == 0) {
        ended->writing = true;
        return;
    }
    free(ended->text);
    ended->text = NULL;
    log_error("a log-out could not be written: its session begins again after a restart");
}

/* ---- all of it ---- */

int ended_sessions_open(struct ended_sessions *ended, uv_loop_t *loop, char *path,
                        struct error *error)
{
    struct bytes text = {0};
    *ended = (struct ended_sessions){.path = path, .loop = loop};
    if (!path)
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = access(path, F_OK) == 0 ? file_read(path, FILE_MAX, &text, error) : 0;
    char *lines = code ? NULL : slice_dup((struct slice){text.data, text.size});
    bytes_free(&text);
    if (!code && (!lines || lines_read(ended, lines)))
        code = error_set(error, ERR_MEMORY, "out of memory");
    free(lines);
    if (!code)
        return 0;
    free(ended->items);
    free(path);
    return code;
}

void ended_sessions_add(struct ended_sessions *ended, const char *id, int64_t now_s)
{
    forget_over(ended, now_s);
    if (ended_sessions_has(ended, id))
        return;
    if (put(ended, id, now_s + SESSION_LIFETIME_S))
        log_error("out of memory: a session ends only with its cookie");
    write_start(ended);
}

void ended_sessions_close(struct ended_sessions *ended, void (*closed)(void *user), void *user)
{
    ended->closed = closed;
    ended->closed_user = user;
    if (!ended->writing)
        finish(ended);
}
