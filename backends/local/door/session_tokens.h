/*
 * Temporary credentials, as STS issues them. The session token says whose they are and until when,
 * authenticated with a key that is derived from the first access key's secret; the secret key of the
 * session is derived from the token. So nothing is stored, they survive a restart, and they end
 * when that access key is replaced. Any thread.
 */
#ifndef THUMBWHEEL_LOCAL_SESSION_TOKENS_H
#define THUMBWHEEL_LOCAL_SESSION_TOKENS_H

#include <stdint.h>

#include "access_key.h"
#include "bytes.h"

enum {
    SESSION_TOKEN_SIZE = 1024,
    SESSION_SECRET_SIZE = 65,
    SESSION_KEY_ID_SIZE = 21, /* "ASIA" and 16 letters and digits */
    SESSION_ARN_SIZE = 256,
    SESSION_USER_SIZE = 128,
};

struct sts_session {
    struct access_key key; /* its texts are those below */
    char access_key[SESSION_KEY_ID_SIZE];
    char secret_key[SESSION_SECRET_SIZE];
    char arn[SESSION_ARN_SIZE];
    char user_id[SESSION_USER_SIZE];
    char token[SESSION_TOKEN_SIZE];
    int64_t expires_s; /* Unix time */
};

/* arn and user_id contain no '~'. ERR_LIMIT: too long. */
int session_issue(const struct access_key_list *keys, const char *arn, const char *user_id,
                  int64_t expires_s, struct sts_session *out);

/* 0; ERR_DENIED: not issued here, or not for this access key; ERR_EXPIRED. */
int session_open(const struct access_key_list *keys, const char *access_key, struct slice token,
                 int64_t now_s, struct sts_session *out);

#endif
