/*
 * Objects in an archive ("Restoring an archived object", S3 User Guide): those of the classes
 * GLACIER and DEEP_ARCHIVE are readable only while a restored copy exists. The copy is a line of the
 * object's headers, as S3 returns it: x-amz-restore with the time at which it expires. Restoring
 * takes no time here. Any thread.
 */
#ifndef THUMBWHEEL_LOCAL_OBJECT_ARCHIVE_H
#define THUMBWHEEL_LOCAL_OBJECT_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "object_placement.h"
#include "objects.h"

#define OBJECT_RESTORE_HEADER "x-amz-restore"

enum { OBJECT_RESTORE_SIZE = 128 };

bool object_class_is_archive(const char *storage_class);
/* In an archive, without a restored copy. */
bool object_is_archived(const struct object *object, int64_t now_ms);
/* Unix milliseconds at which the restored copy expires; 0: there is none. */
int64_t object_restored_until(struct slice headers);
/* The value of x-amz-restore. */
void object_restore_text(int64_t until_ms, char out[OBJECT_RESTORE_SIZE]);

/* Headers in which `name` has another value; NULL: none. For free(); NULL if memory is short. */
char *object_headers_with(const char *headers, const char *name, const char *value);

/* Changes the headers of a version. make: new ones, for free(); NULL: memory is short, or *refused,
 * and nothing changes. It sees the object as it was. ERR_NOT_FOUND; ERR_CONFLICT: refused. */
typedef char *object_headers_maker(const struct object *object, void *user, bool *refused);
int objects_set_headers(struct blobs *blobs, int64_t bucket, const char *key,
                        struct object_version version, object_headers_maker *make, void *user,
                        struct error *error);

#endif
