#include "login_pace.h"

#include <string.h>

static void hash_of(const char *kind, const char *name, uint8_t out[SHA256_SIZE])
{
    struct hash hash;
    hash_start(&hash, HASH_SHA256);
    hash_update(&hash, kind, strlen(kind) + 1);
    hash_update(&hash, name, strlen(name));
    hash_finish(&hash, out);
}

static struct pace_entry *find(struct login_pace *pace, const uint8_t hash[SHA256_SIZE])
{
    for (size_t i = 0; i < PACE_ENTRIES; i++)
        if (pace->entries[i].full_ms && memcmp(pace->entries[i].hash, hash, SHA256_SIZE) == 0)
            return &pace->entries[i];
    return NULL;
}

/* The one that is full soonest. */
static struct pace_entry *replace(struct login_pace *pace, const uint8_t hash[SHA256_SIZE])
{
    struct pace_entry *best = pace->entries;
    for (size_t i = 1; i < PACE_ENTRIES; i++)
        if (pace->entries[i].full_ms < best->full_ms)
            best = &pace->entries[i];
    memcpy(best->hash, hash, SHA256_SIZE);
    best->full_ms = 0;
    return best;
}

bool login_pace_take(struct login_pace *pace, const char *kind, const char *name, uint64_t now_ms,
                     unsigned *retry_s)
{
    uint8_t hash[SHA256_SIZE];
    hash_of(kind, name, hash);
    struct pace_entry *entry = find(pace, hash);
    if (!entry)
        entry = replace(pace, hash);
    const uint64_t from = entry->full_ms > now_ms ? entry->full_ms : now_ms;
    const uint64_t full = from + PACE_MS, latest = now_ms + PACE_ATTEMPTS * PACE_MS;
    if (full > latest) {
        *retry_s = (unsigned)((full - latest + 999) / 1000);
        return false;
    }
    entry->full_ms = full;
    return true;
}

void login_pace_give(struct login_pace *pace, const char *kind, const char *name)
{
    uint8_t hash[SHA256_SIZE];
    hash_of(kind, name, hash);
    struct pace_entry *entry = find(pace, hash);
    if (entry)
        entry->full_ms -= entry->full_ms > PACE_MS ? PACE_MS : entry->full_ms;
}
