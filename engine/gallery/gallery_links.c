#include "gallery_links.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "error.h"
#include "hex.h"
#include "secret.h"

enum { RANDOM_BYTES = (LINK_TOKEN_SIZE - 1) / 2 };

static void remove_at(struct gallery_links *links, size_t index)
{
    links->count--;
    memmove(links->items + index, links->items + index + 1,
            (links->count - index) * sizeof *links->items);
}

int gallery_links_add(struct gallery_links *links, const char *user, const char *print,
                      int64_t expires_s, char token[LINK_TOKEN_SIZE])
{
    uint8_t bytes[RANDOM_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return ERR_IO;
    hex_write(bytes, sizeof bytes, token);
    secret_wipe(bytes, sizeof bytes);
    if (links->count == LINKS_MAX)
        remove_at(links, 0);
    struct gallery_link_entry *entry = &links->items[links->count++];
    *entry = (struct gallery_link_entry){.expires_s = expires_s};
    hash_whole(HASH_SHA256, token, LINK_TOKEN_SIZE - 1, entry->hash);
    snprintf(entry->user, sizeof entry->user, "%s", user);
    snprintf(entry->print, sizeof entry->print, "%s", print);
    return 0;
}

bool gallery_links_take(struct gallery_links *links, struct slice token, int64_t now_s,
                        struct gallery_link_entry *out)
{
    uint8_t hash[SHA256_SIZE];
    bool found = false;
    hash_whole(HASH_SHA256, token.data, token.size, hash);
    for (size_t i = links->count; i-- > 0;) {
        const struct gallery_link_entry *entry = &links->items[i];
        const bool is_it = secret_equal(hash, entry->hash, sizeof hash);
        const bool is_over = entry->expires_s && entry->expires_s <= now_s;
        if (is_it && !is_over) {
            *out = *entry;
            found = true;
        }
        if (is_it || is_over)
            remove_at(links, i);
    }
    return found;
}
