#include "lifecycle_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uploads.h"
#include "versions_list.h"

static int no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "out of memory");
}

void lifecycle_scan_clear_page(struct lifecycle_scan *scan)
{
    for (size_t i = 0; i < scan->count; i++)
        free(scan->findings[i].key);
    scan->count = 0;
}

void lifecycle_scan_clear(struct lifecycle_scan *scan)
{
    lifecycle_scan_clear_page(scan);
    free(scan->key);
    scan->key = NULL;
}

static int find(struct lifecycle_scan *scan, enum lifecycle_finding_kind kind, const char *key,
                uint64_t id, bool versioned)
{
    struct lifecycle_finding *finding = &scan->findings[scan->count];
    *finding = (struct lifecycle_finding){
        .kind = kind, .key = strdup(key), .id = id, .versioned = versioned};
    if (!finding->key)
        return ERR_MEMORY;
    scan->count++;
    return 0;
}

/* Versions. */

static bool is_expired(const struct lifecycle_scan *scan, const struct version_listed *entry,
                       const char *tags, bool lone)
{
    const struct lifecycle_object object = {
        .key = entry->key, .tags = tags, .size = entry->size, .modified_ms = entry->modified_ms};
    const struct lifecycle_rule *rule;
    if (entry->latest && entry->marker)
        return lone && lifecycle_marker_expired(scan->rules, &object, scan->now_ms);
    if (!entry->latest)
        return lifecycle_noncurrent_expired(scan->rules, &object, entry->retired_ms,
                                            scan->noncurrent, scan->now_ms);
    int64_t due = lifecycle_expiry(scan->rules, &object, &rule);
    return due != LIFECYCLE_NEVER && due <= scan->now_ms;
}

/* Listings do not contain the tags. */
static int load_tags(const struct lifecycle_scan *scan, struct storage *storage,
                     const struct version_listed *entry, char **tags, struct error *error)
{
    struct object_version version = {true, entry->versioned ? entry->id : 0};
    struct object object;
    *tags = NULL;
    if (!lifecycle_wants_tags(scan->rules) || entry->marker)
        return 0;
    int code = objects_find_version(storage, scan->bucket, entry->key, version, &object, error);
    if (code)
        return code == ERR_NOT_FOUND ? 0 : code;
    *tags = object.tags;
    object.tags = NULL;
    object_clear(&object);
    return 0;
}

static int find_transition(struct lifecycle_scan *scan, const struct version_listed *entry,
                           const char *tags)
{
    const struct lifecycle_object object = {
        .key = entry->key, .tags = tags, .size = entry->size, .modified_ms = entry->modified_ms};
    const struct lifecycle_age age = {.noncurrent = !entry->latest,
                                      .retired_ms = entry->retired_ms,
                                      .newer = scan->noncurrent,
                                      .now_ms = scan->now_ms};
    const char *next = entry->marker
                           ? NULL
                           : lifecycle_new_class(scan->rules, &object, entry->storage_class, &age,
                                                 scan->small_archived);
    if (!next)
        return 0;
    int code = find(scan, LIFECYCLE_TRANSITION, entry->key, entry->id, entry->versioned);
    if (code)
        return code;
    struct lifecycle_finding *finding = &scan->findings[scan->count - 1];
    finding->new_class = next;
    finding->size = entry->size;
    snprintf(finding->etag, sizeof finding->etag, "%s", entry->etag);
    return 0;
}

static int judge(struct lifecycle_scan *scan, struct storage *storage,
                 const struct version_listed *entry, bool lone, struct error *error)
{
    char *tags = NULL;
    int code = load_tags(scan, storage, entry, &tags, error);
    if (code)
        return code;
    bool expired = is_expired(scan, entry, tags ? tags : "", lone);
    code = expired ? 0 : find_transition(scan, entry, tags ? tags : "");
    free(tags);
    if (!expired)
        return code ? no_memory(error) : 0;
    bool current = entry->latest && !entry->marker;
    return find(scan, current ? LIFECYCLE_CURRENT : LIFECYCLE_VERSION, entry->key, entry->id,
                entry->versioned)
               ? no_memory(error)
               : 0;
}

static int remember(struct lifecycle_scan *scan, const struct version_listed *last)
{
    free(scan->key);
    scan->key = strdup(last->key);
    scan->id = last->id;
    scan->modified_ms = last->modified_ms;
    return scan->key ? 0 : ERR_MEMORY;
}

/* If a page ends with a delete marker, it is unknown whether older versions follow; then that entry
 * is examined again as the first of the next page. */
static int judge_page(struct lifecycle_scan *scan, struct storage *storage,
                      const struct version_page *page, struct error *error)
{
    const struct version_listed *entries = page->entries;
    int code = 0;
    for (size_t i = 0; i < page->count && !code; i++) {
        bool same = scan->key && strcmp(scan->key, entries[i].key) == 0;
        bool known = i + 1 < page->count || !page->truncated;
        bool lone = i + 1 == page->count || strcmp(entries[i].key, entries[i + 1].key) != 0;
        if (!known && entries[i].marker && entries[i].latest && i)
            break;
        if (!same)
            scan->noncurrent = 0;
        code = judge(scan, storage, &entries[i], known && lone, error);
        scan->noncurrent += !entries[i].latest;
        if (!code && remember(scan, &entries[i]))
            code = no_memory(error);
    }
    return code;
}

static int scan_versions(struct lifecycle_scan *scan, struct storage *storage, struct error *error)
{
    struct version_page page;
    const struct version_listing listing = {
        .after = slice_of(scan->key),
        .version = {scan->key != NULL, scan->id},
        .newer_ms = scan->modified_ms,
        .max = LIFECYCLE_PAGE,
    };
    int code = versions_list(storage, scan->bucket, &listing, &page, error);
    if (code)
        return code;
    code = judge_page(scan, storage, &page, error);
    if (!code && !page.truncated) {
        scan->in_uploads = true;
        free(scan->key);
        scan->key = NULL;
        scan->id = 0;
    }
    version_page_free(&page);
    return code;
}

/* Uploads. */

static int scan_uploads(struct lifecycle_scan *scan, struct storage *storage, struct error *error)
{
    struct upload_page page;
    const struct upload_listing listing = {
        .key_marker = scan->key ? scan->key : "", .id_marker = scan->id, .max = LIFECYCLE_PAGE};
    int code = uploads_list(storage, scan->bucket, &listing, &page, error);
    for (size_t i = 0; i < page.count && !code; i++) {
        const struct upload_listed *entry = &page.entries[i];
        if (lifecycle_upload_expired(scan->rules, entry->key, entry->created_ms, scan->now_ms) &&
            find(scan, LIFECYCLE_UPLOAD, entry->key, entry->id, false))
            code = no_memory(error);
    }
    if (!code && page.truncated) {
        const struct upload_listed *last = &page.entries[page.count - 1];
        free(scan->key);
        scan->key = strdup(last->key);
        scan->id = last->id;
        code = scan->key ? 0 : no_memory(error);
    }
    scan->ended = !page.truncated;
    upload_page_free(&page);
    return code;
}

int lifecycle_scan_page(struct lifecycle_scan *scan, struct storage *storage, struct error *error)
{
    return scan->in_uploads ? scan_uploads(scan, storage, error)
                            : scan_versions(scan, storage, error);
}
