/*
 * From the key of an output back to its photo. Pure functions, any thread.
 *
 * A key that is known in advance is found by its hash. One that contains sizes (PIPELINE_NUMBER in
 * pipeline.h) is found by the hash of what stands before its first size and after its last one: an
 * object's key then has a candidate for each pair of digits, between which the sizes may be. A match
 * of hashes is only a hint: compare the pattern (key_pattern.h).
 */
#ifndef THUMBWHEEL_PHOTO_MATCH_H
#define THUMBWHEEL_PHOTO_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PHOTO_MATCH_DIGITS = 40, /* the last ones of a key that may belong to sizes */
    PHOTO_MATCH_MAX = 1 + PHOTO_MATCH_DIGITS * (PHOTO_MATCH_DIGITS + 1) / 2,
};

/* seed: random, so that nobody can choose keys whose hashes collide. */
uint64_t photo_match_hash(uint64_t seed, const char *bucket, const char *pattern);
/* The hashes that a pattern of this key may have; returns their number. numbered: patterns may
 * contain sizes. */
size_t photo_match_candidates(uint64_t seed, const char *bucket, const char *key, bool numbered,
                              uint64_t out[PHOTO_MATCH_MAX]);

#endif
