/*
 * The file with the tokens: read at start, and again whenever it changes.
 *
 * Every second a thread of libuv's pool looks whether it is another file or has another time, and
 * reads it then. A file with an error in it changes nothing: the tokens of before remain valid. To
 * withdraw all tokens, write an empty list. Loop thread.
 */
#ifndef THUMBWHEEL_GATE_TOKEN_FILE_H
#define THUMBWHEEL_GATE_TOKEN_FILE_H

#include <sys/stat.h>
#include <uv.h>

#include "gate_token.h"

struct gate_token_file { /* embedded by its owner */
    const char *path;    /* borrowed */
    struct gate_tokens tokens;
    struct stat known; /* of the version that was read */
    uv_work_t work;
    uv_timer_t timer;
    unsigned parts; /* that are open: the timer, the work */
    bool working, closing;
    /* Of the work. */
    struct stat seen;
    struct gate_tokens next;
    bool changed;
    struct error error;
    /* After the close. */
    void (*closed)(void *user);
    void *closed_user;
};

/* Blocking. On error there is nothing to close. */
int gate_token_file_read(struct gate_token_file *file, const char *path, struct error *error);
void gate_token_file_watch(struct gate_token_file *file, uv_loop_t *loop);
/* Frees the tokens; closed is called from the loop. For a file that is not watched, use
 * gate_tokens_free. */
void gate_token_file_close(struct gate_token_file *file, void (*closed)(void *user), void *user);

/* Makes a token and adds its hash to the file, which is created (0600) if there is none. Blocking. */
int gate_token_add(const char *path, const char *name, unsigned scopes, char out[GATE_TOKEN_SIZE],
                   struct error *error);

#endif
