/*
 * How often somebody may try to log in: some attempts at once, then one in a while, counted for each
 * name and for each address. It forgets whoever has all attempts again. Any thread, one at a time.
 */
#ifndef THUMBWHEEL_GALLERY_LOGIN_PACE_H
#define THUMBWHEEL_GALLERY_LOGIN_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash.h"

enum {
    PACE_ENTRIES = 1024, /* when more are counted, the one that has failed least is forgotten */
    PACE_ATTEMPTS = 5,
    PACE_MS = 10000, /* for one more */
};

struct login_pace {
    struct pace_entry {
        uint8_t hash[SHA256_SIZE]; /* of the name or the address */
        uint64_t full_ms;          /* when all attempts are there again; 0: not used */
    } entries[PACE_ENTRIES];
};

/* kind: "user" or "address". Counts an attempt. False: too many, and *retry_s says how many seconds
 * to wait; it is not counted then. */
bool login_pace_take(struct login_pace *pace, const char *kind, const char *name, uint64_t now_ms,
                     unsigned *retry_s);
/* The attempt was right, and does not count. */
void login_pace_give(struct login_pace *pace, const char *kind, const char *name);

#endif
