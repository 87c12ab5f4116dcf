#include "gate_token.h"

#include <stdlib.h>
#include <string.h>

#include "gate_key.h"
#include "secret.h"

enum { MINUTE_MS = 60000 };

void gate_tokens_free(struct gate_tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++)
        text_list_clear(&tokens->items[i].types);
    free(tokens->items);
    *tokens = (struct gate_tokens){0};
}

struct gate_token *gate_tokens_find(struct gate_tokens *tokens, struct slice token)
{
    struct gate_token *found = NULL;
    uint8_t hash[SHA256_SIZE];
    hash_whole(HASH_SHA256, token.data, token.size, hash);
    for (size_t i = 0; i < tokens->count; i++) /* all of them, whichever it is */
        if (secret_equal(hash, tokens->items[i].hash, sizeof hash))
            found = &tokens->items[i];
    return found;
}

bool gate_token_is_current(const struct gate_token *token, int64_t unix_s)
{
    return !token->expires_s || unix_s < token->expires_s;
}

bool gate_token_allows_type(const struct gate_token *token, const char *type)
{
    for (size_t i = 0; i < token->types.count; i++)
        if (gate_type_matches(type, token->types.items[i]))
            return true;
    return false;
}

static void refill(struct gate_token *token, uint64_t now_ms)
{
    const uint64_t full = (uint64_t)MINUTE_MS * token->per_minute;
    const uint64_t passed = now_ms > token->counted_ms ? now_ms - token->counted_ms : 0;
    if (passed >= MINUTE_MS || token->credit + passed * token->per_minute > full)
        token->credit = full;
    else
        token->credit += passed * token->per_minute;
    token->counted_ms = now_ms;
}

bool gate_token_take(struct gate_token *token, uint64_t now_ms, unsigned *retry_s)
{
    refill(token, now_ms);
    if (token->credit >= MINUTE_MS) {
        token->credit -= MINUTE_MS;
        return true;
    }
    const uint64_t wait_ms = (MINUTE_MS - token->credit) / token->per_minute;
    *retry_s = (unsigned)(wait_ms / 1000) + 1;
    return false;
}

static const struct gate_token *find_name(const struct gate_tokens *tokens, const char *name)
{
    for (size_t i = 0; i < tokens->count; i++)
        if (strcmp(tokens->items[i].name, name) == 0)
            return &tokens->items[i];
    return NULL;
}

void gate_tokens_inherit(struct gate_tokens *tokens, const struct gate_tokens *old)
{
    for (size_t i = 0; i < tokens->count; i++) {
        struct gate_token *token = &tokens->items[i];
        const struct gate_token *before = find_name(old, token->name);
        const uint64_t full = (uint64_t)MINUTE_MS * token->per_minute;
        if (!before)
            continue;
        token->credit = before->credit < full ? before->credit : full;
        token->counted_ms = before->counted_ms;
    }
}
