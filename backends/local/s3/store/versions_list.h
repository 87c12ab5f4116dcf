/* Lists versions and delete markers, sorted by the bytes of the keys; newest first for each key.
 * Storage thread, in run(). */
#ifndef THUMBWHEEL_LOCAL_VERSIONS_LIST_H
#define THUMBWHEEL_LOCAL_VERSIONS_LIST_H

#include "objects.h"

struct version_listing {
    struct slice prefix;
    struct slice delimiter;        /* empty: none */
    struct slice after;            /* after this key or common prefix; empty: from the start */
    struct object_version version; /* given: only older versions of that key */
    int64_t newer_ms;              /* its creation time, needed for retired_ms */
    /* maximum number of entries (versions, delete markers and common prefixes) */
    unsigned max;
};

struct version_listed {
    char *key; /* or a common prefix, without other members */
    bool common;
    bool versioned, marker, latest;
    uint64_t id;
    uint64_t size;
    int64_t modified_ms;
    /* when it ceased to be the newest; 0: it is the newest, or the page does not contain its
     * successor */
    int64_t retired_ms;
    char *etag;
    char *checksum; /* as in struct object */
    char storage_class[OBJECT_CLASS_SIZE];
    int64_t restored_until_ms; /* see object_archive.h; 0: there is no restored copy */
};

struct version_page {
    struct version_listed *entries;
    size_t count;
    bool truncated;
};

int versions_list(struct storage *storage, int64_t bucket, const struct version_listing *listing,
                  struct version_page *page, struct error *error);
void version_page_free(struct version_page *page);

#endif
