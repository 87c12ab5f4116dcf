/*
 * Photos that are expected to be there soon: after an upload, or an event that was sent for one. They
 * are read first after a second, then less and less often, until they are done or were tried often
 * enough. Loop thread.
 */
#ifndef THUMBWHEEL_PHOTO_EXPECTED_H
#define THUMBWHEEL_PHOTO_EXPECTED_H

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#include "photo_details.h"
#include "photo_names.h"

struct expected_photos {
    uv_loop_t *loop;
    struct photo_reader *reader; /* borrowed */
    struct name_set names;
};

int expected_photos_init(struct expected_photos *expected); /* ERR_MEMORY */
void expected_photos_clear(struct expected_photos *expected);
void expected_photos_begin(struct expected_photos *expected, uv_loop_t *loop,
                           struct photo_reader *reader);
/* If too many are expected, or memory is short, it is left to the scan. */
void expected_photos_add(struct expected_photos *expected, const char *bucket, const char *key);
bool expected_photos_have(const struct expected_photos *expected, const char *bucket,
                          const char *key);
/* Reads those whose time has come; to be called about every second. */
void expected_photos_look(struct expected_photos *expected);
/* A photo as the index has it (photo_query.h). One that is done is not looked for any more. */
void expected_photos_settle(struct expected_photos *expected, const json_t *photo);

#endif
