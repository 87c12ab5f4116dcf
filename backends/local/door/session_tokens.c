#include "session_tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "error.h"
#include "hash.h"
#include "hex.h"
#include "secret.h"
#include "sigv4.h"

enum { MAC_SIZE = SIGV4_HEX_SIZE - 1 };

/* The token: MAC~EXPIRES~ACCESS KEY~USER ID~ARN */
static void derive(const struct access_key_list *keys, const char *purpose, const char *text,
                   char out[SIGV4_HEX_SIZE])
{
    const char *secret = keys->items[0].secret_key;
    uint8_t key[SIGV4_KEY_SIZE], mac[SIGV4_KEY_SIZE];
    hmac_sha256(secret, strlen(secret), purpose, strlen(purpose), key);
    hmac_sha256(key, sizeof key, text, strlen(text), mac);
    hex_write(mac, sizeof mac, out);
    secret_wipe(key, sizeof key);
    secret_wipe(mac, sizeof mac);
}

static void finish(const struct access_key_list *keys, struct sts_session *out)
{
    derive(keys, "session secret", out->token, out->secret_key);
    out->key = (struct access_key){.access_key = out->access_key,
                                   .secret_key = out->secret_key,
                                   .arn = out->arn,
                                   .user_id = out->user_id,
                                   .is_temporary = true};
}

static int key_id_make(char out[SESSION_KEY_ID_SIZE])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned char bytes[SESSION_KEY_ID_SIZE - 5];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return ERR_IO;
    memcpy(out, "ASIA", 4);
    for (size_t i = 0; i < sizeof bytes; i++)
        out[4 + i] = alphabet[bytes[i] % 32];
    out[SESSION_KEY_ID_SIZE - 1] = '\0';
    return 0;
}

int session_issue(const struct access_key_list *keys, const char *arn, const char *user_id,
                  int64_t expires_s, struct sts_session *out)
{
    char body[SESSION_TOKEN_SIZE - SIGV4_HEX_SIZE], mac[SIGV4_HEX_SIZE];
    *out = (struct sts_session){.expires_s = expires_s};
    if (snprintf(out->arn, sizeof out->arn, "%s", arn) >= (int)sizeof out->arn ||
        snprintf(out->user_id, sizeof out->user_id, "%s", user_id) >= (int)sizeof out->user_id)
        return ERR_LIMIT;
    int code = key_id_make(out->access_key);
    if (code)
        return code;
    snprintf(body, sizeof body, "%lld~%s~%s~%s", (long long)expires_s, out->access_key, user_id,
             arn);
    derive(keys, "session token", body, mac);
    snprintf(out->token, sizeof out->token, "%s~%s", mac, body);
    finish(keys, out);
    return 0;
}

/* Its parts, after the MAC was found right. */
static int parts_read(struct sts_session *out)
{
    char *end = NULL;
    const char *at = out->token + MAC_SIZE + 1;
    out->expires_s = strtoll(at, &end, 10);
    return sscanf(end, "~%20[^~]~%127[^~]~%255[^~]", out->access_key, out->user_id, out->arn) == 3
               ? 0
               : ERR_DENIED;
}

int session_open(const struct access_key_list *keys, const char *access_key, struct slice token,
                 int64_t now_s, struct sts_session *out)
{
    char mac[SIGV4_HEX_SIZE];
    *out = (struct sts_session){.expires_s = 0};
    if (!keys->count || token.size <= MAC_SIZE + 1 || token.size >= sizeof out->token ||
        token.data[MAC_SIZE] != '~' || memchr(token.data, '\0', token.size))
        return ERR_DENIED;
    memcpy(out->token, token.data, token.size);
    derive(keys, "session token", out->token + MAC_SIZE + 1, mac);
    if (!secret_equal(mac, out->token, MAC_SIZE) || parts_read(out) ||
        strcmp(out->access_key, access_key) != 0)
        return ERR_DENIED;
    finish(keys, out);
    if (now_s < out->expires_s)
        return 0;
    secret_wipe(out->secret_key, sizeof out->secret_key);
    return ERR_EXPIRED;
}
