#include "buckets.h"

#include <stdlib.h>
#include <string.h>

#include "buckets_internal.h"
#include "cloud.h"
#include "objects.h"
#include "restored_copies.h"
#include "storage_statement.h"
#include "upload_parts.h"
#include "uploads.h"

const char buckets_schema[] =
    "CREATE TABLE IF NOT EXISTS buckets (id INTEGER PRIMARY KEY AUTOINCREMENT, "
    "name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS notification_rules (bucket INTEGER NOT NULL, "
    "position INTEGER NOT NULL, id TEXT NOT NULL, target TEXT NOT NULL, topic INTEGER NOT NULL, "
    "events TEXT NOT NULL, prefix TEXT NOT NULL, suffix TEXT NOT NULL, "
    "PRIMARY KEY (bucket, position)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS openings (id INTEGER PRIMARY KEY CHECK (id = 1), "
    "count INTEGER NOT NULL);"
    "INSERT OR IGNORE INTO openings VALUES (1, 0);" BLOBS_SCHEMA OBJECTS_SCHEMA UPLOAD_PARTS_SCHEMA
        UPLOADS_SCHEMA BUCKET_SETTINGS_SCHEMA RESTORED_COPIES_SCHEMA;

enum {
    NUMBER_BITS = 40
}; /* low bits: numbers assigned since the start; high bits: the count of starts */

/* Names. */

static bool is_label_edge(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool looks_like_address(const char *name)
{
    return strspn(name, "0123456789.") == strlen(name);
}

bool bucket_name_valid(const char *name)
{
    size_t size = strlen(name);
    if (size < BUCKET_NAME_MIN || size > BUCKET_NAME_MAX || looks_like_address(name))
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!is_label_edge(name[i]) && name[i] != '-' && name[i] != '.')
            return false;
        if (name[i] == '.' && name[i + 1] == '.')
            return false;
    }
    return is_label_edge(name[0]) && is_label_edge(name[size - 1]) && strncmp(name, "xn--", 4) != 0;
}

/* Memory. */

/* The index of a name, or where it must be inserted. */
static size_t position_of(const struct buckets *buckets, const char *name, bool *found)
{
    size_t low = 0, high = buckets->count;
    *found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(buckets->entries[middle].name, name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct bucket_entry *buckets_find_entry(const struct buckets *buckets, const char *name)
{
    bool found;
    size_t position = position_of(buckets, name, &found);
    return found ? &buckets->entries[position] : NULL;
}

static void entry_clear(struct bucket_entry *entry)
{
    free(entry->name);
    notification_clear(&entry->notification);
    bucket_settings_clear(entry->settings);
}

struct bucket_entry *buckets_insert_entry(struct buckets *buckets, int64_t id, char *name,
                                          int64_t created_ms)
{
    bool found;
    size_t position = position_of(buckets, name, &found);
    struct bucket_entry *entries =
        realloc(buckets->entries, (buckets->count + 1) * sizeof *buckets->entries);
    if (!entries)
        return NULL;
    buckets->entries = entries;
    memmove(&entries[position + 1], &entries[position],
            (buckets->count - position) * sizeof *entries);
    buckets->count++;
    entries[position] = (struct bucket_entry){.id = id, .name = name, .created_ms = created_ms};
    return &entries[position];
}

void buckets_remove_entry(struct buckets *buckets, const char *name)
{
    bool found;
    size_t position = position_of(buckets, name, &found);
    if (!found)
        return;
    entry_clear(&buckets->entries[position]);
    buckets->count--;
    memmove(&buckets->entries[position], &buckets->entries[position + 1],
            (buckets->count - position) * sizeof *buckets->entries);
}

static struct bucket view(const struct buckets *buckets, const struct bucket_entry *entry)
{
    const enum versioning *versioning = entry->settings[BUCKET_VERSIONING].read;
    const char *region = entry->settings[BUCKET_LOCATION].read;
    const char *owner = entry->settings[BUCKET_OWNER].read;
    return (struct bucket){.id = entry->id,
                           .name = entry->name,
                           .created_ms = entry->created_ms,
                           .region = region ? region : buckets->region,
                           .owner = owner ? owner : buckets->account,
                           .notification = &entry->notification,
                           .versioning = versioning ? *versioning : VERSIONING_NONE,
                           .settings = entry->settings};
}

bool buckets_find(const struct buckets *buckets, const char *name, struct bucket *out)
{
    const struct bucket_entry *entry = buckets_find_entry(buckets, name);
    if (entry)
        *out = view(buckets, entry);
    return entry != NULL;
}

size_t buckets_count(const struct buckets *buckets)
{
    return buckets->count;
}

struct bucket buckets_at(const struct buckets *buckets, size_t index)
{
    return view(buckets, &buckets->entries[index]);
}

uint64_t buckets_next_number(struct buckets *buckets)
{
    return buckets->next_number++;
}

struct blobs *buckets_blobs(struct buckets *buckets)
{
    return &buckets->blobs;
}

struct object_cache *buckets_cache(struct buckets *buckets)
{
    return &buckets->cache;
}

/* Loading. */

static int no_memory(struct error *error)
{
    return error_set(error, ERR_MEMORY, "out of memory");
}

/* Each start has its own range of numbers, so that assigning one writes nothing. */
static int load_number(struct buckets *buckets, struct error *error)
{
    struct storage *storage = buckets->storage;
    struct statement update = statement_prepare(storage, "UPDATE openings SET count = count + 1");
    int code = statement_execute(&update, error);
    if (code)
        return code;
    struct statement select = statement_prepare(storage, "SELECT count FROM openings");
    code = statement_step(&select, error);
    if (code == 1)
        buckets->next_number = column_uint(&select, 0) << NUMBER_BITS;
    statement_reset(&select);
    if (code == 0)
        code = error_set(error, ERR_IO, "the counter of openings is missing from the database");
    return code == 1 ? 0 : code;
}

/* Buckets that were made before there were several regions and accounts are in that of the cloud. */
static int settle(struct buckets *buckets, enum bucket_setting_kind kind, const char *value,
                  struct error *error)
{
    struct statement insert =
        statement_prepare(buckets->storage, "INSERT OR IGNORE INTO bucket_settings "
                                            "SELECT id, ?, ? FROM buckets");
    bind_text(&insert, bucket_setting_name(kind));
    bind_text(&insert, value);
    return statement_execute(&insert, error);
}

static int load_buckets(struct buckets *buckets, struct error *error)
{
    struct storage *storage = buckets->storage;
    struct statement select = statement_prepare(storage, "SELECT id, name, created FROM buckets");
    int code;
    while ((code = statement_step(&select, error)) == 1) {
        char *name = column_dup(&select, 1);
        if (!name ||
            !buckets_insert_entry(buckets, column_int(&select, 0), name, column_int(&select, 2))) {
            free(name);
            code = no_memory(error);
            break;
        }
    }
    statement_reset(&select);
    return code;
}

static int load_rule(struct notification *notification, struct statement *row)
{
    if (column_slice(row, 1).size == 0) { /* no target: EventBridge */
        notification->event_bridge = true;
        return 0;
    }
    struct notification_rule *rule = notification_add(notification);
    if (!rule)
        return ERR_MEMORY;
    rule->id = column_dup(row, 0);
    rule->target = column_dup(row, 1);
    rule->topic = column_int(row, 2) != 0;
    rule->events = column_dup(row, 3);
    rule->prefix = column_dup(row, 4);
    rule->suffix = column_dup(row, 5);
    bool complete = rule->id && rule->target && rule->events && rule->prefix && rule->suffix;
    return complete ? 0 : ERR_MEMORY;
}

static int load_notification(struct buckets *buckets, struct bucket_entry *entry,
                             struct error *error)
{
    struct storage *storage = buckets->storage;
    struct statement select =
        statement_prepare(storage, "SELECT id, target, topic, events, prefix, suffix "
                                   "FROM notification_rules WHERE bucket = ? ORDER BY position");
    int code;
    bind_int(&select, entry->id);
    while ((code = statement_step(&select, error)) == 1) {
        if (load_rule(&entry->notification, &select)) {
            code = no_memory(error);
            break;
        }
    }
    statement_reset(&select);
    return code;
}

static int load_setting(struct bucket_entry *entry, const char *name, const char *document,
                        struct error *error)
{
    char message[BUCKET_SETTING_MESSAGE_MAX];
    for (int kind = 0; kind < BUCKET_SETTING_KINDS; kind++) {
        if (strcmp(name, bucket_setting_name((enum bucket_setting_kind)kind)) != 0)
            continue;
        enum s3_error bad = bucket_setting_read((enum bucket_setting_kind)kind, slice_of(document),
                                                &entry->settings[kind], message);
        if (bad == S3_INTERNAL_ERROR)
            return no_memory(error);
        if (bad)
            return error_set(error, ERR_IO,
                             "the %s configuration of bucket %s in the database cannot be read",
                             name, entry->name);
    }
    return 0;
}

static int load_settings(struct buckets *buckets, struct bucket_entry *entry, struct error *error)
{
    struct storage *storage = buckets->storage;
    struct statement select =
        statement_prepare(storage, "SELECT kind, document FROM bucket_settings WHERE bucket = ?");
    int code, loaded = 0;
    bind_int(&select, entry->id);
    while (!loaded && (code = statement_step(&select, error)) == 1) {
        const char *name = column_text(&select, 0);
        const char *document = column_text(&select, 1);
        loaded = name && document ? load_setting(entry, name, document, error) : no_memory(error);
    }
    statement_reset(&select);
    return loaded ? loaded : code;
}

static int load_entry(struct buckets *buckets, struct bucket_entry *entry, struct error *error)
{
    int code = load_notification(buckets, entry, error);
    return code ? code : load_settings(buckets, entry, error);
}

/* Adds columns that tables of earlier versions lack. */
static int add_columns(struct storage *storage, struct error *error)
{
    static const struct added_column columns[] = {
        {"SELECT existed FROM uploads",
         "ALTER TABLE uploads ADD COLUMN existed INTEGER NOT NULL DEFAULT 0"},
        {"SELECT crc64 FROM parts", "ALTER TABLE parts ADD COLUMN crc64 TEXT NOT NULL DEFAULT ''"},
    };
    return statement_add_columns(storage, columns, sizeof columns / sizeof *columns, error);
}

int buckets_open(struct cloud *cloud, struct buckets **out, struct error *error)
{
    struct buckets *buckets = calloc(1, sizeof *buckets);
    *out = NULL;
    if (!buckets)
        return no_memory(error);
    buckets->storage = cloud->storage;
    buckets->region = cloud->region;
    buckets->account = cloud->account;
    object_cache_init(&buckets->cache, &buckets->blobs.changes);
    int code = add_columns(cloud->storage, error);
    if (code)
        goto failed;
    code = blobs_open(&buckets->blobs, cloud->storage, error);
    if (code)
        goto failed;
    code = load_number(buckets, error);
    if (code)
        goto failed;
    code = settle(buckets, BUCKET_LOCATION, buckets->region, error);
    if (code)
        goto failed;
    code = settle(buckets, BUCKET_OWNER, buckets->account, error);
    if (code)
        goto failed;
    code = load_buckets(buckets, error);
    for (size_t i = 0; i < buckets->count && !code; i++)
        code = load_entry(buckets, &buckets->entries[i], error);
    if (code)
        goto failed;
    *out = buckets;
    return 0;
failed:
    buckets_close(buckets);
    return code;
}

void buckets_close(struct buckets *buckets)
{
    if (!buckets)
        return;
    for (size_t i = 0; i < buckets->count; i++)
        entry_clear(&buckets->entries[i]);
    free(buckets->entries);
    object_cache_clear(&buckets->cache);
    blobs_close(&buckets->blobs);
    free(buckets);
}
