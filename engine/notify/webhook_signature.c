#include "webhook_signature.h"

#include <stdint.h>
#include <string.h>

#include "base64.h"
#include "hash.h"
#include "secret.h"

static const char prefix[] = "whsec_";
static const char space[] = " \t\r\n";

static int key_read(struct slice secret, uint8_t key[WEBHOOK_KEY_MAX], size_t *size,
                    struct error *error)
{
    size_t skipped = sizeof prefix - 1;
    if (!slice_starts_with(secret, prefix))
        return error_set(error, ERR_CREDENTIALS, "the secret does not begin with %s", prefix);
    struct slice text = {secret.data + skipped, secret.size - skipped};
    if (base64_read(text, key, WEBHOOK_KEY_MAX, size) || *size < WEBHOOK_KEY_MIN)
        return error_set(error, ERR_CREDENTIALS,
                         "the secret is not %s and the base64 of %d to %d bytes", prefix,
                         WEBHOOK_KEY_MIN, WEBHOOK_KEY_MAX);
    return 0;
}

static int sign_one(struct slice secret, struct slice signed_text, struct buffer *out,
                    struct error *error)
{
    uint8_t key[WEBHOOK_KEY_MAX], mac[SHA256_SIZE];
    char text[BASE64_TEXT_SIZE(SHA256_SIZE)];
    size_t size = 0;
    int code = key_read(secret, key, &size, error);
    if (!code) {
        hmac_sha256(key, size, signed_text.data, signed_text.size, mac);
        base64_write(mac, sizeof mac, text);
        buffer_format(out, "%sv1,%s", out->size ? " " : "", text);
    }
    secret_wipe(key, sizeof key);
    return code;
}

static int sign_each(const char *secrets, struct slice signed_text, struct buffer *out,
                     struct error *error)
{
    unsigned count = 0;
    for (secrets += strspn(secrets, space); *secrets; secrets += strspn(secrets, space)) {
        size_t size = strcspn(secrets, space);
        if (++count > WEBHOOK_SECRETS_MAX)
            return error_set(error, ERR_CREDENTIALS, "there are more than %d secrets",
                             WEBHOOK_SECRETS_MAX);
        int code = sign_one((struct slice){secrets, size}, signed_text, out, error);
        if (code)
            return code;
        secrets += size;
    }
    return count ? 0 : error_set(error, ERR_CREDENTIALS, "the secret is empty");
}

int webhook_sign(const char *secrets, const char *id, const char *timestamp, struct slice payload,
                 struct buffer *out, struct error *error)
{
    struct buffer text;
    buffer_init(&text, SIZE_MAX / 2);
    buffer_format(&text, "%s.%s.", id, timestamp);
    buffer_append(&text, payload.data, payload.size);
    int code = text.error ? error_set(error, text.error, "out of memory")
                          : sign_each(secrets, buffer_slice(&text), out, error);
    if (!code && out->error)
        code = error_set(error, out->error, "out of memory");
    buffer_free(&text);
    return code;
}
