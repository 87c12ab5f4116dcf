/*
 * The entries of a bucket's configuration document (notifications, lifecycle): each child of the
 * root, with the texts in it and its place in the document, so that the entries of others can be
 * written back byte for byte. Any thread.
 */
#ifndef THUMBWHEEL_BUCKET_ENTRIES_H
#define THUMBWHEEL_BUCKET_ENTRIES_H

#include <jansson.h>
#include <stdbool.h>

#include "bytes.h"

/* An array of {"name": …, "start": n, "end": n, "texts": {path below the entry: [text, …]}}, to be
 * released by the caller. 0, ERR_PROTOCOL, ERR_MEMORY. An empty document has no entries. */
int bucket_entries_read(struct slice document, json_t **out);
/* The element's name; its first text at a path, or NULL. Borrowed. */
const char *bucket_entry_name(const json_t *entry);
const char *bucket_entry_text(const json_t *entry, const char *path);
/* The entry as it is in the document. */
void bucket_entry_copy(const json_t *entry, struct slice document, struct buffer *out);

/* What a notification says: {"Target", "Prefix", "Suffix", "Events": […]}. NULL: memory is short.
 */
json_t *notification_of(const json_t *entry);
/* Appends the element of one of ours. */
void notification_append(struct buffer *out, const char *id, const json_t *notification);

/* What a lifecycle rule says: {"Prefix", "ExpirationDays"}; ExpirationDays is 0 unless it is an
 * enabled rule that only expires objects by age. */
json_t *lifecycle_of(const json_t *entry);
void lifecycle_append(struct buffer *out, const char *id, const json_t *rule);

#endif
