/* The file with the tokens: read at start, and again whenever it changes (secret_watch.h). To
 * withdraw all tokens, write an empty list. Loop thread. */
#ifndef THUMBWHEEL_GATE_TOKEN_FILE_H
#define THUMBWHEEL_GATE_TOKEN_FILE_H

#include <uv.h>

#include "gate_token.h"
#include "secret_watch.h"

struct gate_token_file { /* embedded by its owner */
    struct gate_tokens tokens;
    struct gate_tokens next; /* of a new version */
    struct secret_watch watch;
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
