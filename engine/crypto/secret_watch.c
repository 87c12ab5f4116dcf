#include "secret_watch.h"

#include <errno.h>
#include <string.h>

#include "container_of.h"
#include "files.h"
#include "secret.h"

enum { PERIOD_MS = 1000 };

/* ---- reading ---- */

/* The status is taken before the content: a write in between is seen the next time. */
static int read_file(const struct secret_watch *watch, struct stat *seen, void *out,
                     struct error *error)
{
    struct bytes text = {0};
    if (stat(watch->path, seen))
        return error_set(error, ERR_IO, "%s: %s", watch->path, strerror(errno));
    int code = file_read(watch->path, watch->kind->max, &text, error);
    if (code)
        return code;
    code = watch->kind->parse((struct slice){text.data, text.size}, watch->path, out, error);
    if (text.size)
        secret_wipe(text.data, text.size);
    bytes_free(&text);
    return code;
}

int secret_watch_read(struct secret_watch *watch, const struct secret_watch_kind *kind,
                      const char *path, void *first, struct error *error)
{
    *watch = (struct secret_watch){.kind = kind, .path = path};
    return read_file(watch, &watch->known, first, error);
}

/* ---- watching ---- */

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* On a pool thread. */
static void look(uv_work_t *work)
{
    struct secret_watch *watch = container_of(work, struct secret_watch, work);
    struct stat now = {0};
    watch->changed = stat(watch->path, &now) || !is_same(&now, &watch->known);
    watch->error = (struct error){0};
    watch->seen = now;
    if (watch->changed)
        read_file(watch, &watch->seen, watch->next, &watch->error);
}

static void take_next(struct secret_watch *watch)
{
    const bool is_new = !is_same(&watch->seen, &watch->known); /* an error is reported once */
    watch->known = watch->seen;
    if (!watch->error.code)
        watch->kind->changed(watch);
    else if (is_new)
        watch->kind->failed(&watch->error);
}

/* ---- the end ---- */

/* The timer, and the work if one is under way. */
static void part_closed(struct secret_watch *watch)
{
    if (--watch->parts == 0)
        watch->closed(watch->closed_user);
}

static void on_timer_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

void secret_watch_close(struct secret_watch *watch, void (*closed)(void *user), void *user)
{
    watch->closing = true;
    watch->closed = closed;
    watch->closed_user = user;
    uv_close((uv_handle_t *)&watch->timer, on_timer_closed);
}

/* ---- the clock ---- */

static void on_looked(uv_work_t *work, int code)
{
    struct secret_watch *watch = container_of(work, struct secret_watch, work);
    watch->working = false;
    if (!code && watch->changed && !watch->closing)
        take_next(watch);
    part_closed(watch);
}

static void on_timer(uv_timer_t *timer)
{
    struct secret_watch *watch = timer->data;
    if (watch->working || uv_queue_work(timer->loop, &watch->work, look, on_looked))
        return;
    watch->working = true;
    watch->parts++;
}

void secret_watch_start(struct secret_watch *watch, uv_loop_t *loop, void *next)
{
    watch->next = next;
    watch->parts = 1;
    uv_timer_init(loop, &watch->timer);
    watch->timer.data = watch;
    uv_timer_start(&watch->timer, on_timer, PERIOD_MS, PERIOD_MS);
    uv_unref((uv_handle_t *)&watch->timer);
}
