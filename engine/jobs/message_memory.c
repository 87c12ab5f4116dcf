#include "message_memory.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"

enum { WORDS = ENVELOPE_RECORDS_MAX / 64, KEY_MAX = 1024 };

struct memory_entry {
    struct lru_entry entry;
    struct record_tally tally;
};

/* ---- tallies ---- */

void record_tally_clear(struct record_tally *tally)
{
    free(tally->detail);
    *tally = (struct record_tally){0};
}

static bool bit(const uint64_t *words, size_t index)
{
    return words[index / 64] >> (index % 64) & 1;
}

static void bit_set(uint64_t *words, size_t index)
{
    words[index / 64] |= (uint64_t)1 << (index % 64);
}

bool record_tally_has(const struct record_tally *tally, size_t index)
{
    return bit(tally->settled, index);
}

bool record_tally_complete(const struct record_tally *tally, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!bit(tally->settled, i))
            return false;
    }
    return true;
}

void record_tally_accept(struct record_tally *tally, size_t index)
{
    bit_set(tally->settled, index);
}

/* If memory is short, the current text is kept. */
static void detail_append(struct record_tally *tally, size_t index, size_t count,
                          const char *reason, const char *detail)
{
    struct buffer text;
    buffer_init(&text, TALLY_DETAIL_MAX + ERROR_TEXT_MAX + 256);
    if (tally->detail)
        buffer_format(&text, "%s; ", tally->detail);
    if (count > 1)
        buffer_format(&text, "Records[%zu] %s: ", index, reason);
    buffer_text(&text, detail);
    if (!text.error && text.size <= TALLY_DETAIL_MAX) {
        free(tally->detail);
        tally->detail = buffer_take_text(&text);
    }
    buffer_free(&text);
}

void record_tally_reject(struct record_tally *tally, size_t index, size_t count, const char *reason,
                         const char *detail)
{
    bit_set(tally->settled, index);
    bit_set(tally->rejected, index);
    if (!tally->reason)
        tally->reason = reason;
    detail_append(tally, index, count, reason, detail);
}

char *record_tally_rejected(const struct record_tally *tally)
{
    struct buffer text;
    buffer_init(&text, ENVELOPE_RECORDS_MAX * 4);
    for (size_t i = 0; i < ENVELOPE_RECORDS_MAX; i++) {
        if (bit(tally->rejected, i))
            buffer_format(&text, "%s%zu", text.size ? "," : "", i);
    }
    return buffer_take_text(&text);
}

static void tally_merge(struct record_tally *to, struct record_tally *from)
{
    for (size_t i = 0; i < WORDS; i++) {
        to->settled[i] |= from->settled[i];
        to->rejected[i] |= from->rejected[i];
    }
    to->dead |= from->dead;
    if (!to->reason) {
        to->reason = from->reason;
        to->detail = from->detail;
        from->detail = NULL;
    }
    record_tally_clear(from);
}

/* ---- the table ---- */

static void entry_drop(struct lru_entry *entry)
{
    struct memory_entry *dropped = container_of(entry, struct memory_entry, entry);
    record_tally_clear(&dropped->tally);
    free(dropped);
}

void message_memory_init(struct message_memory *memory)
{
    lru_init(&memory->messages, MESSAGE_MEMORY_BYTES, entry_drop);
}

void message_memory_clear(struct message_memory *memory)
{
    lru_clear(&memory->messages);
}

static int entry_key(const char *pipeline, const char *id, struct buffer *key)
{
    buffer_init(key, KEY_MAX);
    buffer_append(key, pipeline, strlen(pipeline) + 1);
    return buffer_text(key, id);
}

void message_memory_recall(struct message_memory *memory, const char *pipeline, const char *id,
                           struct record_tally *out)
{
    struct buffer key;
    struct lru_entry *entry = NULL;
    *out = (struct record_tally){0};
    if (entry_key(pipeline, id, &key) == 0)
        entry = lru_find(&memory->messages, key.data, key.size);
    buffer_free(&key);
    if (!entry)
        return;
    struct memory_entry *known = container_of(entry, struct memory_entry, entry);
    lru_remove(&memory->messages, entry);
    *out = known->tally;
    free(known);
}

static struct memory_entry *entry_add(struct message_memory *memory, const struct buffer *key,
                                      size_t size)
{
    struct memory_entry *added = calloc(1, sizeof *added);
    if (!added)
        return NULL;
    if (lru_add(&memory->messages, &added->entry, key->data, key->size, sizeof *added + size)) {
        free(added);
        return NULL;
    }
    return added;
}

bool message_memory_keep(struct message_memory *memory, const char *pipeline, const char *id,
                         struct record_tally *tally)
{
    struct buffer key;
    struct memory_entry *kept = NULL;
    if (entry_key(pipeline, id, &key) == 0) {
        struct lru_entry *entry = lru_find(&memory->messages, key.data, key.size);
        kept = entry ? container_of(entry, struct memory_entry, entry)
                     : entry_add(memory, &key, TALLY_DETAIL_MAX);
    }
    buffer_free(&key);
    if (!kept) {
        record_tally_clear(tally);
        return false;
    }
    tally_merge(&kept->tally, tally);
    return true;
}
