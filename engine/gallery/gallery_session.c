#include "gallery_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "error.h"
#include "hash.h"
#include "hex.h"
#include "secret.h"

/* What is signed begins with this, so that a signature means nothing elsewhere. */
#define VERSION "tw1"

bool session_user_is_valid(const char *user)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@";
    const size_t size = strlen(user);
    return size > 0 && size <= SESSION_USER_MAX && strspn(user, allowed) == size;
}

int session_make(const char *user, const char *print, int64_t now_s, struct gallery_session *out)
{
    uint8_t bytes[SESSION_ID_SIZE / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return ERR_IO;
    *out = (struct gallery_session){.expires_s = now_s + SESSION_LIFETIME_S};
    hex_write(bytes, sizeof bytes, out->id);
    snprintf(out->user, sizeof out->user, "%s", user);
    snprintf(out->print, sizeof out->print, "%s", print);
    return 0;
}

static void sign(struct slice text, const uint8_t key[SESSION_KEY_SIZE], char out[SHA256_HEX_SIZE])
{
    uint8_t mac[SHA256_SIZE];
    hmac_sha256(key, SESSION_KEY_SIZE, text.data, text.size, mac);
    hex_write(mac, sizeof mac, out);
}

void session_write(const struct gallery_session *session, const uint8_t key[SESSION_KEY_SIZE],
                   char out[SESSION_TEXT_SIZE])
{
    char mac[SHA256_HEX_SIZE];
    const int size = snprintf(out, SESSION_TEXT_SIZE, VERSION ":%s:%s:%s:%lld", session->user,
                              session->id, session->print, (long long)session->expires_s);
    sign((struct slice){out, (size_t)size}, key, mac);
    snprintf(out + size, SESSION_TEXT_SIZE - (size_t)size, ":%s", mac);
}

/* Up to the next colon; false: there is none, or it does not fit. */
static bool field_read(const char **text, char *out, size_t room)
{
    const char *end = strchr(*text, ':');
    if (!end || (size_t)(end - *text) >= room)
        return false;
    snprintf(out, room, "%.*s", (int)(end - *text), *text);
    *text = end + 1;
    return true;
}

/* The text is genuine. */
static bool fields_read(const char *text, struct gallery_session *out)
{
    char version[sizeof VERSION];
    *out = (struct gallery_session){0};
    if (!field_read(&text, version, sizeof version) || strcmp(version, VERSION) != 0 ||
        !field_read(&text, out->user, sizeof out->user) ||
        !field_read(&text, out->id, sizeof out->id) ||
        !field_read(&text, out->print, sizeof out->print))
        return false;
    out->expires_s = strtoll(text, NULL, 10);
    return session_user_is_valid(out->user);
}

bool session_read(struct slice text, const uint8_t key[SESSION_KEY_SIZE], int64_t now_s,
                  struct gallery_session *out)
{
    char copy[SESSION_TEXT_SIZE], mac[SHA256_HEX_SIZE];
    const size_t tail = sizeof mac; /* a colon and the digits */
    if (text.size <= tail || text.size >= sizeof copy || memchr(text.data, 0, text.size))
        return false;
    const struct slice signed_text = {text.data, text.size - tail};
    sign(signed_text, key, mac);
    if (text.data[signed_text.size] != ':' ||
        !secret_equal(mac, text.data + signed_text.size + 1, tail - 1))
        return false;
    snprintf(copy, sizeof copy, "%.*s", (int)signed_text.size, text.data);
    return fields_read(copy, out) && out->expires_s > now_s;
}

struct slice cookie_find(struct slice header, const char *name)
{
    const size_t size = strlen(name);
    const char *p = header.data, *end = header.data + header.size;
    while (p && p < end) {
        while (p < end && (*p == ' ' || *p == ';'))
            p++;
        const char *semicolon = memchr(p, ';', (size_t)(end - p));
        const char *stop = semicolon ? semicolon : end;
        if ((size_t)(stop - p) > size && memcmp(p, name, size) == 0 && p[size] == '=')
            return (struct slice){p + size + 1, (size_t)(stop - p) - size - 1};
        p = stop;
    }
    return (struct slice){0};
}
