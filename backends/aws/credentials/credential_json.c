#include "credential_json.h"

#include <string.h>

#include "iso_time.h"
#include "json_text.h"
#include "secret.h"

json_t *secret_json_read(struct slice text)
{
    json_t *tree = json_text_read(text, JSON_LAST_DUPLICATE, NULL);
    if (tree && !json_is_object(tree)) {
        secret_json_free(tree);
        return NULL;
    }
    return tree;
}

static void wipe(json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;
    /* There is no other reference to the tree: it was read for this purpose. */
    if (json_is_string(value))
        secret_wipe((char *)(uintptr_t)json_string_value(value), json_string_length(value));
    json_object_foreach(value, key, member) wipe(member);
    json_array_foreach(value, i, member) wipe(member);
}

void secret_json_free(json_t *object)
{
    wipe(object);
    json_decref(object);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_text_in(object, name);
    return text && text[0] ? text : NULL;
}

int credentials_of_json(const json_t *object, const char *token_name, bool expires,
                        const char *source, struct credentials **out, struct error *error)
{
    const char *access_key = text_of(object, "AccessKeyId");
    const char *secret_key = text_of(object, "SecretAccessKey");
    const char *token = text_of(object, token_name);
    const char *expiration = text_of(object, "Expiration");
    int64_t expires_ms = 0;
    const char *missing = !access_key              ? "AccessKeyId"
                          : !secret_key            ? "SecretAccessKey"
                          : expires && !token      ? token_name
                          : expires && !expiration ? "Expiration"
                                                   : NULL;
    if (missing)
        return error_set(error, ERR_PROTOCOL, "the response has no %s", missing);
    if (expiration && iso_time_parse(expiration, &expires_ms))
        return error_set(error, ERR_PROTOCOL, "the response's Expiration is not a time");
    *out = credentials_new(access_key, secret_key, token, source);
    if (!*out)
        return error_set(error, ERR_MEMORY, "out of memory");
    (*out)->expires_s = expires_ms / 1000;
    return 0;
}
