/* Listing of versions and delete markers: in the order of the keys' bytes, those of one key newest
 * first. Storage thread, in run(). */
#ifndef THUMBWHEEL_LOCAL_VERSIONS_LIST_H
#define THUMBWHEEL_LOCAL_VERSIONS_LIST_H

#include "objects.h"

struct version_listing {
    struct slice prefix;
    struct slice delimiter;        /* empty: none */
    struct slice after;            /* beyond this key or common prefix; empty: from the start */
    struct object_version version; /* given: of that key, those older than this */
    int64_t newer_ms;              /* when that was made, if retired_ms shall be known */
    unsigned max;                  /* entries: versions, delete markers and common prefixes */
};

struct version_listed {
    char *key; /* or a common prefix, and then nothing else */
    bool common;
    bool versioned, marker, latest;
    uint64_t id;
    uint64_t size;
    int64_t modified_ms;
    int64_t retired_ms; /* when it ceased to be the newest; 0: it is, or its successor is not known
                           since the page begins after it */
    char *etag;
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
