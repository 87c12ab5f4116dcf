/*
 * Compares the file of a blob with the digest of what was stored, in pieces; and small bodies, which
 * are in the database.
 *
 * It is opened on the storage thread, or anywhere for a file that nobody else knows; then any thread
 * may go on, one at a time. Zeroed: closed.
 */
#ifndef THUMBWHEEL_LOCAL_BLOB_CHECK_H
#define THUMBWHEEL_LOCAL_BLOB_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blobs.h"
#include "checksum.h"
#include "hash.h"
#include "objects.h"

struct blob_check {
    bool open;
    int fd;
    uint64_t offset, size; /* of the file */
    /* what must come out: the MD5, or, where the ETag is none, a checksum */
    bool has_md5;
    uint8_t md5[MD5_SIZE];
    char checksum_text[CHECKSUM_TEXT_SIZE];
    struct hash hash;
    struct checksum checksum;
};

/* For the only blob of an object. False: nothing is known about its bytes. */
bool blob_check_of_object(struct blob_check *check, const struct object *object);
/* Compares a body from the database with what was stored: ERR_CORRUPT. With a checksum if one is
 * known that costs little, because every read does it. */
int blob_check_body(const struct object *object, struct slice body, struct error *error);
/* For a part. */
void blob_check_of_part(struct blob_check *check, uint64_t size, const uint8_t md5[MD5_SIZE]);

/* Opens the file of a blob. ERR_CORRUPT: it is missing; ERR_IO: it cannot be opened now. */
int blob_check_open(struct blob_check *check, struct blobs *blobs, uint64_t blob,
                    struct error *error);
/* Reads the next bytes, with a buffer. 1: go on; 0: these are the stored bytes, and it is closed;
 * ERR_CORRUPT: they are not. */
int blob_check_step(struct blob_check *check, char *room, size_t size, struct error *error);
/* A closed one is allowed. Any thread. */
void blob_check_close(struct blob_check *check);

#endif
