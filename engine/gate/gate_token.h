/*
 * The tokens of callers: who may do what, how often and how large.
 *
 * The file has only the SHA-256 of each token: a token has 256 random bits, so that its hash needs
 * no salt and cannot be reversed. The format is in docs/gate.md. Pure functions, any thread, one at
 * a time.
 */
#ifndef THUMBWHEEL_GATE_TOKEN_H
#define THUMBWHEEL_GATE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"
#include "hash.h"
#include "text_list.h"

enum gate_scope { GATE_UPLOAD = 1, GATE_DOWNLOAD = 2 };

enum {
    GATE_TOKENS_MAX = 1000,
    GATE_NAME_MAX = 64,                /* bytes of a token's name */
    GATE_TOKEN_FILE_MAX = 1024 * 1024, /* bytes */
    GATE_TOKEN_SIZE = 48,              /* of a token that gate_token_add makes, with the NUL */
    GATE_PER_MINUTE = 60,              /* defaults and bounds of the limits */
    GATE_PER_MINUTE_MAX = 1000000,
};
#define GATE_MAX_SIZE       (64ull << 20)
#define GATE_MAX_SIZE_BOUND (5ull << 30) /* S3's limit of an object in one piece */

struct gate_token {
    char name[GATE_NAME_MAX + 1];
    uint8_t hash[SHA256_SIZE];
    unsigned scopes;        /* enum gate_scope, or-ed */
    unsigned per_minute;    /* requests; as many at once */
    uint64_t max_size;      /* bytes of an upload */
    int64_t expires_s;      /* Unix time; 0: never */
    struct text_list types; /* patterns; content types of uploads */
    /* The requests that are left, in milliseconds × per_minute. */
    uint64_t credit, counted_ms;
};

struct gate_tokens {
    struct gate_token *items;
    size_t count;
};

/* Reads the file's text; path is for the errors, which never quote a value. *out must be freed
 * whatever it returns. ERR_INVALID, ERR_MEMORY. */
int gate_tokens_read(struct slice text, const char *path, struct gate_tokens *out,
                     struct error *error);
void gate_tokens_free(struct gate_tokens *tokens);

/* Compares the token with all of them, in a time that does not depend on where they differ. NULL:
 * unknown. */
struct gate_token *gate_tokens_find(struct gate_tokens *tokens, struct slice token);
/* Whether it is still valid. */
bool gate_token_is_current(const struct gate_token *token, int64_t unix_s);
bool gate_token_allows_type(const struct gate_token *token, const char *type);
/* Counts a request. False: too many, and *retry_s says how many seconds to wait. */
bool gate_token_take(struct gate_token *token, uint64_t now_ms, unsigned *retry_s);
/* After a new version of the file: tokens of the same name keep what they have used. */
void gate_tokens_inherit(struct gate_tokens *tokens, const struct gate_tokens *old);

#endif
