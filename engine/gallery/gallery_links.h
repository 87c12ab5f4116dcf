/*
 * Links that log in once: 256 random bits, of which only the hash is kept. Any thread, but one at a
 * time.
 */
#ifndef THUMBWHEEL_GALLERY_LINKS_H
#define THUMBWHEEL_GALLERY_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "gallery_session.h"
#include "hash.h"

enum {
    LINKS_MAX = 16,       /* at once; a further one replaces the oldest */
    LINK_TOKEN_SIZE = 65, /* hexadecimal digits and the NUL */
};

struct gallery_links {
    struct gallery_link_entry {
        uint8_t hash[SHA256_SIZE];
        char user[SESSION_USER_MAX + 1], print[SESSION_PRINT_SIZE];
        int64_t expires_s; /* Unix time; 0: never */
    } items[LINKS_MAX];    /* the oldest first */
    size_t count;
};

/* expires_s: Unix time; 0: never. ERR_IO: no random bytes. */
int gallery_links_add(struct gallery_links *links, const char *user, const char *print,
                      int64_t expires_s, char token[LINK_TOKEN_SIZE]);
/* False: not valid, or no longer. Afterwards it is not valid. */
bool gallery_links_take(struct gallery_links *links, struct slice token, int64_t now_s,
                        struct gallery_link_entry *out);

#endif
