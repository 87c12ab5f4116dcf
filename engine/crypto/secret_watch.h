/*
 * A small file that says who may do what: read at start, and again whenever it changes.
 *
 * Every second a thread of libuv's pool looks whether it is another file or has another time, and
 * reads it then. A file with an error in it changes nothing: what was read before remains. Loop
 * thread.
 */
#ifndef THUMBWHEEL_SECRET_WATCH_H
#define THUMBWHEEL_SECRET_WATCH_H

#include <stdbool.h>
#include <sys/stat.h>
#include <uv.h>

#include "bytes.h"
#include "error.h"

struct secret_watch;

struct secret_watch_kind {
    size_t max; /* bytes of the file */
    /* Reads the text into *out, which it leaves empty on an error. On a pool thread, too. */
    int (*parse)(struct slice text, const char *path, void *out, struct error *error);
    /* The owner takes *watch->next, which was just read, and leaves it empty. */
    void (*changed)(struct secret_watch *watch);
    void (*failed)(const struct error *error); /* logs it; once for each version of the file */
};

struct secret_watch { /* embedded by its owner */
    const struct secret_watch_kind *kind;
    const char *path;  /* borrowed */
    void *next;        /* the owner's, where a new version is read */
    struct stat known; /* of the version that was read */
    uv_work_t work;
    uv_timer_t timer;
    unsigned parts; /* that are open: the timer, the work */
    bool working, closing;
    /* Of the work. */
    struct stat seen;
    bool changed;
    struct error error;
    /* After the close. */
    void (*closed)(void *user);
    void *closed_user;
};

/* Blocking: reads into *first. On an error there is nothing to close. */
int secret_watch_read(struct secret_watch *watch, const struct secret_watch_kind *kind,
                      const char *path, void *first, struct error *error);
void secret_watch_start(struct secret_watch *watch, uv_loop_t *loop, void *next);
/* closed is called from the loop; then nobody uses *next any more, which may have been filled. */
void secret_watch_close(struct secret_watch *watch, void (*closed)(void *user), void *user);

#endif
