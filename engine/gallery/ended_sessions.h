/*
 * The ids of sessions whose users have logged out, until they would have ended anyway. Kept in a
 * file, so that they stay ended after a restart; a thread of libuv's pool writes it. Loop thread.
 */
#ifndef THUMBWHEEL_GALLERY_ENDED_SESSIONS_H
#define THUMBWHEEL_GALLERY_ENDED_SESSIONS_H

#include <stdbool.h>
#include <uv.h>

#include "error.h"
#include "gallery_session.h"

enum { ENDED_SESSIONS_MAX = 10000 /* then the one that ends first is forgotten */ };

struct ended_sessions { /* embedded by its owner; begins as zeros */
    struct ended_session {
        char id[SESSION_ID_SIZE];
        int64_t expires_s; /* Unix time */
    } * items;
    size_t count;
    char *path;
    uv_loop_t *loop;
    uv_work_t work;
    bool writing, changed; /* changed: after the write that is under way began */
    char *text;            /* the work's */
    struct error error;
    void (*closed)(void *user); /* NULL: not closing */
    void *closed_user;
};

/* Reads the file, if there is one (blocking). Takes path. On an error there is nothing to close. */
int ended_sessions_open(struct ended_sessions *ended, uv_loop_t *loop, char *path,
                        struct error *error);
void ended_sessions_add(struct ended_sessions *ended, const char *id, int64_t now_s);
bool ended_sessions_has(const struct ended_sessions *ended, const char *id);
/* Waits until it is written. closed is called from the loop, or at once. */
void ended_sessions_close(struct ended_sessions *ended, void (*closed)(void *user), void *user);

#endif
