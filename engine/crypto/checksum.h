/*
 * S3's object checksums ("Checking object integrity", S3 User Guide): base64 of big-endian values.
 * Any thread, but only one at a time per object.
 */
#ifndef THUMBWHEEL_CHECKSUM_H
#define THUMBWHEEL_CHECKSUM_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "hash.h"

enum checksum_kind {
    CHECKSUM_NONE,
    CHECKSUM_CRC32,
    CHECKSUM_CRC32C,
    CHECKSUM_CRC64NVME,
    CHECKSUM_SHA1,
    CHECKSUM_SHA256,
    CHECKSUM_KINDS,
};

enum { CHECKSUM_TEXT_SIZE = 48, CHECKSUM_SIZE_MAX = 32 };

/* Of an object in parts: of its whole body, or of the checksums of its parts. */
enum checksum_type { CHECKSUM_TYPE_NONE, CHECKSUM_COMPOSITE, CHECKSUM_FULL_OBJECT };

struct checksum {
    enum checksum_kind kind;
    uint64_t crc;
    struct hash hash;
};

/* "x-amz-checksum-crc32" and so on; NULL for CHECKSUM_NONE. Static. */
const char *checksum_header(enum checksum_kind kind);
/* From a header's name (any case); CHECKSUM_NONE if it is not a known checksum header. */
enum checksum_kind checksum_from_header(struct slice name);

/* "CRC32" and so on, as in x-amz-checksum-algorithm; NULL for CHECKSUM_NONE. Static. */
const char *checksum_name(enum checksum_kind kind);
enum checksum_kind checksum_from_name(struct slice name);
/* "crc32" and so on, as in S3's error messages; not for CHECKSUM_NONE. Static. */
const char *checksum_lower_name(enum checksum_kind kind);
/* "FULL_OBJECT" or "COMPOSITE"; CHECKSUM_TYPE_NONE: neither. */
enum checksum_type checksum_type_from_name(struct slice name);
/* The size of a value in bytes; 0 for CHECKSUM_NONE. */
size_t checksum_size(enum checksum_kind kind);
/* Whether the checksum of an object can be computed from those of its parts: true for the CRCs. */
bool checksum_combines(enum checksum_kind kind);

void checksum_start(struct checksum *checksum, enum checksum_kind kind);
void checksum_update(struct checksum *checksum, const void *data, size_t size);
/* Finishes the checksum; out is base64. */
void checksum_finish(struct checksum *checksum, char out[CHECKSUM_TEXT_SIZE]);

/* Decodes base64. ERR_INVALID: the text is not base64 or the size is wrong for this kind. */
int checksum_decode(enum checksum_kind kind, struct slice text, uint8_t out[CHECKSUM_SIZE_MAX]);

/* Combines the checksum of the data so far with that of the `size` bytes that follow it, for kinds
 * that combine. Start with 0. */
uint64_t checksum_append(enum checksum_kind kind, uint64_t before, uint64_t next, uint64_t size);
uint64_t checksum_crc_value(enum checksum_kind kind, const uint8_t *bytes);
void checksum_crc_text(enum checksum_kind kind, uint64_t value, char out[CHECKSUM_TEXT_SIZE]);

#endif
