#include "photo_match.h"

#include <string.h>

#include "id_table.h"
#include "pipeline.h"

static uint64_t hash_of(uint64_t seed, const char *bucket, const char *key, size_t before,
                        const char *after)
{
    uint64_t hash = id_of_text(seed, bucket);
    hash = id_of_bytes(hash, key, before);
    return after ? id_of_text(id_of_text(hash, PIPELINE_NUMBER), after) : hash;
}

uint64_t photo_match_hash(uint64_t seed, const char *bucket, const char *pattern)
{
    const char *first = strstr(pattern, PIPELINE_NUMBER);
    const char *last = strrchr(pattern, PIPELINE_NUMBER[0]);
    return first ? hash_of(seed, bucket, pattern, (size_t)(first - pattern), last + 1)
                 : hash_of(seed, bucket, pattern, strlen(pattern), NULL);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

size_t photo_match_candidates(uint64_t seed, const char *bucket, const char *key, bool numbered,
                              uint64_t out[PHOTO_MATCH_MAX])
{
    size_t digits[PHOTO_MATCH_DIGITS], digit_count = 0, count = 0;
    out[count++] = hash_of(seed, bucket, key, strlen(key), NULL);
    for (size_t at = strlen(key); numbered && at-- > 0 && digit_count < PHOTO_MATCH_DIGITS;) {
        if (is_digit(key[at]))
            digits[digit_count++] = at;
    }
    for (size_t last = 0; last < digit_count; last++) {
        for (size_t first = last; first < digit_count; first++)
            out[count++] = hash_of(seed, bucket, key, digits[first], key + digits[last] + 1);
    }
    return count;
}
