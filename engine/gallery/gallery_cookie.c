#include "gallery_cookie.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "files.h"
#include "secret.h"

/* ---- the key ---- */

static int key_make(struct gallery *gallery, const char *path, struct error *error)
{
    const struct file_options options = {.mode = 0600, .durable = true};
    if (getrandom(gallery->session_key, SESSION_KEY_SIZE, 0) != SESSION_KEY_SIZE)
        return error_set(error, ERR_IO, "no random bytes");
    return file_write_as(path, (struct slice){(char *)gallery->session_key, SESSION_KEY_SIZE},
                         &options, error);
}

static int key_read(struct gallery *gallery, const char *path, struct error *error)
{
    struct bytes key = {0};
    struct stat status;
    if (stat(path, &status))
        return key_make(gallery, path, error);
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return error_set(error, ERR_INVALID,
                         "%s: other users of this machine can read it, so it can't sign sessions; "
                         "remove it, and a new one is made",
                         path);
    const int code = file_read(path, SESSION_KEY_SIZE, &key, error);
    if (code)
        return code;
    const bool is_whole = key.size == SESSION_KEY_SIZE;
    if (is_whole)
        memcpy(gallery->session_key, key.data, key.size);
    secret_wipe(key.data, key.size);
    bytes_free(&key);
    return is_whole
               ? 0
               : error_set(error, ERR_INVALID,
                           "%s: not a key of the gallery; remove it, and a new one is made", path);
}

int gallery_cookie_open(struct gallery *gallery, struct error *error)
{
    int code = directory_make(gallery->options.data_dir, 0700, error);
    if (code)
        return code;
    char *path = path_join(gallery->options.data_dir, "session-key");
    if (!path)
        return error_set(error, ERR_MEMORY, "out of memory");
    snprintf(gallery->cookie_name, sizeof gallery->cookie_name, "thumbwheel_session_%u",
             gallery_port(gallery));
    code = key_read(gallery, path, error);
    free(path);
    return code;
}

/* ---- the cookie ---- */

void gallery_cookie_set(struct gallery_call *call, const struct gallery_session *session,
                        bool secure)
{
    char value[SESSION_TEXT_SIZE] = "";
    struct buffer cookie;
    if (session)
        session_write(session, call->gallery->session_key, value);
    buffer_init(&cookie, 1024);
    buffer_format(&cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s",
                  call->gallery->cookie_name, value, session ? SESSION_LIFETIME_S : 0,
                  secure ? "; Secure" : "");
    free(call->cookie);
    call->cookie = buffer_take_text(&cookie);
    secret_wipe(value, sizeof value);
}
