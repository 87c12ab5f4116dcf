#include "checksum.h"

#include <string.h>
#include <strings.h>
#include <uv.h>

#include "base64.h"
#include "crc.h"
#include "error.h"
#include "hash.h"

static struct crc crcs[CHECKSUM_KINDS]; /* of the kinds that are CRCs */
static uv_once_t crcs_once = UV_ONCE_INIT;

static void make_crcs(void)
{
    crc_prepare(&crcs[CHECKSUM_CRC32], CRC_POLYNOMIAL_32, 32);
    crc_prepare(&crcs[CHECKSUM_CRC32C], CRC_POLYNOMIAL_32C, 32);
    crc_prepare(&crcs[CHECKSUM_CRC64NVME], CRC_POLYNOMIAL_64NVME, 64);
}

static const struct crc *crc_of(enum checksum_kind kind)
{
    uv_once(&crcs_once, make_crcs);
    return &crcs[kind];
}

const char *checksum_header(enum checksum_kind kind)
{
    static const char *const names[CHECKSUM_KINDS] = {
        [CHECKSUM_CRC32] = "x-amz-checksum-crc32",
        [CHECKSUM_CRC32C] = "x-amz-checksum-crc32c",
        [CHECKSUM_CRC64NVME] = "x-amz-checksum-crc64nvme",
        [CHECKSUM_SHA1] = "x-amz-checksum-sha1",
        [CHECKSUM_SHA256] = "x-amz-checksum-sha256",
    };
    return names[kind];
}

enum checksum_kind checksum_from_header(struct slice name)
{
    for (int kind = CHECKSUM_NONE + 1; kind < CHECKSUM_KINDS; kind++) {
        const char *known = checksum_header((enum checksum_kind)kind);
        if (strlen(known) == name.size && strncasecmp(known, name.data, name.size) == 0)
            return (enum checksum_kind)kind;
    }
    return CHECKSUM_NONE;
}

const char *checksum_name(enum checksum_kind kind)
{
    static const char *const names[CHECKSUM_KINDS] = {
        [CHECKSUM_CRC32] = "CRC32",         [CHECKSUM_CRC32C] = "CRC32C",
        [CHECKSUM_CRC64NVME] = "CRC64NVME", [CHECKSUM_SHA1] = "SHA1",
        [CHECKSUM_SHA256] = "SHA256",
    };
    return names[kind];
}

enum checksum_kind checksum_from_name(struct slice name)
{
    for (int kind = CHECKSUM_NONE + 1; kind < CHECKSUM_KINDS; kind++) {
        const char *known = checksum_name((enum checksum_kind)kind);
        if (strlen(known) == name.size && strncasecmp(known, name.data, name.size) == 0)
            return (enum checksum_kind)kind;
    }
    return CHECKSUM_NONE;
}

const char *checksum_lower_name(enum checksum_kind kind)
{
    return checksum_header(kind) + strlen("x-amz-checksum-");
}

enum checksum_type checksum_type_from_name(struct slice name)
{
    if (slice_equal_text(name, "FULL_OBJECT"))
        return CHECKSUM_FULL_OBJECT;
    return slice_equal_text(name, "COMPOSITE") ? CHECKSUM_COMPOSITE : CHECKSUM_TYPE_NONE;
}

size_t checksum_size(enum checksum_kind kind)
{
    static const size_t sizes[CHECKSUM_KINDS] = {
        [CHECKSUM_CRC32] = 4, [CHECKSUM_CRC32C] = 4,  [CHECKSUM_CRC64NVME] = 8,
        [CHECKSUM_SHA1] = 20, [CHECKSUM_SHA256] = 32,
    };
    return sizes[kind];
}

bool checksum_combines(enum checksum_kind kind)
{
    return kind == CHECKSUM_CRC32 || kind == CHECKSUM_CRC32C || kind == CHECKSUM_CRC64NVME;
}

static bool is_hash(enum checksum_kind kind)
{
    return kind == CHECKSUM_SHA1 || kind == CHECKSUM_SHA256;
}

void checksum_start(struct checksum *checksum, enum checksum_kind kind)
{
    *checksum = (struct checksum){.kind = kind};
    if (is_hash(kind))
        hash_start(&checksum->hash, kind == CHECKSUM_SHA1 ? HASH_SHA1 : HASH_SHA256);
    else if (checksum_combines(kind))
        checksum->crc = crc_ones(crc_of(kind));
}

void checksum_update(struct checksum *checksum, const void *data, size_t size)
{
    if (is_hash(checksum->kind))
        hash_update(&checksum->hash, data, size);
    else if (checksum->kind != CHECKSUM_NONE)
        checksum->crc = crc_update(crc_of(checksum->kind), checksum->crc, data, size);
}

static void write_crc(enum checksum_kind kind, uint64_t value, uint8_t *out)
{
    size_t size = checksum_size(kind);
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

int checksum_decode(enum checksum_kind kind, struct slice text, uint8_t out[CHECKSUM_SIZE_MAX])
{
    uint8_t decoded[CHECKSUM_SIZE_MAX];
    size_t written = 0;
    if (base64_read(text, decoded, sizeof decoded, &written) || written != checksum_size(kind))
        return ERR_INVALID;
    memcpy(out, decoded, written);
    return 0;
}

void checksum_finish(struct checksum *checksum, char out[CHECKSUM_TEXT_SIZE])
{
    uint8_t value[CHECKSUM_SIZE_MAX];
    size_t size = checksum_size(checksum->kind);
    if (is_hash(checksum->kind))
        hash_finish(&checksum->hash, value);
    else if (checksum->kind != CHECKSUM_NONE)
        write_crc(checksum->kind, checksum->crc ^ crc_ones(crc_of(checksum->kind)), value);
    base64_write(value, size, out);
}

uint64_t checksum_append(enum checksum_kind kind, uint64_t before, uint64_t next, uint64_t size)
{
    return crc_append(crc_of(kind), before, next, size);
}

uint64_t checksum_crc_value(enum checksum_kind kind, const uint8_t *bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < checksum_size(kind); i++)
        value = value << 8 | bytes[i];
    return value;
}

void checksum_crc_text(enum checksum_kind kind, uint64_t value, char out[CHECKSUM_TEXT_SIZE])
{
    uint8_t bytes[CHECKSUM_SIZE_MAX];
    write_crc(kind, value, bytes);
    base64_write(bytes, checksum_size(kind), out);
}
