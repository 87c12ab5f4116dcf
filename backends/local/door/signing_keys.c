#include "signing_keys.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "secret.h"

enum {
    KEPT = 16,
    DAY_SIZE = 8,
    REGION_SIZE = 65,
    SERVICE_SIZE = 33
}; /* sizes as in signature_claim */

struct kept {
    const char *secret; /* NULL: free */
    char day[DAY_SIZE], region[REGION_SIZE], service[SERVICE_SIZE];
    uint8_t key[SIGV4_KEY_SIZE];
};

struct signing_keys {
    struct kept list[KEPT];
    size_t next; /* the next one to replace (round robin) */
};

struct signing_keys *signing_keys_new(void)
{
    return calloc(1, sizeof(struct signing_keys));
}

void signing_keys_free(struct signing_keys *keys)
{
    if (!keys)
        return;
    secret_wipe(keys, sizeof *keys);
    free(keys);
}

static bool serves(const struct kept *kept, const char *secret, const struct sigv4_scope *scope)
{
    return kept->secret == secret && memcmp(kept->day, scope->date, DAY_SIZE) == 0 &&
           strcmp(kept->service, scope->service) == 0 && strcmp(kept->region, scope->region) == 0;
}

static void keep(struct signing_keys *keys, const char *secret, const struct sigv4_scope *scope,
                 const uint8_t key[SIGV4_KEY_SIZE])
{
    struct kept *kept = &keys->list[keys->next];
    if (strlen(scope->region) >= REGION_SIZE || strlen(scope->service) >= SERVICE_SIZE)
        return;
    keys->next = (keys->next + 1) % KEPT;
    secret_wipe(kept, sizeof *kept);
    kept->secret = secret;
    memcpy(kept->day, scope->date, DAY_SIZE);
    strcpy(kept->region, scope->region);
    strcpy(kept->service, scope->service);
    memcpy(kept->key, key, SIGV4_KEY_SIZE);
}

void signing_keys_get(struct signing_keys *keys, const char *secret,
                      const struct sigv4_scope *scope, uint8_t out[SIGV4_KEY_SIZE])
{
    for (size_t i = 0; keys && i < KEPT; i++) {
        if (serves(&keys->list[i], secret, scope)) {
            memcpy(out, keys->list[i].key, SIGV4_KEY_SIZE);
            return;
        }
    }
    sigv4_signing_key(secret, scope, out);
    if (keys)
        keep(keys, secret, scope, out);
}
