/*
 * The session of a person, as the browser keeps it in a cookie: who, until when, and a signature
 * (HMAC-SHA256). Nothing of it is kept by the server, except the ids of those who logged out. Pure
 * functions, any thread.
 */
#ifndef THUMBWHEEL_GALLERY_SESSION_H
#define THUMBWHEEL_GALLERY_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

enum {
    SESSION_KEY_SIZE = 32, /* bytes of the secret */
    SESSION_USER_MAX = 64, /* bytes of a name */
    SESSION_ID_SIZE = 33,  /* with the NUL, as the sizes below */
    SESSION_PRINT_SIZE = 17,
    SESSION_TEXT_SIZE = 256,
    SESSION_LIFETIME_S = 7 * 24 * 60 * 60,
};

struct gallery_session {
    char user[SESSION_USER_MAX + 1];
    char id[SESSION_ID_SIZE];       /* random, in hexadecimal digits; stays when it is renewed */
    char print[SESSION_PRINT_SIZE]; /* of the user's entry: the session ends when that changes */
    int64_t expires_s;              /* Unix time */
};

/* 1 to SESSION_USER_MAX of the letters A to Z and a to z, digits, and . _ - @ */
bool session_user_is_valid(const char *user);
/* With a new id. ERR_IO: no random bytes. */
int session_make(const char *user, const char *print, int64_t now_s, struct gallery_session *out);
/* The cookie's value. */
void session_write(const struct gallery_session *session, const uint8_t key[SESSION_KEY_SIZE],
                   char out[SESSION_TEXT_SIZE]);
/* False: not one that session_write has made with this key, or it has expired. */
bool session_read(struct slice text, const uint8_t key[SESSION_KEY_SIZE], int64_t now_s,
                  struct gallery_session *out);
/* The value of the cookie with this name in a Cookie header (RFC 6265, section 4.2); data NULL:
 * none. */
struct slice cookie_find(struct slice header, const char *name);

#endif
