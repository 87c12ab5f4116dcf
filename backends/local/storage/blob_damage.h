/*
 * Blobs whose files no longer have the bytes that were stored. A read of one fails, instead of
 * returning other bytes with the ETag of the stored ones. The marks are in the database, so that they
 * are kept across starts; a check that finds the stored bytes again removes the mark.
 *
 * Storage thread, in run(); blob_damage_load while loading.
 */
#ifndef THUMBWHEEL_LOCAL_BLOB_DAMAGE_H
#define THUMBWHEEL_LOCAL_BLOB_DAMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "blobs.h"
#include "error.h"

int blob_damage_load(struct blobs *blobs, struct error *error);

/* Marks a live blob, or removes its mark; nothing if it is no longer live. *changed: it was not so
 * before. */
int blob_damage_set(struct blobs *blobs, uint64_t id, bool damaged, bool *changed,
                    struct error *error);
/* ERR_CORRUPT: the blob is marked. */
int blob_damage_check(struct blobs *blobs, uint64_t id, struct error *error);
/* Remembers a blob whose bytes were as stored; whether that was within BLOBS_CHECKED_MS. */
void blob_damage_note_checked(struct blobs *blobs, uint64_t id);
bool blob_damage_was_checked(const struct blobs *blobs, uint64_t id);

/* For a blob that is dropped. */
int blob_damage_forget(struct blobs *blobs, uint64_t id, struct error *error);

#endif
